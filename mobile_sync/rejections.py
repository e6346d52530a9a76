"""Rejections: what became of the edits that did not go through, told to their author's phones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.core.access import Actor, Level, grant
from backend.core.events import RecordUpdated
from backend.core.fields import Fields
from backend.core.ids import derived_id
from backend.core.sync import shown, shown_only
from backend.core.unit_of_work import UnitOfWork
from mobile_sync.documents import SyncRejection
from mobile_sync.rows import stable_text
from mobile_sync.wording import camel

KEPT = "Yours is kept here; enter it again if it should win."
LONGEST_KEPT = 20_000  # characters of one column
OWN = grant(read=Level.OWN, create=Level.OWN, delete=Level.OWN)


def with_own_rejections(actor: Actor) -> Actor:
    """Return ``actor`` with the right to its own rejections: no role gives it, no role takes it away."""
    return replace(actor, grants={**actor.grants, SyncRejection.kind: OWN})


def lost_message(names: Sequence[str]) -> str:
    """Return what the author of an edit is told whose columns ``names`` lost."""
    said = ", ".join(camel(name) for name in names)
    return f"Somebody else changed {said} before your edit arrived, and that value stays. {KEPT}"


def kept_message(names: Sequence[str]) -> str:
    """Return what somebody is told whose deletion came after others' edits of ``names``."""
    said = ", ".join(camel(name) for name in names)
    return f"Somebody else changed {said} meanwhile, so it was not deleted. Delete it again if it should go."


async def reject(
    uow: UnitOfWork,
    *,
    key: str,
    collection: str,
    kind: str,
    record_id: str,
    reason: str,
    message: str,
    lost: Fields,
    tell_again: bool = False,
) -> None:
    """Note what did not go through, for the actor and, without the values, for the audit.

    ``key`` names the pushed row: a repeat adds nothing while the note stands (``tell_again`` only sends it
    to the phones once more), and a new one once its author has deleted it.
    """
    number = 0
    while await uow.is_taken(SyncRejection, id := _rejection_id(uow, key, number)):
        if await uow.find_one(SyncRejection, {"_id": id}) is not None:
            if tell_again:
                standing = await uow.access(SyncRejection, id, action="delete")
                uow.save(standing, RecordUpdated(fields=()))
            return
        number += 1
    uow.save(
        SyncRejection(
            id=id,
            owner_id=uow.actor.user_id,
            collection_name=collection,
            record_id=record_id,
            reason=reason,
            message=message,
            lost=as_text(lost),
        )
    )
    action = "sync.conflict" if reason == "conflict" else "sync.refused"
    uow.note(action, kind=kind, id=record_id, details={"reason": reason, "fields": sorted(lost)})


def _rejection_id(uow: UnitOfWork, key: str, number: int) -> str:
    return derived_id("rejection", uow.actor.workspace_id, uow.actor.user_id, key, str(number))


def as_text(values: Mapping[str, Any]) -> str:
    """Return column values as JSON text, under the names that the phone uses."""
    named = {camel(name): _cut(value) for name, value in values.items()}
    return stable_text(named)


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_KEPT:
        return value[:LONGEST_KEPT] + "…"
    return value


async def delete_rejection(uow: UnitOfWork, id: str) -> SyncRejection:
    """Delete a rejection: its author has read it."""
    rejection = await uow.access(SyncRejection, id, action="delete")
    uow.delete(rejection)
    return rejection


REJECTIONS = replace(
    shown_only(
        "sync_rejection",
        SyncRejection,
        shown("collection_name"),
        shown("record_id"),
        shown("reason"),
        shown("message"),
        shown("lost"),
        shown("created_at", "datetime"),
        priority=1,
    ),
    delete=delete_rejection,
)
