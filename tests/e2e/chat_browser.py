"""The chat in a real Chromium: on a page of somebody else, under a strict policy, and on our own."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Locator, Page, Route, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route as Path

from tests.crew import Crew
from tests.e2e.phone_browser import PATIENCE_MS, PHONE, AppServer
from tests.phones.node import PHONES_DIR, ensure_node_modules
from tests.visitors import make_key

DESK = {"width": 1100, "height": 760}
HOSTILE = """
    * { font: 30px/3 cursive !important; color: red !important; letter-spacing: 9px; --accent: red; }
    * { text-transform: uppercase; visibility: hidden; opacity: 0.1 !important; white-space: pre; }
    button, textarea, input, p, div, section, svg { display: none !important; position: static !important; }
    [hidden] { display: block !important; } :root { --ink: red; direction: rtl; }
"""
"""What pages do to widgets that live in their own tree."""
WARRANTY = "How long is the warranty on an HL-30 Probe?"
CALIBRATION = "三点校准一支多少钱？"
UNKNOWN = "Do you have a Modbus connection for building management systems?"
OFFERED = "Can I buy a five year warranty?"  # near to two articles
TYPING = "mutation($id: ID!) { chatTyping(conversationId: $id) }"


class HostSite:
    """A web site elsewhere that embeds the chat, under the strictest policy that lets it."""

    def __init__(self, chat: str) -> None:
        self.chat, self.key, self.css, self.attributes = chat, "", "", ""
        self._server: uvicorn.Server | None = None
        self.address = ""

    async def page(self, request: Request) -> HTMLResponse:
        policy = (
            f"default-src 'none'; script-src {self.chat}; connect-src {self.chat}; "
            "style-src 'nonce-host'; base-uri 'none'; require-trusted-types-for 'script'"
        )
        body = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style nonce="host">{self.css}</style></head><body><main><h1>Shop</h1><a href="#x">Cart</a></main>
            <script src="{self.chat}/widget.js" data-key="{self.key}" {self.attributes}></script>
            </body></html>"""
        return HTMLResponse(body, headers={"Content-Security-Policy": policy})

    async def __aenter__(self) -> Self:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        app = Starlette(routes=[Path("/{path:path}", self.page)])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = self._server.force_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._serving


@dataclass
class Front:
    """The crew's chat: its server, which may be stopped, a site that embeds it, and its key."""

    crew: Crew
    server: AppServer
    site: HostSite
    key: str

    async def answer(self, conversation_id: str, text: str) -> None:
        """Say something as the crew's agent."""
        said = {"conversationId": conversation_id, "body": text}
        made = await self.crew.agent.do("messageCreate", said, "id")
        assert made["__typename"] == "Message", made

    async def said(self, conversation_id: str) -> list[str]:
        """Return what the store holds of a conversation, as its agent reads it."""
        query = """query($id: ID!) { messages(filter: {conversationId: {eq: $id}}, first: 100) {
            nodes { body authorKind } } }"""
        nodes = (await self.crew.agent.ask(query, id=conversation_id))["messages"]["nodes"]
        return [one["body"] for one in nodes if one["authorKind"] == "CUSTOMER"]


@asynccontextmanager
async def front_of(crew: Crew, app: FastAPI) -> AsyncIterator[Front]:
    async with AppServer(app) as server, HostSite(server.address) as site:
        key = await make_key(crew, origins=[site.address])
        site.key = key["id"]
        yield Front(crew, server, site, key["id"])


