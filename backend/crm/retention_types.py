"""Retention rules as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import (
    Conflict,
    Deleted,
    Forbidden,
    InvalidInput,
    NotFound,
    Shown,
    shared_fields,
)
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm.privacy import documents
from backend.crm.privacy.documents import RetentionAction, RetentionSince

strawberry.enum(
    RetentionAction,
    description="What happens: words go, the person goes, or the record goes; each with what belongs to it.",
)
strawberry.enum(RetentionSince, description="From when a record's age counts.")


@strawberry.type(description="How long records of a kind are kept, and what happens then.")
class RetentionRule(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    name: str
    object_kind: str
    since: RetentionSince | None
    statuses: list[str] | None = strawberry.field(description="Only records in one of these; empty: all.")
    days: int
    action: RetentionAction
    active: bool | None = strawberry.field(description="Applied once a day while true.")
    last_run_at: datetime | None
    last_count: int | None = strawberry.field(description="How many records the last run touched.")

    @classmethod
    def of(cls, record: documents.RetentionRule) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.type(description="What a retention rule would do now; nothing was changed.")
class RetentionPreview:
    count: int = strawberry.field(description="Records that it would touch.")
    held: int = strawberry.field(description="Records that a legal hold exempts.")
    ids: list[strawberry.ID] = strawberry.field(description="The first 20 of those that it would touch.")


@strawberry.input
class RetentionRuleFields:
    since: RetentionSince | None = UNSET
    statuses: list[str] | None = UNSET
    active: bool | None = UNSET


@strawberry.input(
    description="A new rule; it sleeps until `active` is set. Look at `retentionPreview` first."
)
class RetentionRuleCreateInput(RetentionRuleFields, CreateInput):
    name: str
    object_kind: str
    days: int
    action: RetentionAction


@strawberry.input(description="What to change about a rule.")
class RetentionRuleUpdateInput(RetentionRuleFields, UpdateInput):
    name: str | None = UNSET
    object_kind: str | None = UNSET
    days: int | None = UNSET
    action: RetentionAction | None = UNSET


RetentionRuleResult = Annotated[
    RetentionRule | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("RetentionRuleResult")
]
RetentionRuleDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("RetentionRuleDeleteResult")
]
