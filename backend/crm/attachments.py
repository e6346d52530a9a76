"""What may be done with an attachment: what its record's reader and editor may do, no more and no less."""

from functools import partial

import svcs

from backend.core.access import HOUSE, Action, follows_any, system_actor
from backend.core.content_types import KNOWN
from backend.core.errors import FieldError, InvalidInput, NotFound
from backend.core.fields import Fields, new_record
from backend.core.operations import CreateOperation
from backend.core.records import REGISTRY, Record
from backend.core.relay import Delivery
from backend.core.store import Operation, Store
from backend.core.unit_of_work import UnitOfWork
from backend.core.uploads import UploadRules, check_declared
from backend.crm.attachment_files import AttachmentFiles
from backend.crm.documents import Attachment, AttachmentState
from backend.identity.documents import Role, Team, User, Workspace

NO_TARGETS = frozenset(one.kind for one in (Role, Team, User, Workspace))
"""What nobody looks for files at: the people of the workspace. Nor at what follows records of any kind."""

AT_ONCE = 100
ANY_FILE = UploadRules(max_bytes=2**31, types=frozenset(KNOWN))


async def create_attachment(
    rules: UploadRules, uow: UnitOfWork, fields: Fields, *, id: str | None = None
) -> Attachment:
    """Announce a file for a record that the actor may change; its bytes come afterwards."""
    given = dict(fields)
    await target_of(uow, str(given.get("target_kind")), str(given.get("target_id")), action="update")
    declared = check_declared(
        rules,
        name=str(given.get("name") or ""),
        content_type=str(given.get("content_type") or ""),
        size=int(given.get("size") or 0),
    )
    given |= {"name": declared.name, "content_type": declared.content_type, "size": declared.size}
    given["sha256"] = str(given.get("sha256") or "").lower()
    attachment = await new_record(uow, Attachment, given, id=id)
    uow.save(attachment)
    return attachment


async def announce_attachment(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Attachment:
    """Announce a file from a phone; the house's own rules are held to it before its upload begins."""
    return await create_attachment(ANY_FILE, uow, fields, id=id)


def creating(rules: UploadRules) -> CreateOperation[Attachment]:
    """Return ``create_attachment`` under ``rules``."""
    return partial(create_attachment, rules)


async def delete_attachment(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Attachment:
    """Delete a file of a record that the actor may change; its bytes go soon after."""
    attachment = await uow.access(Attachment, id, action="delete", expected_version=expected_version)
    await _check_target(uow, attachment, "update")
    uow.delete(attachment)
    return attachment


async def open_attachment(uow: UnitOfWork, id: str, *, action: Action = "read") -> Attachment:
    """Return an attachment whose record the actor may ``action``; raise NotFound or Forbidden otherwise."""
    attachment = await uow.access(Attachment, id, action=action)
    await _check_target(uow, attachment, action)
    return attachment


async def download_attachment(uow: UnitOfWork, id: str) -> Attachment:
    """Return a readable attachment whose bytes are there, and note in the audit who takes them."""
    attachment = await open_ready(uow, id)
    uow.note("attachment.downloaded", kind=Attachment.kind, id=id)
    return attachment


async def open_ready(uow: UnitOfWork, id: str) -> Attachment:
    """Return a readable attachment whose bytes are there; raise InvalidInput while they are not."""
    attachment = await open_attachment(uow, id)
    if attachment.state is AttachmentState.UPLOADING:
        raise InvalidInput(FieldError("id", "is of a file whose bytes are still to come; try again later"))
    if attachment.state is AttachmentState.REFUSED:
        raise InvalidInput(FieldError("id", f"is of a file that was refused: it {attachment.refused_reason}"))
    return attachment


async def settle_attachment(uow: UnitOfWork, id: str, *, sha256: str, refused_reason: str = "") -> Attachment:
    """Say what became of the bytes: kept, or refused for a reason. A second verdict changes nothing."""
    attachment = await open_attachment(uow, id, action="update")
    if attachment.state is AttachmentState.UPLOADING:
        attachment.sha256 = sha256
        attachment.refused_reason = refused_reason
        attachment.state = AttachmentState.REFUSED if refused_reason else AttachmentState.READY
        uow.save(attachment)
    return attachment


async def expire_attachment(uow: UnitOfWork, id: str) -> None:
    """Delete an attachment whose bytes never came."""
    try:
        attachment = await uow.access(Attachment, id, action="delete")
    except NotFound:
        return  # deleted meanwhile
    if attachment.state is AttachmentState.UPLOADING:
        uow.delete(attachment)


async def target_of(uow: UnitOfWork, kind: str, id: str, *, action: Action = "read") -> Record:
    """Return the record of that name to ``action`` on; raise InvalidInput for a kind that has no files."""
    target = REGISTRY.get(kind)
    if target is None or kind in NO_TARGETS or follows_any(kind):
        raise InvalidInput(
            FieldError("target_kind", f"{kind!r} has no files; use account, ticket and the like")
        )
    return await uow.access(target, id, action=action)


async def attachments_of(uow: UnitOfWork, kind: str, id: str) -> list[Attachment]:
    """Return the files at a record that the actor may read, oldest first."""
    await target_of(uow, kind, id)
    return await uow.find(Attachment, at_target(kind, id), sort=[("created_at", 1), ("_id", 1)])


def at_target(kind: str, id: str) -> dict[str, str]:
    """Return the filter of the attachments at one record."""
    return {"target_kind": kind, "target_id": id}


async def on_record_deleted(delivery: Delivery, services: svcs.Container) -> None:
    """Drop the bytes of a deleted attachment; delete the attachments of another deleted record."""
    entry = delivery.entry
    if entry.kind == Attachment.kind:
        await (await services.aget(AttachmentFiles)).remove(entry.workspace_id, entry.record_id)
        return
    store = await services.aget(Store)
    while await store.write(system_actor(entry.workspace_id), _deleting_some(entry.kind, entry.record_id)):
        pass


def _deleting_some(kind: str, id: str) -> Operation[bool]:
    async def delete_some(uow: UnitOfWork) -> bool:
        """Delete up to ``AT_ONCE`` attachments of a record that is gone; tell whether there may be more."""
        found = await uow.find(Attachment, at_target(kind, id), limit=AT_ONCE)
        for one in found:
            uow.delete(await uow.access(Attachment, one.id, action="delete"))
        return len(found) == AT_ONCE

    return delete_some


async def _check_target(uow: UnitOfWork, attachment: Attachment, action: Action) -> None:
    """Hold the actor to what it may do with the record: a role's level for files goes across all kinds."""
    if uow.actor.user_id == HOUSE:
        return  # it also clears away what is left of records that are gone
    try:
        await target_of(uow, attachment.target_kind, attachment.target_id, action=action)
    except NotFound:
        raise NotFound(Attachment.kind, attachment.id) from None
