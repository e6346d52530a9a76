"""The smallest server that an RxDB phone can replicate with: one collection, in memory, the wire recorded.

It merges field by field as the product does, so that the harness is tried on the shapes it is made for.
"""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import strawberry
import uvicorn
from fastapi import FastAPI
from strawberry.fastapi import GraphQLRouter
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

OPPORTUNITY_SCHEMA = {
    "title": "opportunity",
    "version": 0,
    "primaryKey": "id",
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 64},
        "stage": {"type": "string"},
        "amount": {"type": "number"},
    },
    "required": ["id"],
}


@strawberry.type
class Opportunity:
    id: str
    stage: str | None = None
    amount: float | None = None
    deleted: bool = strawberry.field(name="_deleted", default=False)


@strawberry.input
class OpportunityInput:
    id: str
    stage: str | None = None
    amount: float | None = None
    deleted: bool = strawberry.field(name="_deleted", default=False)


@strawberry.input
class OpportunityInputPushRow:
    new_document_state: OpportunityInput
    assumed_master_state: OpportunityInput | None = None


@strawberry.type
class OpportunityCheckpoint:
    cursor: str


@strawberry.input
class OpportunityInputCheckpoint:
    cursor: str


@strawberry.input
class OpportunityInputHeaders:
    authorization: str | None = strawberry.field(name="Authorization", default=None)


@strawberry.type
class OpportunityPullBulk:
    documents: list[Opportunity]
    checkpoint: OpportunityCheckpoint | None


def _bulk(documents: list[Opportunity], cursor: str | None) -> OpportunityPullBulk:
    checkpoint = None if cursor is None else OpportunityCheckpoint(cursor=cursor)
    return OpportunityPullBulk(documents=documents, checkpoint=checkpoint)


@dataclass
class Store:
    """Opportunities by id with the number of their last change, and what the phones sent."""

    rows: dict[str, tuple[int, Opportunity]] = field(default_factory=dict)
    listeners: set[asyncio.Queue[OpportunityPullBulk]] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)
    streams: list[dict[str, Any]] = field(default_factory=list)

    def put(self, opportunity: Opportunity) -> None:
        """Store as the newest change and tell the streams."""
        seq = 1 + max((seq for seq, _ in self.rows.values()), default=0)
        self.rows[opportunity.id] = (seq, opportunity)
        self.announce([opportunity], str(seq))

    def announce(self, documents: list[Opportunity], cursor: str | None) -> None:
        """Tell the streams these documents, whatever is stored."""
        for listener in self.listeners:
            listener.put_nowait(_bulk(documents, cursor))

    def after(self, cursor: str | None, limit: int) -> OpportunityPullBulk:
        """Return the changes after the cursor, oldest first."""
        changed = sorted(
            (row for row in self.rows.values() if row[0] > int(cursor or 0)), key=lambda row: row[0]
        )
        page = changed[:limit]
        return _bulk([row[1] for row in page], str(page[-1][0]) if page else cursor)

    def merge(self, row: OpportunityInputPushRow) -> Opportunity | None:
        """Apply the fields that the phone changed; return the current state when one of them clashes."""
        new, assumed = row.new_document_state, row.assumed_master_state
        current = self.rows[new.id][1] if new.id in self.rows else None
        if current is None or assumed is None:
            self.put(Opportunity(id=new.id, stage=new.stage, amount=new.amount, deleted=new.deleted))
            return None
        changed = [
            name for name in ("stage", "amount", "deleted") if getattr(new, name) != getattr(assumed, name)
        ]
        if any(getattr(current, name) != getattr(assumed, name) for name in changed):
            return current
        self.put(dataclasses.replace(current, **{name: getattr(new, name) for name in changed}))
        return None


def _schema(store: Store) -> strawberry.Schema:
    async def remember(info: strawberry.Info) -> None:
        request = info.context["request"]
        store.requests.append({"headers": dict(request.headers), "body": await request.json()})

    @strawberry.type
    class Query:
        @strawberry.field
        async def pull_opportunity(
            self, info: strawberry.Info, limit: int, checkpoint: OpportunityInputCheckpoint | None = None
        ) -> OpportunityPullBulk:
            await remember(info)
            return store.after(checkpoint.cursor if checkpoint else None, limit)

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        async def push_opportunity(
            self, info: strawberry.Info, opportunity_push_row: list[OpportunityInputPushRow] | None = None
        ) -> list[Opportunity]:
            await remember(info)
            clashes = [store.merge(row) for row in opportunity_push_row or []]
            return [current for current in clashes if current is not None]

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def stream_opportunity(
            self, info: strawberry.Info, headers: OpportunityInputHeaders | None = None
        ) -> AsyncGenerator[OpportunityPullBulk, None]:
            socket = info.context["request"]
            store.streams.append(
                {
                    "connection_params": info.context["connection_params"],
                    "authorization_argument": headers.authorization if headers else None,
                    "http_authorization": socket.headers.get("authorization"),
                    "subprotocol": socket.headers.get("sec-websocket-protocol"),
                }
            )
            changes: asyncio.Queue[OpportunityPullBulk] = asyncio.Queue()
            store.listeners.add(changes)
            try:
                while True:
                    yield await changes.get()
            finally:
                store.listeners.discard(changes)

    return strawberry.Schema(Query, Mutation, Subscription)


@asynccontextmanager
async def tiny_server() -> AsyncIterator[tuple[str, Store]]:
    """Serve on a free loopback port; give the GraphQL address and the store."""
    store = Store()
    app = FastAPI()
    app.include_router(
        GraphQLRouter(_schema(store), subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL]),
        prefix="/graphql",
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="websockets-sansio")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/graphql", store
    finally:
        server.should_exit = True
        await serving
