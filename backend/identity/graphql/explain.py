"""The root field that says why somebody sees a record."""

import strawberry

from backend.core.graphql import Info
from backend.identity.actors import Actors
from backend.identity.explain_types import WhyVisible
from backend.identity.visibility import why_visible


@strawberry.type
class ExplainQuery:
    @strawberry.field(
        description="Why a person sees a record, naming each grant that holds, or what is missing. For "
        "admins about everybody, for everybody about themselves; of records that you see yourself."
    )
    async def why_visible(
        self, info: Info, kind: str, id: strawberry.ID, user_id: strawberry.ID
    ) -> WhyVisible:
        store, actors = info.context.store, await info.context.services.aget(Actors)
        return WhyVisible.of(await why_visible(info.context.uow, store, actors, kind, id, user_id))
