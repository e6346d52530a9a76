"""The payments of the sales room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info, version_of
from backend.core.mutations import run_create, run_delete, run_update
from backend.sales import contract_documents as documents
from backend.sales import payments
from backend.sales.payment_types import (
    Payment,
    PaymentCreateInput,
    PaymentDeleteResult,
    PaymentFilter,
    PaymentOrder,
    PaymentReceiveInput,
    PaymentResult,
    PaymentTakeBackInput,
    PaymentUpdateInput,
)


@strawberry.type
class PaymentQuery:
    @strawberry.field(description="One payment; null with a NOT_FOUND error when it is not visible to you.")
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:
        return Payment.of(await info.context.uow.access(documents.Payment, id))

    @strawberry.field(
        description="The payments that you may see; latest change first unless filtered or ordered."
    )
    async def payments(
        self,
        info: Info,
        filter: PaymentFilter | None = None,
        order_by: list[PaymentOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Payment]:
        return await listed(
            info,
            documents.Payment,
            Payment.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class PaymentMutation:
    @strawberry.mutation(description="Plan a payment of a contract, under the workspace's next number.")
    async def payment_create(self, info: Info, input: PaymentCreateInput) -> PaymentResult:
        return Payment.of(await run_create(info, payments.create_payment, input))

    @strawberry.mutation(description="Change what is planned.")
    async def payment_update(self, info: Info, input: PaymentUpdateInput) -> PaymentResult:
        return Payment.of(await run_update(info, payments.update_payment, input))

    @strawberry.mutation(description="Delete a planned payment for which nothing came in.")
    async def payment_delete(self, info: Info, input: DeleteInput) -> PaymentDeleteResult:
        return await run_delete(info, payments.delete_payment, input)

    @strawberry.mutation(description="Note money that came in: never more than is open.")
    async def payment_receive(self, info: Info, input: PaymentReceiveInput) -> PaymentResult:
        return Payment.of(await run_update(info, payments.receive_payment, input))

    @strawberry.mutation(description="Take out a receipt that was noted by mistake.")
    async def payment_take_back(self, info: Info, input: PaymentTakeBackInput) -> PaymentResult:
        return Payment.of(
            await info.context.write(
                lambda uow: payments.take_back_receipt(
                    uow, input.id, input.receipt_id, expected_version=version_of(input)
                ),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )
