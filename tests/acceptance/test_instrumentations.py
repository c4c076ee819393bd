"""The real OpenAI and Anthropic SDKs, told of by three real instrumentations, arrive as the calls that were made."""

import asyncio
import json
import os
import sys
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.desk import Bot, Desk, Json
from tests.acceptance.instrumented_program import ANTHROPIC, EMITTERS, OPENAI, RESPONSES, SECRETS
from tests.fake_provider import FakeProvider, Seen

QUESTIONS = (*OPENAI, *RESPONSES, *ANTHROPIC)
CLASSES = {
    "[429]": "rate_limit",
    "[503]": "overloaded",
    "[529]": "overloaded",
    "[hang]": "timeout",
    "[html]": "malformed_body",
    "[length]": "truncated",
    "[broken]": "malformed_output",
}
UNTOLD = {"conventions": {"[cached] Is the green one back?"}}
"""Emitter -> questions whose answer it does not tell: the Anthropic SDK keeps that of a stream to itself."""
ROOT = Path(__file__).parents[2]


async def run_program(emitter: str, provider: FakeProvider, bot: Bot) -> None:
    """Let the program ask and report; it has to end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.acceptance.instrumented_program",
        emitter,
        provider.url,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "NO_PROXY": "127.0.0.1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": bot.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "support-bot",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "10000",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
            "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()


async def listed(desk: Desk, *arguments: str) -> list[Json]:
    """What `badday calls list` prints."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("badday")),
        *("calls", "list", "--json", *arguments),
        env={
            "BADDAY_CONFIG": str(desk.folder / "badday.yaml"),
            "DATABASE_URL": desk.database_url,
            "PATH": os.environ["PATH"],
        },
        cwd=desk.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in printed.splitlines()]


def by_question(calls: list[Json]) -> dict[str, Json]:
    """The calls by what was asked, as the mark and the first word tell."""
    found: dict[str, Json] = {}
    for question in QUESTIONS:
        begin = " ".join(question.split(" ")[:2]) + " "
        mine = [call for call in calls if begin in (call["input"] or "")]
        assert len(mine) == 1, f"{question}: {len(mine)} calls"
        found[question] = mine[0]
    return found


def expected(emitter: str, question: str, seen: Seen) -> Json:
    """What the trail should tell of what the provider saw."""
    answered = seen.response_id is not None
    any_output = any(mark in question for mark in ("[echo]", "[tool]")) or question in UNTOLD.get(emitter, ())
    return {
        "system": "support-bot",
        "provider": seen.api.split(".")[0],
        "outcome": "ok" if answered else "error",
        "error_class": next((kind for mark, kind in CLASSES.items() if mark in question), None),
        "response_id": seen.response_id,
        "input_tokens": seen.input_tokens,
        "cached_tokens": seen.cached_tokens or None,
        "output_tokens": seen.output_tokens,
        "output": None if any_output else seen.output,
        "priced": answered,
    }


def told(question: str, call: Json) -> Json:
    """The same of what the trail tells."""
    names = ("system", "provider", "outcome", "error_class", "response_id", "input_tokens", "output_tokens", "output")
    found: Json = {name: call[name] for name in names}
    if "[echo]" in question:
        assert "[email]" in call["output"]
        assert "[card]" in call["output"]
        found["output"] = None
    if "[tool]" in question:
        assert call["output"]
        found["output"] = None
    return found | {"cached_tokens": call["cached_tokens"] or None, "priced": call["cost"] is not None}


def database_files(desk: Desk) -> list[Path]:
    """Every file that the database consists of, its log of changes included."""
    if desk.database_url.startswith("sqlite"):
        files = list(desk.folder.glob("*.db*"))
    else:
        with psycopg.connect(desk.database_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            found = connection.execute(
                "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
            ).fetchone()
        assert found
        data = Path(found[0])
        files = [*(data / "base" / str(found[1])).iterdir(), *(data / "pg_wal").iterdir()]
    return [path for path in files if path.is_file()]


@pytest.mark.parametrize("emitter", sorted(EMITTERS))
async def test_every_call_arrives_once_and_as_the_provider_saw_it(desk: Desk, emitter: str) -> None:
    bot = await desk.start(only="trail")
    async with FakeProvider() as provider:
        await run_program(emitter, provider, bot)
        seen = {one.question: one for one in provider.saw}
    calls = await listed(desk)
    assert len(calls) == len(QUESTIONS)
    found = by_question(calls)
    assert {q: told(q, call) for q, call in found.items()} == {q: expected(emitter, q, seen[q]) for q in found}
    assert not any(secret in json.dumps(calls) for secret in SECRETS.values())
    files = {path: path.read_bytes() for path in database_files(desk)}
    assert any(b"support-bot" in content for content in files.values())
    assert [path for path, content in files.items() if any(s.encode() in content for s in SECRETS.values())] == []
