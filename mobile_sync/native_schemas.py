"""What an app needs to know of the collections, as JSON Schemas."""

from collections.abc import Mapping
from typing import Any

from backend.core.sync import FieldType, SyncedCollection, SyncedField
from backend.core.sync_policy import Policy
from mobile_sync.rows import LARGEST_INTEGER, LONGEST_TEXT, columns
from mobile_sync.wording import camel

SCHEMA_VERSION = 1
"""Of the protocol: moves when a phone of the version before could not push any more."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES: Mapping[FieldType, Mapping[str, Any]] = {
    "text": {"type": "string", "maxLength": LONGEST_TEXT},
    "integer": {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "decimal": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "list": {"type": "string", "contentMediaType": "application/json", "contentSchema": {"type": "array"}},
    "object": {"type": "string", "contentMediaType": "application/json", "contentSchema": {"type": "object"}},
    "rows": {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"type": "array", "items": {"type": "object"}},
    },
}


def json_schema(collection: SyncedCollection) -> dict[str, Any]:
    """Return the JSON Schema of a collection's documents. Columns of the server's own are ``readOnly``."""
    fields = columns(collection)
    return {
        "$schema": DIALECT,
        "title": camel(collection.name),
        "type": "object",
        "properties": {camel(field.name): _property(field) for field in fields},
        "required": [camel(field.name) for field in fields if field.required],
        "additionalProperties": False,
    }


def _property(field: SyncedField) -> dict[str, Any]:
    said = dict(TYPES[field.type])
    if not field.required:
        said["type"] = [said["type"], "null"]
    if field.server_owned:
        said["readOnly"] = True
    elif field.policy is not Policy.MERGE:
        said["x-conflict"] = field.policy.value
    return said
