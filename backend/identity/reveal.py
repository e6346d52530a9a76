"""Showing masked personal data in clear: with a reason, noted in the audit trail, and not without end."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from backend.core.errors import FieldError, InvalidInput, NotFound, RateLimited
from backend.core.field_names import shown_name, stored_name
from backend.core.ids import derived_id
from backend.core.records import REGISTRY, Record
from backend.core.unit_of_work import UnitOfWork
from backend.identity.sharing_documents import RevealCount

SHORTEST_REASON, LONGEST_REASON = 10, 200  # what the audit trail keeps word for word
MOST_REVEALS = 30  # records of which one person may have something revealed in a window
WINDOW = timedelta(hours=1)

Revealed = list[tuple[str, list[str]]]


async def reveal_fields(
    uow: UnitOfWork, kind: str, id: str, fields: Sequence[str], *, reason: str
) -> Revealed:
    """Return the clear values of masked personal fields, by name as clients write it.

    Must run in ``store.write``: the note of who looked at what, and why, is committed before the answer
    goes out. Raise InvalidInput for a field that is not masked (one that is hidden is as unknown as one that
    does not exist), RateLimited after too many.
    """
    record_type = REGISTRY.get(kind)
    if record_type is None:
        raise InvalidInput(FieldError("kind", f"is {kind!r}, which is no kind of record"))
    reason = _checked(reason)
    await uow.access(record_type, id)
    names = _masked_names(uow, record_type, fields)
    await _count(uow)
    whole = await uow.entailed(record_type, {"_id": id})  # the actor's own is under the veil
    if not whole:
        raise NotFound(kind, id)
    uow.note("personal_data.revealed", kind=kind, id=id, details={"fields": names, "reason": reason})
    return [(shown_name(name), texts_of(getattr(whole[0], name))) for name in names]


def texts_of(value: Any) -> list[str]:
    """Return a personal value as texts: each of a list, each filled part of an address as ``name: text``."""
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts_of(one)]
    if isinstance(value, BaseModel):
        filled = ((name, text) for name, part in value for text in texts_of(part))
        return [f"{shown_name(name)}: {text}" for name, text in filled]
    return [] if value is None or value == "" else [str(value)]


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise InvalidInput(
            FieldError(
                "reason", f"must say in {SHORTEST_REASON} to {LONGEST_REASON} characters what it is for"
            )
        )
    return reason


def _masked_names(uow: UnitOfWork, record: type[Record], fields: Sequence[str]) -> list[str]:
    masked = uow.actor.mask(record.kind).masked & record.personal.keys()
    names = list(dict.fromkeys(stored_name(field) for field in fields))
    wrong = [shown_name(name) for name in names if name not in masked]
    if wrong or not names:
        raise InvalidInput(
            FieldError(
                "fields",
                f"must be of `maskedFields` and personal; not so: {', '.join(wrong) or 'none given'}",
            )
        )
    return names


async def _count(uow: UnitOfWork) -> None:
    """Count one more; of two at the same moment the second is counted again after the first."""
    id = derived_id(uow.actor.workspace_id, "reveal_count", uow.actor.user_id)
    known = await uow.entailed(RevealCount, {"_id": id})
    count = known[0] if known else RevealCount(id=id, owner_id=uow.actor.user_id)
    of_late = [at for at in count.at if at > uow.at - WINDOW]
    if len(of_late) >= MOST_REVEALS:
        raise RateLimited(
            f"You had {MOST_REVEALS} records revealed within the hour; wait, or ask an admin for a role that "
            "shows the field.",
            retry_after=of_late[0] + WINDOW - uow.at,
        )
    count.at = [*of_late, uow.at]
    uow.entail(count)
