"""The two routes that a WatermelonDB phone's ``pullChanges`` and ``pushChanges`` call."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from backend.core.compression import compressed
from backend.core.errors import FieldError, InvalidInput
from backend.core.settings import Settings
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from mobile_sync.callers import Caller, Services
from mobile_sync.places import Places
from mobile_sync.watermelon import MOST_ROWS, TableChanges, Watermelon

PREFIX = "/sync/watermelon"


class Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class AddedColumns(Body):
    table: str
    columns: list[str]


class Migration(Body):
    """What the app's schema has gained since the phone pulled last."""

    tables: list[str] = Field(default_factory=list)
    columns: list[AddedColumns] = Field(default_factory=list)

    def whole(self) -> list[str]:
        """Return the tables that the phone lacks something of."""
        return [*self.tables, *(added.table for added in self.columns)]


class PullBody(Body):
    """What ``pullChanges`` is given; ``tables`` and ``limit`` are the app's to add."""

    last_pulled_at: int | None = Field(default=None, ge=0)
    schema_version: int = Field(default=1, ge=1)
    migration: Migration | None = None
    tables: list[str] | None = Field(default=None, max_length=200)
    limit: int = Field(default=MOST_ROWS, ge=1, le=MOST_ROWS)


class Changes(Body):
    created: list[dict[str, Any]] = Field(default_factory=list)
    updated: list[dict[str, Any]] = Field(default_factory=list)
    deleted: list[str] = Field(default_factory=list)


class PushBody(Body):
    """What ``pushChanges`` is given."""

    changes: dict[str, Changes]
    last_pulled_at: int = Field(ge=1)


def make_router(collections: Sequence[SyncedCollection]) -> APIRouter:
    """Return the routes over ``collections``."""
    router = APIRouter(prefix=PREFIX, tags=["sync"])

    @router.post("/pull", response_class=Response)
    async def pull(body: PullBody, request: Request, actor: Caller, services: Services) -> Response:
        """Return what changed since `lastPulledAt`, for WatermelonDB's `pullChanges`."""
        phone = Watermelon(collections, *await services.aget(Store, Places))
        found = await phone.pull(
            actor,
            body.last_pulled_at,
            tables=body.tables,
            whole=body.migration.whole() if body.migration else (),
            limit=body.limit,
        )
        answer = Response(orjson.dumps(found), media_type="application/json")
        return compressed(answer, request.headers.get("accept-encoding", ""))

    @router.post("/push")
    async def push(body: PushBody, actor: Caller, services: Services) -> dict[str, Any]:
        """Apply what a phone changed, for WatermelonDB's `pushChanges`."""
        phone = Watermelon(collections, *await services.aget(Store, Places))
        return await phone.push(
            actor, {table: _checked(table, one) for table, one in body.changes.items()}, body.last_pulled_at
        )

    return router


def larger_bodies(settings: Settings) -> dict[str, int]:
    """Return how large a push may be."""
    return {f"{PREFIX}/push": settings.push_bytes}


def _checked(table: str, changes: Changes) -> TableChanges:
    """Return the changes of a table; raise InvalidInput for rows that name no record."""
    rows = [*changes.created, *changes.updated]
    if not all(isinstance(raw.get("id"), str) and raw["id"] for raw in rows):
        raise InvalidInput(
            FieldError(f"changes.{table}", "has rows without an id; send raw records as they are")
        )
    return TableChanges(created=changes.created, updated=changes.updated, deleted=changes.deleted)
