"""The lives of escalations and pages, exhaustively."""

from hypothesis import given
from hypothesis import strategies as st

from bot.paging import life
from bot.paging.life import Event, PageEvent, PageState, State

events = st.lists(st.sampled_from(Event), max_size=30)
page_events = st.lists(st.sampled_from(PageEvent), max_size=30)


@given(events)
def test_an_escalation_is_only_ever_in_a_state_of_the_table_and_can_always_be_ended(happened: list[Event]) -> None:
    state = State.PAGING
    for event in happened:
        state = life.after(state, event) or state
    assert state in State
    assert state is State.ENDED or life.after(state, Event.END) is State.ENDED


@given(events)
def test_what_ended_only_goes_on_by_being_resumed(happened: list[Event]) -> None:
    state = State.ENDED
    for event in happened:
        if event is not Event.RESUME:
            state = life.after(state, event) or state
    assert state is State.ENDED


def test_every_state_that_waits_for_somebody_can_be_acknowledged() -> None:
    for state in State:
        waits = state not in (State.ACKNOWLEDGED, State.ENDED)
        assert (life.after(state, Event.ACKNOWLEDGE) is State.ACKNOWLEDGED) == waits


def test_nothing_climbs_by_itself_once_it_is_acknowledged_snoozed_exhausted_or_over() -> None:
    for state in State:
        for event in (Event.FIRE, Event.EXHAUST):
            assert (life.after(state, event) is not None) == (state is State.PAGING)


def test_an_acknowledged_escalation_pages_again_after_silence_or_by_hand_only() -> None:
    back = {event for event in Event if life.after(State.ACKNOWLEDGED, event) is State.PAGING}
    assert back == {Event.SILENCE, Event.ESCALATE, Event.HAND_OVER}


@given(page_events, page_events)
def test_a_page_that_ended_stays_ended(before: list[PageEvent], later: list[PageEvent]) -> None:
    state = PageState.PAGING
    for event in [*before, PageEvent.END, *later]:
        state = life.page_after(state, event) or state
    assert state is PageState.ENDED


@given(page_events)
def test_a_page_never_goes_back_to_paging(happened: list[PageEvent]) -> None:
    state = PageState.PAGING
    for event in happened:
        following = life.page_after(state, event)
        assert following is not PageState.PAGING
        state = following or state


def test_whoever_could_not_be_reached_may_still_acknowledge_what_came_late() -> None:
    for state in (PageState.UNREACHED, PageState.DECLINED, PageState.SNOOZED):
        assert life.page_after(state, PageEvent.ACKNOWLEDGE) is PageState.ACKNOWLEDGED


def test_the_tables_of_the_docstring_are_those_of_the_code() -> None:
    told: dict[tuple[str, str], str] = {}
    heads: list[str] = []
    of_pages = False
    for line in (life.__doc__ or "").splitlines():
        if "A page, the attempt" in line:
            of_pages = True
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 3:
            continue
        if cells[0] == "state":
            heads = cells[1:]
            continue
        for head, cell in zip(heads, cells[1:], strict=True):
            if cell:
                told[f"{'page' if of_pages else 'escalation'} {cells[0]}", head] = cell
    real = {(f"escalation {state}", str(event)): str(after) for (state, event), after in life.LIFE.items()}
    real |= {(f"page {state}", str(event)): str(after) for (state, event), after in life.PAGE_LIFE.items()}
    assert told == real
