"""create_app: the web edge of a house made from rooms."""

import time
from typing import Any

import structlog
import svcs
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from backend.core.embedding_pages import EmbeddingPages
from backend.core.errors import CRMError
from backend.core.ids import new_id
from backend.core.limits import EdgeRules
from backend.core.metrics import HTTP_REQUESTS, HTTP_SECONDS
from backend.core.origin import LONGEST_DEVICE, Origin, coming_from
from backend.core.relay import parked_entries
from backend.core.web_app import WEB_APP, WebApp
from backend.core.web_hygiene import GRAPHQL, WebHygiene
from backend.graphql_edge import GraphQLEdge
from backend.house import House
from backend.identity.chat_keys import ChatOrigins
from backend.refusals import masked, refuse, refuse_invalid

log = structlog.get_logger()

UPLOADING = ("content-range", "tus-resumable", "upload-length", "upload-metadata", "upload-offset")
"""Headers of uploads in parts, which a web page may send and read. Source: tus 1.0."""


def create_app(house: House) -> FastAPI:
    """Return the web edge of ``house``, which is open and stays its opener's to close.

    Around the routes, from the outside in: the client's address from trusted proxies; request id, origin,
    metrics and masked bugs; sizes, times and security headers; host names; CORS, for pages with a chat and
    for listed ones; the short way to GraphQL.
    """
    settings = house.settings
    app = FastAPI(title="Rapport", docs_url=None, redoc_url=None)
    app.state.house = house
    rules = EdgeRules.of(settings)
    for module in house.modules:
        if module.trusted_documents is not None:
            rules.documents.trust(module.trusted_documents())
    app.state.budget = rules.budget
    app.add_middleware(ShortWay, edge=GraphQLEdge(house, rules))
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH"],
            allow_headers=["authorization", "content-type", "if-none-match", "range", *UPLOADING],
            expose_headers=["ETag", "Location", "Retry-After", "X-Request-Id", *UPLOADING],
        )
    app.add_middleware(EmbeddingPages, knows=_chat_origins(house).knows)
    if settings.allowed_hosts:
        app.add_middleware(
            TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts), www_redirect=False
        )
    app.add_middleware(WebHygiene, settings=settings, larger=_larger_bodies(house))
    app.add_middleware(Accompaniment)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    app.add_exception_handler(CRMError, refuse)
    app.add_exception_handler(RequestValidationError, refuse_invalid)
    for module in house.modules:
        for route in module.routes:
            app.include_router(route)
    if settings.app_dir is not None:
        app.mount(WEB_APP, WebApp(settings.app_dir))
    app.get("/healthz")(_healthz)
    app.get("/metrics", include_in_schema=False)(_metrics)
    return app


def _chat_origins(house: House) -> ChatOrigins:
    with svcs.Container(house.registry) as services:
        return services.get(ChatOrigins)


def _larger_bodies(house: House) -> dict[str, int]:
    found: dict[str, int] = {}
    for module in house.modules:
        if module.larger_bodies is not None:
            found |= module.larger_bodies(house.settings)
    return found


class ShortWay:
    """Take GraphQL, which is most of what is asked, past FastAPI's routing."""

    def __init__(self, app: ASGIApp, edge: GraphQLEdge) -> None:
        self._app, self._edge = app, edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_graphql = scope["type"] in ("http", "websocket") and scope["path"] == GRAPHQL
        await (self._edge if is_graphql else self._app)(scope, receive, send)


class Accompaniment:
    """Give each request an id and a log context, and measure it. Plain ASGI: it costs microseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0
        start = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            with coming_from(_origin(scope, request_id)):
                await self._app(scope, receive, answer)
        except Exception as error:
            if scope["type"] != "http" or status:
                raise  # a socket's, or in the middle of an answer: the server ends the connection
            log.error("http.bug", path=scope["path"], exc_info=error)
            await masked(request_id)(scope, receive, answer)
        finally:
            if scope["type"] == "http":
                known = getattr(scope.get("route"), "path", "unknown")
                route = GRAPHQL if scope["path"] == GRAPHQL else known
                HTTP_REQUESTS.labels(scope["method"], route, status or 500).inc()
                HTTP_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - start)


def _origin(scope: Scope, request_id: str) -> Origin:
    """Say where a request comes from; behind a proxy the server has put the client's address in already."""
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    ip = scope["client"][0] if scope.get("client") else ""
    return Origin(ip=ip, device=agent.decode("latin-1")[:LONGEST_DEVICE], request_id=request_id)


async def _healthz(request: Request, response: Response) -> dict[str, Any]:
    """Say how the house is: 503 with the failing check named when a part of it is away."""
    house: House = request.app.state.house
    checks: dict[str, str] = {}
    for ping in (await _containered(house)).get_pings():
        try:
            await ping.aping()
            checks[ping.name.rsplit(".", 1)[-1]] = "ok"
        except Exception as error:  # noqa: BLE001  (any failure of a check is the answer)
            checks[ping.name.rsplit(".", 1)[-1]] = f"failed: {error}"
    dead = [task.get_name() for task in house.tasks if task.done()]
    checks |= dict.fromkeys(dead, "failed: it has stopped; see the log")
    failed = any(value.startswith("failed") for value in checks.values())
    try:
        parked = await parked_entries(house.store.database)
    except Exception:  # noqa: BLE001  (the store's own check says so)
        parked = []
    checks["relay_parked"] = str(len(parked))
    for module in house.modules:
        if module.status is not None:
            checks |= await module.status(await _containered(house))
    response.status_code = 503 if failed else 200
    return {"status": "failed" if failed else "ok", "checks": checks}


async def _containered(house: House) -> svcs.Container:
    return svcs.Container(house.registry)


async def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
