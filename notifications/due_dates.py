"""The queue of due dates: the only file that touches their collection."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from backend.core.ids import derived_id
from notifications.documents import DueDate

AT_ONCE = 200
PATIENCE = 6
FIRST_PAUSE = timedelta(minutes=1)


def due_date_id(type_key: str, record_id: str, user_id: str) -> str:
    """Return the id of somebody's due date."""
    return derived_id("due_date", type_key, record_id, user_id)


async def dates_of_record(workspace_id: str, record_id: str) -> dict[str, DueDate]:
    """Return what is kept of a record, by id."""
    found = await DueDate.find({"workspace_id": workspace_id, "record_id": record_id}).to_list()
    return {one.id: one for one in found}


async def keep_date(date: DueDate) -> None:
    """Keep a due date in place of the one before."""
    body = date.model_dump(exclude={"id", "revision_id"})
    await _rows().update_one({"_id": date.id}, {"$set": body}, upsert=True)


async def drop_dates(ids: Sequence[str]) -> None:
    """Forget due dates: there is nothing to remind of."""
    if ids:
        await _rows().delete_many({"_id": {"$in": list(ids)}})


async def due_by(now: datetime) -> list[DueDate]:
    """Return some of what is due, the earliest first."""
    return await DueDate.find({"due_at": {"$ne": None, "$lte": now}}).sort("+due_at").limit(AT_ONCE).to_list()


async def waiting_dates(workspace_id: str, user_id: str | None, *, after: str) -> list[DueDate]:
    """Return what is still to be told in a workspace, or to one person in it, in order of id."""
    where: dict[str, Any] = {"workspace_id": workspace_id, "due_at": {"$ne": None}, "_id": {"$gt": after}}
    if user_id is not None:
        where["user_id"] = user_id
    return await DueDate.find(where).sort("+_id").limit(AT_ONCE).to_list()


async def mark_told(date: DueDate) -> None:
    """Note that a due date is told, unless it was moved meanwhile."""
    await _rows().update_one({"_id": date.id, "date": date.date}, {"$set": {"due_at": None}})


async def try_again(date: DueDate, *, now: datetime) -> bool:
    """Put a due date off that could not be told; give it up after ``PATIENCE`` tries (False)."""
    tries = date.tries + 1
    due_at = now + FIRST_PAUSE * 2 ** (tries - 1) if tries < PATIENCE else None
    await _rows().update_one(
        {"_id": date.id, "date": date.date}, {"$set": {"tries": tries, "due_at": due_at}}
    )
    return due_at is not None


def _rows() -> Any:
    return DueDate.get_pymongo_collection()
