"""Asking for an approval, and taking it back. Deciding is in ``approval_decisions``.

A kind takes part by standing on ``Approvable`` and by a line in ``approval_decisions.OUTCOMES``. Its own
operation moves its status and calls ``request_approval``; an edit calls ``withdraw_requests``.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from backend.core.access import ANY_KIND, NO_GRANT, Grant, Level
from backend.core.errors import FieldError, InvalidInput
from backend.core.events import RecordUpdated
from backend.core.fields import invalid_input
from backend.core.sharing import reaches
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.documents import User
from backend.sales.approval_documents import Approvable, Approval
from backend.sales.approval_rules import ApprovalStatus, canonical_json, fingerprint
from backend.sales.events import ApprovalRequested


async def request_approval(
    uow: UnitOfWork, record: Approvable, *, note: str = "", actors: Actors
) -> Approval:
    """Put ``record``, fetched to be changed, before those who may approve it; save it with its request.

    Any one of them decides. What is approved is frozen as a snapshot with its hash. Raise InvalidInput when
    it is before them already, and when nobody may approve it.
    """
    if await find_pending(uow, record):
        raise InvalidInput(
            FieldError("id", "is before its approvers already; wait for them, or withdraw that request")
        )
    approver_ids = await find_approvers(uow, record, actors=actors)
    if not approver_ids:
        raise InvalidInput(
            FieldError(
                "id",
                f"has nobody who may approve it; ask an admin for a role with APPROVE on {record.kind}, or "
                "for a manager above its owner",
            )
        )
    snapshot = canonical_json(record.approved_content())
    try:
        approval = Approval(
            subject_kind=record.kind,
            subject_id=record.id,
            number=record.number,
            requested_by=uow.actor.user_id,
            requested_at=uow.at,
            note=note,
            approver_ids=approver_ids,
            snapshot=snapshot,
            snapshot_hash=fingerprint(snapshot),
        )
    except ValidationError as error:
        raise invalid_input(error) from None
    uow.entail(approval)
    uow.save(record, RecordUpdated(fields=("status",)), ApprovalRequested(approval_id=approval.id))
    return approval


async def withdraw_requests(uow: UnitOfWork, record: Approvable) -> None:
    """End the request that ``record`` is under, if it is: it changes, or goes."""
    for approval in await find_pending(uow, record):
        approval.status, approval.decided_by, approval.decided_at = (
            ApprovalStatus.WITHDRAWN,
            uow.actor.user_id,
            uow.at,
        )
        uow.entail(approval)


async def find_pending(uow: UnitOfWork, record: Approvable) -> list[Approval]:
    """Return the request that ``record`` is under, if it is, ready to be ended."""
    where = {"subject_id": record.id, "subject_kind": record.kind, "status": ApprovalStatus.PENDING.value}
    return await uow.entailed(Approval, where)


async def find_approvers(uow: UnitOfWork, record: Approvable, *, actors: Actors) -> list[str]:
    """Return the active people whose roles let them read requests and approve this very record, by id."""
    roles = await actors.roles(uow.actor.workspace_id)
    keys = {*roles.built_in, *roles.own}
    approving = [key for key in keys if _level(roles.get(key) or {}, record.kind) is not Level.NONE]
    where = {"is_active": True, "is_service": {"$ne": True}, "role_keys": {"$in": approving}}
    found = []
    for person in await uow.as_house().find(User, where, sort=[("_id", 1)]):
        actor = await actors.of_user(uow.actor.workspace_id, person.id)
        reads = actor.level(Approval.kind, "read") is not Level.NONE and reaches(
            actor, "read", record, uow.at
        )
        if reads and reaches(actor, "approve", record, uow.at):
            found.append(person.id)
    return found


def _level(role: Mapping[str, Grant], kind: str) -> Level:
    return (role.get(kind) or role.get(ANY_KIND) or NO_GRANT).level("approve")
