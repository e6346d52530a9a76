"""The approvals of the sales room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import Info
from backend.core.mutations import run_update
from backend.sales import approval_decisions, approval_documents
from backend.sales.approval_types import (
    Approval,
    ApprovalDecideInput,
    ApprovalFilter,
    ApprovalOrder,
    ApprovalResult,
    ApprovalWithdrawInput,
)


@strawberry.type
class ApprovalQuery:
    @strawberry.field(
        description="One request for approval; null with a NOT_FOUND error when it is not visible to you."
    )
    async def approval(self, info: Info, id: strawberry.ID) -> Approval | None:
        return Approval.of(await info.context.uow.access(approval_documents.Approval, id))

    @strawberry.field(
        description="The requests for approval that you may see; latest change first unless filtered or "
        "ordered. Yours to decide: `approverIds: {eq: <you>}, status: {eq: PENDING}`."
    )
    async def approvals(
        self,
        info: Info,
        filter: ApprovalFilter | None = None,
        order_by: list[ApprovalOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Approval]:
        return await listed(
            info,
            approval_documents.Approval,
            Approval.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class ApprovalMutation:
    @strawberry.mutation(
        description="Approve or reject what was asked for, if your role may approve that record."
    )
    async def approval_decide(self, info: Info, input: ApprovalDecideInput) -> ApprovalResult:
        return Approval.of(await run_update(info, approval_decisions.decide_approval, input))

    @strawberry.mutation(description="Take a request back, as somebody who may change the record.")
    async def approval_withdraw(self, info: Info, input: ApprovalWithdrawInput) -> ApprovalResult:
        return Approval.of(await run_update(info, approval_decisions.withdraw_approval, input))
