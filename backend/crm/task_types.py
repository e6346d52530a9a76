"""Tasks as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, Shown, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm import documents
from backend.crm.account_types import Account, account_of
from backend.crm.contact_types import Contact, contact_of
from backend.crm.documents import TaskPriority, TaskStatus

strawberry.enum(TaskStatus, description="How far a task is.")
strawberry.enum(TaskPriority, description="How much a task matters.")


@strawberry.type(description="Something to do.")
class Task(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    title: str
    description: str | None
    status: TaskStatus | None
    priority: TaskPriority | None
    due_at: datetime | None
    completed_at: datetime | None
    assignee_id: strawberry.ID | None
    account_id: strawberry.ID | None
    contact_id: strawberry.ID | None
    opportunity_id: strawberry.ID | None
    ticket_id: strawberry.ID | None
    account: Account | None = strawberry.field(
        resolver=account_of, description="The account it is about; null when it is not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The person it is about; null when not visible to you."
    )

    @classmethod
    def of(cls, record: documents.Task) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.input
class TaskFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    description: str | None = UNSET
    status: TaskStatus | None = UNSET
    priority: TaskPriority | None = UNSET
    due_at: datetime | None = UNSET
    completed_at: datetime | None = UNSET
    assignee_id: strawberry.ID | None = UNSET
    account_id: strawberry.ID | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    opportunity_id: strawberry.ID | None = UNSET
    ticket_id: strawberry.ID | None = UNSET


@strawberry.input(description="A new task; it is yours to do unless `assigneeId` names somebody.")
class TaskCreateInput(TaskFields, CreateInput):
    title: str


@strawberry.input(description="What to change about a task.")
class TaskUpdateInput(TaskFields, UpdateInput):
    title: str | None = UNSET


@strawberry.input(description="Which task is done.")
class TaskCompleteInput(UpdateInput):
    pass


@strawberry.input
class TaskFilter:
    id: IdFilter | None = UNSET
    title: StringFilter | None = UNSET
    status: ChoiceFilter[TaskStatus] | None = UNSET
    priority: ChoiceFilter[TaskPriority] | None = UNSET
    due_at: RangeFilter[datetime] | None = UNSET
    assignee_id: IdFilter | None = UNSET
    owner_id: IdFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    contact_id: IdFilter | None = UNSET
    opportunity_id: IdFilter | None = UNSET
    ticket_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["TaskFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["TaskFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "TaskFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class TaskOrderField(Enum):
    DUE_AT = "due_at"
    TITLE = "title"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class TaskOrder:
    field: TaskOrderField
    direction: Direction = Direction.ASC


TaskResult = Annotated[Task | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("TaskResult")]
TaskDeleteResult = Annotated[Deleted | NotFound | Forbidden | Conflict, strawberry.union("TaskDeleteResult")]
