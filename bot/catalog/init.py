"""`badday init`: writes a first badday.yaml and .env for a team."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click
import jinja2
from dotenv import dotenv_values
from pydantic_core import PydanticCustomError

from bot.catalog import values
from bot.catalog.directory import known_providers
from bot.catalog.load import parse_catalog
from bot.catalog.models import Engine, Person
from bot.catalog.reading import scalar
from bot.catalog.reference import SCHEMA
from bot.catalog.schema import too_often

CATALOG, ENV = "badday.yaml", ".env"
DEFAULT_PROVIDERS = ("openai", "anthropic")
ENV_NAMES = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "BADDAY_API_TOKEN",
    "DATABASE_URL",
    "BADDAY_HTTP",
    "BADDAY_PUBLIC_URL",
    "BADDAY_CONFIG",
    "SLACK_API_URL",
    "BADDAY_SLACK_PACE",
    "BADDAY_HEARTBEAT_URL",
)


class InitError(Exception):
    """The files cannot be written as asked; the message names the option, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class ChosenProvider:
    """A provider as it will stand in the catalog; `evidence` is when its known page was last seen."""

    name: str
    page: str | None
    engine: Engine = Engine.STATUSPAGE
    components: tuple[str, ...] = ()
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What is to be written, checked."""

    owner: Person
    system: str
    channel: str
    providers: tuple[ChosenProvider, ...]
    interval: timedelta
    armed: bool


def command(
    *,
    yes: bool,
    force: bool,
    armed: bool,
    directory: Path,
    system: str | None,
    channel: str | None,
    owner: str | None,
    providers: Sequence[str],
    interval: int,
) -> int:
    """Ask for what was not given (nothing with `yes`) and write both files; 2 where that is impossible."""
    try:
        _refuse_existing(directory, force=force)
        if owner is None and yes:
            raise InitError("--owner: is missing; name the person who is paged: --owner maria@example.com")
        if not yes:
            owner = owner or _ask("E-mail of the owner, who is paged", values.email)
            system = system or _ask("Name of the AI feature", values.name, default="support-bot")
            channel = channel or _ask("Slack channel of its incidents", values.channel, default=system)
            providers = providers or _ask_providers()
        assert owner is not None
        answers = checked(
            owner=owner,
            system=system or "support-bot",
            channel=channel or "support-bot",
            providers=providers or DEFAULT_PROVIDERS,
            interval=interval,
            armed=armed,
        )
        _write(directory, answers, force=force)
    except InitError as error:
        click.echo(f"badday init: {error}", err=True)
        return 2
    except click.Abort:
        click.echo("\nbadday init: nothing was written; with --yes and --owner nothing is asked", err=True)
        return 2
    _tell(directory, answers)
    return 0


def checked(*, owner: str, system: str, channel: str, providers: Sequence[str], interval: int, armed: bool) -> Answers:
    """The options as answers; raises InitError."""
    email = _option("--owner", values.email, owner)
    chosen = tuple(_provider(given) for given in providers)
    names = [provider.name for provider in chosen]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InitError(f"--provider: {twice} is named twice; name each provider once")
    length = timedelta(seconds=interval)
    hasty = next((provider for provider in chosen if provider.page and too_often(length, provider.page)), None)
    if interval < 1 or hasty:
        raise InitError("--interval: less than 30 seconds is only for pages on this machine; write 30 or more")
    if interval > 86_400:
        raise InitError("--interval: more than a day is no watch; write fewer seconds")
    return Answers(
        owner=person(email),
        system=_option("--system", values.name, system),
        channel=_option("--channel", values.channel, channel),
        providers=chosen,
        interval=length,
        armed=armed,
    )


def person(email: str) -> Person:
    """Key and name of a person from the e-mail: maria.ortiz@example.com is maria.ortiz, Maria Ortiz."""
    local = email.partition("@")[0].partition("+")[0]
    key = re.sub(r"[^a-z0-9._-]+", "-", local.lower()).strip("._-")[:64] or "owner"
    words = [word for word in re.split(r"[._\-\d]+", local) if word]
    return Person(key=key, name=" ".join(word[0].upper() + word[1:] for word in words)[:200] or local, email=email)


def catalog_text(answers: Answers, *, schema: str) -> str:
    """The text of badday.yaml; what it says has passed the check."""
    text = _template("badday.yaml.j2").render(
        schema=schema,
        owner=answers.owner,
        system=answers.system,
        channel=answers.channel,
        providers=answers.providers,
        interval=values.written(answers.interval),
        armed=answers.armed,
    )
    parse_catalog(text)
    return text


def env_text(kept: Mapping[str, str]) -> str:
    """The text of .env with the values that are kept from an older one."""
    quoted = {name: _env_value(value) for name, value in kept.items()}
    known = {name: quoted.get(name, "") for name in ENV_NAMES}
    return _template("env.j2").render(**known, others={n: v for n, v in quoted.items() if n not in ENV_NAMES})


def _env_value(value: str) -> str:
    if re.fullmatch(r"[\w./:@+,%=?&-]*", value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(  # noqa: S701 - these are YAML and dotenv files, not HTML
        loader=jinja2.PackageLoader("bot.catalog", ""), undefined=jinja2.StrictUndefined, keep_trailing_newline=False
    )
    environment.filters["yaml"] = _yaml
    return environment.get_template(name)


def _yaml(text: str) -> str:
    """Text as a YAML scalar, in quotes where it would mean something else without."""
    plain = re.fullmatch(r"[\w./:@()+-]+(?: [\w./:@()+-]+)*", text) and not re.search(r"^[-:@]|: |:$", text)
    return text if plain and scalar(text) == text else json.dumps(text, ensure_ascii=False)


def _option(option: str, check: Callable[[str], str], value: str) -> str:
    try:
        return check(value)
    except PydanticCustomError as error:
        raise InitError(f"{option}: {error.message()}") from None


def _provider(given: str) -> ChosenProvider:
    name, separator, url = given.partition("=")
    name = _option("--provider", values.name, name.strip())
    known = known_providers().get(name.lower())
    if not separator:
        if known is None:
            return ChosenProvider(name, None)
        return ChosenProvider(name, known.page, known.engine, known.components, known.evidence)
    page = _option(f"--provider {name}", values.page_url, url.strip())
    if known is not None and urlsplit(page).hostname == urlsplit(known.page).hostname:
        return ChosenProvider(name, page, known.engine, known.components, known.evidence)
    return ChosenProvider(name, page)


def _ask(question: str, check: Callable[[str], str], default: str | None = None) -> str:
    while True:
        answer: str = click.prompt(question, default=default, err=True)
        try:
            return check(answer)
        except PydanticCustomError as error:
            click.echo(error.message(), err=True)


def _ask_providers() -> list[str]:
    known = ", ".join(known_providers())
    click.echo(f"Status pages are known of: {known}.", err=True)
    answer: str = click.prompt(
        "Providers, the primary first, then the standbys", default=", ".join(DEFAULT_PROVIDERS), err=True
    )
    return [_with_page(name) for name in re.split(r"[,\s]+", answer) if name]


def _with_page(name: str) -> str:
    if "=" in name or name.lower() in known_providers():
        return name
    page: str = click.prompt(f"Address of {name}'s status page (empty: none)", default="", show_default=False, err=True)
    return f"{name}={page}" if page.strip() else name


def _refuse_existing(directory: Path, *, force: bool) -> None:
    there = [name for name in (CATALOG, ENV) if (directory / name).exists()]
    if there and not force:
        raise InitError(
            f"{' and '.join(there)} exist already in {directory}; use --force to write over, or another --dir"
        )


def _write(directory: Path, answers: Answers, *, force: bool) -> None:
    schema = os.path.relpath(SCHEMA, directory) if SCHEMA.is_relative_to(directory.resolve()) else str(SCHEMA)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        env = directory / ENV
        # Tokens outlive --force: to lose them would mean to make new ones in Slack.
        old = dotenv_values(env, interpolate=False) if env.is_file() else {}
        kept = {name: value for name, value in old.items() if value}
        _write_file(directory / CATALOG, catalog_text(answers, schema=schema), mode=0o644, over=force)
        _write_file(env, env_text(kept), mode=0o600, over=force)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else ".env is not UTF-8"
        raise InitError(f"--dir: {directory} cannot be written: {reason}; choose another folder") from error


def _write_file(path: Path, text: str, *, mode: int, over: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if over else os.O_EXCL)
    with os.fdopen(os.open(path, flags, mode), "w", encoding="utf-8") as stream:
        if mode == 0o600:
            path.chmod(mode)  # also where the file was there with another mode
        stream.write(text)


def _tell(directory: Path, answers: Answers) -> None:
    click.echo(f"Wrote {directory / CATALOG} and {directory / ENV}.")
    names = ", then ".join(provider.name for provider in answers.providers)
    click.echo(f"{answers.system}: owner {answers.owner.email}, channel {answers.channel}, providers {names}.")
    for provider in answers.providers:
        if provider.page is None:
            click.echo(f"No status page is known for {provider.name}: add `status` under providers.{provider.name}.")
    click.echo("Next: put the Slack tokens into .env, then run `badday doctor`.")
