"""Files to attach, and the steps that every test of attachments takes."""

import hashlib
from typing import Any

import httpx
import svcs

from backend.crm.attachment_uploads import Uploads
from backend.house import House
from tests.crew import Crew, Person

PDF = b"%PDF-1.7\n" + bytes(range(1, 256)) * 40 + b"\n%%EOF\n"
TUS = {"Tus-Resumable": "1.0.0"}
FIELDS = "id name contentType size sha256 state refusedReason uploadUrl targetKind targetId"
LIST = """query($kind: String!, $id: ID!) { attachments(targetKind: $kind, targetId: $id) {
    totalCount nodes { id name state } } }"""
ONE = "query($id: ID!) { attachment(id: $id) { state refusedReason uploadUrl sha256 } }"
NOTHING = {"uploads": 0, "parts": 0, "files": 0}
LINK = "query($id: ID!) { attachmentUrl(id: $id) { url } }"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def account_of(crew: Crew) -> str:
    made = await crew.rep.do("accountCreate", {"name": "江南鲜达"})
    return str(made["id"])


async def announce(person: Person, kind: str, id: str, data: bytes = PDF, **others: Any) -> dict[str, Any]:
    """Announce a file; return the record, or the refusal."""
    said = {"name": "合同.pdf", "contentType": "application/pdf", "size": len(data), "sha256": sha256(data)}
    return await person.do("attachmentCreate", {"targetKind": kind, "targetId": id, **said, **others}, FIELDS)


async def patch(http: httpx.AsyncClient, url: str, offset: int, data: bytes) -> httpx.Response:
    """Send bytes by tus."""
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return await http.patch(url, content=data, headers=headers)


async def attach(person: Person, kind: str, id: str, data: bytes = PDF, **others: Any) -> dict[str, Any]:
    """Announce a file and send it; return its record."""
    made = await announce(person, kind, id, data, **others)
    assert made["__typename"] == "Attachment", made
    sent = await patch(person.http, made["uploadUrl"], 0, data)
    assert sent.status_code == 204, sent.text
    return made


async def link(person: Person, id: str) -> str:
    url: str = (await person.ask(LINK, id=id))["attachmentUrl"]["url"]
    return url


async def uploads_of(house: House) -> Uploads:
    async with svcs.Container(house.registry) as services:
        return await services.aget(Uploads)


async def bytes_kept(crew: Crew) -> dict[str, int]:
    """Return how many documents of bytes the store holds for this workspace, by collection."""
    database = crew.house.store.database
    where = {"workspace_id": crew.workspace_id}
    return {
        "uploads": await database["attachment_uploads"].count_documents(where),
        "parts": await database["attachment_parts"].count_documents(where),
        "files": await database["attachment_files.files"].count_documents({"filename": crew.workspace_id}),
    }
