"""A real Chromium at a phone's size, and a server that can be taken away from it."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from backend.core.ports import find_free_port
from tests.phones.node import ensure_node_modules, find_node

REP_APP = Path(__file__).resolve().parents[2] / "examples" / "rep_app"
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 30_000.0
# The headless shell first, the same engine without a desktop browser around it: to open a phone costs it
# a third of the processor.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
NO_CHROMIUM = "no Chromium on this machine; Debian has it: apt-get install chromium-headless-shell"
FLAGS = [
    "--no-sandbox",  # its own sandbox needs rights that containers lack
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=PATIENCE_MS)


def build_rep_app(folder: Path) -> Path:
    """Build the app from its locked packages into ``folder``; return it."""
    ensure_node_modules(REP_APP)
    command = [str(find_node()), str(REP_APP / "build.mjs"), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


class AppServer:
    """A house's web edge on a port of its own, which stays the same while the server comes and goes."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._port = find_free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        config = uvicorn.Config(
            self._app,
            log_level="error",
            lifespan="off",
            ws="websockets-sansio",
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Go away: sockets are closed, and nothing answers any more."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = self._server.force_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._serving
        self._server = self._serving = None


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run Chromium while the block lasts; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


class Phone:
    """One person's phone: a browser context of its own, so its own storage, with the app open."""

    def __init__(self, context: BrowserContext, page: Page, server: AppServer) -> None:
        self.context, self.page, self.server = context, page, server
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        # What the browser says of a server that is away, or refuses, is meant; a broken policy is not.
        meant = ("ERR_", "WebSocket", "status of 401")
        if message.type == "error" and not any(word in message.text for word in meant):
            self.errors.append(message.text)

    async def sign_in(self, email: str, password: str) -> None:
        await self.page.fill("#email", email)
        await self.page.fill("#password", password)
        await self.page.click("button[type=submit]")

    async def go(self, screen: str) -> None:
        await self.page.click(f'nav a[href="#/{screen}"]')

    async def vanish(self) -> None:
        """Lose the network: the server is gone, too, so that nothing can slip through."""
        await self.context.set_offline(True)
        await self.server.stop()
        await expect(self.page.locator(".notice")).to_be_visible()

    async def come_back(self) -> None:
        await self.server.start()
        await self.context.set_offline(False)

    async def up_to_date(self) -> None:
        """Wait until nothing is left to be sent and the server is heard."""
        await self.go("more")
        await expect(self.page.locator('[data-state="upToDate"]')).to_be_visible()


@asynccontextmanager
async def phone(browser: Browser, server: AppServer, **options: Any) -> AsyncIterator[Phone]:
    """Open the app on a new phone; ``options`` are Playwright's of a context: locale, color_scheme."""
    settings = {"locale": "en-GB", "timezone_id": "Asia/Shanghai", **options}
    context = await browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, **settings)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    opened = Phone(context, page, server)
    try:
        await page.goto(f"{server.address}/app/")
        yield opened
    finally:
        await context.close()
    assert opened.errors == [], opened.errors
