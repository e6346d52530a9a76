"""Which columns of the crm room's records travel to phones."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields
from backend.core.records import Record
from backend.core.sync import CUSTOM_FIELDS, SyncedCollection, shown, synced, with_phone_id
from backend.core.sync_policy import Policy
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account, delete_account, update_account
from backend.crm.activities import create_activity, delete_activity, update_activity
from backend.crm.attachments import announce_attachment, delete_attachment
from backend.crm.contacts import create_contact, delete_contact, update_contact
from backend.crm.documents import Account, Activity, Attachment, Contact, Task
from backend.crm.tasks import create_task, delete_task, update_task

ACCOUNTS = SyncedCollection(
    name="account",
    record=Account,
    fields=(
        synced("name", required=True),
        synced("aliases", "list", policy=Policy.SET_UNION),
        synced("type"),
        synced("industry"),
        synced("phone"),
        synced("email"),
        synced("website"),
        synced("lifecycle"),
        synced("tier"),
        synced("annual_revenue", "decimal"),
        synced("currency"),
        synced("employees", "integer"),
        synced("description", policy=Policy.APPEND),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("last_activity_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_account),
    update=update_account,
    delete=delete_account,
    priority=3,
)

CONTACTS = SyncedCollection(
    name="contact",
    record=Contact,
    fields=(
        synced("full_name", required=True),
        synced("given_name"),
        synced("family_name"),
        synced("account_id"),
        synced("title"),
        synced("department"),
        synced("role"),
        synced("email"),
        synced("other_emails", "list", policy=Policy.SET_UNION),
        synced("phone"),
        synced("other_phones", "list", policy=Policy.SET_UNION),
        synced("language"),
        synced("do_not_call", "boolean", policy=Policy.MAX),  # who asked not to be called is not called
        synced("is_active", "boolean"),
        synced("description", policy=Policy.APPEND),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_contact),
    update=update_contact,
    delete=delete_contact,
    priority=3,
)

TASKS = SyncedCollection(
    name="task",
    record=Task,
    fields=(
        synced("title", required=True),
        synced("description", policy=Policy.APPEND),
        synced("status"),
        synced("priority"),
        synced("due_at", "datetime"),
        synced("assignee_id"),
        synced("account_id"),
        synced("contact_id"),
        synced("opportunity_id"),
        synced("ticket_id"),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("completed_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_task),
    update=update_task,
    delete=delete_task,
    priority=2,
)

ACTIVITIES = SyncedCollection(
    name="activity",
    record=Activity,
    fields=(
        synced("type", required=True),
        synced("at", "datetime"),
        synced("direction"),
        synced("channel"),
        synced("subject"),
        synced("summary", policy=Policy.APPEND),
        synced("duration_minutes", "integer"),
        synced("account_id"),
        synced("contact_id"),
        synced("opportunity_id"),
        synced("ticket_id"),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_activity),
    update=update_activity,
    delete=delete_activity,
    priority=6,
)


async def _refuse_update(uow: UnitOfWork, id: str, fields: Fields) -> Record:
    raise InvalidInput(FieldError("input", "cannot change a file; delete it and send another"))


# What travels is about the file; its bytes come and go by signed links (``attachment_http``).
ATTACHMENTS = SyncedCollection(
    name="attachment",
    record=Attachment,
    fields=(
        synced("target_kind", required=True),
        synced("target_id", required=True),
        synced("name", required=True),
        synced("content_type", required=True),
        synced("size", "integer", required=True),
        synced("sha256"),
        shown("state"),
        shown("refused_reason"),
        shown("created_by"),
        shown("created_at", "datetime"),
    ),
    create=with_phone_id(announce_attachment),
    update=_refuse_update,
    delete=delete_attachment,
    priority=7,
)
