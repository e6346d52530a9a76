"""The activities of the crm room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, Direction, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.crm import activities, documents
from backend.crm.activity_types import (
    Activity,
    ActivityCreateInput,
    ActivityDeleteResult,
    ActivityFilter,
    ActivityOrder,
    ActivityResult,
    ActivityUpdateInput,
)


@strawberry.type
class ActivityQuery:
    @strawberry.field(description="One activity; null with a NOT_FOUND error when it is not visible to you.")
    async def activity(self, info: Info, id: strawberry.ID) -> Activity | None:
        return Activity.of(await info.context.uow.access(documents.Activity, id))

    @strawberry.field(
        description="The timeline as you may see it: newest first; without a filter latest change first."
    )
    async def activities(
        self,
        info: Info,
        filter: ActivityFilter | None = None,
        order_by: list[ActivityOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Activity]:
        return await listed(
            info,
            documents.Activity,
            Activity.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
            usual_order=[("at", Direction.DESC)],
        )


@strawberry.type
class ActivityMutation:
    @strawberry.mutation(description="Create an activity.")
    async def activity_create(self, info: Info, input: ActivityCreateInput) -> ActivityResult:
        return Activity.of(await run_create(info, activities.create_activity, input))

    @strawberry.mutation(description="Change an activity.")
    async def activity_update(self, info: Info, input: ActivityUpdateInput) -> ActivityResult:
        return Activity.of(await run_update(info, activities.update_activity, input))

    @strawberry.mutation(description="Delete an activity.")
    async def activity_delete(self, info: Info, input: DeleteInput) -> ActivityDeleteResult:
        return await run_delete(info, activities.delete_activity, input)
