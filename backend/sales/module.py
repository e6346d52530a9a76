"""The sales room's page."""

from dataclasses import replace
from datetime import timedelta

from backend.core.access import Level, grant
from backend.core.field_rules import FieldAccess
from backend.core.jobs import Job
from backend.core.module import Module
from backend.identity.events import WorkspaceCreated
from backend.sales.alerts import TELLING
from backend.sales.approval_documents import Approval
from backend.sales.contract_documents import Contract, Payment
from backend.sales.day_changes import follow_today
from backend.sales.documents import Lead, Opportunity, Pipeline
from backend.sales.graphql import MUTATIONS, QUERIES
from backend.sales.pipelines import on_workspace_created
from backend.sales.quote_documents import Quote
from backend.sales.quotes import expire_due_quotes
from backend.sales.seed import seed_sales
from backend.sales.synced import (
    APPROVALS,
    CONTRACTS,
    LEADS,
    OPPORTUNITIES,
    PAYMENTS,
    PIPELINES,
    QUOTES,
)

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, export=ALL, assign=ALL)
# What somebody wants approved goes to those above them, not to every manager.
APPROVED = replace(MANAGED, levels={**MANAGED.levels, "approve": Level.SUBORDINATES})
READ = grant(read=ALL)
WORKED = grant(read=TEAM, create=OWN, update=TEAM, delete=OWN)
# A customer reads what both signed, and not what we say of it among ourselves.
OURS = ("description", "opportunity_id", "void_reason", "ext", "external_ids")
SIGNED_BY_THEM = replace(grant(read=OWN), fields=dict.fromkeys(OURS, FieldAccess.HIDDEN))

module = Module(
    name="sales",
    documents=(Pipeline, Opportunity, Lead, Quote, Approval, Contract, Payment),
    queries=QUERIES,
    mutations=MUTATIONS,
    listens={"sales.workspace_created": (on_workspace_created, (WorkspaceCreated,))},
    jobs=(
        Job(name="sales.quotes", every=timedelta(minutes=1), run=expire_due_quotes),
        Job(name="sales.days", every=timedelta(minutes=5), run=follow_today),
    ),
    roles={
        "manager": {
            "pipeline": MANAGED,
            "opportunity": APPROVED,
            "lead": MANAGED,
            "quote": APPROVED,
            "approval": READ,
            "contract": APPROVED,
            "payment": MANAGED,
        },
        "rep": {
            "pipeline": READ,
            "opportunity": WORKED,
            "lead": WORKED,
            "quote": WORKED,
            "approval": READ,
            "contract": WORKED,
            "payment": WORKED,
        },
        "agent": {"contract": READ, "payment": READ},
        "customer": {"contract": SIGNED_BY_THEM, "payment": grant(read=OWN)},
    },
    telling=TELLING,
    synced=(PIPELINES, OPPORTUNITIES, LEADS, QUOTES, APPROVALS, CONTRACTS, PAYMENTS),
    seed=seed_sales,
)
