"""Which columns of the crm room's records travel to phones."""

from backend.core.sync import SyncedCollection, shown, synced, with_phone_id
from backend.crm.accounts import create_account, delete_account, update_account
from backend.crm.activities import create_activity, delete_activity, update_activity
from backend.crm.contacts import create_contact, delete_contact, update_contact
from backend.crm.documents import Account, Activity, Contact, Task
from backend.crm.tasks import create_task, delete_task, update_task

ACCOUNTS = SyncedCollection(
    name="account",
    record=Account,
    fields=(
        synced("name", required=True),
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
        synced("description"),
        synced("owner_id"),
        shown("last_activity_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_account),
    update=update_account,
    delete=delete_account,
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
        synced("phone"),
        synced("language"),
        synced("do_not_call", "boolean"),
        synced("is_active", "boolean"),
        synced("description"),
        synced("owner_id"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_contact),
    update=update_contact,
    delete=delete_contact,
)

TASKS = SyncedCollection(
    name="task",
    record=Task,
    fields=(
        synced("title", required=True),
        synced("description"),
        synced("status"),
        synced("priority"),
        synced("due_at", "datetime"),
        synced("assignee_id"),
        synced("account_id"),
        synced("contact_id"),
        synced("opportunity_id"),
        synced("ticket_id"),
        synced("owner_id"),
        shown("completed_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_task),
    update=update_task,
    delete=delete_task,
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
        synced("summary"),
        synced("duration_minutes", "integer"),
        synced("account_id"),
        synced("contact_id"),
        synced("opportunity_id"),
        synced("ticket_id"),
        synced("owner_id"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_activity),
    update=update_activity,
    delete=delete_activity,
)
