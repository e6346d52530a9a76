"""Web pages elsewhere that hold our chat: what they may call, and what browsers must be told for that.

Nothing here rests on who calls: there are no cookies, so a page brings no more than the token that it holds.
Source: Fetch, section 3.2 (CORS protocol).
"""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CHAT = "/assistant/"
GRAPHQL = "/graphql"

PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "600",
}
READABLE = "Retry-After, X-Request-Id"


class EmbeddingPages:
    """Let pages of origins that ``knows`` tells of call the chat's routes and GraphQL."""

    def __init__(self, app: ASGIApp, knows: Callable[[str], Awaitable[bool]]) -> None:
        self._app, self._knows = app, knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = Headers(scope=scope).get("origin", "") if scope["type"] == "http" else ""
        for_chat = origin and (scope["path"].startswith(CHAT) or scope["path"] == GRAPHQL)
        if not for_chat or not await self._knows(origin):
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = READABLE
                headers.add_vary_header("Origin")
            await send(message)

        if scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope):
            pairs = [(name.lower().encode(), value.encode()) for name, value in PREFLIGHT.items()]
            await answer({"type": "http.response.start", "status": 204, "headers": pairs})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, answer)
