"""What may be done with an activity, and what an account learns from it."""

import svcs

from backend.core.access import system_actor
from backend.core.errors import NotFound
from backend.core.events import DomainEvent, RecordCreated, RecordUpdated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import note_activity
from backend.crm.documents import Activity
from backend.crm.events import ActivityLogged


async def create_activity(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Activity:
    """Put something on the timeline; it happens now unless ``fields`` says when."""
    activity = await new_record(uow, Activity, {"at": uow.at} | dict(fields), id=id)
    uow.save(activity, RecordCreated(), *_logged(activity))
    return activity


async def update_activity(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Activity:
    """Change the fields of an activity."""
    activity = await uow.access(Activity, id, action="update", expected_version=expected_version)
    before = (activity.account_id, activity.at)
    set_fields(activity, fields)
    logged = _logged(activity) if (activity.account_id, activity.at) != before else []
    uow.save(activity, *([RecordUpdated(fields=tuple(sorted(fields))), *logged] if logged else []))
    return activity


async def delete_activity(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Activity:
    """Take something off the timeline."""
    activity = await uow.access(Activity, id, action="delete", expected_version=expected_version)
    uow.delete(activity)
    return activity


async def on_activity_logged(delivery: Delivery, services: svcs.Container) -> None:
    """Let the account know, as the house: who logs a call need not be able to change the account."""
    event, entry = delivery.event, delivery.entry
    assert isinstance(event, ActivityLogged)
    account_id, at = event.account_id, event.at
    store = await services.aget(Store)
    try:
        await store.write(system_actor(entry.workspace_id), lambda uow: note_activity(uow, account_id, at))
    except NotFound:
        return  # the account is deleted, or has not arrived from the phone that named it


def _logged(activity: Activity) -> list[DomainEvent]:
    if activity.account_id is None:
        return []
    return [ActivityLogged(account_id=activity.account_id, at=activity.at)]
