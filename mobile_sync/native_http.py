"""The native protocol's fast way: a pull as lines of JSON, zipped where the phone takes that."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from backend.core.store import Store
from backend.core.sync import SyncedCollection
from backend.identity.sign_in import TokenPolicy
from mobile_sync.callers import Caller, Services, answered
from mobile_sync.native import Native, Page, lines
from mobile_sync.places import Places

MOST_CHANGES = 10_000
NDJSON = "application/x-ndjson"


def make_native_router(collections: Sequence[SyncedCollection]) -> APIRouter:
    """Return the route over ``collections``, parents first."""
    router = APIRouter(prefix="/sync/v1", tags=["sync"])

    @router.get("/pull", response_class=Response)
    async def pull(
        request: Request,
        actor: Caller,
        services: Services,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        collections_named: Annotated[str | None, Query(alias="collections", max_length=2_000)] = None,
        limit: int = 1_000,
    ) -> Response:
        """Return what changed after `cursor`: a line for each change, and a last one with the new cursor."""
        store, places, policy = await services.aget(Store, Places, TokenPolicy)
        names = collections_named.split(",") if collections_named else None
        phone = Native(collections, store, places, policy.key)
        page = await phone.pull(actor, cursor, names, limit=limit, most=MOST_CHANGES)
        return await answered(request, _written(page, store.clock.now()), NDJSON)

    return router


def _written(page: Page, now: Any) -> bytes:
    end = {
        "cursor": page.cursor,
        "hasMore": page.has_more,
        "watermark": str(page.watermark),
        "resync": page.resync.name if page.resync else None,
        "serverTime": now,
    }
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
    return b"".join(orjson.dumps(line, option=option) for line in (*lines(page.changes), end))
