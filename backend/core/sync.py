"""How a room declares that its records travel to phones. One short declaration a kind.

The protocols live in ``mobile_sync``; this is what they need to know. A row on a phone is flat:
text, numbers, booleans and null, no arrays (RxDB's query builders cannot send them).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from backend.core.fields import Fields
from backend.core.operations import CreateOperation
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork

FieldType = Literal["text", "integer", "number", "boolean", "decimal", "date", "datetime"]


@dataclass(frozen=True, kw_only=True)
class SyncedField:
    """One column on the phone. ``server_owned`` ones are read-only there and never conflict."""

    name: str
    type: FieldType = "text"
    required: bool = False
    server_owned: bool = False


def synced(name: str, type: FieldType = "text", *, required: bool = False) -> SyncedField:
    """Declare a column that phones may write."""
    return SyncedField(name=name, type=type, required=required)


def shown(name: str, type: FieldType = "text") -> SyncedField:
    """Declare a column that only the server writes."""
    return SyncedField(name=name, type=type, server_owned=True)


Create = Callable[[UnitOfWork, Fields, str], Awaitable[Record]]
Update = Callable[[UnitOfWork, str, Fields], Awaitable[Record]]
Delete = Callable[[UnitOfWork, str], Awaitable[Record]]


@dataclass(frozen=True, kw_only=True)
class SyncedCollection:
    """A kind of record on phones: its columns, and the operations that a phone's edits run.

    The operations are the ones that GraphQL mutations run, so that every rule holds for both.
    """

    name: str
    record: type[Record]
    fields: tuple[SyncedField, ...]
    create: Create
    update: Update
    delete: Delete


def with_phone_id(create: CreateOperation[Record]) -> Create:
    """Return ``create_account`` and its like as a collection's ``create``: the phone has made the id."""

    async def create_with_id(uow: UnitOfWork, fields: Fields, id: str) -> Record:
        return await create(uow, fields, id=id)

    return create_with_id


def phone_value(value: Any) -> Any:
    """Return ``value`` as a phone stores it: decimals and times as text (RFC 3339, UTC, milliseconds)."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def phone_row(collection: SyncedCollection, record: Record) -> dict[str, Any]:
    """Return ``record`` as a row of ``collection``, without the envelope."""
    return {field.name: phone_value(getattr(record, field.name)) for field in collection.fields}