@dataclass
class ChatPage:
    """One tab with the chat in it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def __getitem__(self, selector: str) -> Locator:
        return self.page.locator(f"rapport-chat {selector}")

    async def open(self) -> None:
        await self[".launcher"].click()
        await expect(self["textarea"]).to_be_focused()

    async def say(self, text: str) -> None:
        await self["textarea"].fill(text)
        await self["textarea"].press("Enter")

    async def all_sent(self) -> None:
        """Wait until all that was written is known to be sent; what is shown may be of a try before."""
        waiting = "document.querySelector('rapport-chat').conversation.memory.outbox.length"
        async with asyncio.timeout(PATIENCE_MS / 1_000):
            while await self.page.evaluate(waiting):
                await asyncio.sleep(0.05)

    async def forget(self) -> None:
        await self.page.get_by_role("button", name="Options").click()
        await self.page.get_by_role("button", name="Forget this conversation on this device").click()

    async def stop_clock(self) -> None:
        """Let the page's time go on only as the test says: nothing is tried again behind its back."""
        await self.page.clock.install()
        now = await self.page.evaluate("Date.now()")
        await self.page.clock.pause_at(now / 1000 + 60)

    async def catch_up(self) -> None:
        """Send what waits and read what is new, as the chat does by itself sooner or later."""
        await self.page.evaluate("document.querySelector('rapport-chat').conversation.catchUp()")

    async def settle(self) -> None:
        """Wait until nothing is sent or read, and no line is open: only time brings the next."""
        look = "async ({conversation}) => (await conversation.catching, conversation.hangUp === null)"
        while not await self.page.evaluate(f"({look})(document.querySelector('rapport-chat'))"):
            await asyncio.sleep(0.02)

    async def conversation_id(self) -> str:
        held = await self.page.evaluate(
            "Object.values(localStorage).find((one) => one.includes('conversationId'))"
        )
        return str(json.loads(held)["conversationId"])

    async def texts(self, side: str = "") -> list[str]:
        return await self[f".message{side} .bubble"].all_inner_texts()

    async def faults(self) -> list[str]:
        """Return what axe-core finds wrong with the page, in the light and in the dark."""
        ensure_node_modules(PHONES_DIR)
        axe = (PHONES_DIR / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        found: list[str] = []
        for light in ("light", "dark"):
            await self.page.emulate_media(color_scheme=light)
            await self.page.evaluate(f"(() => {{ if (!window.axe) {{ {axe} }} }})()")
            broken = await self.page.evaluate(
                "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations"
                ".map(({id, nodes}) => `${id}: ${nodes.map((one) => one.html).join(' ')}`))"
            )
            found += [f"{light}: {one}" for one in broken]
        return found


class HeldBack:
    """A route's handler: the server's answer to a request with `words` is held back until it is wanted."""

    def __init__(self, words: str = "") -> None:
        self.words, self.made, self.wanted = words, asyncio.Event(), asyncio.Event()

    async def __call__(self, route: Route) -> None:
        answer = await route.fetch()
        if self.words in (route.request.post_data or ""):
            self.made.set()
            await self.wanted.wait()
        await route.fulfill(response=answer)


class Silent:
    """A route's handler: the first request with `words` is never answered, those after it are."""

    def __init__(self, words: str = "") -> None:
        self.words, self.asked, self.begun = words, 0, asyncio.Event()

    async def __call__(self, route: Route) -> None:
        if self.words in (route.request.post_data or ""):
            self.asked += 1
            self.begun.set()
            if self.asked == 1:
                return
        await route.continue_()


async def unreached(route: Route) -> None:
    """Be a network that is gone."""
    await route.abort("connectionfailed")


@asynccontextmanager
async def visitor_browser(
    browser: Browser, *, viewport: Mapping[str, int] = PHONE, locale: str = "en-GB", **options: Any
) -> AsyncIterator[BrowserContext]:
    """One visitor's browser: storage of its own, motion reduced so that nothing is caught half-way."""
    context = await browser.new_context(
        viewport=dict(viewport),  # type: ignore[arg-type]
        locale=locale,
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        await context.close()


@asynccontextmanager
async def chat_page(context: BrowserContext, address: str) -> AsyncIterator[ChatPage]:
    """Open a tab; at its end, fail on a script error and on what a policy forbade."""
    page = await context.new_page()
    opened = ChatPage(page)
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    page.on("console", lambda message: _heard(opened, message))
    await page.goto(address)
    yield opened
    assert opened.errors == []
    await page.close()


def _heard(opened: ChatPage, message: Any) -> None:
    # What the browser says of a server that is away, or refuses, is meant; a broken policy is not.
    meant = ("ERR_", "status of 4", "status of 503")
    if message.type == "error" and not any(word in message.text for word in meant):
        opened.errors.append(message.text)
