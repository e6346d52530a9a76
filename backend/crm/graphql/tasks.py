"""The tasks of the crm room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, Direction, listed
from backend.core.graphql import DeleteInput, Info, version_of
from backend.core.mutations import run_create, run_delete, run_update
from backend.crm import documents, tasks
from backend.crm.task_types import (
    Task,
    TaskCompleteInput,
    TaskCreateInput,
    TaskDeleteResult,
    TaskFilter,
    TaskOrder,
    TaskResult,
    TaskUpdateInput,
)


@strawberry.type
class TaskQuery:
    @strawberry.field(description="One task; null with a NOT_FOUND error when it is not visible to you.")
    async def task(self, info: Info, id: strawberry.ID) -> Task | None:
        return Task.of(await info.context.uow.access(documents.Task, id))

    @strawberry.field(
        description="The tasks that you may see: by due time; without a filter latest change first."
    )
    async def tasks(
        self,
        info: Info,
        filter: TaskFilter | None = None,
        order_by: list[TaskOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Task]:
        return await listed(
            info,
            documents.Task,
            Task.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
            usual_order=[("due_at", Direction.ASC)],
        )


@strawberry.type
class TaskMutation:
    @strawberry.mutation(description="Create a task.")
    async def task_create(self, info: Info, input: TaskCreateInput) -> TaskResult:
        return Task.of(await run_create(info, tasks.create_task, input))

    @strawberry.mutation(description="Change a task.")
    async def task_update(self, info: Info, input: TaskUpdateInput) -> TaskResult:
        return Task.of(await run_update(info, tasks.update_task, input))

    @strawberry.mutation(description="Delete a task.")
    async def task_delete(self, info: Info, input: DeleteInput) -> TaskDeleteResult:
        return await run_delete(info, tasks.delete_task, input)

    @strawberry.mutation(description="Set a task to done.")
    async def task_complete(self, info: Info, input: TaskCompleteInput) -> TaskResult:
        return Task.of(
            await info.context.write(
                lambda uow: tasks.complete_task(uow, input.id, expected_version=version_of(input)),
                mutation_id=input.mutation_id or None,
            )
        )
