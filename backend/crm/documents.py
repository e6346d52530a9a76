"""What the crm room stores."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.clock import Moment
from backend.core.ids import Reference
from backend.core.personal import PersonalClass
from backend.core.records import Part, Record
from backend.crm.consent import Consent


class Address(Part):
    """A postal address; ``country`` is ISO 3166-1 alpha-2."""

    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class AccountType(StrEnum):
    CUSTOMER = "customer"
    PROSPECT = "prospect"
    PARTNER = "partner"
    RESELLER = "reseller"
    INVESTOR = "investor"
    OTHER = "other"


class Lifecycle(StrEnum):
    PROSPECT = "prospect"
    CUSTOMER = "customer"
    DORMANT = "dormant"
    CHURNED = "churned"
    WON_BACK = "won_back"


class Account(Record):
    """A company that buys, or may."""

    kind: ClassVar[str] = "account"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    server_owned: ClassVar[frozenset[str]] = frozenset({"last_activity_at"})
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "tax_id": PersonalClass.ID_NUMBER,
        "phone": PersonalClass.PHONE,
        "email": PersonalClass.EMAIL,
    }

    name: str = Field(min_length=1, max_length=300)
    aliases: list[str] = Field(default_factory=list)
    type: AccountType = AccountType.PROSPECT
    industry: str = ""
    website: str = ""
    domain: str = ""
    tax_id: str = ""
    phone: str = ""
    email: str = ""
    billing_address: Address = Field(default_factory=Address)
    annual_revenue: Decimal | None = Field(default=None, ge=0)
    currency: str = "CNY"
    employees: int | None = Field(default=None, ge=0)
    lifecycle: Lifecycle = Lifecycle.PROSPECT
    tier: str = ""
    source: str = ""
    description: str = ""
    last_activity_at: datetime | None = None

    class Settings:
        name = "accounts"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("name", 1)]),
            IndexModel([("workspace_id", 1), ("external_ids.import", 1)]),
        ]


class Contact(Record):
    """A person, mostly at an account. ``email`` and ``phone`` are the ones to use; others come beside."""

    kind: ClassVar[str] = "contact"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "full_name": PersonalClass.NAME,
        "given_name": PersonalClass.NAME,
        "family_name": PersonalClass.NAME,
        "email": PersonalClass.EMAIL,
        "other_emails": PersonalClass.EMAIL,
        "phone": PersonalClass.PHONE,
        "other_phones": PersonalClass.PHONE,
        "address": PersonalClass.ADDRESS,
        "title": PersonalClass.HEADING,
        "department": PersonalClass.HEADING,
        "description": PersonalClass.TEXT,
        "legal_hold_reason": PersonalClass.HEADING,
    }
    encrypted: ClassVar[frozenset[str]] = frozenset(
        {"email", "other_emails", "phone", "other_phones", "address"}
    )
    about_person: ClassVar[str | None] = "id"
    server_owned: ClassVar[frozenset[str]] = frozenset({"consents", "erased_at", "legal_hold_reason"})

    full_name: str = Field(min_length=1, max_length=300)
    given_name: str = ""
    family_name: str = ""
    account_id: Reference | None = None
    title: str = ""
    department: str = ""
    role: str = ""
    email: str = ""
    other_emails: list[str] = Field(default_factory=list, max_length=20)
    phone: str = ""
    other_phones: list[str] = Field(default_factory=list, max_length=20)
    address: Address = Field(default_factory=Address)
    language: str = ""
    do_not_call: bool = False
    is_active: bool = True
    source: str = ""
    description: str = ""
    consents: list[Consent] = Field(default_factory=list)
    legal_hold_reason: str = Field(default="", max_length=500)
    erased_at: Moment | None = None

    class Settings:
        name = "contacts"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("account_id", 1)]),
            IndexModel([("workspace_id", 1), ("blind.email", 1)]),
            IndexModel([("workspace_id", 1), ("blind.phone", 1)]),
            IndexModel([("workspace_id", 1), ("full_name", 1)]),
            IndexModel([("workspace_id", 1), ("external_ids.import", 1)]),
        ]


class TaskStatus(StrEnum):
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"
    DEFERRED = "deferred"


class TaskPriority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Task(Record):
    """Something to do, about any of the records it names. Owner and assignee both see it."""

    kind: ClassVar[str] = "task"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "title": PersonalClass.TEXT,
        "description": PersonalClass.TEXT,
    }
    about_person: ClassVar[str | None] = "contact_id"
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (("ticket", "ticket_id"),)

    title: str = Field(min_length=1, max_length=300)
    description: str = ""
    status: TaskStatus = TaskStatus.TODO
    priority: TaskPriority = TaskPriority.NORMAL
    due_at: Moment | None = None
    completed_at: Moment | None = None
    assignee_id: Reference | None = None
    account_id: Reference | None = None
    contact_id: Reference | None = None
    opportunity_id: Reference | None = None
    ticket_id: Reference | None = None

    def principals(self) -> list[str]:
        assignee = [f"u:{self.assignee_id}"] if self.assignee_id else []
        return sorted({*super().principals(), *assignee})

    class Settings:
        name = "tasks"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("assignee_id", 1), ("due_at", 1)])]


class AttachmentState(StrEnum):
    """Its bytes are still to come, are kept, or were found to be what must not be kept."""

    UPLOADING = "uploading"
    READY = "ready"
    REFUSED = "refused"


class Attachment(Record):
    """A file at some record: who reads that record reads it. Its bytes are not in it."""

    kind: ClassVar[str] = "attachment"
    follows: ClassVar[tuple[str, str] | None] = ("@target_kind", "target_id")
    readers_are: ClassVar[tuple[str, ...]] = ("",)  # whatever its record's are
    always_shown: ClassVar[frozenset[str]] = frozenset({"target_kind", "target_id", "state"})
    server_owned: ClassVar[frozenset[str]] = frozenset({"owner_id", "team_ids", "state", "refused_reason"})
    personal: ClassVar[Mapping[str, PersonalClass]] = {"name": PersonalClass.TEXT}

    target_kind: str
    target_id: Reference
    name: str
    content_type: str
    size: int = Field(ge=1)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    state: AttachmentState = AttachmentState.UPLOADING
    refused_reason: str = ""

    def principals(self) -> list[str]:
        return []

    class Settings:
        name = "attachments"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("target_kind", 1), ("target_id", 1)])]


class ActivityType(StrEnum):
    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"
    VISIT = "visit"
    MESSAGE = "message"
    OTHER = "other"


class ActivityDirection(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Activity(Record):
    """Something that happened with a customer: an entry of the timeline."""

    kind: ClassVar[str] = "activity"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "subject": PersonalClass.TEXT,
        "summary": PersonalClass.TEXT,
    }
    about_person: ClassVar[str | None] = "contact_id"
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (("ticket", "ticket_id"),)

    type: ActivityType
    at: Moment
    direction: ActivityDirection = ActivityDirection.OUTBOUND
    channel: str = ""
    subject: str = Field(default="", max_length=300)
    summary: str = ""
    duration_minutes: int | None = Field(default=None, ge=0)
    account_id: Reference | None = None
    contact_id: Reference | None = None
    opportunity_id: Reference | None = None
    ticket_id: Reference | None = None

    class Settings:
        name = "activities"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("account_id", 1), ("at", 1)])]


class Counter(Record):
    """A running number of one workspace, counted in the commit that uses it."""

    kind: ClassVar[str] = "counter"
    reached: int = 0

    class Settings:
        name = "counters"
