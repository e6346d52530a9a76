"""GraphQL as it is served: one schema from the rooms' fields, over HTTP and over sockets."""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
import strawberry
import svcs
from cross_web import HTTPException
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.config import StrawberryConfig
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext
from strawberry.types.unset import UNSET, UnsetType

from backend.core.access import Actor
from backend.core.compression import compressed
from backend.core.errors import BadRequest, CRMError, RateLimited, Unauthenticated
from backend.core.graphql import EXCEPTION_HANDLERS, Context
from backend.core.ids import new_id
from backend.core.limits import EdgeRules, HouseRules, describe_errors
from backend.core.module import Module
from backend.core.trusted_documents import UnknownDocument, UntrustedDocument
from backend.core.web_hygiene import BodyTooLarge
from backend.house import House
from backend.identity.actors import Actors
from backend.refusals import refuse


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
            answer = await refuse(request, error)
        except HTTPException as error:
            answer = await refuse(request, BadRequest(error.reason, error.status_code))
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
