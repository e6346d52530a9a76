"""Promised times and working hours: the agreements of the service room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, Direction, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.service import business_calendars, sla_documents, sla_policies
from backend.service.calendar_types import (
    BusinessCalendar,
    BusinessCalendarCreateInput,
    BusinessCalendarDeleteResult,
    BusinessCalendarFilter,
    BusinessCalendarOrder,
    BusinessCalendarResult,
    BusinessCalendarUpdateInput,
)
from backend.service.sla_types import (
    SlaPolicy,
    SlaPolicyCreateInput,
    SlaPolicyDeleteResult,
    SlaPolicyFilter,
    SlaPolicyOrder,
    SlaPolicyResult,
    SlaPolicyUpdateInput,
)


@strawberry.type
class AgreementQuery:
    @strawberry.field(description="One policy; null with a NOT_FOUND error when it is not visible to you.")
    async def sla_policy(self, info: Info, id: strawberry.ID) -> SlaPolicy | None:
        return SlaPolicy.of(await info.context.uow.access(sla_documents.SlaPolicy, id))

    @strawberry.field(
        description="The policies of the workspace; latest change first unless filtered or ordered."
    )
    async def sla_policies(
        self,
        info: Info,
        filter: SlaPolicyFilter | None = None,
        order_by: list[SlaPolicyOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[SlaPolicy]:
        return await listed(
            info,
            sla_documents.SlaPolicy,
            SlaPolicy.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
            usual_order=(("order", Direction.ASC),),
        )

    @strawberry.field(
        description="One calendar of working hours; null with a NOT_FOUND error when not visible to you."
    )
    async def business_calendar(self, info: Info, id: strawberry.ID) -> BusinessCalendar | None:
        return BusinessCalendar.of(await info.context.uow.access(sla_documents.BusinessCalendar, id))

    @strawberry.field(description="The calendars of working hours of the workspace.")
    async def business_calendars(
        self,
        info: Info,
        filter: BusinessCalendarFilter | None = None,
        order_by: list[BusinessCalendarOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[BusinessCalendar]:
        return await listed(
            info,
            sla_documents.BusinessCalendar,
            BusinessCalendar.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class AgreementMutation:
    @strawberry.mutation(description="Promise times for the tickets that meet a condition.")
    async def sla_policy_create(self, info: Info, input: SlaPolicyCreateInput) -> SlaPolicyResult:
        return SlaPolicy.of(await run_create(info, sla_policies.create_sla_policy, input))

    @strawberry.mutation(description="Change a policy; open tickets follow it from their start on.")
    async def sla_policy_update(self, info: Info, input: SlaPolicyUpdateInput) -> SlaPolicyResult:
        return SlaPolicy.of(await run_update(info, sla_policies.update_sla_policy, input))

    @strawberry.mutation(description="Delete a policy; open tickets go to the next one that holds for them.")
    async def sla_policy_delete(self, info: Info, input: DeleteInput) -> SlaPolicyDeleteResult:
        return await run_delete(info, sla_policies.delete_sla_policy, input)

    @strawberry.mutation(description="Create a calendar of working hours.")
    async def business_calendar_create(
        self, info: Info, input: BusinessCalendarCreateInput
    ) -> BusinessCalendarResult:
        return BusinessCalendar.of(await run_create(info, business_calendars.create_business_calendar, input))

    @strawberry.mutation(description="Change a calendar of working hours; open tickets are dated anew.")
    async def business_calendar_update(
        self, info: Info, input: BusinessCalendarUpdateInput
    ) -> BusinessCalendarResult:
        return BusinessCalendar.of(await run_update(info, business_calendars.update_business_calendar, input))

    @strawberry.mutation(description="Delete a calendar of working hours that no policy goes by.")
    async def business_calendar_delete(self, info: Info, input: DeleteInput) -> BusinessCalendarDeleteResult:
        return await run_delete(info, business_calendars.delete_business_calendar, input)
