"""A built web app of static files, served beside the API under a policy of its own."""

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

WEB_APP = "/app"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What pages of the app may do: run its own files and call this server. Source: CSP Level 3."""

CHECK_FIRST = "no-cache"
"""A browser asks whether a file is still current; the app's service worker keeps them for when it cannot."""


class WebApp(StaticFiles):
    """The files of one folder, the page ``index.html`` at its root; each names the policy of the app."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["Cache-Control"] = CHECK_FIRST
            await send(message)

        await super().__call__(scope, receive, answer)
