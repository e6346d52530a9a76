"""The same file kept by two at one moment: an import's command and the house's job, each with its errors."""

import asyncio

from backend.core.ids import new_id
from backend.crm.attachment_files import AttachmentFiles
from backend.crm.documents import Attachment, AttachmentState
from tests.crew import Crew


async def test_two_who_keep_the_same_at_once_both_do_and_it_is_whole(crew: Crew) -> None:
    files, data = AttachmentFiles(crew.house.store.database), b"line,what\n" * 50_000
    kept = Attachment(
        id=new_id(),
        workspace_id=crew.workspace_id,
        target_kind="import_job",
        target_id=new_id(),
        name="errors.csv",
        content_type="text/csv",
        size=len(data),
        sha256="0" * 64,
        state=AttachmentState.READY,
    )
    for _ in range(5):
        await asyncio.gather(*(files.keep(kept, data) for _ in range(3)))
        assert b"".join([piece async for piece in files.read(kept.id, 0, len(data))]) == data
