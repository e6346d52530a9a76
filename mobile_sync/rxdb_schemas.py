"""What a phone needs to know of the collections: their RxDB schemas."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.core.sync import FieldType, SyncedCollection, SyncedField
from mobile_sync.rows import columns
from mobile_sync.wording import camel

SCHEMA_VERSION = 0
LONGEST_ID = 36
JSON_TYPES: Mapping[FieldType, str] = {
    "text": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "decimal": "string",
    **dict.fromkeys(("date", "datetime", "list", "object", "rows"), "string"),
}
# Properties of every RxDocument: a column of such a name breaks the phone when it reads the first row.
# Source: rxdb 17, rx-document.js.
TAKEN = frozenset(
    {"collection", "close", "deleted", "get", "getLatest", "isInstanceOfRxDocument", "modify", "patch"}
    | {"incrementalModify", "incrementalPatch", "incrementalRemove", "incrementalUpdate", "populate"}
    | {"primary", "primaryPath", "remove", "revision", "toJSON", "toMutableJSON", "update"}
)


def check_columns(collections: Sequence[SyncedCollection]) -> None:
    """Raise ValueError for a column whose name RxDB's documents have taken."""
    for collection in collections:
        for field in columns(collection):
            if camel(field.name) in TAKEN:
                raise ValueError(
                    f"column {field.name} of {collection.name} is a property of every RxDB document; "
                    "name it otherwise"
                )


def rxdb_schemas(collections: Sequence[SyncedCollection]) -> dict[str, dict[str, Any]]:
    """Return an RxJsonSchema for each collection, by its name on the phone, for RxDB's ``addCollections``.

    Optional columns may be null: GraphQL answers null where nothing is set.
    """
    return {camel(collection.name): _schema(collection) for collection in collections}


def _schema(collection: SyncedCollection) -> dict[str, Any]:
    fields = columns(collection)
    return {
        "title": camel(collection.name),
        "version": SCHEMA_VERSION,
        "primaryKey": "id",
        "type": "object",
        "properties": {
            "id": {"type": "string", "maxLength": LONGEST_ID},
            "version": {"type": ["integer", "null"]},
            **{camel(field.name): _property(field) for field in fields},
        },
        "required": ["id", *(camel(field.name) for field in fields if field.required)],
    }


def _property(field: SyncedField) -> dict[str, Any]:
    name = JSON_TYPES[field.type]
    return {"type": name if field.required else [name, "null"]}
