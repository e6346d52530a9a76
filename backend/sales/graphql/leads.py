"""The leads of the sales room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.sales import conversion, documents, leads
from backend.sales.lead_types import (
    Lead,
    LeadConvertInput,
    LeadCreateInput,
    LeadDeleteResult,
    LeadFilter,
    LeadOrder,
    LeadResult,
    LeadUpdateInput,
)


@strawberry.type
class LeadQuery:
    @strawberry.field(description="One lead; null with a NOT_FOUND error when it is not visible to you.")
    async def lead(self, info: Info, id: strawberry.ID) -> Lead | None:
        return Lead.of(await info.context.uow.access(documents.Lead, id))

    @strawberry.field(
        description="The leads that you may see; latest change first unless filtered or ordered."
    )
    async def leads(
        self,
        info: Info,
        filter: LeadFilter | None = None,
        order_by: list[LeadOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Lead]:
        return await listed(
            info,
            documents.Lead,
            Lead.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class LeadMutation:
    @strawberry.mutation(description="Create a lead.")
    async def lead_create(self, info: Info, input: LeadCreateInput) -> LeadResult:
        return Lead.of(await run_create(info, leads.create_lead, input))

    @strawberry.mutation(description="Change a lead.")
    async def lead_update(self, info: Info, input: LeadUpdateInput) -> LeadResult:
        return Lead.of(await run_update(info, leads.update_lead, input))

    @strawberry.mutation(description="Delete a lead.")
    async def lead_delete(self, info: Info, input: DeleteInput) -> LeadDeleteResult:
        return await run_delete(info, leads.delete_lead, input)

    @strawberry.mutation(description="Turn a lead into account, contact and opportunity, and lock it.")
    async def lead_convert(self, info: Info, input: LeadConvertInput) -> LeadResult:
        return Lead.of(await run_update(info, conversion.convert_lead, input))
