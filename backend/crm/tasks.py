"""What may be done with a task."""

from backend.core.access import HOUSE
from backend.core.events import DomainEvent, RecordCreated, RecordUpdated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Task, TaskStatus
from backend.crm.events import TaskAssigned


async def create_task(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Task:
    """Create a task; its owner is to do it unless ``fields`` names another assignee."""
    task = await new_record(uow, Task, fields, id=id)
    if task.assignee_id is None and task.owner_id != HOUSE:
        task.assignee_id = task.owner_id
    _note_completion(uow, task)
    uow.save(task, RecordCreated(), *_assigned(uow, task, before=None))
    return task


async def update_task(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Task:
    """Change the fields of a task; done ones carry the time of completion, others none."""
    task = await uow.access(Task, id, action="update", expected_version=expected_version)
    before = task.assignee_id
    set_fields(task, fields)
    _note_completion(uow, task)
    assigned = _assigned(uow, task, before=before)
    uow.save(task, *([RecordUpdated(fields=tuple(sorted(fields))), *assigned] if assigned else []))
    return task


async def complete_task(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Task:
    """Set a task to done."""
    return await update_task(uow, id, {"status": TaskStatus.DONE}, expected_version=expected_version)


async def delete_task(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Task:
    """Delete a task."""
    task = await uow.access(Task, id, action="delete", expected_version=expected_version)
    uow.delete(task)
    return task


def _note_completion(uow: UnitOfWork, task: Task) -> None:
    if task.status is not TaskStatus.DONE:
        task.completed_at = None
    elif task.completed_at is None:
        task.completed_at = uow.at


def _assigned(uow: UnitOfWork, task: Task, *, before: str | None) -> list[DomainEvent]:
    if task.assignee_id in (None, before, uow.actor.user_id):
        return []
    return [TaskAssigned(assignee_id=task.assignee_id)]
