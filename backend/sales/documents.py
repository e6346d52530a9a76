"""What the sales room stores."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.clock import Moment
from backend.core.ids import Reference
from backend.core.personal import PersonalClass
from backend.core.records import Part, Record
from backend.sales.rules import ForecastCategory, LeadStatus, StageType

CURRENCY = r"^[A-Z]{3}$"


class LocalText(Part):
    """A text in the languages of the house."""

    zh: str = ""
    en: str = ""


class Stage(Part):
    """A step of a pipeline; ``probability`` of winning from here in percent."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    name: LocalText
    order: int
    type: StageType = StageType.OPEN
    probability: int = Field(ge=0, le=100)
    forecast_category: ForecastCategory = ForecastCategory.PIPELINE


class Pipeline(Record):
    """The stages that opportunities go through.

    ``discount_limit`` is the largest discount, in percent, that its quotes may have without an approval.
    """

    kind: ClassVar[str] = "pipeline"
    server_owned: ClassVar[frozenset[str]] = frozenset({"is_default"})

    name: LocalText
    currency: str = Field(default="CNY", pattern=CURRENCY)
    is_default: bool = False
    stages: list[Stage] = Field(min_length=3, max_length=30)
    discount_limit: Decimal = Field(default=Decimal(20), ge=0, le=100, max_digits=7, decimal_places=4)

    class Settings:
        name = "pipelines"


class StageChange(Part):
    """One move of an opportunity; the first comes from nowhere."""

    from_stage: str | None
    to_stage: str
    at: datetime
    by: str


class Opportunity(Record):
    """A deal that may be won. What ``stage`` implies is copied from its pipeline when it gets there."""

    kind: ClassVar[str] = "opportunity"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "name": PersonalClass.HEADING,
        "next_step": PersonalClass.TEXT,
        "loss_reason": PersonalClass.TEXT,
        "description": PersonalClass.TEXT,
    }
    about_person: ClassVar[str | None] = "contact_id"
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"stage_type", "probability", "forecast_category", "stage_history", "lead_id"}
    )

    name: str = Field(min_length=1, max_length=300)
    account_id: Reference | None = None
    contact_id: Reference | None = None
    amount: Decimal | None = Field(default=None, ge=0, max_digits=20)
    currency: str = Field(default="CNY", pattern=CURRENCY)
    pipeline_id: Reference
    stage: str
    stage_type: StageType = StageType.OPEN
    probability: int = 0
    forecast_category: ForecastCategory = ForecastCategory.PIPELINE
    expected_close_date: date | None = None
    closed_at: Moment | None = None
    loss_reason: str = ""
    next_step: str = ""
    source: str = ""
    description: str = ""
    lead_id: str | None = None
    stage_history: list[StageChange] = Field(default_factory=list)

    class Settings:
        name = "opportunities"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("pipeline_id", 1), ("stage", 1)]),
            IndexModel([("workspace_id", 1), ("account_id", 1)]),
            IndexModel([("workspace_id", 1), ("name", 1)]),
            IndexModel([("workspace_id", 1), ("external_ids.import", 1)]),
        ]


class Lead(Record):
    """Somebody who asked, or was found, and is not a customer yet."""

    kind: ClassVar[str] = "lead"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "full_name": PersonalClass.NAME,
        "given_name": PersonalClass.NAME,
        "family_name": PersonalClass.NAME,
        "email": PersonalClass.EMAIL,
        "phone": PersonalClass.PHONE,
        "title": PersonalClass.HEADING,
        "description": PersonalClass.TEXT,
    }
    encrypted: ClassVar[frozenset[str]] = frozenset({"email", "phone"})
    about_person: ClassVar[str | None] = "contact_id"
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"converted_at", "account_id", "contact_id", "opportunity_id"}
    )

    full_name: str = Field(min_length=1, max_length=300)
    given_name: str = ""
    family_name: str = ""
    company: str = ""
    title: str = ""
    email: str = ""
    phone: str = ""
    country: str = ""
    language: str = ""
    source: str = ""
    status: LeadStatus = LeadStatus.OPEN
    score: int | None = Field(default=None, ge=0, le=100)
    interests: list[str] = Field(default_factory=list)
    lost_reason: str = ""
    description: str = ""
    first_responded_at: Moment | None = None
    converted_at: datetime | None = None
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None

    class Settings:
        name = "leads"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("status", 1)]),
            IndexModel([("workspace_id", 1), ("blind.email", 1)]),
            IndexModel([("workspace_id", 1), ("blind.phone", 1)]),
            IndexModel([("workspace_id", 1), ("full_name", 1)]),
            IndexModel([("workspace_id", 1), ("external_ids.import", 1)]),
        ]
