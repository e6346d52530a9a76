"""What customers were interested in, as their leads say: the baskets that affinities are learned from."""

from assistant.predictions.affinity import Affinities, find_affinities
from backend.core.unit_of_work import UnitOfWork
from backend.sales.documents import Lead

LEADS_REMEMBERED = 3_000  # the latest changed


async def affinities_of(uow: UnitOfWork) -> Affinities:
    """Return which interests go together, over the leads that the asker may read."""
    baskets: dict[str, set[str]] = {}
    for lead in await uow.latest(Lead, most=LEADS_REMEMBERED):
        whose = lead.account_id or lead.contact_id or lead.id
        baskets.setdefault(whose, set()).update(lead.interests)
    return find_affinities(list(baskets.values()))


async def interests_of(uow: UnitOfWork, id: str) -> set[str]:
    """Return what an account, a contact or a lead was interested in, as far as the asker may read it."""
    ties = {"$or": [{"account_id": id}, {"contact_id": id}, {"_id": id}]}
    return {thing for lead in await uow.find(Lead, ties) for thing in lead.interests}
