"""One Chromium for all browser tests, and tabs in it that notice script errors and requests to other hosts.

Tests that use these fixtures share their event loop: mark them with `SHARED_LOOP` (a module's `pytestmark`), and give
async fixtures that talk to the same servers `loop_scope="session"`. Import `chromium`, `open_tab` and
`pytest_runtest_setup` in a conftest.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

SHARED_LOOP = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 10_000
PHONE_WIDTH = 390
NARROW = 600  # widths below this are shown as a touch screen


def executable() -> str | None:
    """Where a Chromium is, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips early, and from one place, so that the summary has one loud line however many tests there are."""
    if item.get_closest_marker("browser") is not None:
        require_browser()


def require_browser() -> str:
    """Where the Chromium is. Without one the test is skipped, but in CI it fails."""
    path = executable()
    if path is not None:
        return path
    message = "NO BROWSER: the page was NOT tested; install chromium (Debian: apt-get install chromium)"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser of this session."""
    path = require_browser()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@dataclass
class Watched:
    """What went wrong in a tab, or left for another host."""

    home: str
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def page_error(self, error: Exception) -> None:
        self.errors.append(str(error))

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _expected(message.text):
            self.errors.append(message.text)

    def request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.netloc != self.home:
            self.elsewhere.append(request.url)


def _expected(text: str) -> bool:
    """The browser itself reports refused requests and a lost stream; the page tells people of them in its own way."""
    return text.startswith("Failed to load resource")


OpenTab = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(chromium: Browser) -> AsyncIterator[OpenTab]:
    """`await open_tab(url, width=1280, theme="light")`: a page with storage of its own, closed after the test.

    The test fails where a script failed or anything was requested from another host.
    """
    opened: list[tuple[BrowserContext, Watched]] = []

    async def open_one(
        url: str, *, width: int = 1280, height: int = 820, theme: Literal["light", "dark"] = "light"
    ) -> Page:
        touch = width < NARROW
        context = await chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, has_touch=touch, is_mobile=touch
        )
        context.set_default_timeout(PATIENCE_MS)
        watched = Watched(urlsplit(url).netloc)
        opened.append((context, watched))
        page = await context.new_page()
        page.on("pageerror", watched.page_error)
        page.on("console", watched.console)
        page.on("request", watched.request)
        await page.goto(url)
        if await page.locator("#shell").count():
            await page.locator("#shell:not([aria-busy])").wait_for(state="attached")
        return page

    yield open_one
    for context, _ in opened:
        await context.close()
    for _, watched in opened:
        assert watched.errors == []
        assert watched.elsewhere == []
