"""Buttons, confirm dialogs, modals, shortcuts and the App Home do what an app asked for."""

from playwright.async_api import expect

from bot.sandbox.server import Sandbox
from tests.acceptance.page.small_app import CONFIRM, SmallApp, button, mrkdwn
from tests.browser import SHARED_LOOP, OpenTab

pytestmark = SHARED_LOOP


async def post_step(app: SmallApp) -> None:
    blocks = [
        {"type": "section", "text": mrkdwn("*Step 1: switch provider*")},
        {"type": "actions", "elements": [button("Switch provider", "run_step", style="primary", confirm=CONFIRM)]},
    ]
    await app.post("support-bot", "Step 1", blocks=blocks)


async def test_a_button_with_a_question_acts_only_after_yes(sandbox: Sandbox, app: SmallApp, open_tab: OpenTab) -> None:
    await post_step(app)
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    step = page.get_by_role("button", name="Switch provider")
    await step.click()
    question = page.get_by_role("alertdialog", name="Switch provider?")
    await expect(question).to_contain_text("route.chat goes from openai to anthropic.")
    await page.keyboard.press("Escape")
    await expect(question).to_have_count(0)
    await expect(step).to_be_focused()
    assert app.reached == []
    await step.click()
    await question.get_by_role("button", name="Switch", exact=True).click()
    await expect(question).to_have_count(0)
    await expect(step).not_to_have_attribute("aria-busy", "true")
    assert [action["action_id"] for body in app.reached for action in body["actions"]] == ["run_step"]


async def test_a_click_that_nobody_takes_becomes_a_notice(sandbox: Sandbox, app: SmallApp, open_tab: OpenTab) -> None:
    await app.post("support-bot", "x", blocks=[{"type": "actions", "elements": [button("Go", "go")]}])
    await sandbox.parts.sockets.cut()
    sandbox.parts.delivery.transport = None
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await page.get_by_role("button", name="Go", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("dispatch_failed")


async def test_a_message_edited_by_the_app_changes_in_place_and_keeps_the_focus(
    sandbox: Sandbox, app: SmallApp, open_tab: OpenTab
) -> None:
    buttons = [{"type": "actions", "block_id": "b", "elements": [button("Acknowledge", "ack"), button("More", "more")]}]
    ts = await app.post("support-bot", "Down", attachments=[{"color": "#a30200", "blocks": buttons}])
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await page.get_by_role("button", name="More", exact=True).focus()
    channel = sandbox.workspace.channel_named("support-bot")
    assert channel is not None
    fewer = [{**buttons[0], "elements": [button("More", "more")]}]
    await app.client.chat_update(channel=channel.id, ts=ts, text="Known", attachments=[{"blocks": fewer}])
    await expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    await expect(page.locator("#main .message")).to_contain_text("(edited)")
    await expect(page.get_by_role("button", name="More", exact=True)).to_be_focused()


async def test_a_modal_shows_what_is_wrong_at_each_field_and_keeps_what_was_written(
    sandbox: Sandbox, app: SmallApp, open_tab: OpenTab
) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    composer = page.get_by_role("combobox", name="Message to support-bot")
    await composer.fill("/triage")
    await composer.press("Enter")
    modal = page.get_by_role("dialog", name="Report a bad output")
    await modal.get_by_label("What is wrong?").fill("It was rude")
    await modal.get_by_label("Customer e-mail").fill("nobody")
    await modal.get_by_role("button", name="File it").click()
    await expect(modal.locator(".field--wrong")).to_have_count(2)
    await expect(modal.locator("[data-block=feature] .field-error")).to_contain_text("Please fill in this field.")
    await expect(modal.locator("[data-block=mail] .field-error")).to_contain_text("e-mail address")
    assert app.reached == []

    await modal.get_by_label("Customer e-mail").fill("kim@example.com")
    await modal.get_by_role("combobox", name="Which feature?").click()
    await page.get_by_role("option", name="Summary").click()
    await modal.get_by_role("button", name="File it").click()
    wrong = modal.get_by_label("What is wrong?")
    await expect(modal.locator("[data-block=wrong] .field-error")).to_contain_text("Say which promise was wrong.")
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await expect(wrong).to_be_focused()
    await expect(wrong).to_have_value("It was rude")

    await modal.locator("input[type=file]").set_input_files(
        {"name": "shot.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
    )
    await wrong.fill("It promised a refund")
    await modal.get_by_role("button", name="File it").click()
    await expect(modal).to_have_count(0)
    values = app.reached[-1]["view"]["state"]["values"]
    assert values["feature"]["feature"]["selected_option"]["value"] == "summary"
    assert values["mail"]["mail"]["value"] == "kim@example.com"
    assert [file["name"] for file in values["shots"]["shots"]["files"]] == ["shot.png"]


async def test_a_pushed_modal_lies_on_top_and_goes_back_to_the_first(
    sandbox: Sandbox, app: SmallApp, open_tab: OpenTab
) -> None:
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await page.get_by_role("button", name="Shortcuts").click()
    await page.get_by_role("menuitem", name="Open an incident").click()
    modal = page.locator("dialog.modal")
    await modal.get_by_label("What is wrong?").fill("refund and more")
    await modal.get_by_role("combobox", name="Which feature?").press("Enter")
    await page.keyboard.press("Enter")
    await modal.get_by_role("button", name="File it").click()
    await expect(modal.get_by_role("heading", name="One more thing")).to_be_visible()
    await modal.get_by_role("button", name="Back").click()
    await expect(modal.get_by_label("What is wrong?")).to_have_value("refund and more")
    await modal.get_by_role("button", name="Close", exact=True).click()
    await expect(modal).not_to_be_visible()


async def test_a_message_shortcut_carries_the_message(sandbox: Sandbox, app: SmallApp, open_tab: OpenTab) -> None:
    await app.post("support-bot", "You will get a refund of $9,999")
    page = await open_tab(f"{sandbox.page}#/c/support-bot")
    await page.locator("#main .message").hover()
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Report bad output").click()
    await expect(page.locator("dialog.modal")).to_be_visible()
    assert app.reached[0]["message"]["text"] == "You will get a refund of $9,999"


async def test_the_app_home_shows_charts_and_sortable_tables_and_its_buttons_work(
    sandbox: Sandbox, app: SmallApp, open_tab: OpenTab
) -> None:
    page = await open_tab(f"{sandbox.page}#/home")
    await expect(page.get_by_role("heading", name="Open incidents")).to_be_visible()
    await expect(page.locator(".chart table")).to_contain_text("75 %")
    rows = page.locator(".data-table tbody tr")
    await expect(rows).to_have_count(2)
    spend = page.get_by_role("columnheader", name="Spend")
    await spend.get_by_role("button").click()
    await expect(rows.first).to_contain_text("support")
    await spend.get_by_role("button").click()
    await expect(rows.first).to_contain_text("summary")
    await expect(spend).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("button", name="Next page").click()
    await expect(rows).to_have_count(1)
    await page.get_by_role("button", name="Open", exact=True).click()
    await expect(page.get_by_role("button", name="Open", exact=True)).not_to_have_attribute("aria-busy", "true")
    assert app.reached[-1]["actions"][0]["action_id"] == "open_one"
