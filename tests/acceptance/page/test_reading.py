"""The page is safe with foreign words, usable by keyboard alone, on a phone, in the dark, and honest when cut off."""

import httpx
import pytest
from playwright.async_api import Page, expect

from bot.sandbox.server import Sandbox
from tests.acceptance.page.small_app import CONFIRM, SmallApp, button, mrkdwn, plain
from tests.browser import PHONE_WIDTH, SHARED_LOOP, OpenTab

pytestmark = SHARED_LOOP

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
LONG = "x" * 400


def incident() -> list[dict[str, object]]:
    facts = ["*Severity*\nsev1", "*State*\ntriggered", "*Owner*\nMaria Ortiz", "*Since*\n<!date^1764000000^{time}|now>"]
    return [
        {"type": "header", "text": plain("OpenAI: API is down")},
        {
            "type": "section",
            "text": mrkdwn("The status page reports a *major outage*."),
            "fields": [mrkdwn(f) for f in facts],
        },
        {"type": "context", "elements": [mrkdwn("polled every 60 s")]},
        {
            "type": "actions",
            "elements": [
                button("Acknowledge", "acknowledge", style="primary"),
                button("Resolve", "resolve", style="danger", confirm=CONFIRM),
            ],
        },
    ]


def sandbox_client(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{sandbox.control_url}/")


async def no_sideways_scrolling(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_line_breaks_of_plain_text_stay(sandbox: Sandbox, app: SmallApp, open_tab: OpenTab) -> None:
    await app.post("support-bot", "two lines", blocks=[{"type": "section", "text": plain("one\ntwo")}])
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    text = page.locator("#main .message .section-text")
    await expect(text).to_be_visible()
    assert await text.inner_text() == "one\ntwo"


async def test_hostile_words_stay_words_wherever_they_stand(sandbox: Sandbox, app: SmallApp, open_tab: OpenTab) -> None:
    blocks = [
        {"type": "header", "text": plain(HOSTILE)},
        {"type": "section", "text": mrkdwn("<javascript:document.title='taken'|a link> &lt;b&gt;not bold&lt;/b&gt;")},
        {"type": "markdown", "text": f"{HOSTILE} [a link](javascript:alert(1)) ![x](javascript:alert(1))"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": HOSTILE},
                        {"type": "link", "url": "javascript:alert(1)", "text": "a link"},
                        {"type": "link", "url": "data:text/html,<script>1</script>", "text": "data"},
                    ],
                }
            ],
        },
        {"type": "table", "rows": [[{"type": "raw_text", "text": "A"}], [{"type": "raw_text", "text": HOSTILE}]]},
        {"type": "image", "image_url": "https://example.com/spy.png", "alt_text": "A picture from elsewhere"},
    ]
    await app.post("support-bot", HOSTILE, blocks=blocks)
    sandbox.workspace.user_named("sam").real_name = HOSTILE  # type: ignore[union-attr]
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    message = page.locator("#main .message")
    await expect(message.locator(".block-header")).to_have_text(HOSTILE)
    await expect(message).to_contain_text("<b>not bold</b>")
    assert await page.locator("#shell script, #shell [onerror], #shell b").count() == 0
    assert await page.locator("a[href^='javascript:'], a[href^='data:'], img[src^='https:']").count() == 0
    await expect(message.locator(".refused-link")).to_have_count(5)
    assert await page.title() == "#support-bot · Local workspace"


async def test_everything_can_be_done_by_keyboard_alone(sandbox: Sandbox, app: SmallApp, open_tab: OpenTab) -> None:
    await app.post("general", "Down", blocks=incident())
    await app.post("general", "Up again")
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await expect(page.get_by_role("combobox", name="Message to support-bot")).to_be_focused()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("gen")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="Message to general")).to_be_focused()
    messages = page.locator("#main .message")
    await expect(messages).to_have_count(2)
    await messages.last.focus()
    await page.keyboard.press("ArrowUp")
    await expect(messages.first).to_be_focused()
    acknowledge = page.get_by_role("button", name="Acknowledge")
    for _ in range(4):
        await page.keyboard.press("Tab")
        if await acknowledge.evaluate("node => node === document.activeElement"):
            break
    await expect(acknowledge).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(acknowledge).not_to_have_attribute("aria-busy", "true")
    assert app.reached[-1]["actions"][0]["action_id"] == "acknowledge"
    await messages.first.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="Reply in thread")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#thread")).to_be_hidden()
    await expect(messages.first).to_be_focused()


