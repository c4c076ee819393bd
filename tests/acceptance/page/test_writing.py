"""People write, complete commands, mention, react, attach and answer in threads."""

import httpx
from playwright.async_api import expect

from bot.sandbox.server import Sandbox
from tests.acceptance.page.small_app import SmallApp
from tests.browser import SHARED_LOOP, OpenTab

pytestmark = SHARED_LOOP


async def said(sandbox: Sandbox, channel: str) -> list[str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{sandbox.control_url}/messages", params={"channel": channel, "user": "maria"})
    return [message["text"] for message in answer.json()["messages"]]


async def act(sandbox: Sandbox, gesture: str, **body: object) -> dict[str, object]:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{sandbox.control_url}/{gesture}", json=body)
    assert answer.is_success, answer.text
    done: dict[str, object] = answer.json()
    return done


async def test_enter_sends_a_message_and_shift_enter_only_breaks_the_line(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    composer = page.get_by_role("combobox", name="Message to support-bot")
    await composer.fill("Two")
    await composer.press("Shift+Enter")
    await composer.type("lines, *bold*")
    await composer.press("Enter")
    message = page.locator("#main .message").last
    await expect(message).to_contain_text("Twolines")
    await expect(message.locator("strong")).to_have_text("bold")
    await expect(composer).to_have_value("")
    assert await said(sandbox, "support-bot") == ["Two\nlines, *bold*"]


async def test_a_message_by_somebody_else_appears_by_itself(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await expect(page.locator("#main .empty")).to_be_visible()
    await act(sandbox, "message", user="sam", channel="support-bot", text="Hello from Sam")
    await expect(page.locator("#main .message")).to_contain_text("Hello from Sam")
    await expect(page.locator("#announcer")).to_contain_text("Sam Reed: Hello from Sam")


async def test_messages_elsewhere_are_counted_until_the_channel_is_opened(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await expect(page.locator("#main .empty")).to_be_visible()
    for text in ("one", "two"):
        await act(sandbox, "message", user="sam", channel="general", text=text)
    place = page.locator("#sidebar .place", has_text="general")
    await expect(place.locator(".unread")).to_have_text("2")
    await place.click()
    await expect(place.locator(".unread")).to_have_count(0)
    await page.reload()
    await expect(page.locator("#main .message")).to_have_count(2)
    await expect(place.locator(".unread")).to_have_count(0)


async def test_a_slash_command_is_completed_by_tab_and_answered_to_its_author_only(
    sandbox: Sandbox, app: SmallApp, open_tab: OpenTab
) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    composer = page.get_by_role("combobox", name="Message to support-bot")
    await composer.type("/")
    offers = page.locator("#main .completion .option")
    await expect(offers).to_have_count(2)
    await expect(offers.first).to_contain_text("help | status | incident open")
    await composer.type("ba")
    await expect(offers).to_have_count(1)
    await composer.press("Tab")
    await expect(composer).to_have_value("/badday ")
    await composer.type("status")
    await composer.press("Enter")
    answer = page.locator("#main .message--ephemeral")
    await expect(answer).to_contain_text("You asked: status")
    await expect(answer).to_contain_text("Only visible to you")
    assert [body["text"] for body in app.reached] == ["status"]


async def test_a_command_that_nobody_takes_says_so(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    composer = page.get_by_role("combobox", name="Message to support-bot")
    await composer.fill("/badday status")
    await composer.press("Enter")
    await expect(page.locator("#main .message--ephemeral")).to_contain_text("/badday failed with the error")


async def test_a_mention_is_completed_from_the_name(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    composer = page.get_by_role("combobox", name="Message to support-bot")
    await composer.type("ask @ree")
    await composer.press("Enter")
    await expect(composer).to_have_value("ask @sam ")
    await composer.press("Enter")
    await expect(page.locator("#main .message .mention")).to_have_text("@Sam Reed")


async def test_reactions_are_added_and_taken_back(sandbox: Sandbox, open_tab: OpenTab) -> None:
    posted = await act(sandbox, "message", user="sam", channel="support-bot", text="Look")
    await act(sandbox, "react", user="sam", channel="support-bot", ts=posted["ts"], name="eyes")
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    reaction = page.locator("#main .reaction[aria-pressed]")
    await expect(reaction).to_have_attribute("aria-pressed", "false")
    await reaction.click()
    await expect(reaction).to_have_attribute("aria-pressed", "true")
    await expect(reaction.locator(".count")).to_have_text("2")
    await reaction.click()
    await expect(reaction.locator(".count")).to_have_text("1")


async def test_a_thread_is_answered_beside_its_channel(sandbox: Sandbox, open_tab: OpenTab) -> None:
    root = await act(sandbox, "message", user="sam", channel="support-bot", text="Shall I switch?")
    await act(sandbox, "message", user="ana", channel="support-bot", text="Yes", thread_ts=root["ts"])
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await page.locator("#main .reply-bar").click()
    reply = page.get_by_role("combobox", name="Reply in thread")
    await expect(reply).to_be_focused()
    await reply.type("Done")
    await reply.press("Enter")
    await expect(page.locator("#thread .message")).to_have_count(3)
    await expect(page.locator("#thread .thread-count")).to_have_text("2 replies")
    await expect(page.locator("#main .reply-bar")).to_contain_text("2 replies")
    await expect(page.locator("#main .message")).to_have_count(1)


async def test_a_file_is_attached_and_shown(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await page.locator("#main input[type=file]").set_input_files(
        {"name": "trace.log", "mimeType": "text/plain", "buffer": b"HTTP 503"}
    )
    await expect(page.locator("#main .file-chip")).to_contain_text("trace.log")
    await page.get_by_role("button", name="Send").click()
    card = page.locator("#main .message .file-card")
    await expect(card).to_contain_text("trace.log")
    address = await card.get_attribute("href")
    async with httpx.AsyncClient(base_url=sandbox.base_url) as client:
        assert (await client.get(str(address))).content == b"HTTP 503"


async def test_a_file_dropped_on_the_thread_goes_into_the_thread(sandbox: Sandbox, open_tab: OpenTab) -> None:
    root = await act(sandbox, "message", user="sam", channel="support-bot", text="What did you see?")
    page = await open_tab(f"{sandbox.page}#/c/{root['channel']}/t/{root['ts']}")
    transfer = await page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["HTTP 503"], "dropped.log", { type: "text/plain" }));
            return transfer;
        }"""
    )
    thread = page.locator("#thread")
    await expect(thread.locator(".message")).to_have_count(1)
    await thread.dispatch_event("dragover", {"dataTransfer": transfer})
    await expect(thread.locator(".drop-veil")).to_be_visible()
    await thread.dispatch_event("drop", {"dataTransfer": transfer})
    await expect(thread.locator(".drop-veil")).to_be_hidden()
    reply = page.get_by_role("combobox", name="Reply in thread")
    await expect(reply).to_be_focused()
    await reply.press("Enter")
    await expect(thread.locator(".file-card")).to_contain_text("dropped.log")
    assert await said(sandbox, "support-bot") == ["What did you see?"]


async def test_a_link_to_a_reply_opens_its_thread(sandbox: Sandbox, open_tab: OpenTab) -> None:
    root = await act(sandbox, "message", user="sam", channel="support-bot", text="Root")
    reply = await act(sandbox, "message", user="ana", channel="support-bot", text="Reply", thread_ts=root["ts"])
    page = await open_tab(f"{sandbox.page}#/c/{root['channel']}/{reply['ts']}")
    await expect(page.locator("#thread .message--linked")).to_contain_text("Reply")


async def test_acting_as_somebody_else_changes_who_writes(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await page.get_by_role("button", name="Acting as Maria Ortiz").click()
    await page.get_by_role("menuitemradio", name="Ana Kovač").click()
    composer = page.get_by_role("combobox", name="Message to support-bot")
    await expect(page.get_by_role("button", name="Acting as Ana Kovač")).to_be_visible()
    await composer.fill("It is me")
    await composer.press("Enter")
    await expect(page.locator("#main .message .name")).to_have_text("Ana Kovač")
    await page.reload()
    await expect(page.get_by_role("button", name="Acting as Ana Kovač")).to_be_visible()
