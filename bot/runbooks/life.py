"""The life of a step, as a table: state x event -> state.

    state        | people                                        | the worker
    pending      | skip: skipped                                 | offer: offered, drop: skipped
    offered      | run: ready, mark: done, skip: skipped         |
    ready        | skip: skipped                                 | begin: running
    running      |                                               | begin (take-over): running, succeed: done,
                 |                                               | fail: failed, lose: unknown, rehearse: dry_run
    done         | undo: undo_ready                              |
    failed       | retry: ready, skip: skipped, undo: undo_ready |
    unknown      | happened: done, not_happened: offered         |
    skipped      | run: ready, mark: done                        |
    dry_run      | run: ready, skip: skipped                     |
    undo_ready   |                                               | begin: undoing
    undoing      |                                               | begin (take-over): undoing, succeed: undone,
                 |                                               | fail: undo_failed, lose: undo_unknown
    undone       | run: ready                                    |
    undo_failed  | retry: undo_ready                             |
    undo_unknown | happened: undone, not_happened: done          |

An empty cell is a refusal. A pending step waits for what its condition speaks of; then it is offered, or dropped where
it is not needed. When its incident is resolved (close), a pending or offered step is skipped; all else stays as it is:
what was done can still be undone, and what is unknown is still asked. `mark` is the click on a note, which has nothing
to run.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    PENDING = "pending"
    """Whether it is needed depends on an earlier step that has not ended."""
    OFFERED = "offered"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    DRY_RUN = "dry_run"
    """It was shown what the step would do; nothing was changed."""
    UNDO_READY = "undo_ready"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"
    UNDO_UNKNOWN = "undo_unknown"


class Event(StrEnum):
    OFFER = "offer"
    DROP = "drop"
    """It is not needed, or not possible here."""
    RUN = "run"
    MARK = "mark"
    SKIP = "skip"
    UNDO = "undo"
    RETRY = "retry"
    HAPPENED = "happened"
    NOT_HAPPENED = "not_happened"
    BEGIN = "begin"
    SUCCEED = "succeed"
    FAIL = "fail"
    LOSE = "lose"
    """Whether it happened cannot be known."""
    REHEARSE = "rehearse"
    CLOSE = "close"


LIFE: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.PENDING, Event.OFFER): State.OFFERED,
        (State.PENDING, Event.DROP): State.SKIPPED,
        (State.PENDING, Event.SKIP): State.SKIPPED,
        (State.PENDING, Event.CLOSE): State.SKIPPED,
        (State.OFFERED, Event.RUN): State.READY,
        (State.OFFERED, Event.MARK): State.DONE,
        (State.OFFERED, Event.SKIP): State.SKIPPED,
        (State.OFFERED, Event.CLOSE): State.SKIPPED,
        (State.READY, Event.SKIP): State.SKIPPED,
        (State.READY, Event.BEGIN): State.RUNNING,
        (State.RUNNING, Event.BEGIN): State.RUNNING,
        (State.RUNNING, Event.SUCCEED): State.DONE,
        (State.RUNNING, Event.FAIL): State.FAILED,
        (State.RUNNING, Event.LOSE): State.UNKNOWN,
        (State.RUNNING, Event.REHEARSE): State.DRY_RUN,
        (State.DONE, Event.UNDO): State.UNDO_READY,
        (State.FAILED, Event.RETRY): State.READY,
        (State.FAILED, Event.SKIP): State.SKIPPED,
        (State.FAILED, Event.UNDO): State.UNDO_READY,
        (State.UNKNOWN, Event.HAPPENED): State.DONE,
        (State.UNKNOWN, Event.NOT_HAPPENED): State.OFFERED,
        (State.SKIPPED, Event.RUN): State.READY,
        (State.SKIPPED, Event.MARK): State.DONE,
        (State.DRY_RUN, Event.RUN): State.READY,
        (State.DRY_RUN, Event.SKIP): State.SKIPPED,
        (State.UNDO_READY, Event.BEGIN): State.UNDOING,
        (State.UNDOING, Event.BEGIN): State.UNDOING,
        (State.UNDOING, Event.SUCCEED): State.UNDONE,
        (State.UNDOING, Event.FAIL): State.UNDO_FAILED,
        (State.UNDOING, Event.LOSE): State.UNDO_UNKNOWN,
        (State.UNDONE, Event.RUN): State.READY,
        (State.UNDO_FAILED, Event.RETRY): State.UNDO_READY,
        (State.UNDO_UNKNOWN, Event.HAPPENED): State.UNDONE,
        (State.UNDO_UNKNOWN, Event.NOT_HAPPENED): State.DONE,
    }
)

WAITING = frozenset({State.READY, State.UNDO_READY})
"""Asked for; the worker begins it."""
WORKING = frozenset({State.RUNNING, State.UNDOING})
"""A worker holds it, or held it when it died."""
UNDOES = frozenset({State.UNDO_READY, State.UNDOING})


def after(state: State, event: Event) -> State | None:
    """The state that follows, or None where the event does not apply."""
    return LIFE.get((state, event))
