"""Runbooks by hand: started by a command, approved by somebody else, frozen, listed, undone; with the real client."""

import asyncio
from typing import Any

from tests.acceptance.desk import Bot, Desk, buttons, eventually, text_of

RUNBOOK = """\
runbook: 1
name: move
summary: Move traffic, with a second pair of eyes.
severity: sev3
inputs:
  to: {choose_from: providers}
steps:
  - id: move
    title: "Move to {{ inputs.to }}"
    do: route.set
    with: {route: chat, to: "{{ inputs.to }}"}
    approve: {roles: [owner, deputy], not_opener: true}
  - {id: tell, title: Tell everybody, note: "It is on {{ inputs.to }} now.", if: steps.move.succeeded}
close: {offer_undo: [move], follow_up: [Move back for good]}
"""


async def started(desk: Desk) -> Bot:
    folder = desk.folder / "runbooks"
    folder.mkdir()
    (folder / "move.yaml").write_text(RUNBOOK)
    return await desk.start()


async def typed(desk: Desk, text: str, expected: str, *, user: str = "maria") -> dict[str, Any]:
    """Type a command; the answer to this person alone says the words."""
    await desk.workspace.do("command", user=user, channel="general", command="/badday", text=text)

    async def told() -> dict[str, Any] | None:
        seen = await desk.workspace.messages("general", user=user)
        return next((one for one in reversed(seen) if one.get("is_ephemeral") and expected in text_of(one)), None)

    told.__qualname__ = f"looking for {expected!r} told to {user} alone"
    return await eventually(told)


async def with_button(desk: Desk, action: str, words: str = "") -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        root = await desk.root()
        replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
        return next((one for one in replies if action in buttons(one) and words in text_of(one)), None)

    look.__qualname__ = f"looking for a button {action} and {words!r}"
    return await eventually(look)


async def is_route(desk: Desk, value: str) -> None:
    async def look() -> bool:
        return await desk.route() == value

    await eventually(look)


async def test_a_runbook_is_started_approved_and_undone_by_hand(desk: Desk) -> None:
    await started(desk)
    await typed(desk, "run mov", "did you mean")
    await typed(desk, "run move support-bot to=nowhere", "to cannot be 'nowhere'")
    assert await desk.workspace.of_bot("support-bot") == [], "a wrong value starts nothing"
    await typed(desk, "run move support-bot to=cirrus", "is in the thread of incident")

    step = await with_button(desk, "run_step", "Move to cirrus")
    await desk.click("maria", step, "run_step")
    asked = await with_button(desk, "approve_step", "Sam")
    await desk.click("maria", asked, "approve_step")
    await asyncio.sleep(0.5)
    assert await desk.route() == "northwind", "whoever asks does not approve"
    await desk.click("sam", asked, "approve_step")
    await is_route(desk, "cirrus")
    assert await with_button(desk, "run_step", "It is on cirrus now.")

    listed = await typed(desk, "changes", "Switch route chat from northwind to cirrus")
    await desk.click("maria", listed, "undo_step", channel="general")
    await is_route(desk, "northwind")
    await typed(desk, "changes", "is switched")


async def test_while_all_is_frozen_no_click_changes_anything(desk: Desk) -> None:
    await started(desk)
    await typed(desk, "freeze we release", "All changes are frozen")
    await typed(desk, "run move support-bot to=cirrus", "is in the thread of incident")
    await desk.click("sam", await with_button(desk, "run_step", "Move to cirrus"), "run_step")
    asked = await with_button(desk, "approve_step")
    await desk.click("maria", asked, "approve_step")
    await desk.thread_says("All changes are frozen since")
    assert await desk.route() == "northwind"
    await typed(desk, "freeze off", "Changes are possible again")
    await desk.click("sam", await with_button(desk, "retry_step"), "retry_step")
    await is_route(desk, "cirrus")


async def test_the_end_offers_its_undo_and_leaves_its_follow_up(desk: Desk) -> None:
    await started(desk)
    await typed(desk, "run move support-bot to=cirrus", "is in the thread of incident")
    await desk.click("maria", await with_button(desk, "run_step", "Move to cirrus"), "run_step")
    await desk.click("sam", await with_button(desk, "approve_step"), "approve_step")
    await is_route(desk, "cirrus")
    await typed(desk, "incident 1 resolve it was meant", "")
    end = await with_button(desk, "undo_step", "The end of runbook move has come")
    await desk.thread_says("Move back for good")
    await desk.click("maria", end, "undo_step")
    await is_route(desk, "northwind")
