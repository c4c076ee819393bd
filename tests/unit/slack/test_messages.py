"""What people read: every message in its states, as snapshots."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.effects.figures import Figures
from bot.runbooks.clicks import Verb
from bot.runbooks.life import Event, State, after
from bot.slack.blocks import markup
from bot.slack.messages import (
    auditor,
    effect,
    ephemeral,
    escalation,
    help,  # noqa: A004 - the message's name
    incident_root,
    note,
    page,
    status,
    step,
    summary,
)
from bot.slack.messages.words import Deed, Source, span
from tests.unit.slack.snapshot import assert_snapshot

AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=3)

ROOT = incident_root.IncidentRootView(
    number=42,
    version=1,
    system="support-bot",
    title="OpenAI: API has a major outage",
    severity="sev2",
    state="triggered",
    owner="Maria Ortiz",
    since=AT,
    opened_by="Badday",
    known="API: major outage since 13:58, 2 of the last 3 looks at status.openai were bad",
    paging=incident_root.Paging("Maria Ortiz", "delivered", AT),
    sources=[Source("watch status.openai", AT), Source("calls of support-bot")],
)
ACKNOWLEDGED = replace(ROOT, state="acknowledged", version=2, acknowledged=Deed("Sam Lee", LATER))
OFFERED = incident_root.OfferedStep(2, 3, "Move chat to anthropic", "offered")
RESOLVED = replace(ACKNOWLEDGED, state="resolved", resolved=Deed("Badday", LATER), undoable=True)
ROOTS = {
    "triggered": ROOT,
    "page_waiting": replace(ROOT, paging=incident_root.Paging("Maria Ortiz", "waiting")),
    "page_failed": replace(ROOT, paging=incident_root.Paging("Maria Ortiz", "failed")),
    "page_unknown": replace(ROOT, paging=incident_root.Paging("Maria Ortiz", "unknown")),
    "sev3": replace(ROOT, severity="sev3", paging=None),
    "climbing": replace(
        ROOT,
        more_paging=[incident_root.Paging("Ana Silva", "waiting"), incident_root.Paging("Sam Lee", "declined")],
        climb=incident_root.Climb("paging", 3, LATER, "Lea Kim and #support-bot"),
    ),
    "last_step": replace(ROOT, climb=incident_root.Climb("paging", 6, LATER)),
    "snoozed": replace(ROOT, climb=incident_root.Climb("snoozed", 4, LATER, "Maria Ortiz")),
    "exhausted": replace(ROOT, climb=incident_root.Climb("exhausted", 7)),
    "step_offered": replace(ROOT, step=OFFERED),
    "acknowledged": ACKNOWLEDGED,
    "recovered": replace(ACKNOWLEDGED, recovered_at=LATER, resolve_due=LATER + timedelta(minutes=5)),
    "resolved": RESOLVED,
}


@pytest.mark.parametrize("name", ROOTS)
def test_the_root_message_tells_how_things_stand(name: str) -> None:
    assert_snapshot(f"incident_root_{name}", incident_root.render(ROOTS[name]).payload())


PAGED = page.PagedIncident(
    number=42,
    version=1,
    system="support-bot",
    title="OpenAI: API has a major outage",
    severity="sev2",
    state="triggered",
    since=AT,
    why="owner of support-bot",
    known="API: major outage",
    thread="https://example.slack.com/archives/C1/p1772460000000100",
    sources=[Source("watch status.openai", AT)],
)
SECOND = replace(PAGED, number=43, system="search", why="owner of search", thread=None, known="")


def test_a_page_asks_to_be_acknowledged() -> None:
    assert_snapshot("page", page.render(page.PageView([PAGED])).payload())


CLIMBING = replace(PAGED, escalation=2, deadline=LATER, next_name="Sam Lee")
PAGES = {
    "climbing": CLIMBING,
    "last_step": replace(CLIMBING, next_name=""),
    "snoozed": replace(CLIMBING, snoozed=Deed("Maria Ortiz", AT), next_name=""),
    "do_not_disturb": replace(CLIMBING, told=["You are in Do Not Disturb until 17:00 UTC, so nobody waits for you"]),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_by_when_to_acknowledge_and_who_is_paged_then(name: str) -> None:
    assert_snapshot(f"page_{name}", page.render(page.PageView([PAGES[name]])).payload())


STEP_UP = escalation.EscalationView(
    number=42,
    system="support-bot",
    title="OpenAI: API has a <major> outage",
    severity="sev2",
    kind="escalated",
    people=[("Sam Lee", "deputy"), ("Ana Silva", "rotation support/primary")],
    channels=["leads"],
    missed=[("rotation:night", "nobody is on call")],
    step=2,
    of=3,
    round=2,
    by="",
    at=AT,
    until=LATER,
    owner="Maria Ortiz",
)
STEPS_UP = {
    "climbed": STEP_UP,
    "by_hand": replace(STEP_UP, by="Ana Silva", channels=[], missed=[], round=1),
    "nobody": replace(STEP_UP, people=[], channels=[], until=None),
    "exhausted": replace(STEP_UP, kind="exhausted", people=[], channels=[], missed=[], until=None),
}


@pytest.mark.parametrize("name", STEPS_UP)
def test_a_step_is_one_message_that_names_everybody(name: str) -> None:
    assert_snapshot(f"escalation_{name}", escalation.render(STEPS_UP[name]).payload())


CHANNEL = escalation.ChannelPageView(
    number=42,
    version=1,
    system="support-bot",
    title="OpenAI: API has a <major> outage",
    severity="sev2",
    state="triggered",
    since=AT,
    known="API: major outage",
    people=[markup("<@{user}>", user="U1"), markup("{name}", name="Sam Lee")],
    thread="https://example.slack.com/archives/C1/p1772460000000100",
)


def test_a_channel_is_paged_by_name_and_told_who_took_it() -> None:
    assert_snapshot("channel_page", escalation.render_channel_page(CHANNEL).payload())
    taken = replace(CHANNEL, state="acknowledged", deed=Deed("Sam Lee", LATER))
    assert_snapshot("channel_page_acknowledged", escalation.render_channel_page(taken).payload())


def test_a_page_that_was_acknowledged_says_by_whom_and_asks_no_more() -> None:
    taken = replace(PAGED, state="acknowledged", deed=Deed("Sam Lee", LATER))
    assert_snapshot("page_acknowledged", page.render(page.PageView([taken])).payload())


def test_pages_that_waited_together_name_every_incident_with_a_button_each() -> None:
    taken = replace(SECOND, number=44, state="acknowledged", deed=Deed("Sam Lee", LATER))
    payload = page.render(page.PageView([PAGED, SECOND, taken])).payload()
    assert_snapshot("page_several", payload)
    for name in ("support-bot", "search"):
        assert name in payload["text"]


def test_ten_pages_of_the_longest_words_still_fit_in_one_message() -> None:
    long = replace(PAGED, title="<" * 3000, known="&" * 3000)
    page.render(page.PageView([replace(long, number=n) for n in range(10)])).payload()


NOTES = {
    "recovered": note.NoteView("recovered", "Badday", "Recovered: all components operational", AT),
    "person": note.NoteView("note", "Maria Ortiz", "Their <!channel> says *it is back* & fine", AT),
    "delivery": note.NoteView("delivery", "Badday", "The page to maria could not be delivered: no such user", AT),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_note_tells_one_entry_of_the_timeline(name: str) -> None:
    assert_snapshot(f"note_{name}", note.render(NOTES[name]).payload())


CHANGE = "Switch route chat from openai to anthropic"
BACK = "Switch route chat from anthropic to openai"
STEP = step.StepView(
    number=7,
    version=2,
    position=2,
    of=3,
    title="Move chat to anthropic",
    state=State.OFFERED,
    system="support-bot",
    verbs=(Verb.RUN, Verb.SKIP),
    change=CHANGE,
)
DEED = Deed("Maria Ortiz", LATER)
ASKED = (Verb.HAPPENED, Verb.NOT_HAPPENED)
DONE = replace(STEP, state=State.DONE, deed=DEED, verbs=(Verb.UNDO,), undo_change=BACK)
NOTE = replace(STEP, is_action=False, change=None, title="Tell support", note="Say what users see.")
BROKEN = "the switchboard answered 503\nretry later"
STEPS = {
    "pending": replace(STEP, state=State.PENDING, change=None, verbs=[Verb.SKIP]),
    "offered": STEP,
    "offered_dry_run": replace(STEP, dry_run=True),
    "awaiting_approval": replace(
        STEP,
        state=State.AWAITING_APPROVAL,
        deed=DEED,
        verbs=(Verb.SKIP,),
        approval=step.Approval(["Maria <Ortiz>", "Sam Lee"], 2, ["Sam Lee"], True, AT),
    ),
    "waiting": replace(STEP, state=State.WAITING, deed=DEED, verbs=(Verb.CANCEL,), until=AT),
    "checking": replace(
        STEP, state=State.CHECKING, deed=DEED, verbs=(Verb.CANCEL,), until=AT, expects="ok_rate >= 0.95 & <more>"
    ),
    "consent": replace(
        STEP,
        state=State.CONSENT,
        deed=DEED,
        verbs=(Verb.RETRY, Verb.SKIP),
        error="two reviewers must approve the change request",
        consent_url="https://flags.example.com/changes/7",
    ),
    "done_for_a_while": replace(DONE, until=AT, takes_effect="up to an hour"),
    "done_expiring": replace(DONE, until=AT, expiring=True, verbs=(Verb.UNDO, Verb.KEEP)),
    "offered_frozen": replace(STEP, frozen=True, verbs=(Verb.SKIP,)),
    "ready": replace(STEP, state=State.READY, deed=DEED, verbs=(Verb.SKIP,)),
    "running": replace(STEP, state=State.RUNNING, deed=DEED, verbs=()),
    "done": DONE,
    "dry_run": replace(STEP, state=State.DRY_RUN, deed=DEED, dry_run=True),
    "failed": replace(STEP, state=State.FAILED, deed=DEED, error=BROKEN, verbs=(Verb.RETRY, Verb.SKIP, Verb.UNDO)),
    "unknown": replace(STEP, state=State.UNKNOWN, deed=DEED, verbs=ASKED),
    "skipped": replace(STEP, state=State.SKIPPED, deed=DEED, verbs=(Verb.RUN,)),
    "undo_ready": replace(DONE, state=State.UNDO_READY, verbs=()),
    "undoing": replace(DONE, state=State.UNDOING, verbs=()),
    "undone": replace(DONE, state=State.UNDONE, verbs=(Verb.RUN,)),
    "undo_failed": replace(DONE, state=State.UNDO_FAILED, error=BROKEN, verbs=(Verb.RETRY,)),
    "undo_unknown": replace(DONE, state=State.UNDO_UNKNOWN, verbs=ASKED),
    "note": NOTE,
    "note_done": replace(NOTE, state=State.DONE, deed=DEED, verbs=()),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_shows_its_change_what_came_of_it_and_the_way_back(name: str) -> None:
    assert_snapshot(f"step_{name}", step.render(STEPS[name]).payload())


def test_every_state_of_a_step_has_a_snapshot() -> None:
    assert {view.state for view in STEPS.values()} == set(State)


@pytest.mark.parametrize("state", State)
def test_whatever_may_be_asked_of_a_step_at_once_is_a_message_that_slack_takes(state: State) -> None:
    verbs = [verb for verb in Verb if after(state, Event(verb.value)) is not None]
    view = replace(STEP, state=state, verbs=verbs, title="<" * 900, change="&" * 900, undo_change="&" * 900)
    step.render(view).payload()


def test_running_a_step_asks_first_and_names_the_exact_change() -> None:
    run = step.render(STEP).payload()["blocks"][-1]["elements"][0]
    assert run["confirm"]["text"]["text"].startswith(f"{CHANGE} (support-bot), now.")


def test_undoing_a_step_asks_first_and_names_the_exact_change() -> None:
    undo = step.render(DONE).payload()["blocks"][-1]["elements"][0]
    assert undo["style"] == "danger"
    assert undo["confirm"]["text"]["text"].startswith(BACK)


def test_the_summary_gives_the_figures_and_what_is_still_changed() -> None:
    view = summary.SummaryView(
        number=42,
        version=5,
        system="support-bot",
        title="OpenAI: API has a major outage",
        opened_at=AT,
        opened_by="Badday",
        resolved=Deed("Badday", AT + timedelta(minutes=72)),
        acknowledged=DEED,
        steps=["Move chat to anthropic: done by Maria Ortiz"],
        left=["route.chat: openai → anthropic"],
        sources=["watch status.openai"],
        impact=incident_root.CallsImpact(1204, {"anthropic": 412}, 7),
    )
    assert_snapshot("summary", summary.render(view).payload())


SYSTEMS = [
    status.SystemLine("support-bot", "Maria Ortiz", True, [status.RouteLine("chat", "anthropic", "openai")]),
    status.SystemLine("search", "Sam Lee", False, [status.RouteLine("rank", "openai", "openai")]),
]


def test_status_shows_systems_routes_watches_and_open_incidents() -> None:
    view = status.StatusView(
        at=AT,
        systems=SYSTEMS,
        watches=[
            status.WatchLine("status.openai", "major_outage", timedelta(seconds=12)),
            status.WatchLine("status.anthropic", "operational", timedelta(minutes=9), stale=True, problem="HTTP 503"),
            status.WatchLine("status.new", None, None),
        ],
        incidents=[
            status.IncidentLine(
                42, "support-bot", "OpenAI: outage", "sev2", "acknowledged", timedelta(minutes=12), "Maria Ortiz"
            )
        ],
    )
    assert_snapshot("status", status.render(view).payload())


def test_status_of_a_calm_day_is_short() -> None:
    assert_snapshot("status_calm", status.render(status.StatusView(AT, [], [], [])).payload())


def test_status_shows_calls_and_never_their_absence_as_good() -> None:
    lines = [
        status.CallsLine("support-bot", "chat", "openai", "bad", 214, 73, 2100),
        status.CallsLine("support-bot", "chat", "anthropic", "good", 100, 1, 900),
        status.CallsLine("search", "rank", "openai", "unknown", 3, 0),
        status.CallsLine("mail", state="silent", last_at=AT),
        status.CallsLine("night", state="none", last_at=AT),
        status.CallsLine("new", state="none"),
        status.CallsLine("old", "chat", "openai", "good", 214, 0, stale=True),
    ]
    payload = status.render(status.StatusView(AT, [], [], [], lines)).payload()
    shown = json.dumps(payload, ensure_ascii=False)
    assert "✖ *support-bot* chat → openai failing, 214 calls in 5 min, 34 % failed, 95 % within 2.1 s" in shown
    assert "✔ *support-bot* chat → anthropic 100 calls in 5 min, 1 % failed" in shown
    assert "○ *search* rank → openai too few to tell, 3 calls in 5 min" in shown
    assert "✖ *mail* *no calls since " in shown
    assert "○ *night* no calls since " in shown
    assert "○ *new* no calls yet" in shown
    assert "✖ *old* *not looked at*" in shown
    assert "No calls arrive from mail." in payload["text"]


def test_status_of_a_very_bad_day_still_fits() -> None:
    line = status.IncidentLine(1, "s" * 200, "t" * 900, "sev1", "triggered", timedelta(days=3), "o" * 99)
    watch = status.WatchLine("w" * 200, "operational", timedelta(0), problem="p" * 300)
    system = status.SystemLine("s" * 200, "o" * 99, True, [status.RouteLine("r" * 99, "a", "b")] * 9)
    calls = status.CallsLine("s" * 200, "r" * 99, "p" * 99, "bad", 10**6, 10**5, 10**6)
    status.render(status.StatusView(AT, [system] * 99, [watch] * 99, [line] * 99, [calls] * 99)).payload()


def test_help_lists_what_can_be_typed() -> None:
    view = help.HelpView([help.CommandLine("status", "How things stand"), help.CommandLine("arm SYSTEM", "Let it act")])
    assert_snapshot("help", help.render(view).payload())


def test_an_answer_for_one_person_is_one_sentence() -> None:
    view = ephemeral.EphemeralView(markup("Already acknowledged by {by}", by="Sam & <Lee>"))
    assert_snapshot("ephemeral", ephemeral.render(view).payload())


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3900, "1 h 05 min"), (187_200, "2 d 4 h")]
)
def test_durations_are_told_as_people_say_them(seconds: int, shown: str) -> None:
    assert span(timedelta(seconds=seconds)) == shown


def test_what_is_stuck_is_told_with_its_beginning_and_what_to_do() -> None:
    stuck = [("the page to Sam Lee waits to go on", AT), ("https://status.example/?a=1&b=<2> is not polled", LATER)]
    assert_snapshot("auditor", auditor.render(auditor.AuditorView(stuck)).payload())


def test_of_much_that_is_stuck_the_longest_overdue_are_told() -> None:
    shown = auditor.render(auditor.AuditorView([(f"thing {n}", AT) for n in range(140)]))
    text = json.dumps(shown.payload())
    assert "140 things overdue" in text
    assert "thing 9" in text
    assert "thing 10" not in text
    assert "and 130 more" in text


EFFECT = effect.EffectView(
    step=7,
    version=3,
    system="support-bot",
    change="Switch route chat from <northwind> to cirrus",
    changed_at=AT,
    before=Figures(120, 74, 2_000_000_000, 10, {"<northwind>": 120}),
    after=Figures(118, 0, 2_300_000_000, 9, {"cirrus": 118}),
    length=timedelta(minutes=9),
    minutes=[effect.Minute(AT + timedelta(minutes=place), 10, failed) for place, failed in enumerate((6, 7, 6, 1, 0))],
)
EFFECTS = {
    "good": EFFECT,
    "none": replace(EFFECT, no_effect=True, can_undo=True, after=replace(EFFECT.before, minutes=5)),
    "silent": replace(EFFECT, after=Figures(), minutes=()),
    "undone": replace(EFFECT, undone=True),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_is_told_in_words_and_drawn(name: str) -> None:
    assert_snapshot(f"effect_{name}", effect.render(EFFECTS[name]).payload())
