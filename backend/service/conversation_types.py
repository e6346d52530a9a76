"""Conversations and their messages as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Connection, Direction, page
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
from backend.service.documents import AuthorKind, Channel, MessageDirection
from backend.service.rules import ConversationState, HandledBy

strawberry.enum(Channel, description="Where the words went to and fro.")
strawberry.enum(ConversationState, description="Who has to do what next in a conversation.")
strawberry.enum(HandledBy, description="Who answers the customer.")
strawberry.enum(
    MessageDirection, description="From the customer, to the customer, or an internal note among staff."
)
strawberry.enum(AuthorKind, description="Who said it: the customer, staff, the assistant, or the system.")

SAID_ORDER = [("at", Direction.ASC)]


@strawberry.type(description="One thing said in a conversation. Customers never see internal ones.")
class Message:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    conversation_id: strawberry.ID
    direction: MessageDirection
    author_kind: AuthorKind
    author_id: strawberry.ID | None = strawberry.field(
        description="The contact of a customer, the user of staff, else null or a name."
    )
    body: str
    at: datetime = strawberry.field(description="When it was said.")
    answer_id: strawberry.ID | None = strawberry.field(description="The assistant's answer that this is.")

    @classmethod
    def of(cls, record: documents.Message) -> Self:
        return cls(**shared_fields(record, cls))


async def _messages(
    root: "Conversation", info: Info, first: int = 50, after: str | None = None
) -> Connection[Message]:
    return await page(
        info.context.uow,
        documents.Message,
        Message.of,
        where={"conversation_id": root.id},
        order=SAID_ORDER,
        first=first,
        after=after,
    )


@strawberry.type(description="Words exchanged with one customer over one channel.")
class Conversation(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    channel: Channel | None
    subject: str | None
    language: str | None = strawberry.field(
        description="BCP 47, such as `zh` or `en-GB`; empty when unknown."
    )
    state: ConversationState | None
    handled_by: HandledBy | None
    contact_id: strawberry.ID | None
    account_id: strawberry.ID | None
    assignee_id: strawberry.ID | None
    team_id: strawberry.ID | None
    ticket_id: strawberry.ID | None
    last_message_at: datetime | None
    account: Account | None = strawberry.field(
        resolver=account_of, description="The customer's company; null when it is not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The customer; null when not visible to you."
    )
    messages: Connection[Message] = strawberry.field(
        resolver=_messages, description="What was said, oldest first."
    )

    @classmethod
    def of(cls, record: documents.Conversation) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.input(description="A new conversation. A customer opens their own and may leave `contactId` out.")
class ConversationCreateInput(CreateInput):
    channel: Channel | None = UNSET
    subject: str | None = UNSET
    language: str | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    account_id: strawberry.ID | None = UNSET
    assignee_id: strawberry.ID | None = UNSET
    team_id: strawberry.ID | None = UNSET
    handled_by: HandledBy | None = UNSET


@strawberry.input(description="What to change in a conversation; staff only.")
class ConversationUpdateInput(UpdateInput):
    channel: Channel | None = UNSET
    subject: str | None = UNSET
    language: str | None = UNSET
    state: ConversationState | None = UNSET
    handled_by: HandledBy | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    account_id: strawberry.ID | None = UNSET
    assignee_id: strawberry.ID | None = UNSET
    team_id: strawberry.ID | None = UNSET


@strawberry.input
class ConversationFilter:
    id: IdFilter | None = UNSET
    channel: ChoiceFilter[Channel] | None = UNSET
    state: ChoiceFilter[ConversationState] | None = UNSET
    handled_by: ChoiceFilter[HandledBy] | None = UNSET
    subject: StringFilter | None = UNSET
    language: StringFilter | None = UNSET
    contact_id: IdFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    assignee_id: IdFilter | None = UNSET
    team_id: IdFilter | None = UNSET
    ticket_id: IdFilter | None = UNSET
    last_message_at: RangeFilter[datetime] | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["ConversationFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["ConversationFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "ConversationFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class ConversationOrderField(Enum):
    LAST_MESSAGE_AT = "last_message_at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class ConversationOrder:
    field: ConversationOrderField
    direction: Direction = Direction.ASC


@strawberry.input(
    description="Say something: at most 20,000 characters. Customers speak inbound, staff outbound by "
    "default; an inbound message that staff write down is the customer's."
)
class MessageCreateInput(CreateInput):
    conversation_id: strawberry.ID
    body: str
    direction: MessageDirection | None = UNSET


@strawberry.input(description="Rewrite an internal note of one's own; what was sent stays as it was.")
class MessageUpdateInput(UpdateInput):
    body: str


@strawberry.input
class MessageFilter:
    id: IdFilter | None = UNSET
    conversation_id: IdFilter | None = UNSET
    direction: ChoiceFilter[MessageDirection] | None = UNSET
    author_kind: ChoiceFilter[AuthorKind] | None = UNSET
    author_id: IdFilter | None = UNSET
    body: StringFilter | None = UNSET
    at: RangeFilter[datetime] | None = UNSET
    and_: list["MessageFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["MessageFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "MessageFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class MessageOrderField(Enum):
    AT = "at"
    CREATED_AT = "created_at"


@strawberry.input
class MessageOrder:
    field: MessageOrderField
    direction: Direction = Direction.ASC


ConversationResult = Annotated[
    Conversation | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ConversationResult")
]
ConversationDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("ConversationDeleteResult")
]
MessageResult = Annotated[
    Message | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("MessageResult")
]
MessageDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("MessageDeleteResult")
]
