"""What people are told about tasks, meetings and accounts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.core.alerts import Alert, Mentioning, Reminder, Telling, holder
from backend.core.events import RecordUpdated
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account, Activity, ActivityType, Task, TaskStatus
from backend.crm.events import TaskAssigned

SETTLED = (TaskStatus.DONE, TaskStatus.CANCELLED)
ATTENDED = (ActivityType.MEETING, ActivityType.VISIT, ActivityType.CALL)


async def _assignee(uow: UnitOfWork, event: TaskAssigned, task: Task) -> Sequence[str]:
    return [event.assignee_id]


def owner_moved(event: RecordUpdated, record: Record) -> bool:
    """Tell whether a change gave a record to somebody else: the very last one to its owner."""
    return "owner_id" in event.fields and record.field_versions.get("owner_id") == record.version


def _is_settled(task: Task) -> bool:
    return task.status in SETTLED


def _task_date(task: Task) -> datetime | None:
    return None if task.status in (*SETTLED, TaskStatus.DEFERRED) else task.due_at


def _meeting_date(activity: Activity) -> datetime | None:
    return activity.at if activity.type in ATTENDED else None


def _at_meeting(activity: Activity) -> Sequence[str | None]:
    return [activity.owner_id]


def _on_task(task: Task) -> Sequence[str | None]:
    return [task.assignee_id]


TELLING = Telling(
    alerts=(
        Alert(type="task_assigned", event=TaskAssigned, about=Task, tells=_assignee, is_moot=_is_settled),
        Alert(
            type="record_assigned",
            event=RecordUpdated,
            about=Account,
            tells=holder("owner_id"),
            when=owner_moved,
        ),
    ),
    reminders=(
        Reminder(type="task_due", about=Task, date=_task_date, tells=_on_task, ahead=timedelta(hours=1)),
        Reminder(
            type="meeting_soon",
            about=Activity,
            date=_meeting_date,
            tells=_at_meeting,
            ahead=timedelta(minutes=15),
            lapses=True,
        ),
    ),
    mentioning=(
        Mentioning(about=Activity, texts=("summary",)),
        Mentioning(about=Task, texts=("description",)),
    ),
)
