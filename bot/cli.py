"""The command line: one function a command; each imports what it runs only when it is called."""

from pathlib import Path
from typing import Any

import click


class _Desk(click.Group):
    """Turns what commands return into the exit status, and errors of configuration into a message and exit 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            status = super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, _errors_of_configuration()):
                raise _WrongConfiguration(str(error)) from None
            raise
        ctx.exit(status or 0)


class _WrongConfiguration(click.ClickException):
    exit_code = 2


def _errors_of_configuration() -> tuple[type[Exception], ...]:
    from bot.catalog.problems import CatalogError
    from bot.settings import SettingsError
    from bot.store.database import DatabaseError

    return SettingsError, CatalogError, DatabaseError


def _words(_context: click.Context, _parameter: click.Parameter, value: str) -> frozenset[str]:
    return frozenset(word.strip() for word in value.split(",") if word.strip())


_PORT = click.IntRange(0, 65_535)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output.")


@click.group(cls=_Desk, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="badday", prog_name="badday", message="%(prog)s %(version)s")
def main() -> None:
    """The Slack on-call bot for teams that run AI features in production."""


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@_json
def check(file: Path | None, as_json: bool) -> int:
    """Print every mistake of the catalog (badday.yaml, or FILE)."""
    from bot.catalog.check import command
    from bot.settings import config_path

    return command(file or config_path(), as_json)


@main.command()
@click.option("--yes", is_flag=True, help="Ask nothing; needs --owner.")
@click.option("--force", is_flag=True, help="Write over existing files; tokens in .env are kept.")
@click.option("--armed", is_flag=True, help="Let runbook steps change things from the start.")
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to write."
)
@click.option("--system", metavar="NAME", help="The AI feature; support-bot by default.")
@click.option("--channel", metavar="NAME", help="Slack channel of its incidents; support-bot by default.")
@click.option("--owner", metavar="EMAIL", help="Who is responsible, and paged.")
@click.option(
    "--provider",
    "providers",
    metavar="NAME[=STATUS_URL]",
    multiple=True,
    help="The first is the primary of the route chat, the rest its standbys; may be given several times.",
)
@click.option("--interval", metavar="SECONDS", type=int, default=60, show_default=True, help="Time between two polls.")
def init(**options: Any) -> int:
    """Write a first badday.yaml and .env."""
    from bot.catalog.init import command

    return command(**options)


@main.command()
@_json
def doctor(as_json: bool) -> int:
    """Say what is missing before the bot can work, and what to do."""
    from bot.settings import load_settings

    settings = load_settings()
    from bot.doctor import command

    return command(settings, as_json)


@main.command()
@click.option(
    "--only", metavar="ROLES", default="", callback=_words, help="Some roles only: slack,watch,page,trail,switchboard."
)
def run(only: frozenset[str]) -> int:
    """Run the bot until SIGTERM."""
    from bot.settings import load_settings

    settings = load_settings()
    from bot.app import run

    return run(settings, only=only)


@main.command()
@click.option("--port", type=_PORT, default=0, help="A free one by default.")
@click.option("--no-rate-limit", is_flag=True, help="Accept more than one message a second a channel.")
@_json
def sandbox(port: int, no_rate_limit: bool, as_json: bool) -> int:
    """Run the local Slack workspace alone until SIGTERM."""
    from bot.sandbox.command import run

    return run(port, no_rate_limit, as_json)


@main.command()
@click.option("--scenario", metavar="NAME", help="Start with a bad day: outage.")
@click.option("--check", is_flag=True, help="A scripted person plays it; the exit status tells how it went.")
@click.option("--port", type=_PORT, help="A free one by default.")
def demo(scenario: str | None, check: bool, port: int | None) -> int:
    """Try Badday in the browser, without Slack."""
    from bot.sandbox.demo.command import run

    return run(scenario, check, port)


@main.group()
def probe() -> None:
    """Ask an outside system once and print its answer."""


@probe.command()
@click.argument("targets", metavar="NAME|URL|FILE...", nargs=-1, required=True)
@click.option("--engine", metavar="ENGINE", help="Kind of status page; found from the content by default.")
@_json
def status(targets: tuple[str, ...], engine: str | None, as_json: bool) -> int:
    """Read status pages: of watches by name, by address, or from files."""
    from bot.watches.probe import command

    return command(targets, engine, as_json)


@main.group()
def token() -> None:
    """Tokens by which systems report their calls."""


@token.command("create")
@click.option("--system", metavar="SYSTEM", required=True, help="Whose calls come with the token.")
@click.option(
    "--scope", type=click.Choice(["ingest", "read", "write"]), default="ingest", show_default=True, help="Good for."
)
@_json
def token_create(system: str, scope: str, as_json: bool) -> int:
    """Make a token and print it, this once."""
    from bot.settings import load_settings
    from bot.store.tokens_command import create

    return create(load_settings(), system, scope, as_json)


@token.command("list")
@_json
def token_list(as_json: bool) -> int:
    """List all tokens, without their secrets."""
    from bot.settings import load_settings
    from bot.store.tokens_command import list_

    return list_(load_settings(), as_json)


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@_json
def token_revoke(token_id: str, as_json: bool) -> int:
    """End a token; within two seconds nobody takes it any more."""
    from bot.settings import load_settings
    from bot.store.tokens_command import revoke

    return revoke(load_settings(), token_id, as_json)
