"""How a room declares that its records travel to phones. One short declaration a kind.

The protocols live in ``mobile_sync``; this is what they need to know. A row on a phone is flat:
text, numbers, booleans and null. Lists and objects travel as JSON text (RxDB's query builders cannot send
arrays).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import orjson
from pydantic import BaseModel

from backend.core.errors import Forbidden
from backend.core.fields import Fields
from backend.core.operations import CreateOperation
from backend.core.records import Record
from backend.core.sync_policy import Policy
from backend.core.unit_of_work import UnitOfWork

FieldType = Literal[
    "text", "integer", "number", "boolean", "decimal", "date", "datetime", "list", "object", "rows"
]
JSON_TEXTS: frozenset[FieldType] = frozenset({"list", "object", "rows"})


@dataclass(frozen=True, kw_only=True)
class SyncedField:
    """One column on the phone. ``server_owned`` ones are read-only there and never conflict.

    ``list``, ``object`` and ``rows`` are JSON text on the phone: of texts; of texts, numbers and booleans
    by key; and of a list of such objects.
    """

    name: str
    type: FieldType = "text"
    required: bool = False
    server_owned: bool = False
    policy: Policy = Policy.MERGE


def synced(
    name: str, type: FieldType = "text", *, required: bool = False, policy: Policy = Policy.MERGE
) -> SyncedField:
    """Declare a column that phones may write; ``policy`` is for two who write it at once."""
    return SyncedField(name=name, type=type, required=required, policy=policy)


def shown(name: str, type: FieldType = "text") -> SyncedField:
    """Declare a column that only the server writes."""
    return SyncedField(name=name, type=type, server_owned=True)


CUSTOM_FIELDS = synced("ext", "object", policy=Policy.BY_KEY)
"""The column of a workspace's own fields: what was added to a kind travels without a new declaration."""

Create = Callable[[UnitOfWork, Fields, str], Awaitable[Record]]
Update = Callable[[UnitOfWork, str, Fields], Awaitable[Record]]
Delete = Callable[[UnitOfWork, str], Awaitable[Record]]
AsSeen = Callable[[UnitOfWork, Sequence[dict[str, Any]]], Awaitable[None]]  # rows by column, with their ids


@dataclass(frozen=True, kw_only=True, eq=False)  # one object is one collection: it is looked up by often
class SyncedCollection:
    """A kind of record on phones: its columns, and the operations that a phone's edits run.

    The operations are the ones that GraphQL mutations run, so that every rule holds for both. A deletion
    beats others' edits, but not with ``keep_if_edited``. First syncs bring low ``priority`` before high.

    ``as_seen`` is for rows that say something of other records: it changes, in place, what their reader may
    not be shown of those any more. It is called with all rows of an answer together, each time they are
    sent; what it makes is kept for nobody. A reader whose rights change gets such a collection whole.
    """

    name: str
    record: type[Record]
    fields: tuple[SyncedField, ...]
    create: Create
    update: Update
    delete: Delete
    keep_if_edited: bool = False
    priority: int = 5
    as_seen: AsSeen | None = None


def shown_only(name: str, record: type[Record], *fields: SyncedField, priority: int = 5) -> SyncedCollection:
    """Declare a collection that phones read and never write."""

    async def create(uow: UnitOfWork, fields: Fields, id: str) -> Record:
        raise Forbidden("create", record.kind)

    async def update(uow: UnitOfWork, id: str, fields: Fields) -> Record:
        raise Forbidden("update", record.kind)

    async def delete(uow: UnitOfWork, id: str) -> Record:
        raise Forbidden("delete", record.kind)

    return SyncedCollection(
        name=name,
        record=record,
        fields=fields,
        create=create,
        update=update,
        delete=delete,
        priority=priority,
    )


def with_phone_id(create: CreateOperation[Record]) -> Create:
    """Return ``create_account`` and its like as a collection's ``create``: the phone has made the id."""

    async def create_with_id(uow: UnitOfWork, fields: Fields, id: str) -> Record:
        return await create(uow, fields, id=id)

    return create_with_id


def phone_value(value: Any) -> Any:
    """Return ``value`` as a phone stores it.

    Decimals and times are text (RFC 3339, UTC, milliseconds), lists and objects JSON text.
    """
    if isinstance(value, list | dict | BaseModel):
        return json_text(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def json_text(value: Any) -> str:
    """Return a list or an object as phones hold it: JSON, its keys in order."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z).decode()


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else phone_value(value)


def phone_row(collection: SyncedCollection, record: Record) -> dict[str, Any]:
    """Return ``record`` as a row of ``collection``, without the envelope."""
    return {field.name: phone_value(getattr(record, field.name)) for field in collection.fields}
