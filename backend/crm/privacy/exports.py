"""The export of one person: all that is known about them, as one zip that is made while it is sent.

``person.json`` (its shape: docs/privacy.md) and the files at the person's records. Whoever exports gets
what they may read: reads are veiled at their source. Source: GDPR articles 15 and 20; PIPL article 45.
"""

import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
from pydantic import BaseModel

from backend.core.access import Actor, Grant, Level
from backend.core.errors import Forbidden
from backend.core.field_rules import FieldAccess
from backend.core.records import ENVELOPE, Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.attachment_files import AttachmentFiles
from backend.crm.documents import Attachment, AttachmentState, Contact
from backend.crm.privacy.relations import find_about
from backend.identity.documents import Workspace

SCHEMA_VERSION = 1
NOT_THEIRS = ENVELOPE | {"owner_id", "team_ids", "readers", "revision_id", "field_versions", "version"}
OUR_NOTES = ("description", "source", "legal_hold_reason")  # what we think of a contact, not what they gave
_OWN_CONTACT = Grant(
    levels={"read": Level.ALL, "export": Level.ALL},
    fields=dict.fromkeys(OUR_NOTES, FieldAccess.HIDDEN),
)


def exporter(actor: Actor, contact_id: str) -> Actor:
    """Return ``actor``, a customer with the right to their own contact, our notes left out.

    Raise Forbidden for a customer who names somebody else.
    """
    if not actor.is_customer:
        return actor
    if actor.contact_id != contact_id:
        raise Forbidden("export", Contact.kind)
    return replace(actor, grants={**actor.grants, Contact.kind: _OWN_CONTACT})


async def check_export(uow: UnitOfWork, contact_id: str, *, noted_as: str) -> Contact:
    """Return the contact whom the actor, an ``exporter``, may export, and note it in the audit."""
    contact = await uow.access(Contact, contact_id, action="export")
    uow.note(noted_as, kind=Contact.kind, id=contact.id)
    return contact


async def zip_of_person(
    store: Store, files: AttachmentFiles, actor: Actor, contact_id: str
) -> AsyncIterator[bytes]:
    """Yield the zip, piece by piece. ``actor`` is an ``exporter`` who passed ``check_export``."""
    pipe, kept = _Pipe(), list[Attachment]()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("person.json", "w", force_zip64=True) as out:
            async for text in _json_of_person(store, actor, contact_id, kept):
                out.write(text)
                yield pipe.take()
        for attachment in kept:
            with archive.open(path_of(attachment), "w", force_zip64=True) as out:
                async for piece in files.read(attachment.id, 0, attachment.size):
                    out.write(piece)
                    yield pipe.take()
    yield pipe.take()


async def _json_of_person(
    store: Store, actor: Actor, contact_id: str, kept: list[Attachment]
) -> AsyncIterator[bytes]:
    """Yield ``person.json``; the files that are there come into ``kept``."""
    uow = store.unit_of_work(actor)
    workspace = await uow.find_one(Workspace, {"_id": actor.workspace_id})
    head = {
        "schemaVersion": SCHEMA_VERSION,
        "exportedAt": uow.at,
        "contactId": contact_id,
        "workspace": {"id": actor.workspace_id, "name": workspace.name if workspace else ""},
    }
    yield orjson.dumps(head)[:-1] + b',"records":['

    async def find(record: type[Record], where: Mapping[str, Any], /, **how: Any) -> list[Record]:
        # A unit for each page: what was sent already is not kept in memory.
        if actor.is_customer and where.get("target_kind") == Contact.kind:
            return []  # files that we keep at their contact are our notes, too
        if record.retells and not actor.is_customer:
            return []  # the inbox of who exports: ours, and it may say what is covered where it was said
        return list(await store.unit_of_work(actor).find(record, where, **how))

    comma = b""
    async for page in find_about(find, contact_id):
        for record in page:
            if isinstance(record, Attachment) and record.state is AttachmentState.READY:
                kept.append(record)
            yield comma + orjson.dumps(shown_record(record))
            comma = b","
    yield b'],"attachments":' + orjson.dumps([_file(attachment) for attachment in kept]) + b"}"


def shown_record(record: Record) -> dict[str, Any]:
    """Return a record as ``person.json`` shows it: fields by their GraphQL names, secrets left out."""
    hidden = record.veil.blank
    names = [
        name
        for name, field in type(record).model_fields.items()
        if name not in NOT_THEIRS and name not in hidden and field.repr
    ]
    return {
        "kind": record.kind,
        "id": record.id,
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
        "fields": {_camel(name): _plain(getattr(record, name)) for name in names},
        "hiddenFields": sorted(_camel(name) for name in hidden),
    }


def path_of(attachment: Attachment) -> str:
    """Return where a file lies in the zip: by its id, so that two of one name stay two."""
    return f"attachments/{attachment.id}/{attachment.name}"


def _file(attachment: Attachment) -> dict[str, Any]:
    return {"id": attachment.id, "path": path_of(attachment), "sha256": attachment.sha256}


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON holds it: decimals as text, pieces of records under GraphQL's names."""
    if isinstance(value, BaseModel):
        return {_camel(name): _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    known = isinstance(value, str | int | float | bool | None) or hasattr(value, "isoformat")
    return value if known else str(value)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class _Pipe(io.RawIOBase):
    """Somewhere to write a zip to, from which it is taken at once: no place to go back to."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
