"""Which columns of the sales room's records travel to phones."""

from backend.core.sync import SyncedCollection, shown, synced, with_phone_id
from backend.sales.documents import Lead, Opportunity
from backend.sales.leads import create_lead, delete_lead, update_lead
from backend.sales.opportunities import create_opportunity, delete_opportunity, update_opportunity

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
        synced("description"),
        synced("owner_id"),
        shown("probability", "integer"),
        shown("stage_type"),
        shown("pipeline_id"),
        shown("closed_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_opportunity),
    update=update_opportunity,
    delete=delete_opportunity,
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
        synced("score", "integer"),
        synced("lost_reason"),
        synced("description"),
        synced("owner_id"),
        shown("account_id"),
        shown("contact_id"),
        shown("opportunity_id"),
        shown("converted_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_lead),
    update=update_lead,
    delete=delete_lead,
)
