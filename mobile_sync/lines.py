"""Lines: a record as it travels, ready-made JSON that the hot feed keeps (docs/adr/0015).

``{"c": collection, "id": …, "v": version, "d": {column: value}}``, without the line's end: what the native
protocol sends as it is, and what the other protocols make their rows from.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from backend.core.access import Actor
from backend.core.hot_feed import Shape
from backend.core.records import Record
from backend.core.sync import SyncedCollection
from mobile_sync.rows import Row, columns, row_of
from mobile_sync.wording import camel

Names = Sequence[tuple[str, str]]


def shape_of(actor: Actor, collection: SyncedCollection) -> Shape:
    """Return the form of ``collection``'s lines for the field rules of ``actor``."""
    form = partial(line_of, collection, names_of(collection))
    return Shape(name=collection.name, form=form, mask=actor.mask(collection.record.kind))


def names_of(collection: SyncedCollection) -> Names:
    """Return a collection's columns, each with its name on the phone."""
    return [(field.name, camel(field.name)) for field in columns(collection)]


def document(names: Names, row: Row) -> dict[str, Any]:
    """Return a row as the native protocol shows it: its columns, without id and version."""
    return {name: row[column] for column, name in names}


def line_of(collection: SyncedCollection, names: Names, record: Record) -> bytes:
    """Return the line of ``record`` as its reader sees it: the veil is over it already."""
    return line_from(collection, names, row_of(collection, record))


def line_from(collection: SyncedCollection, names: Names, row: Row) -> bytes:
    """Return the line of a row that is not deleted."""
    said = {"c": camel(collection.name), "id": row["id"], "v": row["version"]}
    return orjson.dumps({**said, "d": document(names, row)})


def line_of_gone(collection: SyncedCollection, id: str, version: int, *, is_deleted: bool) -> bytes:
    """Return the line that makes a phone forget ``id``: ``del`` when it was deleted, ``out`` of its sight."""
    said = {"c": camel(collection.name), "id": id, "v": version}
    return orjson.dumps({**said, "x": "del" if is_deleted else "out"})


def row_from(names: Names, line: bytes) -> Row:
    """Return the row (see ``row_of``) of a line's record."""
    said = orjson.loads(line)
    values = said["d"]
    row: Row = {column: values[name] for column, name in names}
    row["id"], row["version"], row["deleted"] = said["id"], said["v"], False
    return row
