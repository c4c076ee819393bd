"""Which runbooks are in force: packaged ones, users' own, and what stays when a file is broken."""

from pathlib import Path

import pytest

from bot.actions.registry import packaged
from bot.runbooks.facts import Facts, IncidentFacts
from bot.runbooks.library import LiveLibrary

KNOWN = Facts(IncidentFacts(1, "support-bot", "a is down", "sev1", "a"))


def runbook(name: str, *, watch: str = "status.*", title: str = "Look") -> str:
    return (
        f"runbook: 1\nname: {name}\nsummary: A plan.\nstarts_on: [{{watch: '{watch}'}}]\n"
        f"steps:\n  - {{id: look, title: {title}, note: Look.}}\n"
    )


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    (tmp_path / "packaged").mkdir()
    (tmp_path / "packaged" / "outage.yaml").write_text(runbook("outage"))
    return tmp_path / "packaged"


@pytest.fixture
def users(tmp_path: Path) -> Path:
    (tmp_path / "users").mkdir()
    return tmp_path / "users"


@pytest.fixture
def library(ours: Path, users: Path) -> LiveLibrary:
    return LiveLibrary(users, packaged_in=ours, actions=packaged())


def title(library: LiveLibrary, name: str = "outage") -> str:
    return library().runbooks[name].runbook.steps[0].title


def test_the_users_folder_replaces_by_name_without_a_restart(library: LiveLibrary, users: Path) -> None:
    assert title(library) == "Look"
    assert not library.refresh()
    (users / "outage.yaml").write_text(runbook("outage", title="Ours"))
    assert library.refresh()
    assert title(library) == "Ours"
    (users / "outage.yaml").unlink()
    assert library.refresh()
    assert title(library) == "Look"


def test_a_broken_file_keeps_what_it_said_before_and_says_where_it_is_broken(library: LiveLibrary, users: Path) -> None:
    file = users / "outage.yaml"
    file.write_text(runbook("outage", title="Ours"))
    library.refresh()
    file.write_text(runbook("outage", title="Broken").replace("note:", "nte:"))
    assert not library.refresh()
    assert title(library) == "Ours"
    assert f"{file}:6: steps[0].nte: unknown key; did you mean `note`?" in [str(each) for each in library.problems]
    file.write_text(runbook("outage", title="Mended"))
    assert library.refresh()
    assert (title(library), library.problems) == ("Mended", ())


def test_a_file_broken_from_the_start_leaves_the_packaged_one_in_force(ours: Path, users: Path) -> None:
    (users / "outage.yaml").write_text("runbook: [")
    library = LiveLibrary(users, packaged_in=ours, actions=packaged())
    assert title(library) == "Look"
    assert library.problems


def test_a_runbook_bears_the_name_of_its_file(library: LiveLibrary, users: Path) -> None:
    (users / "mine.yaml").write_text(runbook("outage"))
    library.refresh()
    (problem,) = library.problems
    assert str(problem).endswith(
        "mine.yaml:2: name: the file mine.yaml holds a runbook named 'outage'; name it mine, or rename the file"
    )


def test_a_file_that_is_no_text_is_a_problem(library: LiveLibrary, users: Path) -> None:
    (users / "mine.yaml").write_bytes(b"\xff\xfe")
    library.refresh()
    assert "is not UTF-8 text" in str(library.problems[0])


def test_the_runbook_that_names_the_watch_most_exactly_starts(library: LiveLibrary, users: Path) -> None:
    (users / "all.yaml").write_text(runbook("all", watch="*"))
    (users / "exact.yaml").write_text(runbook("exact", watch="status.a"))
    library.refresh()
    picked = [library().pick(watch, KNOWN) for watch in ("status.a", "status.b", "cost.total", None)]
    assert [each and each.runbook.name for each in picked] == ["exact", "outage", "all", None]


def test_a_missing_folder_is_no_problem(ours: Path, tmp_path: Path) -> None:
    library = LiveLibrary(tmp_path / "none", packaged_in=ours, actions=packaged())
    assert (list(library().runbooks), library.problems) == (["outage"], ())
