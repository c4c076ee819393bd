"""Calls as their messages and their modal show them; what a person may read is decided here, at the last moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.slack.messages.call import Attempt, CallWhole
from bot.slack.messages.calls import SHOWN, CallRow, CallsView, RegisterLine, Sums
from bot.slack.messages.calls_setup import CallsSetupView
from bot.slack.views.look import Look
from bot.trail.attempts import fallbacks
from bot.trail.queries import asking as queries
from bot.trail.queries import impact, listing, permission
from bot.trail.queries.asking import CallRecord, Filter, Totals
from bot.trail.queries.question import Question, Show, read_question
from bot.trail.queries.records import load
from bot.trail.queries.since import read_since

NANO = Decimal(10) ** -9


async def known_systems(session: AsyncSession, catalog: Catalog) -> list[str]:
    """The systems of the catalog, and those that send calls without being in it."""
    sending = [source.system for source in await queries.sources(session)]
    return list(dict.fromkeys((*catalog.systems, *sending)))


async def listed(look: Look, subject: Mapping[str, Any]) -> CallsView | CallsSetupView:
    """The answer to what was typed; how to send calls, where there are none at all."""
    if not await queries.sources(look.session):
        return CallsSetupView(list(look.catalog.systems), look.public_url)
    systems = await known_systems(look.session, look.catalog)
    # It was understood when it was asked; a system may have gone since.
    question = read_question(subject["typed"].split(), systems=systems, now=look.now)
    person = subject.get("person")
    if question.call is not None:
        found = await queries.by_id(look.session, question.call)
        return await _rows(look, CallsView(question, f"call {question.call}"), [found] if found else [], person)
    asked = _filter(question, look)
    view = CallsView(question, _about(question))
    if question.words is None:
        # Sums know no words.
        view = replace(view, sums=_sums(await queries.totals(look.session, replace(asked, errors=False))))
    match question.show:
        case Show.BY:
            parts = await queries.breakdown(look.session, asked, cast("queries.By", question.by or "model"))
            return replace(view, parts=[(name or "not told", _sums(sums)) for name, sums in parts])
        case Show.FALLBACKS:
            view = replace(view, register=await _register(look, question))
            records: Sequence[CallRecord] = await impact.fallbacks(look.session, asked, SHOWN)
        case Show.SLOW:
            records = await queries.slowest(look.session, asked, SHOWN)
        case Show.DEAR:
            records = await queries.dearest(look.session, asked, SHOWN)
        case _:
            records = await queries.newest(look.session, asked, SHOWN)
    return await _rows(look, view, records, person)


async def whole(look: Look, person: str | None, call_id: str) -> CallWhole | None:
    """One call as this person may see it; None where there is no such call."""
    record = await queries.by_id(look.session, call_id)
    if record is None:
        return None
    readable = permission.may_read(look.catalog, record.system, person)
    return CallWhole(
        id=record.call_id,
        at=record.started_at,
        verdict=listing.verdict(record),
        wrong=record.error_class is not None,
        told=_told(record),
        attempts=await _attempts(look, record),
        error=_error(record) if readable else None,
        readable=readable,
        ask="" if readable else await _ask(look, record.system),
        input=record.input if readable else None,
        output=record.output if readable else None,
    )


def _filter(question: Question, look: Look) -> Filter:
    return Filter(
        systems=(question.system,) if question.system is not None else (),
        model=question.model,
        feature=question.feature,
        prompt_version=question.prompt_version,
        provider=question.provider,
        since=read_since(question.since, look.now),
        errors=question.show is Show.ERRORS,
        words=question.words,
    )


def _about(question: Question) -> str:
    named = (
        (question.system, "{}"),
        (question.model, "model {}"),
        (question.provider, "provider {}"),
        (question.feature, "feature {}"),
        (question.prompt_version, "prompt version {}"),
        (question.words, "saying “{}”"),
    )
    parts = [words.format(value) for value, words in named if value is not None]
    ago = question.since[:1].isdigit() and "-" not in question.since
    return " · ".join([*(parts or ["all systems"]), f"{'last' if ago else 'since'} {question.since}"])


def _sums(totals: Totals) -> Sums:
    return Sums(
        calls=totals.calls,
        errors=totals.errors,
        fallbacks=totals.fallbacks,
        unpriced=totals.unpriced,
        # Nothing but calls without a price is no spend of $0.
        spend=listing.dollars(totals.cost_nano * NANO) if totals.cost_nano or not totals.unpriced else "",
        p50=listing.latency(totals.p50_ms),
        p95=listing.latency(totals.p95_ms),
    )


async def _rows(look: Look, view: CallsView, records: Sequence[CallRecord], person: str | None) -> CallsView:
    readable = {one.system: permission.may_read(look.catalog, one.system, person) for one in records}
    hidden = {system: await _ask(look, system) for system, allowed in readable.items() if not allowed}
    texts = await load(look.session, [one.id for one in records if readable[one.system]], bodies=True)
    rows = [_row(one, texts[one.id].output if one.id in texts else None) for one in records]
    return replace(view, rows=rows, hidden_from=hidden)


def _figures(record: CallRecord) -> str:
    """Latency, tokens, cost. A failed call that told no usage has no cost that could be missing."""
    told_usage = record.input_tokens is not None or record.output_tokens is not None
    figures = [listing.latency(record.latency_ms)]
    if told_usage:
        figures.append(f"{listing.tokens(record)} tokens")
    elif record.outcome != "error":
        figures.append("no usage told")
    if told_usage or record.cost is not None:
        figures.append(listing.cost(record))
    return " · ".join(figures)


def _row(record: CallRecord, answer: str | None) -> CallRow:
    fell = f"fell back from {record.fell_back_from}" if record.fell_back_from else None
    prompt = f"prompt {record.prompt_version}" if record.prompt_version else None
    named = (record.system, listing.model(record), record.feature, prompt, fell)
    return CallRow(
        id=record.call_id,
        at=record.started_at,
        verdict=listing.verdict(record),
        wrong=record.error_class is not None,
        where=" · ".join(part for part in named if part),
        figures=_figures(record),
        excerpt=answer,
    )


async def _ask(look: Look, system: str) -> str:
    """Whom to ask, by name."""
    names = [await look.name(person) for person in permission.readers(look.catalog, system)]
    return " or ".join(names)


async def _register(look: Look, question: Question) -> list[RegisterLine]:
    since = read_since(question.since, look.now)
    lines = []
    for system in [question.system] if question.system is not None else list(look.catalog.systems):
        for entry in await fallbacks.register(look.session, look.catalog, system, since):
            if entry.expected is None and not entry.happened:
                continue  # nothing said, nothing seen
            happened = ", ".join(f"{what} {times:,}×" for what, times in entry.happened.items()) or "nothing yet"
            name = entry.dependency if question.system is not None else f"{system}: {entry.dependency}"
            lines.append(RegisterLine(name, entry.trigger, entry.expected or "not said", happened, entry.verdict))
    return lines


_SHOWN = ("system", "feature", "route", "environment", "prompt_name", "prompt_version", "operation")
_IDS = ("conversation_id", "response_id", "trace_id", "emitter")


def _told(record: CallRecord) -> list[tuple[str, str]]:
    """What is known, as names and values; what nobody told is left out."""
    answered = record.model_answered if record.model_answered != record.model else None
    cached = f" ({record.cached_tokens:,} of the input cached)" if record.cached_tokens else ""
    source = f" ({record.cost_source.replace('_', ' ')})" if record.cost_source else ""
    first = listing.latency(record.first_token_ms) if record.first_token_ms is not None else None
    after = (record.fallback_trigger or "an error").replace("_", " ")
    fell = f"{record.fell_back_from} after {after}" if record.fell_back_from else None
    redacted = f"{record.redactions} places" if record.redactions else None
    told = (
        *((name.replace("_", " "), getattr(record, name)) for name in _SHOWN),
        ("model", listing.model(record)),
        ("answered by", answered),
        ("latency", listing.latency(record.latency_ms)),
        ("first token after", first),
        ("tokens", listing.tokens(record) + cached),
        ("cost", listing.cost(record) + source),
        ("finish reason", record.finish_reason),
        ("HTTP status", record.http_status),
        ("retries inside the SDK", record.retries or None),
        ("fell back from", fell),
        ("redacted", redacted),
        ("truncated", "the emitter dropped attributes" if record.truncated else None),
        *((name.replace("_", " "), getattr(record, name)) for name in _IDS),
    )
    return [(name, str(value)) for name, value in told if value is not None and value != ""]


def _error(record: CallRecord) -> str | None:
    """It may quote what was said."""
    return ": ".join(part for part in (record.error_type, record.error_text) if part) or None


async def _attempts(look: Look, record: CallRecord) -> list[Attempt]:
    """All tries of the request, where there was more than one."""
    tries = await queries.attempts(look.session, record)
    if len(tries) < 2:
        return []
    return [
        Attempt(
            number=one.attempt,
            model=listing.model(one),
            verdict=listing.verdict(one),
            latency=listing.latency(one.latency_ms),
            this=one.call_id == record.call_id,
            final=one.is_final,
        )
        for one in tries
    ]
