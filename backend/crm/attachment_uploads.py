"""How the bytes of an attachment arrive, are checked and kept; what was never finished is cleared away."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
import svcs

from backend.core.access import Actor, system_actor
from backend.core.content_types import USUAL
from backend.core.errors import CRMError, FieldError, InvalidInput, NotFound, Unavailable
from backend.core.ids import new_id
from backend.core.malware import ClamAV, MalwareScanner
from backend.core.relay import Delivery
from backend.core.settings import Settings
from backend.core.store import Store
from backend.core.uploads import Declared, UploadRules, check_content, check_declared
from backend.crm.attachment_files import PIECE, AttachmentFiles, AttachmentUpload
from backend.crm.attachment_links import FileLinks
from backend.crm.attachments import expire_attachment, open_attachment, settle_attachment
from backend.crm.documents import Attachment, AttachmentState
from backend.identity.sign_in import TokenPolicy

log = structlog.get_logger()

CHECKED_AGAIN_AFTER = timedelta(minutes=1)
SWEPT_AT_ONCE = 100


class WrongOffset(CRMError):
    """The sender goes on elsewhere than where the upload stands; ``offset`` is where it stands."""

    code = "UPLOAD_OFFSET"
    http_status = 409

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload stands at byte {offset}: ask with HEAD and go on from there.")
        self.offset = offset

    def extensions(self) -> dict[str, object]:
        return {"code": self.code, "offset": self.offset}


class TooManyBytes(CRMError):
    """More bytes came than were announced; the part that goes beyond is not kept."""

    code = "UPLOAD_TOO_LARGE"
    http_status = 413


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """Take the bytes of attachments."""

    store: Store
    files: AttachmentFiles
    rules: UploadRules
    scanner: MalwareScanner | None = None

    async def standing(self, actor: Actor, attachment_id: str) -> AttachmentUpload:
        """Return how far the upload of an attachment is; the actor must be allowed to change its record."""
        uow = self.store.unit_of_work(actor)
        attachment = await open_attachment(uow, attachment_id, action="update")
        if attachment.state is not AttachmentState.UPLOADING:
            raise NotFound("upload", attachment_id)
        if reason := self._unwelcome(attachment):
            await self._settle(actor, attachment, attachment.sha256, reason)
            raise refusal(reason)
        return await self.files.begin(attachment, self.store.clock.now())

    async def expect(self, workspace_id: str, attachment_id: str) -> None:
        """Begin the upload of an attachment that was announced, unless it is past that."""
        try:
            await self.standing(system_actor(workspace_id), attachment_id)
        except (NotFound, InvalidInput):
            return  # deleted, finished or refused already

    async def receive(self, upload: AttachmentUpload, offset: int, stream: AsyncIterator[bytes]) -> None:
        """Add what ``stream`` yields, part by part, so that little is lost when it breaks off.

        Raise WrongOffset when the upload stands elsewhere, TooManyBytes beyond the announced size.
        """
        if offset != upload.offset:
            raise WrongOffset(upload.offset)
        async for part in regrouped(stream):
            if upload.offset + len(part) > upload.size:
                raise TooManyBytes(
                    f"The file was announced with {upload.size} bytes; send no more than those."
                )
            whole_due_at = self.store.clock.now() + CHECKED_AGAIN_AFTER
            if not await self.files.append(upload, part, whole_due_at=whole_due_at):
                now = await self.files.upload(upload.id)
                raise WrongOffset(now.offset) if now else NotFound("upload", upload.id)

    async def finish(self, actor: Actor, upload: AttachmentUpload) -> Attachment:
        """Check a whole upload, keep or refuse it, and say so on its attachment.

        Raise InvalidInput when it is refused, Unavailable while another checks it or nobody can.
        """
        if not await self.files.claim(upload, self.store.clock.now()):
            raise Unavailable("The file is being checked at the moment; ask again.")
        try:
            return await self._check_and_settle(actor, upload)
        except Unavailable:
            await self.files.release(upload)
            raise
        except NotFound:  # the attachment or its record was deleted meanwhile
            await self.files.remove(upload.workspace_id, upload.id)
            raise

    async def take_whole(
        self,
        workspace_id: str,
        data: bytes,
        *,
        target: tuple[str, str],
        name: str,
        content_type: str,
        id: str | None = None,
    ) -> Attachment:
        """Check and keep a file that is all here; return its attachment, READY and yet to be saved.

        ``target`` is kind and id of the record that it is at. Whoever does not save it removes the bytes; of
        an ``id`` that was taken before, they are replaced. Raise InvalidInput when the file is refused.
        """
        declared = check_declared(self.rules, name=name, content_type=content_type, size=len(data))
        attachment = Attachment(
            id=id or new_id(),
            workspace_id=workspace_id,
            target_kind=target[0],
            target_id=target[1],
            name=declared.name,
            content_type=declared.content_type,
            size=declared.size,
            sha256=await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest()),
            state=AttachmentState.READY,
        )
        if reason := await self._objection(attachment, data, attachment.sha256):
            raise refusal(reason)
        await self.files.keep(attachment, data)
        return attachment

    async def restart(self, upload: AttachmentUpload, actor: Actor) -> AttachmentUpload:
        """Return the upload as if nothing had come."""
        await self.files.forget_upload(upload.workspace_id, upload.id)
        return await self.standing(actor, upload.id)

    async def sweep(self) -> None:
        """Check what came whole and was left, and clear away what never did."""
        now = self.store.clock.now()
        for upload in await self.files.due(now, most=SWEPT_AT_ONCE):
            house = system_actor(upload.workspace_id)
            if upload.is_whole and upload.expires_at > now:
                # First: one that always fails must not keep the others waiting.
                await self.files.postpone(upload, now + CHECKED_AGAIN_AFTER)
                await self._finish_left(house, upload)
            else:
                await self.store.write(house, partial(expire_attachment, id=upload.id))
                await self.files.forget_upload(upload.workspace_id, upload.id)

    async def _finish_left(self, house: Actor, upload: AttachmentUpload) -> None:
        try:
            await self.finish(house, upload)
        except CRMError as error:  # refused, gone, or later again: each is settled where it was found
            log.info("attachment.left_upload", attachment_id=upload.id, code=error.code)

    async def _check_and_settle(self, actor: Actor, upload: AttachmentUpload) -> Attachment:
        uow = self.store.unit_of_work(actor)
        attachment = await open_attachment(uow, upload.id, action="update")
        data = await self.files.content(upload)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        reason = await self._objection(attachment, data, digest)
        if not reason:
            await self.files.keep(attachment, data)
        settled = await self._settle(actor, attachment, digest, reason)
        await self.files.forget_upload(upload.workspace_id, upload.id)
        if reason:
            raise refusal(reason)
        return settled

    async def _settle(self, actor: Actor, attachment: Attachment, digest: str, reason: str) -> Attachment:
        settle = partial(settle_attachment, id=attachment.id, sha256=digest, refused_reason=reason)
        return await self.store.write(actor, settle)

    def _unwelcome(self, attachment: Attachment) -> str:
        """Return why a file must not come, as phones may announce any; else empty."""
        try:
            check_declared(
                self.rules,
                name=attachment.name,
                content_type=attachment.content_type,
                size=attachment.size,
            )
        except InvalidInput as found:
            return f"was announced with what is not taken here: {found.errors[0]}"
        return ""

    async def _objection(self, attachment: Attachment, data: bytes, digest: str) -> str:
        """Return why the bytes must not be kept, as a sentence that goes on from "file"; else empty."""
        if attachment.sha256 and attachment.sha256 != digest:
            return f"did not arrive as it was sent: its SHA-256 is {digest}; announce and send it again"
        declared = Declared(attachment.name, attachment.content_type, attachment.size)
        try:
            await asyncio.to_thread(check_content, self.rules, declared, data)
        except InvalidInput as found:
            return found.errors[0].message
        malware = await self.scanner.find(data) if self.scanner else None
        return f"holds malware ({malware}); clean the device that it came from" if malware else ""


async def regrouped(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of ``stream`` in parts of ``PIECE`` or a little more; the last may be smaller."""
    held = bytearray()
    async for piece in stream:
        held += piece
        while len(held) >= PIECE:
            yield bytes(held[:PIECE])
            del held[:PIECE]
    if held:
        yield bytes(held)


