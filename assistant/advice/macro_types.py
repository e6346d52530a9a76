"""Macros as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from assistant.advice import documents
from assistant.advice.documents import MacroStatus
from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, shared_fields
from backend.core.mutations import CreateInput, UpdateInput

strawberry.enum(MacroStatus, description="Only an approved macro is suggested.")


@strawberry.type(description="A reply text in one language; once approved it is suggested.")
class Macro:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    title: str
    body: str
    locale: str
    category: str
    status: MacroStatus
    approved_by: strawberry.ID | None
    approved_at: datetime | None

    @classmethod
    def of(cls, record: documents.Macro) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.input(description="A new macro: a draft.")
class MacroCreateInput(CreateInput):
    title: str
    body: str
    locale: str | None = UNSET
    category: str | None = UNSET
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET


@strawberry.input(description="What to change; with other words it is a draft again.")
class MacroUpdateInput(UpdateInput):
    title: str | None = UNSET
    body: str | None = UNSET
    locale: str | None = UNSET
    category: str | None = UNSET
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET


@strawberry.input(description="Which macro to approve, or to retire.")
class MacroDecideInput(UpdateInput):
    pass


@strawberry.input
class MacroFilter:
    id: IdFilter | None = UNSET
    title: StringFilter | None = UNSET
    locale: StringFilter | None = UNSET
    category: StringFilter | None = UNSET
    status: ChoiceFilter[MacroStatus] | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["MacroFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["MacroFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "MacroFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class MacroOrderField(Enum):
    TITLE = "title"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class MacroOrder:
    field: MacroOrderField
    direction: Direction = Direction.ASC


MacroResult = Annotated[
    Macro | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("MacroResult")
]
MacroDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("MacroDeleteResult")
]
