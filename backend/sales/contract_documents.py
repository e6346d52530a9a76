"""Contracts and the payments that they bring, as they are stored."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints
from pymongo import IndexModel

from backend.core.clock import Day, Moment
from backend.core.ids import Reference, new_id
from backend.core.personal import PersonalClass
from backend.core.records import Part, Record
from backend.sales.approval_documents import Approvable
from backend.sales.contract_rules import LONGEST_REASON, SIGNED_TERMS, ContractStatus, ContractType, Term
from backend.sales.documents import CURRENCY
from backend.sales.payment_rules import PaymentMethod, PaymentStatus, total

Heading = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Reason = Annotated[str, StringConstraints(max_length=LONGEST_REASON)]


class Contract(Approvable):
    """What was agreed with a customer, or is about to be. Its days are those of the workspace's time zone.

    ``end`` is the last day; ``ends_at`` the moment it is over, ``moves_at`` the one at which the status
    follows from the days again. The contract before is ``renews_id``, the one after it ``renewed_by_id``.
    """

    kind: ClassVar[str] = "contract"
    shareable: ClassVar[bool] = True
    shared_with_team: ClassVar[bool] = True
    approved_fields: ClassVar[frozenset[str]] = frozenset(
        {"number", "name", "contact_id", "auto_renew", *SIGNED_TERMS}
    )
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "name": PersonalClass.HEADING,
        "parties": PersonalClass.HEADING,
        "void_reason": PersonalClass.TEXT,
        "termination_reason": PersonalClass.TEXT,
        "description": PersonalClass.TEXT,
    }
    about_person: ClassVar[str | None] = "contact_id"
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"number", "status", "signed_at", "ends_at", "moves_at", "renews_id", "renewed_by_id"}
        | {"terminated_at", "termination_reason", "void_reason"}
    )

    name: Heading
    type: ContractType = ContractType.SALES
    status: ContractStatus = ContractStatus.DRAFT
    account_id: Reference | None = None
    contact_id: Reference | None = None
    opportunity_id: Reference | None = None
    value: Decimal | None = Field(default=None, ge=0, max_digits=20)
    currency: str = Field(default="CNY", pattern=CURRENCY)
    start: Day | None = None
    end: Day | None = None
    auto_renew: bool = False
    notice_days: int | None = Field(default=None, ge=0, le=3650)
    parties: list[Heading] = Field(default_factory=list, max_length=20)
    description: str = ""
    signed_at: Moment | None = None
    ends_at: datetime | None = None
    moves_at: datetime | None = None
    renews_id: str | None = None
    renewed_by_id: str | None = None
    terminated_at: datetime | None = None
    termination_reason: Reason = ""
    void_reason: Reason = ""

    readers_are: ClassVar[tuple[str, ...]] = ("u:", "t:", "c:")

    def principals(self) -> list[str]:
        """Return its people, and the customer's contact once it is signed: a draft is ours alone."""
        is_theirs = self.contact_id and self.signed_at and self.status is not ContractStatus.VOID
        return sorted({*super().principals(), *([f"c:{self.contact_id}"] if is_theirs else [])})

    @property
    def term(self) -> Term | None:
        return Term(self.start, self.end, self.notice_days) if self.start else None

    class Settings:
        name = "contracts"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("number", 1)], unique=True),
            IndexModel([("workspace_id", 1), ("account_id", 1)]),
            IndexModel([("workspace_id", 1), ("moves_at", 1)]),
        ]


class Receipt(Part):
    """Money that came in for a payment. Who may read the payment reads the ``note``, the customer too."""

    id: str = Field(default_factory=new_id)
    amount: Decimal = Field(gt=0, max_digits=20)
    at: Moment
    method: PaymentMethod = PaymentMethod.BANK_TRANSFER
    note: Reason = ""
    by: str = ""


class Payment(Record):
    """Money that a contract brings: planned for a day, received in one piece or several.

    Whoever reads the contract reads its payments. ``account_id`` and ``contract_owner_id`` are copied from
    it; ``overdue_at`` is when the due day is over, ``moves_at`` when the status follows from the days again.
    """

    kind: ClassVar[str] = "payment"
    follows: ClassVar[tuple[str, str] | None] = ("contract", "contract_id")
    readers_are: ClassVar[tuple[str, ...]] = ("u:", "t:", "c:")
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "name": PersonalClass.HEADING,
        "received": PersonalClass.HEADING,
    }
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"number", "status", "account_id", "contract_owner_id", "received", "received_total"}
        | {"overdue_at", "moves_at", "paid_at"}
    )

    number: str = ""
    name: str = Field(default="", max_length=300)
    contract_id: Reference
    account_id: Reference | None = None
    contract_owner_id: str | None = None
    due: Day
    amount: Decimal = Field(gt=0, max_digits=20)
    currency: str = Field(default="CNY", pattern=CURRENCY)
    received: list[Receipt] = Field(default_factory=list)
    received_total: Decimal = Decimal(0)
    status: PaymentStatus = PaymentStatus.PLANNED
    overdue_at: datetime | None = None
    moves_at: datetime | None = None
    paid_at: datetime | None = None

    def count_receipts(self) -> None:
        """Let ``received_total`` be what the receipts come to."""
        self.received_total = total(receipt.amount for receipt in self.received)

    class Settings:
        name = "payments"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("number", 1)], unique=True),
            IndexModel([("workspace_id", 1), ("contract_id", 1)]),
            IndexModel([("workspace_id", 1), ("account_id", 1)]),
            IndexModel([("workspace_id", 1), ("moves_at", 1)]),
        ]
