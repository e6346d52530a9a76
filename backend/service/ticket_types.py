"""Tickets as GraphQL types and inputs."""

from datetime import datetime
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
    Info,
    InvalidInput,
    NotFound,
    Shown,
    shared_fields,
)
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm.account_types import Account, account_of
from backend.crm.contact_types import Contact, contact_of
from backend.service import documents
from backend.service.clock_types import SlaClock
from backend.service.conversation_types import Conversation
from backend.service.documents import AiOutcome, Channel, TicketPriority, TicketType
from backend.service.rules import TicketStatus

strawberry.enum(TicketType)
strawberry.enum(TicketPriority)
strawberry.enum(TicketStatus, description="Where a ticket stands; `CLOSED` is its end.")
strawberry.enum(AiOutcome, description="What the assistant made of it before people took over.")


async def _conversation(root: "Ticket", info: Info) -> Conversation | None:
    found = await info.context.related(documents.Conversation, root.conversation_id)
    return Conversation.of(found) if found else None


@strawberry.type(description="A customer's matter that somebody must settle.")
class Ticket(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    number: str | None = strawberry.field(
        description="What people call it: T-000123, counted in the workspace."
    )
    subject: str
    description: str | None
    channel: Channel | None
    type: TicketType | None
    priority: TicketPriority | None
    status: TicketStatus | None
    category: str | None
    tags: list[str] | None
    contact_id: strawberry.ID | None = strawberry.field(description="The contact who asked.")
    account_id: strawberry.ID | None
    assignee_id: strawberry.ID | None
    team_id: strawberry.ID | None
    conversation_id: strawberry.ID | None
    follows_id: strawberry.ID | None = strawberry.field(
        description="The finished ticket that this one follows."
    )
    ai_outcome: AiOutcome | None
    handoff_reason: str | None = strawberry.field(
        description="Why the assistant handed it to people, as a code."
    )
    csat: int | None = strawberry.field(description="How satisfied the customer was, 1 to 5.")
    opened_at: datetime | None
    first_responded_at: datetime | None = strawberry.field(description="When a person first answered.")
    resolved_at: datetime | None
    reopen_count: int | None
    waits_since: datetime | None = strawberry.field(
        description="When the customer wrote, since the ticket is there, what no person has answered yet."
    )
    sla: list[SlaClock] | None = strawberry.field(description="What is promised for it, and how that stands.")
    sla_policy_id: strawberry.ID | None = strawberry.field(description="The policy that holds for it.")
    sla_policy_version: int | None
    sla_due_at: datetime | None = strawberry.field(
        description="The nearest date by which something is still to be kept; null while all stands still."
    )
    account: Account | None = strawberry.field(
        resolver=account_of, description="The customer's company; null when it is not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The contact who asked; null when not visible to you."
    )
    conversation: Conversation | None = strawberry.field(
        resolver=_conversation, description="The words exchanged about it."
    )

    @classmethod
    def of(cls, record: documents.Ticket) -> Self:
        return cls(**shared_fields(record, cls, sla=[SlaClock.of(clock) for clock in record.sla]))


@strawberry.input(description="A new ticket; `conversationId` attaches the conversation that it is about.")
class TicketCreateInput(CreateInput):
    subject: str
    description: str | None = UNSET
    channel: Channel | None = UNSET
    type: TicketType | None = UNSET
    priority: TicketPriority | None = UNSET
    status: TicketStatus | None = UNSET
    category: str | None = UNSET
    tags: list[str] | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    account_id: strawberry.ID | None = UNSET
    assignee_id: strawberry.ID | None = UNSET
    team_id: strawberry.ID | None = UNSET
    conversation_id: strawberry.ID | None = UNSET


@strawberry.input(
    description="What to change. Another `assigneeId` is an assignment, with its right and event."
)
class TicketUpdateInput(UpdateInput):
    subject: str | None = UNSET
    description: str | None = UNSET
    channel: Channel | None = UNSET
    type: TicketType | None = UNSET
    priority: TicketPriority | None = UNSET
    status: TicketStatus | None = UNSET
    category: str | None = UNSET
    tags: list[str] | None = UNSET
    csat: int | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    account_id: strawberry.ID | None = UNSET
    assignee_id: strawberry.ID | None = UNSET
    team_id: strawberry.ID | None = UNSET


@strawberry.input(description="Whom to give a ticket to; null takes it from everybody.")
class TicketAssignInput(UpdateInput):
    assignee_id: strawberry.ID | None


@strawberry.input
class TicketFilter:
    id: IdFilter | None = UNSET
    number: StringFilter | None = UNSET
    subject: StringFilter | None = UNSET
    status: ChoiceFilter[TicketStatus] | None = UNSET
    priority: ChoiceFilter[TicketPriority] | None = UNSET
    type: ChoiceFilter[TicketType] | None = UNSET
    channel: ChoiceFilter[Channel] | None = UNSET
    category: StringFilter | None = UNSET
    tags: StringFilter | None = UNSET
    contact_id: IdFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    assignee_id: IdFilter | None = UNSET
    team_id: IdFilter | None = UNSET
    conversation_id: IdFilter | None = UNSET
    ai_outcome: ChoiceFilter[AiOutcome] | None = UNSET
    opened_at: RangeFilter[datetime] | None = UNSET
    resolved_at: RangeFilter[datetime] | None = UNSET
    waits_since: RangeFilter[datetime] | None = UNSET
    sla_due_at: RangeFilter[datetime] | None = UNSET
    sla_policy_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["TicketFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["TicketFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "TicketFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class TicketOrderField(Enum):
    NUMBER = "number"
    OPENED_AT = "opened_at"
    RESOLVED_AT = "resolved_at"
    WAITS_SINCE = "waits_since"
    SLA_DUE_AT = "sla_due_at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class TicketOrder:
    field: TicketOrderField
    direction: Direction = Direction.ASC


TicketResult = Annotated[
    Ticket | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("TicketResult")
]
TicketDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("TicketDeleteResult")
]
