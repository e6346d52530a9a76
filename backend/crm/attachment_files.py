"""Where the bytes of attachments live: what is arriving in parts, what was checked in GridFS.

Only checked bytes are ever in the bucket that is served. None of this is a record: who may touch it is
decided by the attachment's record, before anybody comes here. Source: MongoDB GridFS specification.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import stamina
from beanie import Document
from gridfs import AsyncGridFSBucket
from gridfs.errors import FileExists, NoFile
from pydantic import Field
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from backend.core.clock import Moment
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.crm.documents import Attachment

MOST_PARTS = 4_000
"""Parts of one upload: each interruption makes one more, and the list of them must stay a small document."""

UPLOAD_LIFE = timedelta(hours=24)
CHECK_LIFE = timedelta(minutes=5)
PIECE = 256 * 1024
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class AttachmentUpload(Document):
    """Bytes on their way: ``parts`` in order make the first ``offset`` of ``size``.

    ``due_at`` is when a job looks at it: when it has expired, or has come whole and nobody checked it.
    ``checking_until`` is somebody's claim to check it.
    """

    id: str  # type: ignore[assignment]  # the attachment's
    workspace_id: str
    size: int
    offset: int = 0
    parts: list[str] = Field(default_factory=list)
    expires_at: Moment
    due_at: Moment
    checking_until: Moment = NEVER

    @property
    def is_whole(self) -> bool:
        return self.offset == self.size

    class Settings:
        name = "attachment_uploads"
        indexes: ClassVar = [IndexModel([("due_at", 1)])]  # global: one job looks after all workspaces


class AttachmentPart(Document):
    """A stretch of bytes of one upload."""

    id: str = Field(default_factory=new_id)  # type: ignore[assignment]  # Beanie's default is ObjectId
    workspace_id: str
    upload_id: str
    data: bytes

    class Settings:
        name = "attachment_parts"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("upload_id", 1)])]


class AttachmentFiles:
    """The bytes of all attachments of one store."""

    def __init__(self, database: AsyncDatabase[Any]) -> None:
        self._bucket = AsyncGridFSBucket(database, bucket_name="attachment_files")
        self._uploads = database["attachment_uploads"]
        self._parts = database["attachment_parts"]

    # ── arriving ─────────────────────────────────────────────────────────────────────────────────

    async def begin(self, attachment: Attachment, now: datetime) -> AttachmentUpload:
        """Return the upload of ``attachment``, begun now if it was not before."""
        if (standing := await self.upload(attachment.id)) is not None:
            return standing
        expires_at = now + UPLOAD_LIFE
        fresh = AttachmentUpload.model_construct(
            id=attachment.id,
            workspace_id=attachment.workspace_id,
            size=attachment.size,
            offset=0,
            parts=[],
            expires_at=expires_at,
            due_at=expires_at,
            checking_until=NEVER,
        )
        body = fresh.model_dump(exclude={"id", "revision_id"})
        with contextlib.suppress(DuplicateKeyError):  # another request begins it at the same moment
            await self._uploads.update_one({"_id": attachment.id}, {"$setOnInsert": body}, upsert=True)
        begun = await self.upload(attachment.id)
        if begun is None:  # finished and dropped at the same moment
            raise NotFound("upload", attachment.id)
        return begun

    async def upload(self, id: str) -> AttachmentUpload | None:
        """Return how an upload stands; None when it was finished or dropped."""
        row = await self._uploads.find_one({"_id": id})
        return AttachmentUpload.model_validate(row) if row else None

    async def append(self, upload: AttachmentUpload, data: bytes, *, whole_due_at: datetime) -> bool:
        """Add ``data`` where ``upload`` ends; False when somebody else has added there, or too often."""
        if len(upload.parts) >= MOST_PARTS:
            return False
        part = {"_id": new_id(), "workspace_id": upload.workspace_id, "upload_id": upload.id, "data": data}
        await self._parts.insert_one(part)
        end = upload.offset + len(data)
        change: dict[str, Any] = {"$set": {"offset": end}, "$push": {"parts": part["_id"]}}
        if end == upload.size:
            change["$set"]["due_at"] = whole_due_at
        done = await self._uploads.update_one({"_id": upload.id, "offset": upload.offset}, change)
        if done.matched_count == 0:
            await self._parts.delete_one({"_id": part["_id"]})
            return False
        upload.offset = end
        upload.parts.append(str(part["_id"]))
        return True

    async def content(self, upload: AttachmentUpload) -> bytes:
        """Return all that has arrived, in order."""
        where = {"workspace_id": upload.workspace_id, "upload_id": upload.id}
        rows = {row["_id"]: row["data"] async for row in self._parts.find(where)}
        return b"".join(rows[part] for part in upload.parts)

    async def claim(self, upload: AttachmentUpload, now: datetime) -> bool:
        """Take the right to check a whole upload for some minutes; False when another has it."""
        free = {"_id": upload.id, "offset": upload.size, "checking_until": {"$lte": now}}
        done = await self._uploads.update_one(free, {"$set": {"checking_until": now + CHECK_LIFE}})
        return done.matched_count == 1

    async def release(self, upload: AttachmentUpload) -> None:
        """Give the claim back."""
        await self._uploads.update_one({"_id": upload.id}, {"$set": {"checking_until": NEVER}})

    async def postpone(self, upload: AttachmentUpload, due_at: datetime) -> None:
        """Let a job look again at ``due_at``."""
        await self._uploads.update_one({"_id": upload.id}, {"$set": {"due_at": due_at}})

    async def forget_upload(self, workspace_id: str, id: str) -> None:
        """Drop what has arrived of an upload."""
        await self._uploads.delete_one({"_id": id})
        await self._parts.delete_many({"workspace_id": workspace_id, "upload_id": id})

    async def due(self, now: datetime, *, most: int) -> list[AttachmentUpload]:
        """Return uploads that a job must look at."""
        rows = self._uploads.find({"due_at": {"$lte": now}}).sort("due_at", 1).limit(most)
        return [AttachmentUpload.model_validate(row) async for row in rows]

    # ── kept ─────────────────────────────────────────────────────────────────────────────────────

    async def keep(self, attachment: Attachment, data: bytes) -> None:
        """Keep checked bytes. One that died before is replaced; two who keep the same take turns."""
        async for attempt in stamina.retry_context(on=FileExists, attempts=8, wait_initial=0.05):
            with attempt:
                await self._drop_kept(attachment.id)
                await self._bucket.upload_from_stream_with_id(
                    attachment.id,
                    attachment.workspace_id,
                    data,
                    metadata={"workspace_id": attachment.workspace_id},
                )

    async def read(self, attachment_id: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the kept bytes from ``start`` to before ``end``."""
        async with await self._bucket.open_download_stream(attachment_id) as stream:
            await stream.seek(start)
            left = end - start
            while left and (piece := await stream.read(min(left, PIECE))):
                left -= len(piece)
                yield piece

    async def remove(self, workspace_id: str, attachment_id: str) -> None:
        """Drop everything of an attachment, kept and arriving."""
        await self.forget_upload(workspace_id, attachment_id)
        await self._drop_kept(attachment_id)

    async def _drop_kept(self, attachment_id: str) -> None:
        try:
            await self._bucket.delete(attachment_id)
        except NoFile:
            return  # nothing was kept
