"""create_app: the web edge of a house made from rooms."""

import hashlib
import json
import math
import re
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
import strawberry
import structlog
import svcs
from cross_web import HTTPException
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, StreamingResponse
from graphql import GraphQLError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.config import StrawberryConfig
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext
from strawberry.types.unset import UNSET, UnsetType
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from backend.core.access import Actor
from backend.core.compression import compressed
from backend.core.embedding_pages import EmbeddingPages
from backend.core.errors import (
    BadRequest,
    CRMError,
    FieldError,
    InvalidInput,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from backend.core.graphql import EXCEPTION_HANDLERS, Context
from backend.core.ids import new_id
from backend.core.limits import EdgeRules, HouseRules, describe_errors
from backend.core.metrics import HTTP_REQUESTS, HTTP_SECONDS
from backend.core.module import Module
from backend.core.origin import LONGEST_DEVICE, Origin, coming_from
from backend.core.relay import parked_entries
from backend.core.trusted_documents import UnknownDocument, UntrustedDocument
from backend.core.web_app import WEB_APP, WebApp
from backend.core.web_hygiene import GRAPHQL, PLAIN_HEADERS, BodyTooLarge, WebHygiene
from backend.house import House
from backend.identity.actors import Actors
from backend.identity.chat_keys import ChatOrigins

log = structlog.get_logger()


class HouseSchema(strawberry.Schema):
    """A schema whose errors carry codes and hide bugs."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = execution_context.context if execution_context else None
        describe_errors(errors, context.request_id if isinstance(context, Context) else new_id())


def build_schema(modules: Sequence[Module], rules: EdgeRules | None = None) -> strawberry.Schema:
    """Merge every room's root fields into one schema, which keeps to ``rules``."""

    def merged(name: str, classes: list[type]) -> type | None:
        return merge_types(name, tuple(classes)) if classes else None

    query = merged("Query", [q for m in modules for q in m.queries])
    assert query is not None
    return HouseSchema(
        query=query,
        mutation=merged("Mutation", [q for m in modules for q in m.mutations]),
        subscription=merged("Subscription", [q for m in modules for q in m.subscriptions]),
        types=[t for m in modules for t in m.types],
        exception_handlers=EXCEPTION_HANDLERS,
        extensions=[partial(HouseRules, rules or EdgeRules())],
        config=StrawberryConfig(batching_config=None),
    )


async def _caller(connection: HTTPConnection, services: svcs.Container) -> Actor | None:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    return await (await services.aget(Actors)).of_token(token)


class GraphQLEdge(GraphQL[Context, None]):
    """GraphQL over HTTP and graphql-transport-ws; a socket may sign in with its opening message.

    A plain ASGI endpoint: FastAPI's routing and dependencies would cost a third of a small mutation.
    """

    def __init__(self, house: House, rules: EdgeRules) -> None:
        super().__init__(
            build_schema(house.modules, rules),
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            allowed_origins=house.settings.allowed_origins,
        )
        self._house, self._documents = house, rules.documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a refusal before the operation (an old token, no JSON) looks like any other."""
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive=receive, send=send))
            return
        request = Request(scope, receive)
        try:
            answer = await self.run(request)
        except CRMError as error:
            answer = await _refuse(request, error)
        except HTTPException as error:
            answer = await _refuse(request, BadRequest(error.reason, error.status_code))
        if _is_known(request, answer):
            answer = Response(status_code=304, headers={"ETag": answer.headers["ETag"]})
        elif not isinstance(answer, StreamingResponse):
            answer = compressed(answer, request.headers.get("accept-encoding", ""))
        await answer(scope, receive, send)

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """Answer one request, or serve one socket, with a context and services of its own."""
        async with svcs.Container(self._house.registry) as services:
            own = Context(
                services=services,
                store=self._house.store,
                caller=await _caller(request, services),
                request_id=request.scope.get("state", {}).get("request_id") or new_id(),
                request=request,
            )
            return await super().run(request, own, root_value)

    def should_render_graphql_ide(self, request: Any) -> bool:
        return False

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Start the answer; one to a GET by document id may be kept, and asked about, by who got it."""
        started = await super().get_sub_response(request)
        if request.scope.get("method") == "GET" and "documentId" in request.query_params:
            started.headers["Cache-Control"] = "private, no-cache"
            started.headers["Vary"] = "Authorization"
        return started

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """Return the answer, with the status of a refusal that proxies and clients look at."""
        code = _code(response_data)
        refusal = REFUSED_WITH.get(code)
        if refusal is not None:
            sub_response.status_code = refusal
        if code == RateLimited.code:
            seconds = response_data["errors"][0]["extensions"]["retryAfter"]
            sub_response.headers["Retry-After"] = str(max(1, math.ceil(seconds)))
        if "Cache-Control" in sub_response.headers and not response_data.get("errors"):
            # Weak, of the data alone: the cost beside it is another each time.
            digest = hashlib.sha256(orjson.dumps(response_data["data"])).hexdigest()[:32]
            sub_response.headers["ETag"] = f'W/"{digest}"'
        return super().create_response(response_data, sub_response)

    def parse_query_params(self, params: Any) -> dict[str, Any]:
        said = {name: value for name, value in dict(params).items() if value != "null"}
        body: Any = self._documents.expand(super().parse_query_params(said))
        return dict(body)

    def parse_json(self, data: str | bytes) -> Any:
        found = super().parse_json(data)
        if not isinstance(found, dict | list):  # a list is refused as a batch
            raise HTTPException(400, "The body of a GraphQL request is a JSON object with a `query`")
        return found

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # text: bytes would go over a socket as frames of another kind

    def decode_json(self, data: str | bytes) -> object:
        # orjson's error is a json.JSONDecodeError, which the base class answers with 400.
        try:
            return self._documents.expand(orjson.loads(data))
        except orjson.JSONDecodeError:
            found = self._documents.expand(_with_half_characters(data))
            if not isinstance(found, dict) or not _PUSH.search(str(found.get("query"))):
                raise
            return found

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        parameters: Any = context.connection_params or {}
        given = parameters.get("Authorization") or parameters.get("authorization") or ""
        headers = parameters.get("headers") or {}
        given = given or headers.get("Authorization") or headers.get("authorization") or ""
        token = str(given).removeprefix("Bearer ").strip()
        if token:
            try:
                context.caller = await (await context.services.aget(Actors)).of_token(token)
            except Unauthenticated as error:
                # Closes with 4403, after which a client connects again, with a token that it asks for anew.
                raise ConnectionRejectionError({"message": str(error)}) from error
        return await super().on_ws_connect(context)


def _with_half_characters(data: str | bytes) -> object:
    """Read JSON that names halves of characters, as JavaScript writes them; orjson takes none of it."""
    try:
        return json.loads(data)
    except RecursionError:
        raise orjson.JSONDecodeError("is nested too deeply", "", 0) from None
    except UnicodeDecodeError:
        raise orjson.JSONDecodeError("is not UTF-8", "", 0) from None


def _code(response_data: Any) -> str:
    """Return the code of a refusal of the whole operation; empty when it gave data."""
    errors = response_data.get("errors")
    if not errors or response_data.get("data") is not None:
        return ""
    return str(errors[0].get("extensions", {}).get("code", ""))


def _is_known(request: Request, answer: Response) -> bool:
    """Say whether the client has this very answer. Source: RFC 9110, section 13.1.2."""
    tag, known = answer.headers.get("ETag"), request.headers.get("If-None-Match", "")
    return tag is not None and tag in [one.strip() for one in known.split(",")]


_PUSH = re.compile(r"\b(syncPush|push[A-Z]\w*)\b")
"""In a phone's push such a value refuses its row alone: the whole would be sent again for ever."""

REFUSED_WITH = {
    error.code: error.http_status for error in (RateLimited, BodyTooLarge, UnknownDocument, UntrustedDocument)
}
"""Refusals of a whole operation with a status of their own; the others come with 200, as GraphQL's do."""


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
    app.add_exception_handler(CRMError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
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
            await _masked(request_id)(scope, receive, answer)
        finally:
            if scope["type"] == "http":
                known = getattr(scope.get("route"), "path", "unknown")
                route = GRAPHQL if scope["path"] == GRAPHQL else known
                HTTP_REQUESTS.labels(scope["method"], route, status or 500).inc()
                HTTP_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - start)


def _masked(request_id: str) -> JSONResponse:
    """Return the answer to a request that met a bug: a number to ask about, and nothing of the inside."""
    message = f"Something went wrong on our side. Tell support this number: {request_id}"
    body = {"message": message, "code": "INTERNAL", "requestId": request_id}
    return JSONResponse(body, status_code=500, headers=dict(PLAIN_HEADERS))


def _origin(scope: Scope, request_id: str) -> Origin:
    """Say where a request comes from; behind a proxy the server has put the client's address in already."""
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    ip = scope["client"][0] if scope.get("client") else ""
    return Origin(ip=ip, device=agent.decode("latin-1")[:LONGEST_DEVICE], request_id=request_id)


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer an expected refusal in the one shape of the house."""
    assert isinstance(error, CRMError)
    headers = {}
    if isinstance(error, RateLimited | Unavailable):
        headers["Retry-After"] = str(max(1, round(error.retry_after.total_seconds())))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    extensions = {**error.extensions(), "requestId": getattr(request.state, "request_id", "")}
    body: dict[str, Any] = {"message": str(error), **extensions}
    if request.url.path == GRAPHQL:
        body = {"data": None, "errors": [{"message": str(error), "extensions": extensions}]}
    return JSONResponse(body, status_code=error.http_status, headers=headers)


async def _refuse_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a body that does not fit its route, field by field, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    found = [(".".join(str(part) for part in one["loc"][1:]) or "body", one["msg"]) for one in error.errors()]
    return await _refuse(request, InvalidInput(*(FieldError(name, f": {text}") for name, text in found)))


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
