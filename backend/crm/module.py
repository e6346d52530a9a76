"""The crm room's page."""

from backend.core.access import Level, grant
from backend.core.module import Module
from backend.crm.activities import on_activity_logged
from backend.crm.documents import Account, Activity, Contact, Task
from backend.crm.events import ActivityLogged
from backend.crm.graphql import MUTATIONS, QUERIES
from backend.crm.seed import seed_customers
from backend.crm.synced import ACCOUNTS, ACTIVITIES, CONTACTS, TASKS

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, assign=ALL)
WORKED = grant(read=TEAM, create=OWN, update=TEAM, delete=OWN)
PERSONAL = grant(read=OWN, create=OWN, update=OWN, delete=OWN)
READ = grant(read=ALL)

module = Module(
    name="crm",
    documents=(Account, Contact, Task, Activity),
    queries=QUERIES,
    mutations=MUTATIONS,
    listens={"crm.activity_logged": (on_activity_logged, (ActivityLogged,))},
    roles={
        "manager": dict.fromkeys(("account", "contact", "task", "activity"), MANAGED),
        "rep": dict.fromkeys(("account", "contact", "task", "activity"), WORKED),
        "agent": {"account": READ, "contact": READ, "activity": READ, "task": PERSONAL},
    },
    synced=(ACCOUNTS, CONTACTS, TASKS, ACTIVITIES),
    seed=seed_customers,
)
