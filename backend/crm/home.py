"""What a workspace decides for all its records: its currency, and on whose clocks a day begins and ends."""

from zoneinfo import ZoneInfo

from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Workspace


async def home_currency(uow: UnitOfWork) -> str:
    """Return the workspace's currency (ISO 4217), whatever a role may read."""
    return (await _home(uow)).currency


async def home_zone(uow: UnitOfWork) -> ZoneInfo:
    """Return the workspace's time zone: a day is the same for all its people."""
    return ZoneInfo((await _home(uow)).time_zone)


async def _home(uow: UnitOfWork) -> Workspace:
    return await uow.as_house().access(Workspace, uow.actor.workspace_id)
