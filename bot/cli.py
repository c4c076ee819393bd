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
    from bot.runbooks.inputs import InputError
    from bot.settings import SettingsError
    from bot.store.database import DatabaseError

    return SettingsError, CatalogError, DatabaseError, InputError


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
@click.option("--scenario", metavar="NAME", help="Start with a bad day: outage or escalation.")
@click.option("--check", is_flag=True, help="A scripted person plays it; the exit status tells how it went.")
@click.option("--port", type=_PORT, help="A free one by default.")
def demo(scenario: str | None, check: bool, port: int | None) -> int:
    """Try Badday in the browser, without Slack."""
    from bot.sandbox.demo.command import run

    return run(scenario, check, port)


@main.command()
@click.argument("number", metavar="N", type=click.IntRange(1, 999_999_999))
@click.option("--html/--markdown", "as_html", default=False, help="A page, or Markdown (the default).")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
def postmortem(number: int, as_html: bool, out: Path | None) -> int:
    """Print the postmortem of an incident."""
    from bot.settings import load_settings

    settings = load_settings()
    from bot.incidents.postmortem.command import command

    return command(settings, number, as_html=as_html, out=out)


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
def runbook() -> None:
    """Look at runbooks, plan, rehearse and start them."""


@runbook.command("list")
@_json
def runbook_list(as_json: bool) -> int:
    """List the runbooks in force."""
    from bot.runbooks.command import list_
    from bot.settings import config_path

    return list_(config_path(), as_json=as_json)


@runbook.command("validate")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_json
def runbook_validate(files: tuple[Path, ...], as_json: bool) -> int:
    """Print every mistake of runbook files."""
    from bot.runbooks.command import validate

    return validate(files, as_json=as_json)


@runbook.command("show")
@click.argument("name", metavar="RUNBOOK|FILE")
@_json
def runbook_show(name: str, as_json: bool) -> int:
    """Print one runbook."""
    from bot.runbooks.command import show
    from bot.settings import config_path

    return show(name, config_path(), as_json=as_json)


@runbook.command("plan")
@click.argument("name", metavar="RUNBOOK|FILE")
@click.argument("inputs", metavar="[INPUT=VALUE]...", nargs=-1)
@click.option("--incident-json", "incident", metavar="FILE", required=True, type=click.Path(path_type=Path))
@_json
def runbook_plan(name: str, inputs: tuple[str, ...], incident: Path, as_json: bool) -> int:
    """Print the steps that an incident would be offered."""
    from bot.runbooks.command import plan
    from bot.settings import config_path

    return plan(name, incident, config_path(), inputs, as_json=as_json)


@runbook.command("rehearse")
@click.argument("names", metavar="RUNBOOK|FILE...", nargs=-1, required=True)
@click.option("--all-paths", is_flag=True, help="Every path, not only the best and the worst.")
@_json
def runbook_rehearse(names: tuple[str, ...], all_paths: bool, as_json: bool) -> int:
    """Play paths through runbooks without any system; exit 1 where one cannot be gone to its end."""
    from bot.runbooks.command import rehearse_
    from bot.settings import config_path

    return rehearse_(names, config_path(), all_paths=all_paths, as_json=as_json)


@runbook.command("run")
@click.argument("name", metavar="RUNBOOK")
@click.argument("inputs", metavar="[INPUT=VALUE]...", nargs=-1)
@click.option("--system", metavar="SYSTEM", help="May be left out where there is one system only.")
@_json
def runbook_run(name: str, inputs: tuple[str, ...], system: str | None, as_json: bool) -> int:
    """Start a runbook; the running bot offers its steps in the incident's thread."""
    from bot.runbooks.command import run
    from bot.settings import load_settings

    return run(name, system, inputs, load_settings(), as_json=as_json)


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


@main.group()
def trail() -> None:
    """The log of model calls."""


@trail.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_json
def trail_import(paths: tuple[Path, ...], as_json: bool) -> int:
    """Read logs of calls from files and folders: OTLP bodies, LiteLLM's records, JSON lines."""
    from bot.settings import load_settings
    from bot.trail.importing.importer import command

    return command(load_settings(), paths, as_json)


@trail.command("verify")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False))
@_json
def trail_verify(folders: tuple[Path, ...], as_json: bool) -> int:
    """Read recorded bodies into a throwaway database and compare the calls with the folder's truth.json."""
    from bot.trail.importing.verify import command

    return command(folders, as_json=as_json)


@main.group()
def calls() -> None:
    """What is in the log of model calls."""


_system = click.option("--system", metavar="SYSTEM", help="Calls of one system.")
_errors = click.option("--errors", is_flag=True, help="Calls with an error class.")


@calls.command("list")
@_system
@click.option("--since", metavar="TIME|24h", help="Calls that started since then; a time without a zone is UTC.")
@_errors
@click.option("--limit", metavar="N", type=click.IntRange(min=0), help="At most so many; all by default.")
@click.option("--model", metavar="MODEL", help="Asked for, or answering.")
@click.option("--feature", metavar="FEATURE")
@click.option("--prompt-version", metavar="VERSION")
@click.option("--words", metavar="WORDS", help="Calls whose answer holds all these words.")
@_json
def calls_list(limit: int | None, as_json: bool, **options: Any) -> int:
    """List calls, newest first."""
    from bot.settings import load_settings
    from bot.trail.queries.browsing import asked, list_calls

    return list_calls(load_settings(), asked(**options), limit, as_json=as_json)


@calls.command("show")
@click.argument("call_id", metavar="ID")
@_json
def calls_show(call_id: str, as_json: bool) -> int:
    """Print one call whole, by its id, an imported id or the provider's response id."""
    from bot.settings import load_settings
    from bot.trail.queries.browsing import show_call

    return show_call(load_settings(), call_id, as_json=as_json)


@calls.command("tail")
@_system
@_errors
@_json
def calls_tail(system: str | None, errors: bool, as_json: bool) -> int:
    """Print the last calls, then each that arrives, until SIGINT."""
    from bot.settings import load_settings
    from bot.trail.queries.browsing import tail_calls

    return tail_calls(load_settings(), system, errors=errors, as_json=as_json)
