"""Attachments over GraphQL and HTTP: who may, how bytes arrive, what is refused, what is cleared away."""

import asyncio
import socket
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
import svcs

from backend.core.ids import new_id
from backend.crm.attachment_links import FileLinks, Purpose
from backend.crm.documents import Attachment
from backend.identity.documents import Session
from tests.crew import Crew
from tests.crm.filing import (
    LINK,
    LIST,
    NOTHING,
    ONE,
    PDF,
    TUS,
    account_of,
    announce,
    attach,
    bytes_kept,
    link,
    patch,
    sha256,
)


async def test_a_file_arrives_in_pieces_and_is_fetched_whole_and_in_ranges(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    account_id = await account_of(crew)
    made = await announce(crew.rep, "account", account_id)
    url = made.pop("uploadUrl")
    assert url.startswith(f"/files/{made['id']}?token=")
    assert made == {
        "__typename": "Attachment",
        "id": made["id"],
        "name": "合同.pdf",
        "contentType": "application/pdf",
        "size": len(PDF),
        "sha256": sha256(PDF),
        "state": "UPLOADING",
        "refusedReason": "",
        "targetKind": "account",
        "targetId": account_id,
    }
    assert (await crew.rep.post(LINK, id=made["id"]))["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
    assert (await patch(http, url, 0, PDF[:4_000])).headers["upload-offset"] == "4000"
    stands = await http.head(url, headers=TUS)
    assert (stands.status_code, stands.headers["tus-resumable"]) == (200, "1.0.0")
    assert (stands.headers["upload-offset"], stands.headers["upload-length"]) == ("4000", str(len(PDF)))
    assert stands.headers["cache-control"] == "no-store"
    wrong = await patch(http, url, 3_999, PDF[3_999:])
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["offset"]) == (409, "UPLOAD_OFFSET", 4_000)
    assert wrong.headers["tus-resumable"] == "1.0.0"
    assert (await patch(http, url, 4_000, PDF[4_000:])).status_code == 204
    listed = (await crew.rep.ask(LIST, kind="account", id=account_id))["attachments"]
    assert listed == {"totalCount": 1, "nodes": [{"id": made["id"], "name": "合同.pdf", "state": "READY"}]}
    assert await bytes_kept(crew) == {"uploads": 0, "parts": 0, "files": 1}

    source = await link(crew.rep, made["id"])
    whole = await http.get(source)
    assert (whole.status_code, whole.content) == (200, PDF)
    wanted = {
        "content-type": "application/pdf",
        "content-length": str(len(PDF)),
        "content-disposition": "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E5%90%88%E5%90%8C.pdf",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        "accept-ranges": "bytes",
        "etag": f'"{sha256(PDF)}"',
    }
    assert {name: whole.headers[name] for name in wanted} == wanted
    head = await http.head(source)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(PDF))
    for given, start, end in (
        ("bytes=10-19", 10, 20),
        ("bytes=-5", len(PDF) - 5, len(PDF)),
        ("bytes=9000-", 9_000, len(PDF)),
        ("bytes=9000-999999", 9_000, len(PDF)),
    ):
        part = await http.get(source, headers={"Range": given})
        assert (part.status_code, part.content) == (206, PDF[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(PDF)}"
    for ignored in ("bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-"):
        assert (await http.get(source, headers={"Range": ignored})).content == PDF
    beyond = await http.get(source, headers={"Range": f"bytes={len(PDF)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(PDF)}")
    assert (await http.get(source, headers={"If-None-Match": wanted["etag"]})).status_code == 304
    stale = await http.get(source, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, PDF)


async def test_who_reads_the_record_reads_its_files_and_who_changes_it_adds_and_deletes_them(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    account_id = await account_of(crew)
    made = await attach(crew.rep, "account", account_id)
    for reader in (crew.rep, crew.colleague, crew.manager, crew.admin, crew.agent):
        assert (await http.get(await link(reader, made["id"]))).content == PDF
        assert (await reader.ask(LIST, kind="account", id=account_id))["attachments"]["totalCount"] == 1
    for outsider in (crew.stranger, crew.customer):
        for query in (ONE, LINK):
            body = await outsider.post(query, id=made["id"])
            assert body["errors"][0]["extensions"] | {"requestId": ""} == {
                "code": "NOT_FOUND",
                "kind": "attachment",
                "id": made["id"],
                "requestId": "",
            }
        body = await outsider.post(LIST, kind="account", id=account_id)
        assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"
        assert (await announce(outsider, "account", account_id))["__typename"] == "NotFound"
        gone = await outsider.do("attachmentDelete", {"id": made["id"]})
        assert gone["__typename"] == "NotFound"
    assert (await announce(crew.agent, "account", account_id))["__typename"] == "Forbidden"
    assert (await crew.agent.do("attachmentDelete", {"id": made["id"]}))["__typename"] == "Forbidden"
    assert await bytes_kept(crew) == {"uploads": 0, "parts": 0, "files": 1}
    assert (await crew.colleague.do("attachmentDelete", {"id": made["id"]}))["__typename"] == "Deleted"


async def test_an_agent_who_reads_all_accounts_reads_no_file_of_an_opportunity(crew: Crew) -> None:
    await crew.house.relay.settle()
    lead = await crew.rep.do("leadCreate", {"fullName": "陆建国", "company": "江南鲜达"})
    assert lead["__typename"] == "Lead", lead
    made = await attach(crew.rep, "lead", lead["id"])
    assert (await crew.colleague.ask(ONE, id=made["id"]))["attachment"]["state"] == "READY"
    assert (await crew.agent.post(ONE, id=made["id"]))["data"] == {"attachment": None}
    assert (await crew.agent.post(LIST, kind="lead", id=lead["id"]))["data"] is None


async def test_a_customer_files_at_their_own_conversation_and_never_reads_an_internal_note(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    opened = await crew.customer.do("conversationCreate", {"subject": "发票"})
    assert opened["__typename"] == "Conversation", opened
    made = await attach(crew.customer, "conversation", opened["id"])
    assert (await http.get(await link(crew.agent, made["id"]))).content == PDF
    note = await crew.agent.do(
        "messageCreate", {"conversationId": opened["id"], "body": "credit check", "direction": "INTERNAL"}
    )
    secret = await attach(crew.agent, "message", note["id"])
    assert (await crew.customer.post(ONE, id=secret["id"]))["data"] == {"attachment": None}
    assert (await crew.customer.post(LINK, id=secret["id"]))["data"] == {"attachmentUrl": None}
    assert (await crew.customer.ask(ONE, id=made["id"]))["attachment"]["state"] == "READY"


async def test_a_link_counts_for_one_file_one_purpose_one_person_and_while_they_may(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    account_id = await account_of(crew)
    one = await attach(crew.rep, "account", account_id)
    other = await announce(crew.rep, "account", account_id)
    source = await link(crew.rep, one["id"])
    token = source.partition("token=")[2]
    async with svcs.Container(crew.house.registry) as services:
        links = await services.aget(FileLinks)
    past = crew.house.store.clock.now() - timedelta(minutes=11)
    expired = links.make(crew.rep.actor, one["id"], Purpose.DOWNLOAD, now=past)
    forged = FileLinks("x" * 48).make(
        crew.rep.actor, one["id"], Purpose.DOWNLOAD, now=crew.house.store.clock.now()
    )
    for bad in (
        f"/files/{other['id']}?token={token}",
        f"/files/{one['id']}?token={token[:-2]}",
        f"/files/{one['id']}",
        f"/files/{one['id']}?token={crew.rep.token}",
        other["uploadUrl"],
        expired,
        forged,
    ):
        answer = await http.get(bad)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), bad
    assert (await patch(http, f"/files/{other['id']}?token={token}", 0, PDF)).status_code == 401
    moved = {"id": account_id, "ownerId": crew.stranger.user_id, "teamIds": [crew.teams["west"]]}
    assert (await crew.manager.do("accountUpdate", moved))["__typename"] == "Account"
    assert (await http.get(source)).status_code == 404
    assert (await patch(http, other["uploadUrl"], 0, PDF)).status_code == 404
    assert (await http.get(await link(crew.stranger, one["id"]))).content == PDF
    again = await link(crew.stranger, one["id"])
    session = await Session.get(crew.stranger.actor.session_id)
    assert session is not None
    session.revoked_at = crew.house.store.clock.now()
    await session.save()
    assert (await http.get(again)).status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a.pdf.exe"}, "name"),
        ({"name": "\u202efdp.pdf"}, "name"),
        ({"contentType": "text/html"}, "contentType"),
        ({"size": 0}, "size"),
        ({"size": 25 * 1024 * 1024 + 1}, "size"),
        ({"sha256": "abc"}, "sha256"),
        ({"targetKind": "user"}, "targetKind"),
        ({"targetKind": "nonsense"}, "targetKind"),
    ],
)
async def test_a_file_that_may_not_come_is_refused_before_its_bytes(
    crew: Crew, change: dict[str, object], field: str
) -> None:
    account_id = await account_of(crew)
    query = """mutation($input: AttachmentCreateInput!) { attachmentCreate(input: $input) {
        __typename ... on InvalidInput { fields { field } } } }"""
    said = {"name": "a.pdf", "contentType": "application/pdf", "size": 9}
    answer = await crew.rep.ask(
        query, input={"targetKind": "account", "targetId": account_id, **said, **change}
    )
    assert answer["attachmentCreate"] == {"__typename": "InvalidInput", "fields": [{"field": field}]}
    assert (await crew.rep.ask(LIST, kind="account", id=account_id))["attachments"]["totalCount"] == 0


@pytest.mark.parametrize(
    ("others", "data", "reason"),
    [
        ({"name": "a.png", "contentType": "image/png"}, PDF, "is not image/png"),
        ({}, b"%PDF-1.7\n<html><script>1</script></html>", "is also a web page"),
        ({"sha256": "0" * 64}, PDF, "did not arrive as it was sent"),
    ],
)
async def test_bytes_that_are_not_what_was_announced_are_refused_and_not_kept(
    crew: Crew, http: httpx.AsyncClient, others: dict[str, str], data: bytes, reason: str
) -> None:
    account_id = await account_of(crew)
    made = await announce(crew.rep, "account", account_id, data, **others)
    refused = await patch(http, made["uploadUrl"], 0, data)
    assert (refused.status_code, refused.json()["code"]) == (422, "INVALID_INPUT")
    assert reason in refused.json()["message"]
    found = (await crew.rep.ask(ONE, id=made["id"]))["attachment"]
    assert (found["state"], found["uploadUrl"]) == ("REFUSED", None)
    assert found["refusedReason"].startswith(reason)
    assert (await crew.rep.post(LINK, id=made["id"]))["data"] == {"attachmentUrl": None}
    assert (await patch(http, made["uploadUrl"], 0, data)).status_code == 404
    await crew.house.relay.settle()
    assert await bytes_kept(crew) == NOTHING


async def test_the_protocol_is_kept_to(crew: Crew, http: httpx.AsyncClient) -> None:
    made = await announce(crew.rep, "account", await account_of(crew))
    url = made["uploadUrl"]
    speaks = await http.options(url)
    assert (speaks.status_code, speaks.headers["tus-version"]) == (204, "1.0.0")
    assert speaks.headers["tus-max-size"] == str(25 * 1024 * 1024)
    usual = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    for change, status, code in (
        ({"Tus-Resumable": "0.2.2"}, 412, "TUS_VERSION"),
        ({"Content-Type": "application/pdf"}, 415, "WRONG_MEDIA_TYPE"),
        ({"Upload-Offset": "-1"}, 400, "WRONG_HEADER"),
        ({"Upload-Offset": "²"}, 400, "WRONG_HEADER"),
    ):
        headers = [(name.encode(), value.encode()) for name, value in (usual | change).items()]
        answer = await http.patch(url, content=PDF, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["tus-resumable"] == "1.0.0"
    assert (await http.head(url)).status_code == 412
    more = await patch(http, url, 0, PDF + b"x")
    assert (more.status_code, more.json()["code"]) == (413, "UPLOAD_TOO_LARGE")
    assert (await http.head(url, headers=TUS)).headers["upload-offset"] == "0"
    assert (await patch(http, url, 0, PDF[:100])).headers["upload-offset"] == "100"
    assert (await http.put(url, content=PDF)).status_code == 204
    assert (await crew.rep.ask(ONE, id=made["id"]))["attachment"]["state"] == "READY"
    assert (await http.head(f"/files/{new_id()}?token=x", headers=TUS)).status_code == 401


async def test_two_that_send_the_same_stretch_at_once_do_not_mix(crew: Crew, http: httpx.AsyncClient) -> None:
    made = await announce(crew.rep, "account", await account_of(crew))
    answers = await asyncio.gather(*(patch(http, made["uploadUrl"], 0, PDF[:n]) for n in (3_000, 5_000)))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    offset = int((await http.head(made["uploadUrl"], headers=TUS)).headers["upload-offset"])
    assert offset in (3_000, 5_000)
    assert (await patch(http, made["uploadUrl"], offset, PDF[offset:])).status_code == 204
    assert (await http.get(await link(crew.rep, made["id"]))).content == PDF


async def test_what_came_before_the_line_broke_is_kept(
    crew: Crew, http: httpx.AsyncClient, server: str
) -> None:
    data = b"%PDF-1.7\n" + bytes(400_000)
    made = await announce(crew.rep, "account", await account_of(crew), data)
    address = urlsplit(server)
    with socket.create_connection((address.hostname, address.port)) as line:
        head = (
            f"PATCH {made['uploadUrl']} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        await asyncio.to_thread(line.sendall, head.encode() + data[:300_000])
    offset = 0
    while offset != 300_000:
        answer = await http.head(made["uploadUrl"], headers=TUS)
        offset = int(answer.headers["upload-offset"])
    assert (await patch(http, made["uploadUrl"], offset, data[offset:])).status_code == 204
    assert (await http.get(await link(crew.rep, made["id"]))).content == data


async def test_a_repeated_announcement_is_one_attachment(crew: Crew) -> None:
    account_id = await account_of(crew)
    twice = [await announce(crew.rep, "account", account_id, mutationId="m1") for _ in range(2)]
    assert twice[0]["id"] == twice[1]["id"]
    assert (await crew.rep.ask(LIST, kind="account", id=account_id))["attachments"]["totalCount"] == 1


async def test_a_download_is_audited_once_and_its_goings_on_are_not(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    made = await attach(crew.rep, "account", await account_of(crew))
    source = await link(crew.rep, made["id"])
    await http.get(source, headers={"Range": "bytes=0-99"})
    await http.get(source, headers={"Range": "bytes=100-"})
    await http.head(source)
    rows = crew.house.store.database["audit"].find({"workspace_id": crew.workspace_id})
    found = [row async for row in rows if "attachment.downloaded" in str(row)]
    assert len(found) == 1
    assert made["id"] in str(found[0])
    assert crew.rep.user_id in str(found[0])


async def test_the_predicate_alone_lets_nobody_further_than_the_record(crew: Crew) -> None:
    """Even a query that looks at no target: each reader finds the files of the records that they read."""
    await crew.house.relay.settle()
    lead = await crew.rep.do("leadCreate", {"fullName": "陆建国"})
    at_lead = await attach(crew.rep, "lead", lead["id"])
    at_account = await attach(crew.rep, "account", await account_of(crew))
    both = {at_lead["id"], at_account["id"]}
    for person, expected in (
        (crew.rep, both),
        (crew.colleague, both),
        (crew.manager, both),
        (crew.admin, both),
        (crew.agent, {at_account["id"]}),
        (crew.stranger, set()),
        (crew.customer, set()),
    ):
        found = await crew.house.store.unit_of_work(person.actor).find(Attachment)
        assert {one.id for one in found} == expected
