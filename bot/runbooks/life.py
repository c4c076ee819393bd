"""The life of a step, as a table: state x event -> state.

    state             | people                             | the worker
    pending           | skip: skipped                      | offer: offered, drop: skipped
    offered           | run: ready, mark: done,            |
                      | skip: skipped,                     |
                      | ask: awaiting_approval             |
    awaiting_approval | approve: ready, refuse: skipped,   | lapse: skipped
                      | skip: skipped                      |
    ready             | skip: skipped                      | begin: running
    running           | cancel: failed                     | begin (take-over): running, succeed: done,
                      |                                    | fail: failed, again: ready, lose: unknown,
                      |                                    | rehearse: dry_run, hold: waiting, look: checking,
                      |                                    | consent: consent
    waiting           | cancel: failed                     | begin: waiting, succeed: done, fail: failed,
                      |                                    | look: checking
    checking          | cancel: failed                     | begin: checking, succeed: done, fail: failed
    consent           | retry: ready, skip: skipped        |
    done              | undo: undo_ready, keep: done       |
    failed            | retry: ready, skip: skipped,       |
                      | undo: undo_ready                   |
    unknown           | happened: done,                    |
                      | not_happened: offered              |
    skipped           | run: ready, mark: done,            |
                      | ask: awaiting_approval             |
    dry_run           | run: ready, skip: skipped,         |
                      | ask: awaiting_approval             |
    undo_ready        |                                    | begin: undoing
    undoing           | cancel: undo_failed                | begin (take-over): undoing, succeed: undone,
                      |                                    | fail: undo_failed, lose: undo_unknown
    undone            | run: ready, ask: awaiting_approval |
    undo_failed       | retry: undo_ready                  |
    undo_unknown      | happened: undone,                  |
                      | not_happened: done                 |

An empty cell is a refusal. A pending step waits for what its condition speaks of; then it is offered, or dropped where
it is not needed. `ask` stands for `run` where somebody has to approve; `mark` is the click on a note, which has nothing
to run. A step that waits, or whose check is looked at again, holds no worker. To cancel what may have happened and must
not be repeated is to lose it. When its incident is resolved (close), a step that was not begun is skipped; all else
stays as it is: what was done can still be undone, and what is unknown is still asked.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    PENDING = "pending"
    """Whether it is needed depends on an earlier step that has not ended."""
    OFFERED = "offered"
    AWAITING_APPROVAL = "awaiting_approval"
    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    """It was begun and lasts a while, in which nothing is done."""
    CHECKING = "checking"
    """It was done; what its check expects is looked at again and again."""
    CONSENT = "consent"
    """The other system took the request and waits for somebody's consent there."""
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
    ASK = "ask"
    APPROVE = "approve"
    REFUSE = "refuse"
    LAPSE = "lapse"
    """Nobody answered in time."""
    MARK = "mark"
    SKIP = "skip"
    CANCEL = "cancel"
    UNDO = "undo"
    KEEP = "keep"
    """What it changed may stay longer."""
    RETRY = "retry"
    HAPPENED = "happened"
    NOT_HAPPENED = "not_happened"
    BEGIN = "begin"
    SUCCEED = "succeed"
    FAIL = "fail"
    AGAIN = "again"
    """It failed and is tried again by itself."""
    LOSE = "lose"
    """Whether it happened cannot be known."""
    REHEARSE = "rehearse"
    HOLD = "hold"
    LOOK = "look"
    CONSENT = "consent"
    CLOSE = "close"


