"""Which columns of the sales room's records travel to phones."""

from backend.core.sync import CUSTOM_FIELDS, SyncedCollection, shown, shown_only, synced, with_phone_id
from backend.core.sync_policy import Policy
from backend.sales.documents import Lead, Opportunity, Pipeline
from backend.sales.leads import create_lead, delete_lead, update_lead
from backend.sales.opportunities import create_opportunity, delete_opportunity, update_opportunity

# Names are texts by language; each stage is an object: key, name, order, type, probability.
PIPELINES = shown_only(
    "pipeline",
    Pipeline,
    shown("name", "object"),
    shown("currency"),
    shown("is_default", "boolean"),
    shown("stages", "list"),
    shown("discount_limit", "decimal"),
    shown("updated_at", "datetime"),
    priority=1,
)

OPPORTUNITIES = SyncedCollection(
    name="opportunity",
    record=Opportunity,
    fields=(
        synced("name", required=True),
        synced("amount", "decimal"),
        synced("currency"),
        synced("stage"),
        synced("expected_close_date", "date"),
        synced("next_step"),
        synced("account_id"),
        synced("contact_id"),
        synced("loss_reason"),
        synced("description", policy=Policy.APPEND),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("probability", "integer"),
        shown("stage_type"),
        shown("pipeline_id"),
        shown("closed_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_opportunity),
    update=update_opportunity,
    delete=delete_opportunity,
    keep_if_edited=True,
    priority=3,
)

LEADS = SyncedCollection(
    name="lead",
    record=Lead,
    fields=(
        synced("full_name", required=True),
        synced("given_name"),
        synced("family_name"),
        synced("company"),
        synced("title"),
        synced("email"),
        synced("phone"),
        synced("country"),
        synced("source"),
        synced("status"),
        synced("score", "integer", policy=Policy.COUNTER),  # points are added, whoever sees a reason to
        synced("interests", "list", policy=Policy.SET_UNION),
        synced("lost_reason"),
        synced("description", policy=Policy.APPEND),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("account_id"),
        shown("contact_id"),
        shown("opportunity_id"),
        shown("converted_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_lead),
    update=update_lead,
    delete=delete_lead,
    keep_if_edited=True,
    priority=4,
)