def refusal(reason: str) -> InvalidInput:
    """Return what the sender of a refused file is told."""
    return InvalidInput(FieldError("file", reason))


async def on_attachment_created(delivery: Delivery, services: svcs.Container) -> None:
    """Begin its upload, so that it expires even when no byte ever comes."""
    entry = delivery.entry
    if entry.kind == Attachment.kind:
        uploads = await services.aget(Uploads)
        await uploads.expect(entry.workspace_id, entry.record_id)


async def sweep_uploads(services: svcs.Container) -> None:
    """Look after the uploads that nobody finished (a job)."""
    await (await services.aget(Uploads)).sweep()


def provide(registry: svcs.Registry) -> None:
    """Register what this room's files need."""
    registry.register_factory(AttachmentFiles, _make_files)
    registry.register_factory(UploadRules, _make_rules)
    registry.register_factory(Uploads, _make_uploads)
    registry.register_factory(FileLinks, _make_links)


def larger_bodies(settings: Settings) -> dict[str, int]:
    """Return how large the bodies of uploads may be."""
    return {"/files": settings.upload_bytes}


def _make_files(svcs_container: svcs.Container) -> AttachmentFiles:
    return AttachmentFiles(svcs_container.get(Store).database)


def _make_rules(svcs_container: svcs.Container) -> UploadRules:
    settings = svcs_container.get(Settings)
    return UploadRules(max_bytes=settings.upload_bytes, types=frozenset(settings.upload_types or USUAL))


def _make_uploads(svcs_container: svcs.Container) -> Uploads:
    clamav = svcs_container.get(Settings).clamav
    return Uploads(
        store=svcs_container.get(Store),
        files=svcs_container.get(AttachmentFiles),
        rules=svcs_container.get(UploadRules),
        scanner=ClamAV(clamav) if clamav else None,
    )


def _make_links(svcs_container: svcs.Container) -> FileLinks:
    return FileLinks(svcs_container.get(TokenPolicy).key)
