"""The facade for RxDB: GraphQL fields, made from the collections' declarations.

Names are those that RxDB's own query builders make from a collection's name (``pullX``, ``pushX``,
``streamX``, ``XInputCheckpoint``, ``XInputPushRow``, ``XInputHeaders``, ``_deleted``); what they do not
name is called so that it meets no type of the API (``AccountRow``, ``AccountRowInput``).
Source: rxdb 17, plugins/replication-graphql/query-builder-from-rx-schema.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from starlette.websockets import WebSocket
from strawberry.scalars import JSON

from backend.core.access import Actor
from backend.core.graphql import Info
from backend.core.sync import FieldType, SyncedCollection
from backend.identity.actors import Actors
from backend.identity.sign_in import TokenPolicy
from mobile_sync.cursor import owner_mark, read_cursor, write_cursor
from mobile_sync.pull import pull_page
from mobile_sync.push import PushedRow, push_rows
from mobile_sync.rejections import with_own_rejections
from mobile_sync.rows import Row, columns
from mobile_sync.stream import changes
from mobile_sync.wording import camel, pascal

SIGN_IN_AGAIN = 4403  # the one refusal after which graphql-ws connects again, with a token asked for anew

TYPES: Mapping[FieldType, type] = {
    "text": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "decimal": str,
    **dict.fromkeys(("date", "datetime", "list", "object", "rows"), str),
}


@dataclass(frozen=True)
class Types:
    """The GraphQL types of one collection."""

    row: type[Any]
    bulk: type[Any]
    checkpoint: type[Any]
    checkpoint_input: type[Any]
    push_row: type[Any]
    headers: type[Any]


def make_types(collection: SyncedCollection) -> Types:
    """Make the types of ``collection``."""
    x = pascal(collection.name)
    fields = columns(collection)
    deleted = strawberry.field(name="_deleted")
    row = _made(
        strawberry.type(description=f"A {collection.name} on a phone; a deleted one is an id alone."),
        f"{x}Row",
        {
            "id": str,
            "version": int | None,
            **{f.name: TYPES[f.type] if f.required else TYPES[f.type] | None for f in fields},
            "deleted": bool,
        },
        {"deleted": deleted},
    )
    names = ["version", *(f.name for f in fields), "deleted"]
    # JSON, whatever the column: a wrong value must refuse its row, not all that were pushed with it.
    row_input = _made(
        strawberry.input,
        f"{x}RowInput",
        {"id": str, **dict.fromkeys(names, JSON | None)},
        {name: strawberry.field(name=_wire(name), default=None) for name in names},
    )
    checkpoint = _made(strawberry.type, f"{x}Checkpoint", {"cursor": str})
    bulk_fields = {"documents": list[row], "checkpoint": checkpoint | None}  # type: ignore[valid-type]
    push_row = {"new_document_state": row_input, "assumed_master_state": row_input | None}
    return Types(
        row=row,
        bulk=_made(strawberry.type, f"{x}PullBulk", bulk_fields),
        checkpoint=checkpoint,
        # Nullable: RxDB keeps an empty checkpoint when a stream's event is the first that it stores.
        checkpoint_input=_made(
            strawberry.input, f"{x}InputCheckpoint", {"cursor": str | None}, {"cursor": None}
        ),
        push_row=_made(strawberry.input, f"{x}InputPushRow", push_row, {"assumed_master_state": None}),
        headers=_made(
            strawberry.input,
            f"{x}InputHeaders",
            {"authorization": str | None},
            {"authorization": strawberry.field(name="Authorization", default=None)},
        ),
    )


@dataclass(frozen=True)
class Roots:
    """The root types that carry every collection's fields."""

    query: type[Any]
    mutation: type[Any]
    subscription: type[Any]


def make_roots(collections: Sequence[SyncedCollection]) -> Roots:
    """Make the root fields of all collections."""
    pulls: dict[str, Any] = {}
    pushes: dict[str, Any] = {}
    streams: dict[str, Any] = {}
    for collection in collections:
        x, types = pascal(collection.name), make_types(collection)
        pulls[f"pull_{collection.name}"] = _pull_field(x, collection, types)
        pushes[f"push_{collection.name}"] = _push_field(x, collection, types)
        streams[f"stream_{collection.name}"] = _stream_field(x, collection, types)
    return Roots(
        query=strawberry.type(type("SyncQuery", (), pulls)),
        mutation=strawberry.type(type("SyncMutation", (), pushes)),
        subscription=strawberry.type(type("SyncSubscription", (), streams)),
    )


