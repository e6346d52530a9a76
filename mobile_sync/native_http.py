"""The native protocol's fast way: a pull as lines of JSON, as the hot feed holds them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from backend.core.compression import compressed, streamed
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from backend.identity.sign_in import TokenPolicy
from mobile_sync.callers import Caller, Services
from mobile_sync.native import Native, Page, lines
from mobile_sync.places import Places

MOST_CHANGES = 10_000
FEW = 100  # lines that are sent in one piece
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
        return _answer(page, store.clock.now(), request.headers.get("accept-encoding", ""))

    return router


def _answer(page: Page, now: datetime, accepted: str) -> Response:
    """Return the lines of a page, compressed as the caller likes; many of them as a stream."""
    end = {
        "cursor": page.cursor,
        "hasMore": page.has_more,
        "watermark": str(page.watermark),
        "resync": page.resync.name if page.resync else None,
        "serverTime": now,
    }
    last = orjson.dumps(end, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    if len(page.changes) <= FEW:
        body = b"\n".join((*lines(page.changes), last))
        return compressed(Response(body, media_type=NDJSON), accepted)
    pieces = chain.from_iterable((line, b"\n") for line in lines(page.changes))
    return streamed(chain(pieces, (last,)), accepted, media_type=NDJSON)
