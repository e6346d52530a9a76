"""Payments as GraphQL types and inputs."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import (
    Conflict,
    Deleted,
    Forbidden,
    InvalidInput,
    NotFound,
    shared_fields,
)
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm.account_types import Account, account_of
from backend.sales import contract_documents as documents
from backend.sales.contract_types import Contract, contract_of
from backend.sales.payment_rules import PaymentMethod, PaymentStatus

strawberry.enum(PaymentMethod, description="How money came in.")
strawberry.enum(
    PaymentStatus,
    description="Where a payment stands: it follows from what came in, and from the day in the workspace's "
    "time zone. `OVERDUE` from the day after it was due; `CANCELLED` when its contract is void.",
)


@strawberry.type(description="Money that came in.")
class Receipt:
    id: strawberry.ID
    amount: Decimal
    at: datetime
    method: PaymentMethod
    note: str = strawberry.field(description="Whoever may read the payment reads this, the customer too.")
    by: strawberry.ID = strawberry.field(description="Who noted it.")


@strawberry.type(
    description="Money that a contract brings: planned for a day, received at once or in pieces."
)
class Payment:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    number: str = strawberry.field(description="What people call it: P-000123, counted in the workspace.")
    name: str
    contract_id: strawberry.ID
    account_id: strawberry.ID | None
    due: date = strawberry.field(description="The last day on which it is in time.")
    amount: Decimal
    currency: str
    received: list[Receipt]
    received_total: Decimal
    open_amount: Decimal = strawberry.field(description="What is still to come in.")
    status: PaymentStatus
    overdue_at: datetime | None = strawberry.field(description="When its due day is over.")
    paid_at: datetime | None
    contract: Contract | None = strawberry.field(
        resolver=contract_of, description="What it is paid for; null when not visible to you."
    )
    account: Account | None = strawberry.field(
        resolver=account_of, description="Who pays; null when not visible to you."
    )

    @classmethod
    def of(cls, record: documents.Payment) -> Self:
        received = [Receipt(**receipt.model_dump()) for receipt in record.received]
        open_amount = record.amount - record.received_total
        return cls(**shared_fields(record, cls, received=received, open_amount=open_amount))


@strawberry.input(description="A payment to plan, in the contract's currency unless you say else.")
class PaymentCreateInput(CreateInput):
    contract_id: strawberry.ID
    due: date
    amount: Decimal
    name: str | None = UNSET
    currency: str | None = UNSET
    owner_id: strawberry.ID | None = UNSET


@strawberry.input(description="What to change of the plan; never to less than came in already.")
class PaymentUpdateInput(UpdateInput):
    name: str | None = UNSET
    due: date | None = UNSET
    amount: Decimal | None = UNSET
    currency: str | None = UNSET
    owner_id: strawberry.ID | None = UNSET


@strawberry.input(description="Money that came in: now, by bank transfer, unless you say else.")
class PaymentReceiveInput(UpdateInput):
    amount: Decimal
    at: datetime | None = UNSET
    method: PaymentMethod | None = UNSET
    note: str | None = UNSET


@strawberry.input(description="A receipt that was noted by mistake.")
class PaymentTakeBackInput(UpdateInput):
    receipt_id: strawberry.ID


@strawberry.input
class PaymentFilter:
    id: IdFilter | None = UNSET
    number: StringFilter | None = UNSET
    name: StringFilter | None = UNSET
    contract_id: IdFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    due: RangeFilter[date] | None = UNSET
    amount: RangeFilter[Decimal] | None = UNSET
    received_total: RangeFilter[Decimal] | None = UNSET
    currency: StringFilter | None = UNSET
    status: ChoiceFilter[PaymentStatus] | None = UNSET
    paid_at: RangeFilter[datetime] | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["PaymentFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["PaymentFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "PaymentFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class PaymentOrderField(Enum):
    NUMBER = "number"
    DUE = "due"
    AMOUNT = "amount"
    RECEIVED_TOTAL = "received_total"
    PAID_AT = "paid_at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class PaymentOrder:
    field: PaymentOrderField
    direction: Direction = Direction.ASC


PaymentResult = Annotated[
    Payment | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("PaymentResult")
]
PaymentDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("PaymentDeleteResult")
]