def _pull_field(x: str, collection: SyncedCollection, types: Types) -> Any:
    async def pull(info: Info, limit: int, checkpoint: Any = None) -> Any:
        actor = with_own_rejections(info.context.actor)
        owner = owner_mark(actor.workspace_id, actor.user_id, collection.record.kind)
        key = (await info.context.services.aget(TokenPolicy)).key
        text = checkpoint.cursor if checkpoint else None
        given = read_cursor(text, key, owner=owner) if text else None
        page = await pull_page(info.context.store.reader, actor, collection, given, limit=limit)
        if page.at_end:
            info.context.store.presence.pulled(actor, [collection.record.kind], page.cursor.seq)
        if page.rows:
            text = write_cursor(page.cursor, key, owner=owner)
        reached = types.checkpoint(cursor=text) if text else None
        return types.bulk(documents=_documents(types, page.rows), checkpoint=reached)

    pull.__annotations__ |= {"checkpoint": types.checkpoint_input | None, "return": types.bulk}
    return strawberry.field(
        resolver=pull, name=f"pull{x}", description="What changed after the checkpoint, for RxDB."
    )


def _push_field(x: str, collection: SyncedCollection, types: Types) -> Any:
    async def push(info: Info, rows: Any = None) -> Any:
        pushed = [
            PushedRow(
                new=_values(row.new_document_state),
                assumed=_values(row.assumed_master_state) if row.assumed_master_state else None,
            )
            for row in rows or []
            if row is not None
        ]
        told = await push_rows(info.context.store, info.context.actor, collection, pushed)
        return _documents(types, told)

    argument = strawberry.argument(name=f"{camel(collection.name)}PushRow")
    rows_type = list[types.push_row | None] | None  # type: ignore[name-defined]
    pushed_rows = Annotated[rows_type, argument]
    pull_back = list[types.row]  # type: ignore[name-defined]
    push.__annotations__ |= {"rows": pushed_rows, "return": pull_back}
    return strawberry.mutation(
        resolver=push,
        name=f"push{x}",
        description="Apply edits of an RxDB phone; returns the rows that are not as the phone believes.",
    )


def _stream_field(x: str, collection: SyncedCollection, types: Types) -> Any:
    async def stream(info: Info, headers: Any = None) -> AsyncGenerator[Any, None]:
        actors = await info.context.services.aget(Actors)
        reader = await _reader(info, actors, headers.authorization if headers else None)
        async for rows in changes(info.context.store, actors, reader, collection):
            yield types.bulk(documents=_documents(types, rows), checkpoint=None)
        if isinstance(info.context.request, WebSocket):
            await info.context.request.close(SIGN_IN_AGAIN, "Forbidden")

    returned = AsyncGenerator[types.bulk, None]  # type: ignore[name-defined]
    stream.__annotations__ |= {"headers": types.headers | None, "return": returned}
    return strawberry.subscription(
        resolver=stream,
        name=f"stream{x}",
        description="What changes from now on, for RxDB. A hint without a checkpoint: pull is the truth.",
    )


async def _reader(info: Info, actors: Actors, authorization: str | None) -> Actor:
    """Return who reads: by the token of the socket, else by the one that RxDB puts beside the query.

    In this order: after a reconnect RxDB still sends the argument of the first subscription.
    """
    if info.context.caller is None and authorization:
        return with_own_rejections(await actors.of_token(authorization.removeprefix("Bearer ").strip()))
    return with_own_rejections(info.context.actor)


def _documents(types: Types, rows: Sequence[Row]) -> list[Any]:
    return [types.row(**row) for row in rows]


def _values(state: Any) -> dict[str, Any]:
    return dict(vars(state))


def _wire(name: str) -> str:
    return "_deleted" if name == "deleted" else camel(name)


def _made(
    decorate: Any, name: str, annotations: Mapping[str, Any], values: Mapping[str, Any] | None = None
) -> type[Any]:
    """Make a class with ``annotations`` and let Strawberry make a GraphQL type of it."""
    made: type[Any] = decorate(type(name, (), {"__annotations__": dict(annotations), **(values or {})}))
    return made
