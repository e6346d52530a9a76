"""Sharing single records: with a person, a team or a role, to read or to edit, for good or until a date."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from backend.core.access import allows
from backend.core.clock import Moment
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.events import AccessChanged
from backend.core.ids import derived_id
from backend.core.records import Record, Share, ShareAccess
from backend.core.unit_of_work import UnitOfWork
from backend.identity.events import RecordShared, RecordUnshared
from backend.identity.grantees import check_grantees
from backend.identity.policies import RoleBook
from backend.identity.sharing_checks import shareable_kind
from backend.identity.sharing_documents import ShareExpiry, ShareTarget

MOST_SHARES = 100  # of one record: whoever needs more wants a sharing rule
LONGEST_REASON = 200  # what the audit trail keeps word for word
_UNTIL: TypeAdapter[datetime | None] = TypeAdapter(Moment | None)


async def share_record(
    uow: UnitOfWork, kind: str, id: str, fields: Mapping[str, Any], *, roles: RoleBook
) -> Record:
    """Open a record to ``fields["to"]`` (``u:…``, ``t:…`` or ``r:…``); one share each, the last counts.

    Raise Forbidden for who may not change the record by a level of their own: what was shared with
    somebody is not theirs to share on.
    """
    record = await _to_share(uow, kind, id)
    share = Share(
        to=fields["to"],
        access=ShareAccess(fields.get("access", ShareAccess.READ)),
        until=_until(uow, fields.get("until")),
        reason=_reason(fields.get("reason") or ""),
        by=uow.actor.user_id,
        at=uow.at,
    )
    await check_grantees(uow, [share.to], roles, field="to")
    shares = [one for one in record.shares if one.to != share.to and not one.is_over(uow.at)]
    if len(shares) >= MOST_SHARES:
        raise InvalidInput(
            FieldError("to", f"would be share {MOST_SHARES + 1} of this record; make a sharing rule instead")
        )
    record.shares = [*shares, share]
    edit = share.access is ShareAccess.EDIT
    uow.restamp(record, AccessChanged(), RecordShared(to=share.to, edit=edit))
    until = share.until.isoformat() if share.until else ""
    details = {"to": share.to, "access": share.access.value, "until": until, "reason": share.reason}
    uow.note("record.shared", kind=kind, id=id, details=details)
    await _note_target(uow, share.to, kind)
    await _note_expiry(uow, record)
    return record


async def unshare_record(uow: UnitOfWork, kind: str, id: str, *, to: str) -> Record:
    """Take a share back; that there is none (any more) is no error."""
    record = await _to_share(uow, kind, id)
    left = [one for one in record.shares if one.to != to]
    if len(left) != len(record.shares):
        record.shares = left
        uow.restamp(record, AccessChanged(), RecordUnshared(to=to))
        uow.note("record.unshared", kind=kind, id=id, details={"to": to})
        await _note_expiry(uow, record)
    return record


async def shares_of(uow: UnitOfWork, kind: str, id: str) -> list[Share]:
    """Return with whom a record is shared now, for people of ours who may read it."""
    record = await uow.access(shareable_kind(kind, field="kind"), id)
    if uow.actor.is_customer:
        raise Forbidden("see the shares of", kind)
    return [share for share in record.shares if not share.is_over(uow.at)]


async def end_shares(uow: UnitOfWork, kind: str, id: str) -> None:
    """Take the shares that are over off a record, for the house."""
    found = await uow.entailed(shareable_kind(kind, field="kind"), {"_id": id})
    for record in found:
        over = [share for share in record.shares if share.is_over(uow.at)]
        if over:
            record.shares = [share for share in record.shares if share not in over]
            uow.restamp(record, AccessChanged(), *(RecordUnshared(to=share.to) for share in over))
        await _note_expiry(uow, record)
    if not found:  # it was deleted meanwhile
        await _set_expiry(uow, kind, id, None)


async def _note_expiry(uow: UnitOfWork, record: Record) -> None:
    """Remember when the first share of ``record`` ends."""
    ends = [share.until for share in record.shares if share.until is not None]
    await _set_expiry(uow, record.kind, record.id, min(ends, default=None))


async def _to_share(uow: UnitOfWork, kind: str, id: str) -> Record:
    record = await uow.access(shareable_kind(kind, field="kind"), id, action="update")
    own = replace(uow.actor, stamps={})
    reached = allows(own, kind, "update", workspace_id=record.workspace_id, acl=record.acl)
    if uow.actor.is_customer or not reached:
        raise Forbidden("share", kind)
    return record


def _until(uow: UnitOfWork, until: datetime | None) -> datetime | None:
    try:
        moment = _UNTIL.validate_python(until)
    except ValidationError:
        raise InvalidInput(
            FieldError("until", "does not say its time zone; write 2030-01-31T18:00:00Z")
        ) from None
    if moment is not None and moment <= uow.at:
        raise InvalidInput(FieldError("until", "is over already; choose a time to come, or leave it out"))
    return moment


def _reason(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(FieldError("reason", f"is too long; use at most {LONGEST_REASON} characters"))
    return reason


async def _note_target(uow: UnitOfWork, to: str, kind: str) -> None:
    """Remember that records of ``kind`` are shared with ``to``: actors look for nothing else."""
    id = derived_id(uow.actor.workspace_id, "share_target", to)
    known = await uow.entailed(ShareTarget, {"_id": id})
    target = known[0] if known else ShareTarget(id=id, grantee=to)
    if kind not in target.kinds:
        target.kinds = sorted({*target.kinds, kind})
        uow.entail(target)


async def _set_expiry(uow: UnitOfWork, kind: str, id: str, due_at: datetime | None) -> None:
    expiry_id = derived_id(uow.actor.workspace_id, "share_expiry", kind, id)
    known = await uow.entailed(ShareExpiry, {"_id": expiry_id})
    if not known and due_at is None:
        return
    expiry = known[0] if known else ShareExpiry(id=expiry_id, record_kind=kind, record_id=id)
    expiry.due_at = due_at
    uow.entail(expiry)
