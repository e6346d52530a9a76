"""Records as WatermelonDB holds them: tables, columns in snake_case, times as numbers of milliseconds.

Pure. Source: WatermelonDB 0.28, Schema and RawRecord: a column is a string, a number or a boolean.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from backend.core.sync import FieldType, SyncedCollection, phone_value
from mobile_sync.rows import Row, columns

ColumnType = Literal["string", "number", "boolean"]
COLUMN_TYPES: Mapping[FieldType, ColumnType] = {
    "text": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "decimal": "string",
    "date": "string",
    "datetime": "number",
    "list": "string",
    "object": "string",
    "rows": "string",
}
NEVER_OPTIONAL = frozenset({"created_at", "updated_at"})  # WatermelonDB sets them itself, and insists
START = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def table_of(collection: SyncedCollection) -> str:
    """Return a collection's table: ``accounts``, as the store calls it."""
    return str(collection.record.Settings.name)


def watermelon_tables(collections: Sequence[SyncedCollection]) -> list[dict[str, Any]]:
    """Return what ``tableSchema`` takes, table by table."""
    return [
        {
            "name": table_of(collection),
            "columns": [
                {"name": "version", "type": "number", "isOptional": True},
                *(
                    {
                        "name": f.name,
                        "type": COLUMN_TYPES[f.type],
                        "isOptional": not f.required and f.name not in NEVER_OPTIONAL,
                    }
                    for f in columns(collection)
                ),
            ],
        }
        for collection in collections
    ]


def raw_of(collection: SyncedCollection, row: Row) -> Row:
    """Return a record's row as a raw record of its table."""
    raw = {name: value for name, value in row.items() if name != "deleted"}
    for field in collection.fields:
        if field.type == "datetime" and raw[field.name] is not None:
            raw[field.name] = (datetime.fromisoformat(raw[field.name]) - START) // MILLISECOND
    return raw


def values_of(collection: SyncedCollection, raw: Mapping[str, Any]) -> Row:
    """Return what a phone set in a raw record, as columns of the house.

    Of a changed one the columns in ``_changed``, of a new one those that say something: a phone has no
    way to leave a column out, and fills it with null or an empty text.
    """
    known = {field.name: field for field in columns(collection)}
    if raw.get("_status") == "created":
        names = [name for name in known if raw.get(name) not in (None, "")]
    else:
        changed = str(raw.get("_changed") or "").split(",")
        names = [name for name in known if name in changed]
    return {name: _value(known[name].type, raw.get(name)) for name in names}


def _value(type: FieldType, value: Any) -> Any:
    if type != "datetime" or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        return phone_value(START + timedelta(milliseconds=value))
    except (OverflowError, ValueError):
        return value  # no time of this calendar: refused as what it is
