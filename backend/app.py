"""create_app: the web edge of a house made from rooms."""

import time
from collections.abc import Sequence
from typing import Any

import orjson
import strawberry
import structlog
import svcs
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from graphql import GraphQLError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.config import StrawberryConfig
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext
from strawberry.types.unset import UNSET, UnsetType

from backend.core.access import Actor
from backend.core.errors import CRMError, RateLimited, Unauthenticated, Unavailable
from backend.core.graphql import EXCEPTION_HANDLERS, Context
from backend.core.ids import new_id
from backend.core.limits import EXTENSIONS, describe_errors
from backend.core.metrics import HTTP_REQUESTS, HTTP_SECONDS
from backend.core.module import Module
from backend.core.origin import LONGEST_DEVICE, Origin, coming_from
from backend.core.relay import parked_entries
from backend.house import House
from backend.identity.actors import Actors

log = structlog.get_logger()


class HouseSchema(strawberry.Schema):
    """A schema whose errors carry codes and hide bugs."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = execution_context.context if execution_context else None
        describe_errors(errors, context.request_id if isinstance(context, Context) else new_id())


def build_schema(modules: Sequence[Module]) -> strawberry.Schema:
    """Merge every room's root fields into one schema."""

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
        extensions=EXTENSIONS,
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

    def __init__(self, house: House) -> None:
        super().__init__(
            build_schema(house.modules),
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            allowed_origins=house.settings.allowed_origins,
        )
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a refusal before the operation (an old token) looks like any other."""
        try:
            await super().__call__(scope, receive, send)
        except CRMError as error:
            if scope["type"] != "http":
                raise
            await (await _refuse(Request(scope), error))(scope, receive, send)

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

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # text: bytes would go over a socket as frames of another kind

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(
            data
        )  # its error is a json.JSONDecodeError, which the base class answers with 400

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


def create_app(house: House) -> FastAPI:
    """Return the web edge of ``house``, which is open and stays its opener's to close."""
    app = FastAPI(title="Rapport", docs_url=None, redoc_url=None)
    app.state.house = house
    app.add_middleware(Accompaniment, edge=GraphQLEdge(house))
    if house.settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(house.settings.allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
    app.add_exception_handler(CRMError, _refuse)
    for module in house.modules:
        for route in module.routes:
            app.include_router(route)
    app.get("/healthz")(_healthz)
    app.get("/metrics", include_in_schema=False)(_metrics)
    return app


class Accompaniment:
    """Give each request an id and a log context, and measure it. Plain ASGI: it costs microseconds."""

    def __init__(self, app: ASGIApp, edge: "GraphQLEdge") -> None:
        self._app, self._edge = app, edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 500
        is_graphql = scope["path"] == "/graphql"
        start = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            with coming_from(_origin(scope, request_id)):
                # GraphQL is most of what is asked: it takes the short way, past FastAPI's routing.
                await (self._edge if is_graphql else self._app)(scope, receive, answer)
        finally:
            if scope["type"] == "http":
                known = getattr(scope.get("route"), "path", "unknown")
                route = "/graphql" if is_graphql else known
                HTTP_REQUESTS.labels(scope["method"], route, status).inc()
                HTTP_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - start)


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
    if request.url.path == "/graphql":
        body = {"data": None, "errors": [{"message": str(error), "extensions": extensions}]}
    return JSONResponse(body, status_code=error.http_status, headers=headers)


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
