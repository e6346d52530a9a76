"""The tickets of the service room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info, version_of
from backend.core.mutations import run_create, run_delete, run_update
from backend.service import documents, tickets
from backend.service.ticket_types import (
    Ticket,
    TicketAssignInput,
    TicketCreateInput,
    TicketDeleteResult,
    TicketFilter,
    TicketOrder,
    TicketResult,
    TicketUpdateInput,
)


@strawberry.type
class TicketQuery:
    @strawberry.field(description="One ticket; null with a NOT_FOUND error when it is not visible to you.")
    async def ticket(self, info: Info, id: strawberry.ID) -> Ticket | None:
        return Ticket.of(await info.context.uow.access(documents.Ticket, id))

    @strawberry.field(description="The tickets that you may see; latest change first unless ordered.")
    async def tickets(
        self,
        info: Info,
        filter: TicketFilter | None = None,
        order_by: list[TicketOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Ticket]:
        return await listed(
            info,
            documents.Ticket,
            Ticket.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class TicketMutation:
    @strawberry.mutation(description="Create a ticket under the workspace's next number.")
    async def ticket_create(self, info: Info, input: TicketCreateInput) -> TicketResult:
        return Ticket.of(await run_create(info, tickets.create_ticket, input))

    @strawberry.mutation(description="Change a ticket; its status moves only where it may.")
    async def ticket_update(self, info: Info, input: TicketUpdateInput) -> TicketResult:
        return Ticket.of(await run_update(info, tickets.update_ticket, input))

    @strawberry.mutation(description="Give a ticket to somebody of the staff.")
    async def ticket_assign(self, info: Info, input: TicketAssignInput) -> TicketResult:
        return Ticket.of(
            await info.context.write(
                lambda uow: tickets.assign_ticket(
                    uow, input.id, input.assignee_id, expected_version=version_of(input)
                ),
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(description="Delete a ticket; its conversation stays.")
    async def ticket_delete(self, info: Info, input: DeleteInput) -> TicketDeleteResult:
        return await run_delete(info, tickets.delete_ticket, input)
