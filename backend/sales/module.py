"""The sales room's page."""

from dataclasses import replace

from backend.core.access import Level, grant
from backend.core.module import Module
from backend.identity.events import WorkspaceCreated
from backend.sales.alerts import TELLING
from backend.sales.documents import Lead, Opportunity, Pipeline
from backend.sales.graphql import MUTATIONS, QUERIES
from backend.sales.pipelines import on_workspace_created
from backend.sales.seed import seed_sales
from backend.sales.synced import LEADS, OPPORTUNITIES, PIPELINES

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, export=ALL, assign=ALL)
# What somebody wants approved goes to those above them, not to every manager.
APPROVED = replace(MANAGED, levels={**MANAGED.levels, "approve": Level.SUBORDINATES})
WORKED = grant(read=TEAM, create=OWN, update=TEAM, delete=OWN)

module = Module(
    name="sales",
    documents=(Pipeline, Opportunity, Lead),
    queries=QUERIES,
    mutations=MUTATIONS,
    listens={"sales.workspace_created": (on_workspace_created, (WorkspaceCreated,))},
    roles={
        "manager": {"pipeline": MANAGED, "opportunity": APPROVED, "lead": MANAGED},
        "rep": {"pipeline": grant(read=ALL), "opportunity": WORKED, "lead": WORKED},
    },
    telling=TELLING,
    synced=(PIPELINES, OPPORTUNITIES, LEADS),
    seed=seed_sales,
)
