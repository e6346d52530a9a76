"""What the service room stores."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints
from pymongo import IndexModel

from backend.core.clock import Moment
from backend.core.ids import Reference
from backend.core.personal import PersonalClass
from backend.core.records import Record
from backend.service.rules import LONGEST_MESSAGE, ConversationState, HandledBy, Progress, TicketStatus
from backend.service.sla_rules import Matter, SlaClock, next_due, next_look

Line = Annotated[str, StringConstraints(max_length=300)]
Heading = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class Channel(StrEnum):
    WEBCHAT = "webchat"
    EMAIL = "email"
    WHATSAPP = "whatsapp"
    WECHAT = "wechat"
    SMS = "sms"
    PHONE = "phone"
    API = "api"


class TicketType(StrEnum):
    QUESTION = "question"
    INCIDENT = "incident"
    PROBLEM = "problem"
    REQUEST = "request"


class TicketPriority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class AiOutcome(StrEnum):
    """What the assistant made of the matter before people took over."""

    NONE = "none"
    ANSWERED = "answered"
    HANDED_OFF = "handed_off"


class MessageDirection(StrEnum):
    """From the customer, to the customer, or among ourselves."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class AuthorKind(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class CustomerMatter(Record):
    """What tickets and conversations share: whose matter it is, and therefore who reads it.

    Its customer, its assignee, its team, the person of ours who made it, and the owner of the account.
    ``account_owner_id`` is copied from the account, so that the owner's phone holds it.
    """

    server_owned: ClassVar[frozenset[str]] = frozenset({"owner_id", "team_ids", "account_owner_id"})

    contact_id: Reference | None = None
    account_id: Reference | None = None
    account_owner_id: Reference | None = None
    assignee_id: Reference | None = None
    team_id: Reference | None = None

    readers_are: ClassVar[tuple[str, ...]] = ("u:", "t:", "c:")

    def principals(self) -> list[str]:
        customer = [f"c:{self.contact_id}"] if self.contact_id else []
        return sorted({*customer, *self.staff_principals()})

    def staff_principals(self) -> list[str]:
        """Return who of ours may read this: never the customer."""
        people = {self.owner_id, self.assignee_id, self.account_owner_id} - {None}
        team = {f"t:{self.team_id}"} if self.team_id else set()
        return sorted({f"u:{person}" for person in people} | team)


class Ticket(CustomerMatter):
    """A customer's matter that somebody must settle."""

    kind: ClassVar[str] = "ticket"
    shareable: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "subject": PersonalClass.TEXT,
        "description": PersonalClass.TEXT,
        "tags": PersonalClass.HEADING,
        "legal_hold_reason": PersonalClass.HEADING,
    }
    about_person: ClassVar[str | None] = "contact_id"
    server_owned: ClassVar[frozenset[str]] = CustomerMatter.server_owned | {
        *("number", "opened_at", "first_responded_at", "resolved_at", "reopen_count"),
        *("ai_outcome", "handoff_reason", "follows_id", "legal_hold_reason"),
        *("waits_since", "sla", "sla_policy_id", "sla_policy_version", "sla_due_at", "sla_next_at"),
    }

    number: str = ""
    subject: Heading
    description: str = Field(default="", max_length=LONGEST_MESSAGE)
    channel: Channel = Channel.WEBCHAT
    type: TicketType = TicketType.QUESTION
    priority: TicketPriority = TicketPriority.NORMAL
    status: TicketStatus = TicketStatus.NEW
    category: Line = ""
    tags: list[Line] = Field(default_factory=list, max_length=50)
    conversation_id: Reference | None = None
    follows_id: Reference | None = None
    ai_outcome: AiOutcome = AiOutcome.NONE
    handoff_reason: str = ""
    csat: int | None = Field(default=None, ge=1, le=5)
    opened_at: datetime | None = None
    first_responded_at: datetime | None = None
    resolved_at: datetime | None = None
    reopen_count: int = 0
    legal_hold_reason: str = Field(default="", max_length=500)
    waits_since: datetime | None = None  # when the customer wrote what no person of ours has answered yet
    sla: list[SlaClock] = Field(default_factory=list)
    sla_policy_id: str | None = None
    sla_policy_version: int | None = None
    sla_due_at: datetime | None = None  # the nearest of what is still to be kept
    sla_next_at: datetime | None = None  # when the clocks are looked at again

    @property
    def matter(self) -> Matter:
        """Return what its clocks need to know."""
        return Matter(
            progress=self.progress,
            is_talk=self.conversation_id is not None,
            first_responded_at=self.first_responded_at,
            waits_since=self.waits_since,
        )

    def take_clocks(self, clocks: list[SlaClock]) -> None:
        """Have these clocks, and the dates that lists and the watch go by."""
        self.sla, self.sla_due_at, self.sla_next_at = clocks, next_due(clocks), next_look(clocks)

    @property
    def progress(self) -> Progress:
        return Progress(self.status, self.resolved_at, self.reopen_count)

    def take_progress(self, progress: Progress) -> None:
        """Stand where the rules say."""
        self.status, self.resolved_at = progress.status, progress.resolved_at
        self.reopen_count = progress.reopen_count

    class Settings:
        name = "tickets"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("number", 1)], unique=True),
            IndexModel([("workspace_id", 1), ("account_id", 1)]),
            IndexModel([("workspace_id", 1), ("assignee_id", 1), ("status", 1)]),
            IndexModel([("workspace_id", 1), ("sla_due_at", 1)]),
            IndexModel([("sla_next_at", 1)]),
        ]


class Conversation(CustomerMatter):
    """Words exchanged with one customer over one channel."""

    kind: ClassVar[str] = "conversation"
    shareable: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "subject": PersonalClass.TEXT,
    }
    about_person: ClassVar[str | None] = "contact_id"
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (("ticket", "ticket_id"),)
    server_owned: ClassVar[frozenset[str]] = CustomerMatter.server_owned | {"ticket_id", "last_message_at"}

    channel: Channel = Channel.WEBCHAT
    subject: Line = ""
    language: str = Field(default="", max_length=35)
    state: ConversationState = ConversationState.OPEN
    handled_by: HandledBy = HandledBy.NONE
    ticket_id: Reference | None = None
    last_message_at: datetime | None = None

    class Settings:
        name = "conversations"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("account_id", 1)]),
            IndexModel([("workspace_id", 1), ("contact_id", 1)]),
        ]


class Message(Record):
    """One thing said in a conversation. Its readers are the conversation's; a note's are ours alone."""

    kind: ClassVar[str] = "message"
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "body": PersonalClass.TEXT,
        "author_name": PersonalClass.NAME,
    }
    conversation_id: Reference
    direction: MessageDirection
    author_kind: AuthorKind
    author_id: str | None = None
    author_name: Line = ""  # of staff, as it was then: how customers know them
    body: str
    at: Moment
    answer_id: str | None = None

    readers_are: ClassVar[tuple[str, ...]] = ("u:", "t:", "c:")
    follows: ClassVar[tuple[str, str] | None] = ("conversation", "conversation_id")

    def principals(self) -> list[str]:
        return []

    def inherited(self, acl: Sequence[str]) -> list[str]:
        internal = self.direction is MessageDirection.INTERNAL
        return [one for one in acl if not (internal and one.startswith("c:"))]

    class Settings:
        name = "messages"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("conversation_id", 1), ("at", 1)])]
