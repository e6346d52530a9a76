"""The chat over HTTP: how a visitor gets in, and what GraphQL's sockets would be too heavy for.

Server-sent events by ``fetch``, which can send a token in a header; ``EventSource`` cannot.
Source: HTML, section 9.2 (the format).
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

import orjson
import svcs
from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from assistant.chat.streams import tell_answer, tell_chat
from assistant.chat.switchboard import Switchboard
from assistant.chat.welcome import welcome_visitor
from backend.core.access import Actor
from backend.core.cost import MODEL_RUN
from backend.core.cost_budget import spender
from backend.core.errors import Unauthenticated
from backend.core.services import services
from backend.core.store import Store
from backend.identity.actors import Actors
from backend.identity.sign_in import TokenPolicy
from backend.identity.visitors import Knock

router = APIRouter(prefix="/assistant", tags=["chat"])

SSE = "text/event-stream"
AS_IT_COMES = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy must not gather it first
LONGEST_QUESTION = 100_000  # characters that are read at all; what a message may have is said by ``ask``


class Body(BaseModel):
    """What a request or an answer of the chat says, its names in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class VisitorBody(Body):
    key: str = Field(max_length=100)
    secret: str = Field(max_length=500)
    locale: str = Field(default="en", pattern="^(zh|en)$")


class VisitorAnswer(Body):
    access_token: str
    expires_in: int = Field(description="seconds until the access token stops counting; then come again")
    conversation_id: str


class AskBody(Body):
    conversation_id: str = Field(max_length=100)
    text: str = Field(max_length=LONGEST_QUESTION)
    mutation_id: str | None = Field(default=None, max_length=200)


Services = Annotated[svcs.Container, Depends(services)]


async def _caller(request: Request, services: Services) -> Actor:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Nobody is known: send `Authorization: Bearer <accessToken>`.")
    return await (await services.aget(Actors)).of_token(token)


Caller = Annotated[Actor, Depends(_caller)]


@router.post("/visitors")
async def visit(body: VisitorBody, request: Request, services: Services) -> VisitorAnswer:
    """Let a visitor of a web site in, or in again with the same secret: into one conversation."""
    policy, store = await services.aget(TokenPolicy, Store)
    knock = Knock(
        key_id=body.key,
        secret=body.secret,
        origin=request.headers.get("origin", ""),
        own_origin=f"{request.url.scheme}://{request.url.netloc}",
        network=_network(request),
        locale=body.locale,
    )
    welcomed = await welcome_visitor(policy, store, knock)
    return VisitorAnswer(
        access_token=welcomed.admitted.access_token,
        expires_in=int(welcomed.admitted.expires_in.total_seconds()),
        conversation_id=welcomed.conversation_id,
    )


@router.post("/ask", response_class=StreamingResponse)
async def ask(body: AskBody, request: Request, caller: Caller, services: Services) -> StreamingResponse:
    """Ask, and hear the answer as it comes. A refusal of the question has a status, as everywhere."""
    request.app.state.budget.take(spender(caller, _network(request)), MODEL_RUN)
    events = tell_answer(
        services,
        caller,
        conversation_id=body.conversation_id,
        text=body.text,
        mutation_id=body.mutation_id or None,
    )
    return await _streamed(events)


@router.get("/conversations/{conversation_id}/events", response_class=StreamingResponse)
async def listen(
    conversation_id: str, request: Request, caller: Caller, services: Services
) -> StreamingResponse:
    """Hear what happens in a conversation: hints, after which the chat is read again."""
    request.app.state.budget.take(spender(caller, _network(request)), 1)
    return await _streamed(tell_chat(await services.aget(Switchboard), caller, conversation_id))


def _network(request: Request) -> str:
    return request.client.host if request.client else ""


async def _streamed(events: AsyncGenerator[dict[str, Any], None]) -> StreamingResponse:
    """Begin to answer once there is a first event: what is refused before that is answered as a refusal."""
    try:
        first = await anext(events)
    except StopAsyncIteration:
        raise Unauthenticated("This session has ended.") from None
    return StreamingResponse(_written(first, events), media_type=SSE, headers=AS_IT_COMES)


async def _written(
    first: dict[str, Any], events: AsyncGenerator[dict[str, Any], None]
) -> AsyncIterator[bytes]:
    async with aclosing(events):
        yield _line(first)
        async for event in events:
            yield _line(event)


def _line(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n" if event else b": still here\n\n"
