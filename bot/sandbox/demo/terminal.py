"""What the demo says in the terminal: one calm line an event, and what to try next."""

import os
import signal
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
        self._say(f"\n  Badday's local workspace is open: {self._bold(url)}")
        self._say("  Ctrl-C ends it and leaves nothing behind.\n")

    def event(self, text: str) -> None:
        """Something happened."""
        self._say(f"  {self._quiet(f'{self._clock().astimezone():%H:%M:%S}')}  {text}")

    def hint(self, text: str) -> None:
        """What a person may do next."""
        self._say(f"            {self._quiet('→ ' + text)}")

    def station(self, ok: bool, seconds: float, name: str) -> None:
        """One line of `--check`; programs read it."""
        self._say(f"{'ok' if ok else 'FAILED'} {seconds:.1f} {name}")

    def problem(self, text: str) -> None:
        """Something is wrong; on standard error."""
        click.echo(text, err=True)

    def _say(self, line: str) -> None:
        try:
            click.echo(line)
        except BrokenPipeError:
            # Nobody reads any more: end as if told to, with nowhere to write what is still to be said.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            signal.raise_signal(signal.SIGTERM)

    def _bold(self, text: str) -> str:
        return text if self._plain else click.style(text, bold=True)

    def _quiet(self, text: str) -> str:
        return text if self._plain else click.style(text, dim=True)
