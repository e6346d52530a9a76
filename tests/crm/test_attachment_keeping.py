"""The bytes of attachments after they came: scanned, finished later, cleared away."""

import dataclasses
from datetime import timedelta

import httpx
import pytest

from backend.core.errors import InvalidInput, Unavailable
from backend.core.malware import ClamAV
from backend.crm.attachment_files import AttachmentUpload
from tests.crew import Crew
from tests.crm.filing import (
    LIST,
    NOTHING,
    ONE,
    PDF,
    account_of,
    announce,
    attach,
    bytes_kept,
    patch,
    uploads_of,
)
from tests.fakes.fake_clamd import EICAR, running_clamd


async def test_bytes_go_with_their_attachment_and_attachments_with_their_record(crew: Crew) -> None:
    account_id = await account_of(crew)
    first, _ = [await attach(crew.rep, "account", account_id) for _ in range(2)]
    await announce(crew.rep, "account", account_id)
    await crew.house.relay.settle()
    assert await bytes_kept(crew) == {"uploads": 1, "parts": 0, "files": 2}
    assert (await crew.rep.do("attachmentDelete", {"id": first["id"]}))["__typename"] == "Deleted"
    await crew.house.relay.settle()
    assert await bytes_kept(crew) == {"uploads": 1, "parts": 0, "files": 1}
    assert (await crew.manager.do("accountDelete", {"id": account_id}))["__typename"] == "Deleted"
    await crew.house.relay.settle()
    assert await bytes_kept(crew) == NOTHING


async def test_uploads_that_nobody_finished_are_finished_or_cleared_away(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    account_id = await account_of(crew)
    uploads = await uploads_of(crew.house)
    whole, begun, untouched = [await announce(crew.rep, "account", account_id) for _ in range(3)]
    await crew.house.relay.settle()
    assert (await patch(http, begun["uploadUrl"], 0, PDF[:10])).status_code == 204
    left = await uploads.standing(crew.rep.actor, whole["id"])
    assert await uploads.files.append(left, PDF, whole_due_at=left.expires_at)  # and the process dies here
    past = crew.house.store.clock.now() - timedelta(seconds=1)
    rows = AttachmentUpload.get_pymongo_collection()
    await rows.update_one({"_id": whole["id"]}, {"$set": {"due_at": past}})
    for one in (begun, untouched):
        await rows.update_one({"_id": one["id"]}, {"$set": {"due_at": past, "expires_at": past}})
    await uploads.sweep()
    await crew.house.relay.settle()
    listed = (await crew.rep.ask(LIST, kind="account", id=account_id))["attachments"]["nodes"]
    assert listed == [{"id": whole["id"], "name": "合同.pdf", "state": "READY"}]
    assert await bytes_kept(crew) == {"uploads": 0, "parts": 0, "files": 1}


async def test_malware_is_refused_and_a_scanner_that_is_away_lets_nothing_pass(crew: Crew) -> None:
    account_id = await account_of(crew)
    async with running_clamd() as clamd:
        uploads = dataclasses.replace(await uploads_of(crew.house), scanner=ClamAV(clamd.address))

        async def send(data: bytes) -> str:
            others = {"name": "a.txt", "contentType": "text/plain"}
            made = await announce(crew.rep, "account", account_id, data, **others)
            upload = await uploads.standing(crew.rep.actor, made["id"])
            await uploads.files.append(upload, data, whole_due_at=upload.expires_at)
            try:
                await uploads.finish(crew.rep.actor, upload)
            finally:
                sent.append(made["id"])
            return str(made["id"])

        sent: list[str] = []
        clean = await send(b"nothing " * 20_000)
        assert clamd.scanned == [b"nothing " * 20_000]
        assert (await crew.rep.ask(ONE, id=clean))["attachment"]["state"] == "READY"
        with pytest.raises(InvalidInput, match="holds malware \\(Eicar-Test-Signature\\)"):
            await send(EICAR)
        found = (await crew.rep.ask(ONE, id=sent[1]))["attachment"]
        assert found["state"] == "REFUSED"
        clamd.says = b"INSTREAM size limit exceeded. ERROR"
        with pytest.raises(Unavailable, match="size limit exceeded"):
            await send(b"harmless")
    with pytest.raises(Unavailable, match="does not answer"):
        await send(b"harmless")
    for waiting in sent[2:]:
        assert (await crew.rep.ask(ONE, id=waiting))["attachment"]["state"] == "UPLOADING"
    async with running_clamd() as back:
        later = dataclasses.replace(uploads, scanner=ClamAV(back.address))
        past = crew.house.store.clock.now() - timedelta(seconds=1)
        rows = AttachmentUpload.get_pymongo_collection()
        await rows.update_many({"_id": {"$in": sent[2:]}}, {"$set": {"due_at": past}})
        await later.sweep()
    for waiting in sent[2:]:
        assert (await crew.rep.ask(ONE, id=waiting))["attachment"]["state"] == "READY"
