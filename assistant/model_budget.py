"""How much of the language model a workspace may still use this month, counted in the store.

Tokens are taken before a call and settled after it: calls that run at the same time cannot spend more
together than there is, and what a killed process had taken stays spent.
"""

from typing import ClassVar

from backend.core.access import system_actor
from backend.core.errors import CRMError
from backend.core.ids import derived_id
from backend.core.records import Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork

MONTHS_SHOWN = 24


class BudgetSpent(CRMError):
    """The workspace has used what it allows itself of the language model."""

    code = "BUDGET_SPENT"
    http_status = 429


class ModelUsage(Record):
    """What a workspace used of the language model in one month (UTC), as ``2026-11``."""

    kind: ClassVar[str] = "model_usage"

    month: str
    tokens: int = 0
    calls: int = 0
    drafts_refused: int = 0
    failures: int = 0

    def principals(self) -> list[str]:
        return []

    class Settings:
        name = "model_usages"


async def take_tokens(store: Store, workspace_id: str, estimate: int, *, most: int) -> str:
    """Take tokens and return the month they count in; raise BudgetSpent when too few are left."""
    month = store.clock.now().strftime("%Y-%m")

    async def take(uow: UnitOfWork) -> None:
        usage = await _usage(uow, month)
        if usage.tokens + estimate > most:
            raise BudgetSpent(f"{usage.tokens} of {most} tokens are used in {month}; raise monthlyTokens.")
        usage.tokens += estimate
        usage.calls += 1
        uow.entail(usage)

    await store.write(system_actor(workspace_id), take)
    return month


async def settle_tokens(
    store: Store,
    workspace_id: str,
    month: str,
    estimate: int,
    *,
    used: int,
    refused: bool = False,
    failed: bool = False,
) -> None:
    """Replace what was taken by what was used."""

    async def settle(uow: UnitOfWork) -> None:
        usage = await _usage(uow, month)
        usage.tokens = max(0, usage.tokens - estimate + used)
        usage.drafts_refused += refused
        usage.failures += failed
        uow.entail(usage)

    await store.write(system_actor(workspace_id), settle)


async def find_usage(uow: UnitOfWork) -> list[ModelUsage]:
    """Return the months that the actor may read, latest first."""
    return await uow.find(ModelUsage, sort=[("month", -1)], limit=MONTHS_SHOWN)


async def _usage(uow: UnitOfWork, month: str) -> ModelUsage:
    id = derived_id("model_usage", uow.actor.workspace_id, month)
    known = await uow.entailed(ModelUsage, {"_id": id})
    return known[0] if known else ModelUsage(id=id, month=month)
