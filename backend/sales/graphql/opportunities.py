"""The opportunities of the sales room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.sales import documents, opportunities
from backend.sales.opportunity_types import (
    Opportunity,
    OpportunityCreateInput,
    OpportunityDeleteResult,
    OpportunityFilter,
    OpportunityOrder,
    OpportunityResult,
    OpportunityUpdateInput,
)


@strawberry.type
class OpportunityQuery:
    @strawberry.field(
        description="One opportunity; null with a NOT_FOUND error when it is not visible to you."
    )
    async def opportunity(self, info: Info, id: strawberry.ID) -> Opportunity | None:
        return Opportunity.of(await info.context.uow.access(documents.Opportunity, id))

    @strawberry.field(
        description="The opportunities that you may see; latest change first unless filtered or ordered."
    )
    async def opportunities(
        self,
        info: Info,
        filter: OpportunityFilter | None = None,
        order_by: list[OpportunityOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Opportunity]:
        return await listed(
            info,
            documents.Opportunity,
            Opportunity.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class OpportunityMutation:
    @strawberry.mutation(description="Create an opportunity.")
    async def opportunity_create(self, info: Info, input: OpportunityCreateInput) -> OpportunityResult:
        return Opportunity.of(await run_create(info, opportunities.create_opportunity, input))

    @strawberry.mutation(description="Change an opportunity.")
    async def opportunity_update(self, info: Info, input: OpportunityUpdateInput) -> OpportunityResult:
        return Opportunity.of(await run_update(info, opportunities.update_opportunity, input))

    @strawberry.mutation(description="Delete an opportunity.")
    async def opportunity_delete(self, info: Info, input: DeleteInput) -> OpportunityDeleteResult:
        return await run_delete(info, opportunities.delete_opportunity, input)
