"""The GraphQL types of the native protocol."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import orjson
import strawberry
from strawberry.scalars import JSON
from strawberry.types import get_object_definition
from strawberry.types.arguments import InputContext

from backend.core.access import Actor
from backend.core.sync import SyncedCollection
from mobile_sync import native
from mobile_sync.edits import Op, Status
from mobile_sync.hints import Hint
from mobile_sync.native import ResyncReason
from mobile_sync.native_schemas import SCHEMA_VERSION, json_schema
from mobile_sync.rows import field_set
from mobile_sync.wording import camel, clean

LONGEST_MUTATION_ID = 1_000

strawberry.enum(
    Op, name="SyncOp", description="What an edit does; CREATE of a record that is there merges into it."
)
strawberry.enum(
    Status,
    name="SyncStatus",
    description="What became of an edit: APPLIED as it is, MERGED into other changes, CONFLICT where it lost "
    "a column, REJECTED by a rule, DUPLICATE of records that exist, FORBIDDEN to you.",
)
strawberry.enum(
    ResyncReason,
    description="Why the phone must empty itself before it takes the page: its cursor is EXPIRED, or "
    "FOREIGN (another person's, or changed on the way).",
)


@strawberry.type(description="What changed after a cursor, whole commits, each record once.")
class SyncPage:
    changes: list[JSON] = strawberry.field(
        description="`{c, id, v, d}`: collection, id, version, columns; `{c, id, v, x}` of what must go, "
        "where x is `del` (deleted) or `out` (out of your sight)."
    )
    cursor: str = strawberry.field(description="The place after this page; opaque, and yours alone.")
    has_more: bool = strawberry.field(description="Pull again at once.")
    watermark: str = strawberry.field(
        description="The commit up to which the phone has all, once hasMore is false."
    )
    resync: ResyncReason | None = strawberry.field(description="Set when the page begins from nothing.")
    server_time: datetime

    @classmethod
    def of(cls, page: native.Page, now: datetime) -> "SyncPage":
        return cls(
            # Ready-made: orjson puts them into the answer as they are.
            changes=cast("list[JSON]", [orjson.Fragment(line) for line in native.lines(page.changes)]),
            cursor=page.cursor,
            has_more=page.has_more,
            watermark=str(page.watermark),
            resync=page.resync,
            server_time=now,
        )


@strawberry.type(
    description="What a phone at `watermark` must hold of a collection: SHA-256 over lines `id:version`, "
    "ordered by id, and the same for the ids that end in each of 0 to f."
)
class SyncDigest:
    collection: str
    count: int
    digest: str
    buckets: list[str]
    watermark: str

    @classmethod
    def of(cls, name: str, found: native.Digest) -> "SyncDigest":
        return cls(
            collection=name,
            count=found.count,
            digest=found.digest,
            buckets=found.buckets,
            watermark=str(found.watermark),
        )


@strawberry.type(description="One collection's columns, and how it is to be stored.")
class SyncCollectionSchema:
    name: str
    field_set: str = strawberry.field(description="Changes when columns do, or what you see of them.")
    json_schema: JSON = strawberry.field(description="JSON Schema 2020-12 of its documents.")

    @classmethod
    def of(cls, collection: SyncedCollection, actor: Actor) -> "SyncCollectionSchema":
        return cls(
            name=camel(collection.name),
            field_set=field_set(collection, actor),
            json_schema=cast("JSON", json_schema(collection)),
        )


@strawberry.type(description="All collections that travel, those first that others refer to.")
class SyncSchema:
    version: int = strawberry.field(description="What `syncPush` takes as schemaVersion.")
    collections: list[SyncCollectionSchema]

    @classmethod
    def of(cls, collections: Sequence[SyncedCollection], actor: Actor) -> "SyncSchema":
        return cls(
            version=SCHEMA_VERSION,
            collections=[SyncCollectionSchema.of(one, actor) for one in collections],
        )


@strawberry.input(
    description="One edit. Its id names it for ever: a repeat has no effect and the same verdict."
)
class SyncMutationInput:
    id: strawberry.ID
    c: str = strawberry.field(description="The collection.")
    doc_id: strawberry.ID = strawberry.field(description="The record's UUID, made by whoever creates it.")
    op: Op
    base_version: int | None = strawberry.field(
        default=None, description="The version that the phone had; columns that changed since are conflicts."
    )
    base: JSON | None = strawberry.field(
        default=None, description="What the phone had in the columns of the patch; finer than a version."
    )
    patch: JSON | None = strawberry.field(default=None, description="The columns that were set.")
    at: datetime | None = strawberry.field(
        default=None, description="When it was typed. Phones' clocks are wrong, so it decides nothing."
    )

    def mutation(self) -> native.Mutation:
        return native.Mutation(
            id=clean(str(self.id), LONGEST_MUTATION_ID),
            collection=clean(self.c),
            doc_id=clean(str(self.doc_id)),
            op=self.op,
            base_version=self.base_version,
            base=self.base,
            patch=self.patch,
        )


def _mutation_input(
    made: type[SyncMutationInput], values: Mapping[str, Any], _: InputContext
) -> SyncMutationInput:
    """Make an input of what GraphQL has checked already: Strawberry's own way costs as much as the edit."""
    return made(**{_SNAKE[name]: value for name, value in values.items()})


_MUTATION = get_object_definition(SyncMutationInput, strict=True)
_MUTATION.from_input = _mutation_input
_SNAKE = {camel(field.python_name): field.python_name for field in _MUTATION.fields}


@strawberry.input(description="A phone's edits, at most 500.")
class SyncPushInput:
    client_id: strawberry.ID = strawberry.field(description="The installation: mutation ids are its own.")
    schema_version: int = strawberry.field(description="`syncSchema.version` that the app was built for.")
    mutations: list[SyncMutationInput]


@strawberry.type(description="Why an edit did not go through whole.")
class SyncError:
    code: str
    message: str
    field: str | None


@strawberry.type(description="What became of one edit.")
class SyncVerdict:
    id: strawberry.ID
    status: Status
    version: int | None = strawberry.field(description="The record's version after the edit.")
    doc: JSON | None = strawberry.field(
        description="The record's columns as they are; null when you see none."
    )
    error: SyncError | None

    @classmethod
    def of(cls, told: native.Told) -> "SyncVerdict":
        said = told.verdict
        error = SyncError(code=said.code, message=said.message, field=said.field or None)
        return cls(
            id=strawberry.ID(told.id),
            status=said.status,
            version=said.version,
            doc=cast("JSON | None", told.doc),
            error=error if said.code else None,
        )


@strawberry.type(description="The verdicts, in the order of the mutations.")
class SyncPushResult:
    verdicts: list[SyncVerdict]


@strawberry.type(description="Something changed for you: pull. Never data.")
class SyncHint:
    watermark: str
    collections: list[str]

    @classmethod
    def of(cls, hint: Hint) -> "SyncHint":
        return cls(watermark=str(hint.watermark), collections=hint.collections)