async def test_the_sidebar_is_one_tab_stop_and_arrows_move_in_it(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await expect(page.locator(".place--here")).to_have_text("support-bot")
    assert await page.locator(".place[tabindex='0']").count() == 1
    await page.locator(".place--here").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.locator(".place--here")).to_have_text("random")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_phone_shows_everything_without_scrolling_sideways(
    sandbox: Sandbox, app: SmallApp, open_tab: OpenTab, theme: str
) -> None:
    ts = await app.post("support-bot", "Down", attachments=[{"color": "#a30200", "blocks": incident()}])
    await app.post("support-bot", LONG, thread_ts=ts)
    row = [{"type": "raw_text", "text": f"column number {n}"} for n in range(12)]
    await app.post(
        "support-bot",
        LONG,
        blocks=[{"type": "table", "rows": [row, row]}, {"type": "section", "text": mrkdwn(f"```{LONG}```")}],
    )
    page = await open_tab(f"{sandbox.page}#/c/support-bot", width=PHONE_WIDTH, height=844, theme=theme)
    await expect(page.locator("#main .message")).to_have_count(2)
    await no_sideways_scrolling(page)
    await page.get_by_role("button", name="Channels").click()
    await expect(page.locator("#sidebar .place--here")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator("#main .reply-bar").click()
    await expect(page.locator("#thread .message")).to_have_count(2)
    await expect(page.locator("#main")).to_be_hidden()
    await no_sideways_scrolling(page)
    await page.get_by_role("button", name="Back to the channel").click()
    await expect(page.locator("#main")).to_be_visible()
    await page.goto(f"{sandbox.page}#/home")
    await expect(page.get_by_role("heading", name="Open incidents")).to_be_visible()
    await no_sideways_scrolling(page)


async def test_the_theme_follows_the_system_until_somebody_chooses(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(sandbox.page, theme="dark")
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Theme: As the system").click()
    await page.get_by_role("menuitemradio", name="Light").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "light")


async def test_a_lost_workspace_is_said_and_what_was_missed_appears(sandbox: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    banner = page.locator("#banner")
    await expect(page.locator("#main .empty")).to_be_visible()
    await page.context.set_offline(offline=True)
    sandbox.parts.live.close()
    await expect(banner).to_contain_text("Reconnecting")
    async with sandbox_client(sandbox) as client:
        await client.post("message", json={"user": "sam", "channel": "support-bot", "text": "While you were away"})
    await page.context.set_offline(offline=False)
    await expect(banner).to_be_hidden()
    await expect(page.locator("#main .message")).to_contain_text("While you were away")


async def test_the_page_needs_nothing_that_a_strict_content_security_policy_forbids(
    sandbox: Sandbox, app: SmallApp, open_tab: OpenTab
) -> None:
    await app.post("support-bot", "Down", attachments=[{"color": "#a30200", "blocks": incident()}])
    async with httpx.AsyncClient() as client:
        policy = (await client.get(sandbox.page)).headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await expect(page.locator("#main .message")).to_have_count(1)
    bar = await page.locator(".attachment").evaluate("node => getComputedStyle(node, '::before').backgroundColor")
    assert bar == "rgb(163, 2, 0)"


async def test_a_permalink_of_slacks_form_opens_the_message(sandbox: Sandbox, app: SmallApp, open_tab: OpenTab) -> None:
    root = await app.post("support-bot", "Down")
    reply = await app.post("support-bot", "Known", thread_ts=root)
    channel = sandbox.workspace.channel_named("support-bot")
    assert channel is not None
    link = await app.client.chat_getPermalink(channel=channel.id, message_ts=reply)
    page = await open_tab(str(link["permalink"]))
    await expect(page.locator("#thread .message--linked")).to_contain_text("Known")
