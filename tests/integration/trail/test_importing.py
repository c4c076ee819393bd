"""Logs of calls become calls, on either engine, as the command line does it."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli import main
from tests.unit.trail.otlp_bodies import add_span, trace_request

Json = dict[str, Any]
Run = Callable[..., tuple[int, list[Json]]]
SPAN = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4.1-mini",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.input_tokens": 147,
    "gen_ai.usage.output_tokens": 45,
}
LITELLM = {
    "id": "lite-1",
    "call_type": "acompletion",
    "litellm_call_id": "lite-1",
    "model_group": "primary",
    "model": "gpt-4.1-mini",
    "custom_llm_provider": "openai",
    "response_cost": 0.0001,
    "status": "success",
    "startTime": 1772460000.0,
    "endTime": 1772460001.5,
    "messages": [{"role": "user", "content": "hello"}],
    "response": {"choices": [{"message": {"role": "assistant", "content": "good day"}}]},
}


@pytest.fixture
def badday(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with --json on an empty database; its exit status and its lines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("BADDAY_CONFIG", str(tmp_path / "badday.yaml"))

    def run(*arguments: str) -> tuple[int, list[Json]]:
        done = CliRunner().invoke(main, [*arguments, "--json"])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]

    return run


def write(path: Path, *lines: Json | str) -> str:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path.name


def call(number: int, **more: Any) -> Json:
    return {"ts": 1772460000 + number, "id": f"r{number}", "output": f"answer {number}"} | more


def test_lines_become_calls_and_bad_ones_are_named(badday: Run, tmp_path: Path) -> None:
    name = write(tmp_path / "calls.jsonl", call(1), "broken", call(2, user="u1"), {"ts": 1772460000})
    status, (line,) = badday("trail", "import", name)
    assert status == 1
    assert (line["file"], line["accepted"], line["calls"], line["rejected"]) == (name, 2, 2, 2)
    assert [reason.split(": ")[0] for reason in line["reasons"]] == [f"{name}:2", f"{name}:4"]
    status, calls = badday("calls", "list")
    assert [(one["call_id"], one["output"]) for one in calls] == [("r2", "answer 2"), ("r1", "answer 1")]
    assert calls[1]["started_at"] == "2026-03-02T14:00:01Z"


def test_a_resent_file_adds_nothing(badday: Run, tmp_path: Path) -> None:
    name = write(tmp_path / "calls.jsonl", call(1), {"ts": 1772460000, "output": "without an id"})
    assert badday("trail", "import", name)[1][0]["calls"] == 2
    assert badday("trail", "import", name) == (
        0,
        [{"file": name, "accepted": 2, "calls": 0, "rejected": 0, "reasons": []}],
    )
    assert len(badday("calls", "list")[1]) == 2


def test_every_kind_of_file_is_read_and_a_folder_in_the_order_of_its_index(badday: Run, tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    folder.mkdir()
    body = add_span(trace_request("support-bot", "opentelemetry.instrumentation.genai"), attributes=SPAN)
    (folder / "b.pb.gz").write_bytes(gzip.compress(body.SerializeToString()))
    (folder / "a.json").write_text(json.dumps([LITELLM]))
    with gzip.open(tmp_path / "more.jsonl.gz", "wt") as file:
        file.write(json.dumps(call(1)))
    index = [{"file": "b.pb.gz", "content-encoding": "gzip"}, {"file": "a.json", "path": "/v1/traces"}]
    (folder / "index.json").write_text(json.dumps(index))
    status, lines = badday("trail", "import", "recorded", "more.jsonl.gz", "gone.jsonl")
    assert status == 1
    assert [(line["file"], line["calls"]) for line in lines] == [
        ("recorded/b.pb.gz", 1),
        ("recorded/a.json", 1),
        ("more.jsonl.gz", 1),
        ("gone.jsonl", 0),
    ]
    assert lines[-1]["reasons"] == ["gone.jsonl: no such file"]
    emitters = sorted((one["emitter"], one["output"]) for one in badday("calls", "list")[1])
    assert [output for _, output in emitters] == ["answer 1", "good day", None]


def test_a_list_of_calls_can_be_imported_elsewhere(
    badday: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = call(1, error_class="timeout", output=None, input="same", provider="openai", model="gpt-4.1-mini")
    stood_in = call(2, input="same", provider="anthropic", model="claude-haiku-4-5", input_tokens=10, output_tokens=5)
    badday("trail", "import", write(tmp_path / "calls.jsonl", failed, stood_in, call(9, error_class="truncated")))
    _, calls = badday("calls", "list")
    grouped = {one["call_id"]: (one["attempt"], one["is_final"], one["fell_back_from"]) for one in calls}
    assert grouped == {
        "r9": (1, True, None),
        "r2": (2, True, "openai/gpt-4.1-mini"),
        "r1": (1, False, None),
    }
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert badday("trail", "import", write(tmp_path / "again.jsonl", *calls))[1][0]["calls"] == 3
    _, again = badday("calls", "list")
    groups = ("attempt_group",)
    assert [{k: v for k, v in one.items() if k not in groups} for one in again] == [
        {k: v for k, v in one.items() if k not in groups} for one in calls
    ]
    assert len({one["attempt_group"] for one in again}) == 2


def test_calls_are_listed_as_asked_for(badday: Run, tmp_path: Path) -> None:
    lines = [
        call(1, system="search", model="m1", feature="f1"),
        call(2, system="support-bot", model="m2", prompt_version="3"),
        call(3, system="support-bot", error_class="timeout", output=None),
        call(4, system="support-bot", error_class="filtered", output="I cannot help with that"),
    ]
    badday("trail", "import", write(tmp_path / "calls.jsonl", *lines))

    def listed(*options: str) -> list[str]:
        status, calls = badday("calls", "list", *options)
        assert status == 0
        return [one["call_id"] for one in calls]

    assert listed() == ["r4", "r3", "r2", "r1"]
    assert listed("--system", "support-bot") == ["r4", "r3", "r2"]
    assert listed("--system", "nobody") == []
    assert listed("--errors") == ["r4", "r3"]
    assert listed("--limit", "2") == ["r4", "r3"]
    assert listed("--limit", "0") == []
    assert listed("--since", "2026-03-02T14:00:03Z") == ["r4", "r3"]
    assert listed("--model", "m1") == ["r1"]
    assert listed("--feature", "f1") == ["r1"]
    assert listed("--prompt-version", "3") == ["r2"]
    assert listed("--words", "cannot help") == ["r4"]
    assert badday("calls", "list", "--since", "soon") == (2, [])


def test_one_call_is_shown_by_any_of_its_ids(badday: Run, tmp_path: Path) -> None:
    badday("trail", "import", write(tmp_path / "calls.jsonl", call(1, response_id="resp-1", input="why?")))
    for call_id in ("r1", "resp-1"):
        status, (line,) = badday("calls", "show", call_id)
        assert (status, line["call_id"], line["input"], line["output"]) == (0, "r1", "why?", "answer 1")
        assert line["attempt_group"] == "r1"
    assert badday("calls", "show", "r2") == (1, [])


def test_a_table_for_people_holds_no_control_characters(badday: Run, tmp_path: Path) -> None:
    hostile = "\u001b[2J\u0007 model \u202e"
    badday("trail", "import", write(tmp_path / "calls.jsonl", call(1, model=hostile, input=hostile, output=hostile)))
    for arguments in (["calls", "list"], ["calls", "show", "r1"]):
        printed = CliRunner().invoke(main, arguments).stdout
        assert "model" in printed
        assert "\u001b" not in printed
        assert "\u202e" not in printed
