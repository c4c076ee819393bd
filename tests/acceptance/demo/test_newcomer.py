"""What a newcomer does in the demo's page: break something, and watch the desk work."""

import re

from playwright.async_api import Page, expect

from bot.sandbox.demo.stage import Stage
from tests.browser import PHONE_WIDTH, SHARED_LOOP, OpenTab

pytestmark = SHARED_LOOP
OUTAGE_MS = 15_000
"""Noticing takes a lag of a second and two polls; a busy machine more."""


async def confirm(page: Page, label: str) -> None:
    await page.get_by_role("alertdialog").get_by_role("button", name=label, exact=True).click()


async def test_a_newcomer_breaks_a_provider_switches_heals_and_switches_back(stage: Stage, open_tab: OpenTab) -> None:
    page = await open_tab(stage.sandbox.page, width=1440, height=900)
    world = page.get_by_role("complementary", name="World")
    await expect(world.get_by_text("Northwind AI", exact=True).first).to_be_visible()

    await world.get_by_role("button", name="Fail Northwind AI").click()
    await expect(world.get_by_text("Sorry, I can't answer right now").first).to_be_visible()

    await page.get_by_role("link", name=re.compile("Messages")).click()
    await page.get_by_role("button", name="Acknowledge").first.click(timeout=OUTAGE_MS)

    await page.get_by_role("link", name=re.compile("support-bot")).click()
    await page.get_by_role("button", name=re.compile(r"\d+ repl(y|ies)")).click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("button", name="Run step 2").click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("Switch route chat from northwind to cirrus")
    await confirm(page, "Run")
    route = world.locator(".world-route-name")
    await expect(route).to_have_text("Cirrus AI", timeout=OUTAGE_MS)

    await world.get_by_role("button", name="Heal Northwind AI").click()
    await expect(thread.get_by_text("Recovered").first).to_be_visible(timeout=OUTAGE_MS)
    await thread.get_by_role("button", name="Undo step 2").click()
    await confirm(page, "Undo")
    await expect(route).to_have_text("Northwind AI", timeout=OUTAGE_MS)


async def test_a_newcomer_reads_the_deputys_mail_and_acknowledges_by_its_link(
    night_stage: Stage, open_tab: OpenTab
) -> None:
    page = await open_tab(night_stage.sandbox.page, width=1440, height=900)
    world = page.get_by_role("complementary", name="World")
    await expect(world.get_by_role("heading", name="Mail")).to_be_hidden()
    await world.get_by_role("button", name="Fail Northwind AI").click()
    link = world.get_by_role("link", name="opens the mail")
    await expect(link).to_be_visible(timeout=2 * OUTAGE_MS)
    async with page.context.expect_page() as opening:
        await link.click()
    mail = await opening.value
    await expect(mail.get_by_text("Sam Reed <sam@example.com>")).to_be_visible()
    await mail.frame_locator("iframe").get_by_role("link", name="Acknowledge").click()
    await mail.get_by_role("button", name="Acknowledge").click()
    await expect(mail.get_by_text("Acknowledged by you")).to_be_visible()
    await page.get_by_role("link", name=re.compile("^support-bot")).click()
    await expect(page.get_by_text("by Sam Reed").first).to_be_visible()


async def test_the_switches_of_the_world_work_by_keyboard_and_keep_their_place(stage: Stage, open_tab: OpenTab) -> None:
    page = await open_tab(stage.sandbox.page, width=1440, height=900, theme="dark")
    world = page.get_by_role("complementary", name="World")
    slow = world.get_by_role("button", name="Make slow Cirrus AI")
    await slow.focus()
    await page.keyboard.press("Enter")
    await expect(world.get_by_text("slow", exact=True)).to_be_visible()
    await expect(slow).to_be_focused()
    await expect(slow).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(world.get_by_text("recovering", exact=True)).to_be_visible()
    await expect(world.get_by_text("slow", exact=True)).to_be_hidden()


async def test_the_world_fits_a_phone(stage: Stage, open_tab: OpenTab) -> None:
    page = await open_tab(stage.sandbox.page, width=PHONE_WIDTH, height=844)
    await page.get_by_role("button", name="World", exact=True).click()
    await expect(page.get_by_role("button", name="Fail Northwind AI")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    body = page.locator(".panel-body")
    assert await body.evaluate("e => e.scrollWidth <= e.clientWidth")
