"""Approvals as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import Conflict, Forbidden, Info, InvalidInput, NotFound, shared_fields
from backend.core.mutations import UpdateInput
from backend.sales import approval_documents, contract_documents, quote_documents
from backend.sales.approval_documents import sees_snapshot
from backend.sales.approval_rules import ApprovalStatus
from backend.sales.contract_types import Contract
from backend.sales.quote_types import Quote

strawberry.enum(ApprovalStatus, description="What became of a request for approval.")


@strawberry.enum(description="What an approver says.")
class ApprovalDecision(Enum):
    APPROVED = "approved"
    REJECTED = "rejected"


def _snapshot_of(root: "Approval", info: Info) -> str | None:
    """Return what was asked for, to whoever sees all of it."""
    return root.held.snapshot if sees_snapshot(info.context.actor, root.held.subject_kind) else None


def _hash_of(root: "Approval", info: Info) -> str | None:
    return root.held.snapshot_hash if sees_snapshot(info.context.actor, root.held.subject_kind) else None


async def _quote_of(root: "Approval", info: Info) -> Quote | None:
    if root.subject_kind != quote_documents.Quote.kind:
        return None
    found = await info.context.related(quote_documents.Quote, root.subject_id)
    return Quote.of(found) if found else None


async def _contract_of(root: "Approval", info: Info) -> Contract | None:
    if root.subject_kind != contract_documents.Contract.kind:
        return None
    found = await info.context.related(contract_documents.Contract, root.subject_id)
    return Contract.of(found) if found else None


@strawberry.type(
    description="A request to approve a record; any one of the approvers decides. Whoever may read the "
    "record may read it."
)
class Approval:
    held: strawberry.Private[approval_documents.Approval]
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    subject_kind: str = strawberry.field(description="The kind of the record to approve, such as `quote`.")
    subject_id: strawberry.ID
    number: str = strawberry.field(description="What people call that record.")
    requested_by: strawberry.ID
    requested_at: datetime
    note: str = strawberry.field(description="To the approvers, from who asks.")
    approver_ids: list[strawberry.ID] = strawberry.field(
        description="Who could decide when it was asked for."
    )
    status: ApprovalStatus
    decided_by: strawberry.ID | None = strawberry.field(description="Who decided, or withdrew the request.")
    decided_at: datetime | None
    comment: str = strawberry.field(description="From who decided.")
    snapshot: str | None = strawberry.field(
        resolver=_snapshot_of,
        description="What is to be approved, as it was when it was asked for: canonical JSON. Null when your "
        "role does not show you all of the record.",
    )
    snapshot_hash: str | None = strawberry.field(
        resolver=_hash_of, description="SHA-256 of `snapshot`; a decision carries it. Null as that is."
    )
    quote: Quote | None = strawberry.field(
        resolver=_quote_of, description="The quote to approve, as it is now; null when it is about another."
    )
    contract: Contract | None = strawberry.field(
        resolver=_contract_of,
        description="The contract to approve, as it is now; null when it is about another.",
    )

    @classmethod
    def of(cls, record: approval_documents.Approval) -> Self:
        return cls(**shared_fields(record, cls, held=record))


@strawberry.input(
    description="A decision on a request. `snapshotHash` is that of what you saw: when the record is another "
    "by now, nothing is decided."
)
class ApprovalDecideInput(UpdateInput):
    decision: ApprovalDecision
    snapshot_hash: str
    comment: str | None = UNSET


@strawberry.input(description="Which request to take back.")
class ApprovalWithdrawInput(UpdateInput):
    pass


@strawberry.input
class ApprovalFilter:
    id: IdFilter | None = UNSET
    subject_kind: StringFilter | None = UNSET
    subject_id: IdFilter | None = UNSET
    number: StringFilter | None = UNSET
    status: ChoiceFilter[ApprovalStatus] | None = UNSET
    requested_by: IdFilter | None = UNSET
    approver_ids: IdFilter | None = UNSET
    decided_by: IdFilter | None = UNSET
    requested_at: RangeFilter[datetime] | None = UNSET
    decided_at: RangeFilter[datetime] | None = UNSET
    and_: list["ApprovalFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["ApprovalFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "ApprovalFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class ApprovalOrderField(Enum):
    REQUESTED_AT = "requested_at"
    DECIDED_AT = "decided_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class ApprovalOrder:
    field: ApprovalOrderField
    direction: Direction = Direction.ASC


ApprovalResult = Annotated[
    Approval | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ApprovalResult")
]