_S, _E = State, Event
LIFE: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.PENDING, _E.OFFER): _S.OFFERED,
        (_S.PENDING, _E.DROP): _S.SKIPPED,
        (_S.PENDING, _E.SKIP): _S.SKIPPED,
        (_S.PENDING, _E.CLOSE): _S.SKIPPED,
        (_S.OFFERED, _E.RUN): _S.READY,
        (_S.OFFERED, _E.ASK): _S.AWAITING_APPROVAL,
        (_S.OFFERED, _E.MARK): _S.DONE,
        (_S.OFFERED, _E.SKIP): _S.SKIPPED,
        (_S.OFFERED, _E.CLOSE): _S.SKIPPED,
        (_S.AWAITING_APPROVAL, _E.APPROVE): _S.READY,
        (_S.AWAITING_APPROVAL, _E.REFUSE): _S.SKIPPED,
        (_S.AWAITING_APPROVAL, _E.SKIP): _S.SKIPPED,
        (_S.AWAITING_APPROVAL, _E.LAPSE): _S.SKIPPED,
        (_S.AWAITING_APPROVAL, _E.CLOSE): _S.SKIPPED,
        (_S.READY, _E.SKIP): _S.SKIPPED,
        (_S.READY, _E.BEGIN): _S.RUNNING,
        (_S.RUNNING, _E.BEGIN): _S.RUNNING,
        (_S.RUNNING, _E.CANCEL): _S.FAILED,
        (_S.RUNNING, _E.SUCCEED): _S.DONE,
        (_S.RUNNING, _E.FAIL): _S.FAILED,
        (_S.RUNNING, _E.AGAIN): _S.READY,
        (_S.RUNNING, _E.LOSE): _S.UNKNOWN,
        (_S.RUNNING, _E.REHEARSE): _S.DRY_RUN,
        (_S.RUNNING, _E.HOLD): _S.WAITING,
        (_S.RUNNING, _E.LOOK): _S.CHECKING,
        (_S.RUNNING, _E.CONSENT): _S.CONSENT,
        (_S.WAITING, _E.BEGIN): _S.WAITING,
        (_S.WAITING, _E.CANCEL): _S.FAILED,
        (_S.WAITING, _E.SUCCEED): _S.DONE,
        (_S.WAITING, _E.FAIL): _S.FAILED,
        (_S.WAITING, _E.LOOK): _S.CHECKING,
        (_S.CHECKING, _E.BEGIN): _S.CHECKING,
        (_S.CHECKING, _E.CANCEL): _S.FAILED,
        (_S.CHECKING, _E.SUCCEED): _S.DONE,
        (_S.CHECKING, _E.FAIL): _S.FAILED,
        (_S.CONSENT, _E.RETRY): _S.READY,
        (_S.CONSENT, _E.SKIP): _S.SKIPPED,
        (_S.DONE, _E.UNDO): _S.UNDO_READY,
        (_S.DONE, _E.KEEP): _S.DONE,
        (_S.FAILED, _E.RETRY): _S.READY,
        (_S.FAILED, _E.SKIP): _S.SKIPPED,
        (_S.FAILED, _E.UNDO): _S.UNDO_READY,
        (_S.UNKNOWN, _E.HAPPENED): _S.DONE,
        (_S.UNKNOWN, _E.NOT_HAPPENED): _S.OFFERED,
        (_S.SKIPPED, _E.RUN): _S.READY,
        (_S.SKIPPED, _E.ASK): _S.AWAITING_APPROVAL,
        (_S.SKIPPED, _E.MARK): _S.DONE,
        (_S.DRY_RUN, _E.RUN): _S.READY,
        (_S.DRY_RUN, _E.ASK): _S.AWAITING_APPROVAL,
        (_S.DRY_RUN, _E.SKIP): _S.SKIPPED,
        (_S.UNDO_READY, _E.BEGIN): _S.UNDOING,
        (_S.UNDOING, _E.BEGIN): _S.UNDOING,
        (_S.UNDOING, _E.CANCEL): _S.UNDO_FAILED,
        (_S.UNDOING, _E.SUCCEED): _S.UNDONE,
        (_S.UNDOING, _E.FAIL): _S.UNDO_FAILED,
        (_S.UNDOING, _E.LOSE): _S.UNDO_UNKNOWN,
        (_S.UNDONE, _E.RUN): _S.READY,
        (_S.UNDONE, _E.ASK): _S.AWAITING_APPROVAL,
        (_S.UNDO_FAILED, _E.RETRY): _S.UNDO_READY,
        (_S.UNDO_UNKNOWN, _E.HAPPENED): _S.UNDONE,
        (_S.UNDO_UNKNOWN, _E.NOT_HAPPENED): _S.DONE,
    }
)

REQUESTED = frozenset({State.READY, State.UNDO_READY})
"""Asked for; the worker begins it."""
WORKING = frozenset({State.RUNNING, State.UNDOING})
"""A worker holds it, or held it when it died."""
LASTING = frozenset({State.WAITING, State.CHECKING})
"""It goes on by itself at its time (`not_before`); nobody holds it until then."""
UNDOES = frozenset({State.UNDO_READY, State.UNDOING})


def after(state: State, event: Event) -> State | None:
    """The state that follows, or None where the event does not apply."""
    return LIFE.get((state, event))
