"""What is hidden before anything is joined or stored."""

from bot.catalog import Catalog
from bot.trail.calls import Facts, Kind, Sighting
from bot.trail.redaction.tidying import Tidier


def tidied(conversation_id: str) -> Facts:
    facts = Facts(system="support-bot", conversation_id=conversation_id)
    Tidier(Catalog()).tidy([Sighting(Kind.CALL, b"", b"", None, facts)])
    return facts


def test_a_conversation_named_by_somebodys_address_is_told_apart_but_not_told() -> None:
    names = {tidied(name).conversation_id for name in ("ana@example.com", "lee@example.com", "+34 600 123 456")}
    assert len(names) == 3
    assert all(name is not None and name.startswith("hidden-") for name in names)
    assert tidied("ana@example.com").conversation_id == tidied("ana@example.com").conversation_id


def test_an_ordinary_name_of_a_conversation_stays() -> None:
    facts = tidied("conv_8f14e45fceea167a5a36dedd4bea2543")
    assert facts.conversation_id == "conv_8f14e45fceea167a5a36dedd4bea2543"
    assert facts.redactions == 0
