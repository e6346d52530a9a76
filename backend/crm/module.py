"""The crm room's page."""

from datetime import timedelta

from backend.core.access import Level, grant
from backend.core.events import RecordCreated, RecordDeleted
from backend.core.jobs import Job
from backend.core.module import Module
from backend.crm.activities import on_activity_logged
from backend.crm.alerts import TELLING
from backend.crm.attachment_files import AttachmentPart, AttachmentUpload
from backend.crm.attachment_http import router, tus
from backend.crm.attachment_uploads import larger_bodies, on_attachment_created, provide, sweep_uploads
from backend.crm.attachments import on_record_deleted
from backend.crm.documents import Account, Activity, Attachment, Contact, Counter, Task
from backend.crm.events import ActivityLogged
from backend.crm.graphql import MUTATIONS, QUERIES
from backend.crm.privacy.documents import Erasure, RetentionRule
from backend.crm.privacy.erasures import continue_erasures
from backend.crm.privacy.http import router as privacy_router
from backend.crm.privacy.retention import apply_due_rules
from backend.crm.seed import seed_customers
from backend.crm.synced import ACCOUNTS, ACTIVITIES, ATTACHMENTS, CONTACTS, TASKS

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, assign=ALL, export=ALL)
WORKED = grant(read=TEAM, create=OWN, update=TEAM, delete=OWN)
PERSONAL = grant(read=OWN, create=OWN, update=OWN, delete=OWN)
READ = grant(read=ALL)
# Held to what each may do with the record that a file is at: see ``attachments``.
FILED = {"attachment": grant(read=ALL, create=ALL, update=ALL, delete=ALL)}
SENT = {"attachment": PERSONAL}
ERASED = {"erasure": grant(read=ALL, create=ALL)}

module = Module(
    name="crm",
    documents=(Account, Contact, Task, Activity, Attachment, Counter, Erasure, RetentionRule),
    other_documents=(AttachmentUpload, AttachmentPart),
    queries=QUERIES,
    mutations=MUTATIONS,
    routes=(router, tus, privacy_router),
    listens={
        "crm.activity_logged": (on_activity_logged, (ActivityLogged,)),
        "crm.attachment_created": (on_attachment_created, (RecordCreated,)),
        "crm.record_deleted": (on_record_deleted, (RecordDeleted,)),
    },
    jobs=(
        Job(name="crm.uploads", every=timedelta(minutes=1), run=sweep_uploads),
        Job(name="crm.erasures", every=timedelta(minutes=1), run=continue_erasures),
        Job(name="crm.retention", every=timedelta(hours=1), run=apply_due_rules),
    ),
    provide=provide,
    larger_bodies=larger_bodies,
    roles={
        "manager": dict.fromkeys(("account", "contact", "task", "activity"), MANAGED) | FILED | ERASED,
        "rep": dict.fromkeys(("account", "contact", "task", "activity"), WORKED) | FILED,
        "agent": {"account": READ, "contact": READ, "activity": READ, "task": PERSONAL, **FILED},
        "customer": SENT,
    },
    telling=TELLING,
    synced=(ACCOUNTS, CONTACTS, TASKS, ACTIVITIES, ATTACHMENTS),
    seed=seed_customers,
)
