"""A wrong catalog or runbook stops the start, and at reload the old one stays in force."""

import asyncio
import sys
from pathlib import Path

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tests.acceptance.desk import Desk, eventually, text_of


async def test_a_wrong_catalog_stops_the_start_with_exit_2_and_its_line(desk: Desk) -> None:
    catalog = desk.folder / "badday.yaml"
    catalog.write_text(catalog.read_text().replace("owner: maria", "owner: nobody"))
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("badday")),
        "run",
        env={
            "BADDAY_CONFIG": str(catalog),
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_APP_TOKEN": "xapp-1",
            "DATABASE_URL": desk.database_url,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert "badday.yaml:10: systems.support-bot.owner" in errors.decode()


async def test_a_wrong_catalog_and_runbook_at_reload_leave_the_old_ones_in_force(desk: Desk) -> None:
    await desk.start()
    catalog = desk.folder / "badday.yaml"
    catalog.write_text(catalog.read_text().replace("owner: maria", "owner: nobody"))
    runbooks = desk.folder / "runbooks"
    runbooks.mkdir()
    (runbooks / "provider-outage.yaml").write_text("runbook: 1\nname: provider-outage\nstepz: []\n")
    log = desk.folder / f"bot-{desk.bots[0].port}.log"

    async def refused() -> bool:
        text = log.read_text()
        return "nobody" in text and "stepz" in text

    await eventually(refused, within=10)
    desk.page.status = "major_outage"
    page = await desk.page_to("maria")
    assert "northwind" in text_of(page).lower()
    await desk.thread_says("cirrus")


async def test_a_status_page_that_cannot_be_read_is_no_outage_and_no_green(desk: Desk) -> None:
    answers: list[Response] = [
        Response("<html><body>moved</body></html>", media_type="text/html"),
        PlainTextResponse('{"page": {"id": "abc'),
        PlainTextResponse("busy", status_code=503),
        RedirectResponse("/api/v2/summary.json"),
        PlainTextResponse("[" + "1," * 5_000_000 + "1]"),
    ]
    await desk.start()
    for answer in answers:
        seen = desk.page.requests
        desk.page.answer = lambda answer=answer: answer  # type: ignore[misc]

        async def polled(seen: int = seen) -> bool:
            return desk.page.requests > seen

        await eventually(polled, within=20)
    await asyncio.sleep(0.5)
    assert all("outage" not in text_of(m).lower() for m in await desk.workspace.of_bot("support-bot"))
    desk.page.answer = None
    desk.page.status = "major_outage"
    await desk.page_to("maria", within=30)
