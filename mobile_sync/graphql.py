"""The native protocol's GraphQL face."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from starlette.websockets import WebSocket

from backend.core.graphql import Info
from backend.core.sync import SyncedCollection
from backend.identity.actors import Actors
from backend.identity.sign_in import TokenPolicy
from mobile_sync.feed import present_place
from mobile_sync.graphql_types import (
    SyncDigest,
    SyncHint,
    SyncPage,
    SyncPushInput,
    SyncPushResult,
    SyncSchema,
    SyncVerdict,
)
from mobile_sync.hints import hints
from mobile_sync.native import MOST_CHANGES, Native, check_schema_version
from mobile_sync.places import Places
from mobile_sync.rejections import with_own_rejections
from mobile_sync.rxdb import SIGN_IN_AGAIN

WALK = 200  # points: a digest walks all that its reader may see


@dataclass(frozen=True)
class NativeRoots:
    """The root types of the native protocol."""

    query: type[Any]
    mutation: type[Any]
    subscription: type[Any]


def make_native_roots(collections: Sequence[SyncedCollection]) -> NativeRoots:
    """Make the root fields over ``collections``, parents first."""

    async def phone(info: Info) -> Native:
        places, policy = await info.context.services.aget(Places, TokenPolicy)
        return Native(collections, info.context.store, places, policy.key)

    @strawberry.type
    class NativeSyncQuery:
        @strawberry.field(description="What changed after the cursor in all collections, or in those named.")
        async def sync_pull(
            self,
            info: Info,
            cursor: str | None = None,
            collections: list[str] | None = None,
            limit: int = 500,
        ) -> SyncPage:
            actor = with_own_rejections(info.context.actor)
            found = await (await phone(info)).pull(actor, cursor, collections, limit=limit, most=MOST_CHANGES)
            return SyncPage.of(found, info.context.store.clock.now())

        @strawberry.field(
            metadata={"cost": WALK}, description="What a phone must hold, to compare with what it holds."
        )
        async def sync_digest(self, info: Info, collection: str) -> SyncDigest:
            actor = with_own_rejections(info.context.actor)
            return SyncDigest.of(collection, await (await phone(info)).digest(actor, collection))

        @strawberry.field(description="The collections and their columns, to build a phone's store from.")
        async def sync_schema(self, info: Info) -> SyncSchema:
            return SyncSchema.of(collections, with_own_rejections(info.context.actor))

    @strawberry.type
    class NativeSyncMutation:
        @strawberry.mutation(
            metadata={"rows": "input.mutations"}, description="Apply a phone's edits, each with its verdict."
        )
        async def sync_push(self, info: Info, input: SyncPushInput) -> SyncPushResult:
            check_schema_version(input.schema_version)
            edits = [one.mutation() for one in input.mutations]
            told = await (await phone(info)).push(info.context.actor, str(input.client_id), edits)
            return SyncPushResult(verdicts=[SyncVerdict.of(one) for one in told])

    @strawberry.type
    class NativeSyncSubscription:
        @strawberry.subscription(
            description="Whenever there is something to pull after the cursor (without one: from now on)."
        )
        async def sync_hints(self, info: Info, cursor: str | None = None) -> AsyncGenerator[SyncHint, None]:
            actor = with_own_rejections(info.context.actor)
            store, actors = info.context.store, await info.context.services.aget(Actors)
            if cursor:  # one that counts no more is a phone that holds nothing: its pull will say so
                place, _ = await (await phone(info)).place(actor, cursor)
            else:
                place = await present_place(store.reader, actor, collections)
            async for hint in hints(store, actors, actor, collections, place):
                yield SyncHint.of(hint)
            if isinstance(info.context.request, WebSocket):
                await info.context.request.close(SIGN_IN_AGAIN, "Forbidden")

    return NativeRoots(NativeSyncQuery, NativeSyncMutation, NativeSyncSubscription)
