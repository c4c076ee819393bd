"""What is wrong in a file: one Problem a mistake, all of them in one CatalogError."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake; line and column count from 1, `field` is the dotted path, empty for the file as a whole."""

    file: str
    line: int
    column: int
    field: str
    message: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: {self.field}: " if self.field else f"{self.file}:{self.line}: "
        return f"{where}{self.message}; {self.fix}"

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


class CatalogError(Exception):
    """The catalog cannot be used; `problems` holds every mistake in the order of the file.

    `unreadable` is true where the file could not be read at all, so that nothing is known about its content.
    """

    def __init__(self, problems: Iterable[Problem], *, unreadable: bool = False) -> None:
        ordered = sorted(set(problems), key=lambda each: (each.line, each.column, each.field, each.message))
        self.problems: list[Problem] = ordered
        self.unreadable = unreadable
        super().__init__("\n".join(str(problem) for problem in ordered))
