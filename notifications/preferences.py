"""What people want to be told, and when."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.ids import derived_id
from backend.core.unit_of_work import UnitOfWork
from notifications.catalogue import CATALOGUE
from notifications.documents import NotificationPreference


def preference_id(workspace_id: str, user_id: str) -> str:
    """Return the id of a person's preferences."""
    return derived_id("notification_preference", workspace_id, user_id)


async def preferences_of(uow: UnitOfWork, user_id: str) -> NotificationPreference:
    """Return a person's preferences; the usual ones, at version 0, when they have set none."""
    id = preference_id(uow.actor.workspace_id, user_id)
    found = await uow.find_one(NotificationPreference, {"_id": id})
    return found or NotificationPreference(id=id, owner_id=user_id)


async def set_preferences(uow: UnitOfWork, fields: Fields) -> NotificationPreference:
    """Set the actor's own preferences."""
    unknown = sorted(set(fields.get("muted_types") or ()) - CATALOGUE.keys())
    if unknown:
        known = ", ".join(sorted(CATALOGUE))
        raise InvalidInput(
            FieldError("muted_types", f"names {', '.join(unknown)}, which is no type; these are: {known}")
        )
    id = preference_id(uow.actor.workspace_id, uow.actor.user_id)
    if await uow.is_taken(NotificationPreference, id):
        preference = await uow.access(NotificationPreference, id, action="update")
        set_fields(preference, fields)
    else:
        preference = await new_record(uow, NotificationPreference, fields, id=id)
    uow.save(preference)
    return preference
