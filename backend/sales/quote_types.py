"""Quotes as GraphQL types and inputs."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import (
    ApprovalRequired,
    Conflict,
    Deleted,
    Forbidden,
    InvalidInput,
    NotFound,
    Shown,
    shared_fields,
)
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm.account_types import Account, account_of
from backend.crm.contact_types import Contact, contact_of
from backend.sales import quote_documents
from backend.sales.opportunity_types import Opportunity, opportunity_of
from backend.sales.quote_rules import QuoteStatus

strawberry.enum(
    QuoteStatus,
    description="Where a quote stands; `ACCEPTED` is its end, from all else it can be drafted anew.",
)


@strawberry.type(description="One thing that is offered.")
class QuoteLine:
    name: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal
    tax_percent: Decimal
    net: Decimal = strawberry.field(description="Quantity × price, less the discount, without tax.")


@strawberry.type(description="An offer to a customer. Its amounts are computed by the server alone.")
class Quote(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    number: str = strawberry.field(description="What people call it: Q-000123, counted in the workspace.")
    revision: int = strawberry.field(
        description="Goes up when content is changed that was approved or sent already."
    )
    status: QuoteStatus
    name: str | None
    opportunity_id: strawberry.ID | None
    account_id: strawberry.ID | None
    contact_id: strawberry.ID | None
    currency: str | None
    lines: list[QuoteLine] | None
    net_total: Decimal | None
    tax_total: Decimal | None
    gross_total: Decimal | None
    valid_until: date | None = strawberry.field(description="The last day on which the offer holds.")
    expires_at: datetime | None = strawberry.field(
        description="When that day is over, on the workspace's clocks."
    )
    terms: str | None
    sent_at: datetime | None
    closed_at: datetime | None = strawberry.field(description="When it was accepted, declined, or expired.")
    decline_reason: str | None
    opportunity: Opportunity | None = strawberry.field(
        resolver=opportunity_of, description="The deal that it is for; null when it is not visible to you."
    )
    account: Account | None = strawberry.field(
        resolver=account_of, description="Who would buy; null when it is not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The person whom it goes to; null when not visible to you."
    )

    @classmethod
    def of(cls, record: quote_documents.Quote) -> Self:
        lines = [QuoteLine(**line.model_dump()) for line in record.lines]
        return cls(**shared_fields(record, cls, lines=lines))


@strawberry.input(description="One thing that is offered; percents are 0 to 100.")
class QuoteLineInput:
    name: str
    description: str = ""
    quantity: Decimal = Decimal(1)
    unit_price: Decimal
    discount_percent: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)


@strawberry.input
class QuoteFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    name: str | None = UNSET
    opportunity_id: strawberry.ID | None = UNSET
    account_id: strawberry.ID | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    currency: str | None = UNSET
    lines: list[QuoteLineInput] | None = UNSET
    valid_until: date | None = UNSET
    terms: str | None = UNSET


@strawberry.input(
    description="A new quote. With `opportunityId` its name, customer, currency and, as the one line, its "
    "amount come from there unless you say else."
)
class QuoteCreateInput(QuoteFields, CreateInput):
    pass


@strawberry.input(
    description="What to change about a quote; `lines` are all of them anew. Other content makes it a draft "
    "again: of a new revision, once it was approved or sent."
)
class QuoteUpdateInput(QuoteFields, UpdateInput):
    pass


@strawberry.input(description="Which quote to have approved, and what to tell the approvers.")
class QuoteSubmitInput(UpdateInput):
    note: str | None = UNSET


@strawberry.input(description="Which quote was sent, or accepted by the customer.")
class QuoteMoveInput(UpdateInput):
    pass


@strawberry.input(description="Which quote the customer declined, and why.")
class QuoteDeclineInput(UpdateInput):
    reason: str | None = UNSET


@strawberry.input
class QuoteFilter:
    id: IdFilter | None = UNSET
    number: StringFilter | None = UNSET
    name: StringFilter | None = UNSET
    status: ChoiceFilter[QuoteStatus] | None = UNSET
    opportunity_id: IdFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    contact_id: IdFilter | None = UNSET
    currency: StringFilter | None = UNSET
    net_total: RangeFilter[Decimal] | None = UNSET
    gross_total: RangeFilter[Decimal] | None = UNSET
    valid_until: RangeFilter[date] | None = UNSET
    sent_at: RangeFilter[datetime] | None = UNSET
    closed_at: RangeFilter[datetime] | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["QuoteFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["QuoteFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "QuoteFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class QuoteOrderField(Enum):
    NUMBER = "number"
    NAME = "name"
    GROSS_TOTAL = "gross_total"
    VALID_UNTIL = "valid_until"
    SENT_AT = "sent_at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class QuoteOrder:
    field: QuoteOrderField
    direction: Direction = Direction.ASC


QuoteResult = Annotated[
    Quote | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("QuoteResult")
]
QuoteSendResult = Annotated[
    Quote | InvalidInput | ApprovalRequired | NotFound | Forbidden | Conflict,
    strawberry.union("QuoteSendResult"),
]
QuoteDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("QuoteDeleteResult")
]
