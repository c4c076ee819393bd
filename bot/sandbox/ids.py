"""Identifiers in Slack's shapes."""

import secrets
import string
from uuid import uuid4

_LETTERS = string.ascii_uppercase + string.digits
_SMALL = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """`U`, `C`, `D`, `F`, `V`, `Ev`, … and ten capitals or digits."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(10))


def short(length: int = 5) -> str:
    """What Slack puts where an author left out a block_id or an action_id."""
    return "".join(secrets.choice(_SMALL) for _ in range(length))


def unique() -> str:
    """A UUID, as in client_msg_id and envelope_id."""
    return str(uuid4())


def secret(length: int = 24) -> str:
    return "".join(secrets.choice(_SMALL) for _ in range(length))
