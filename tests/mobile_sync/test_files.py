"""Files from phones: what is known of them syncs, their bytes go by signed links."""

import httpx
import pytest

from backend.core.ids import new_id
from backend.crm.synced import ATTACHMENTS
from tests.crew import Crew
from tests.crm.filing import ONE, PDF, account_of, link, patch, sha256, uploads_of
from tests.mobile_sync.test_native_push import rejections
from tests.mobile_sync.three_phones import PROTOCOLS, AnyPhone

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@every_protocol
async def test_a_file_announced_offline_arrives_and_reaches_who_reads_its_record(
    crew: Crew, http: httpx.AsyncClient, protocol: type[AnyPhone]
) -> None:
    account, id = await account_of(crew), new_id()
    phone, other, stranger = (protocol(one, ATTACHMENTS) for one in (crew.rep, crew.colleague, crew.stranger))
    said = {
        "targetKind": "account",
        "targetId": account,
        "name": "合同.pdf",
        "contentType": "application/pdf",
    }
    await phone.create((id, said | {"size": len(PDF), "sha256": sha256(PDF)}))
    await phone.pull()
    assert phone.held()[id]["state"] == "uploading"
    url = (await crew.rep.ask(ONE, id=id))["attachment"]["uploadUrl"]
    half = len(PDF) // 2
    assert (await patch(http, url, 0, PDF[:half])).status_code == 204
    assert (await patch(http, url, half, PDF[half:])).status_code == 204
    for one in (phone, other):
        await one.pull()
        assert (one.held()[id]["state"], one.held()[id]["name"]) == ("ready", "合同.pdf")
    assert (await http.get(await link(crew.colleague, id))).content == PDF
    await stranger.pull()
    assert stranger.held() == {}
    # What was sent is not changed any more; it is deleted.
    await phone.change(id, name="other.pdf")
    await phone.pull()
    assert phone.held()[id]["name"] == "合同.pdf"
    (kept,) = await rejections(crew, "rep")
    assert "delete it and send another" in kept["message"]
    await phone.delete(id)
    await other.pull()
    assert other.held() == {}


async def test_what_the_house_does_not_take_is_refused_before_its_bytes(crew: Crew) -> None:
    phone, account, id = PROTOCOLS[0](crew.rep, ATTACHMENTS), await account_of(crew), new_id()
    said = {"targetKind": "account", "targetId": account, "name": "a.pdf", "contentType": "application/pdf"}
    await phone.create((id, said | {"size": 2_000_000_000}))
    uploads = await uploads_of(crew.house)
    await uploads.expect(crew.workspace_id, id)  # as the listener does
    await phone.pull()
    held = phone.held()[id]
    assert held["state"] == "refused"
    assert "2000000000 bytes" in held["refusedReason"]
    assert (await crew.rep.ask(ONE, id=id))["attachment"]["uploadUrl"] is None
