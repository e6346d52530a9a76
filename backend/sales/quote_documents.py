"""What the sales room stores about quotes."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints
from pymongo import IndexModel

from backend.core.clock import Day
from backend.core.ids import Reference
from backend.core.personal import PersonalClass
from backend.core.records import Part
from backend.sales.approval_documents import Approvable
from backend.sales.documents import CURRENCY
from backend.sales.quote_rules import QuoteStatus

MOST_LINES = 200
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]


class QuoteLine(Part):
    """One thing that is offered; ``net`` is the server's."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    description: str = Field(default="", max_length=2_000)
    quantity: Decimal = Field(default=Decimal(1), gt=0, max_digits=12, decimal_places=4)
    unit_price: Decimal = Field(ge=0, max_digits=20)
    discount_percent: Percent = Decimal(0)
    tax_percent: Percent = Decimal(0)
    net: Decimal = Decimal(0)


class Quote(Approvable):
    """An offer to a customer. Its amounts are computed by the server alone, see ``quote_rules``.

    ``revision`` counts what was approved or sent and then changed; ``expires_at`` is when the day
    ``valid_until`` is over on the workspace's clocks.
    """

    kind: ClassVar[str] = "quote"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    approved_fields: ClassVar[frozenset[str]] = frozenset(
        {"number", "revision", "name", "opportunity_id", "account_id", "contact_id", "currency", "lines"}
        | {"net_total", "tax_total", "gross_total", "valid_until", "terms"}
    )
    always_shown: ClassVar[frozenset[str]] = Approvable.always_shown | {"status", "revision"}
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "name": PersonalClass.HEADING,
        "lines": PersonalClass.HEADING,
        "terms": PersonalClass.TEXT,
        "decline_reason": PersonalClass.TEXT,
    }
    about_person: ClassVar[str | None] = "contact_id"
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"number", "revision", "status", "net_total", "tax_total", "gross_total"}
        | {"expires_at", "sent_at", "closed_at", "decline_reason"}
    )

    name: str = Field(default="", max_length=300)
    opportunity_id: Reference | None = None
    account_id: Reference | None = None
    contact_id: Reference | None = None
    currency: str = Field(default="CNY", pattern=CURRENCY)
    lines: list[QuoteLine] = Field(default_factory=list, max_length=MOST_LINES)
    net_total: Decimal = Decimal(0)
    tax_total: Decimal = Decimal(0)
    gross_total: Decimal = Decimal(0)
    valid_until: Day | None = None
    expires_at: datetime | None = None
    terms: str = Field(default="", max_length=20_000)
    revision: int = 1
    status: QuoteStatus = QuoteStatus.DRAFT
    sent_at: datetime | None = None
    closed_at: datetime | None = None
    decline_reason: str = Field(default="", max_length=2_000)

    class Settings:
        name = "quotes"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("number", 1)], unique=True),
            IndexModel([("workspace_id", 1), ("opportunity_id", 1)]),
            IndexModel([("workspace_id", 1), ("account_id", 1)]),
            IndexModel([("workspace_id", 1), ("status", 1), ("expires_at", 1)]),
        ]
