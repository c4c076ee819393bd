"""What the demo says in the terminal: one calm line an event, and what to try next."""

import sys
from collections.abc import Callable
from datetime import datetime

import click


class Terminal:
    """Standard output; colours and redraws only where it is a terminal."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._plain = not sys.stdout.isatty()

    def opened(self, url: str) -> None:
        """The first words: where to look."""
        click.echo(f"\n  Badday's local workspace is open: {self._bold(url)}")
        click.echo("  Ctrl-C ends it and leaves nothing behind.\n")

    def event(self, text: str) -> None:
        """Something happened."""
        click.echo(f"  {self._quiet(f'{self._clock().astimezone():%H:%M:%S}')}  {text}")

    def hint(self, text: str) -> None:
        """What a person may do next."""
        click.echo(f"            {self._quiet('→ ' + text)}")

    def station(self, ok: bool, seconds: float, name: str) -> None:
        """One line of `--check`; programs read it."""
        click.echo(f"{'ok' if ok else 'FAILED'} {seconds:.1f} {name}")

    def problem(self, text: str) -> None:
        """Something is wrong; on standard error."""
        click.echo(text, err=True)

    def _bold(self, text: str) -> str:
        return text if self._plain else click.style(text, bold=True)

    def _quiet(self, text: str) -> str:
        return text if self._plain else click.style(text, dim=True)
