"""The integrations room's page."""

from datetime import timedelta

from backend.core.access import Level, grant
from backend.core.events import RecordUpdated
from backend.core.jobs import Job
from backend.core.module import Module
from backend.integrations.alerts import TELLING
from backend.integrations.documents import ImportIssue, ImportJob
from backend.integrations.events import ImportQueued
from backend.integrations.graphql import IntegrationsMutation, IntegrationsQuery
from backend.integrations.import_files import on_file_changed
from backend.integrations.runs import continue_imports, on_import_queued, provide
from backend.integrations.seed import seed_imports

ALL, OWN = Level.ALL, Level.OWN

module = Module(
    name="integrations",
    documents=(ImportJob, ImportIssue),
    queries=(IntegrationsQuery,),
    mutations=(IntegrationsMutation,),
    listens={
        "integrations.imports": (on_import_queued, (ImportQueued,)),
        "integrations.import_files": (on_file_changed, (RecordUpdated,)),
    },
    roles={
        "manager": {
            "import_job": grant(read=ALL, create=ALL, update=ALL, delete=ALL),
            "import_issue": grant(read=ALL),
        },
        "rep": {
            "import_job": grant(read=OWN, create=OWN, update=OWN, delete=OWN),
            "import_issue": grant(read=OWN),
        },
    },
    jobs=(Job(name="integrations.imports", every=timedelta(minutes=1), run=continue_imports),),
    telling=TELLING,
    provide=provide,
    seed=seed_imports,
)
