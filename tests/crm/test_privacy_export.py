"""The export of a person: everything that whoever asks may read about them, and nothing else."""

import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from backend.core.errors import Unauthenticated
from backend.crm.privacy.export_links import LIFE, make_link, read_link, url_of
from backend.identity.documents import Role, User
from tests.crew import Crew, Person
from tests.crm.filing import PDF
from tests.crm.privacy_story import live

EXPORT = """mutation($id: ID!) { personExport(contactId: $id) { __typename
    ... on PersonExport { id contactId url expiresAt schemaVersion } ... on Error { code } } }"""
MINE = """mutation { myDataExport { __typename
    ... on PersonExport { contactId url } ... on Error { code } } }"""


async def link(person: Person, contact_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await person.ask(EXPORT, id=contact_id))["personExport"]
    return found


async def fetch(http: httpx.AsyncClient, url: str) -> tuple[dict[str, Any], zipfile.ZipFile]:
    """Return ``person.json`` and the whole archive."""
    answer = await http.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return json.loads(archive.read("person.json")), archive


def kinds(found: dict[str, Any]) -> dict[str, int]:
    names = [record["kind"] for record in found["records"]]
    return {name: names.count(name) for name in sorted(set(names))}


def fields(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [record["fields"] for record in found["records"] if record["kind"] == kind]


async def test_an_export_holds_everything_with_its_files_in_the_documented_shape(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    story = await live(crew)
    made = await link(crew.manager, story.contact_id)
    assert (made["contactId"], made["schemaVersion"]) == (story.contact_id, 1)
    found, archive = await fetch(http, made["url"])
    assert list(found) == [
        *("schemaVersion", "exportedAt", "contactId", "workspace", "records", "attachments"),
    ]
    assert found["workspace"] == {"id": crew.workspace_id, "name": "Test"}
    assert kinds(found) == {
        "activity": 1,
        "approval": 1,
        "attachment": 1,
        "contact": 1,
        "contract": 1,
        "conversation": 1,
        "message": 2,
        "opportunity": 1,
        "payment": 1,
        "quote": 1,
        "task": 1,
        "ticket": 1,
        "user": 1,
    }
    first = found["records"][0]
    assert sorted(first) == ["createdAt", "fields", "hiddenFields", "id", "kind", "updatedAt"]
    assert (first["kind"], first["id"], first["hiddenFields"]) == ("contact", story.contact_id, [])
    assert first["fields"] | {"address": None} == first["fields"] | {
        "fullName": story.name,
        "email": story.email,
        "phone": story.phone,
        "address": None,
    }
    assert first["fields"]["address"]["postalCode"] == ""
    assert fields(found, "opportunity")[0]["amount"] == "1200.50"
    # What was approved is there as its record, as far as one may see it, and not a second time.
    assert fields(found, "approval")[0].keys().isdisjoint({"snapshot", "snapshotHash", "decidedHash"})
    said = {message["body"] for message in fields(found, "message")}
    assert said == {f"{story.secret}. {story.spaced}", f"Dear {story.name}, noted."}
    [file] = found["attachments"]
    assert file["id"] == story.ids["attachment"]
    assert archive.read(file["path"]) == PDF.replace(b"%%EOF", story.secret.encode() + b"\n%%EOF")
    text = json.dumps(found)
    assert "acl" not in text
    assert "passwordHash" not in text


async def test_customers_export_themselves_without_our_notes(crew: Crew, http: httpx.AsyncClient) -> None:
    story = await live(crew)
    made = (await crew.customer.ask(MINE))["myDataExport"]
    assert made["contactId"] == story.contact_id
    found, _ = await fetch(http, made["url"])
    assert kinds(found) == {"contact": 1, "conversation": 1, "message": 2, "ticket": 1, "user": 1}
    [contact] = fields(found, "contact")
    assert (contact["email"], "description" in contact, "source" in contact) == (story.email, False, False)
    assert found["records"][0]["hiddenFields"] == ["description", "legalHoldReason", "source"]
    other = await crew.manager.do("contactCreate", {"fullName": "Gao Zhiyuan"})
    assert (await link(crew.customer, other["id"]))["code"] == "FORBIDDEN"
    assert (await crew.agent.ask(MINE))["myDataExport"]["code"] == "NOT_FOUND"


async def test_a_link_counts_for_its_holder_only_while_they_may(crew: Crew, http: httpx.AsyncClient) -> None:
    id = (await crew.rep.do("contactCreate", {"fullName": "Gao Zhiyuan"}))["id"]
    for person, code in ((crew.agent, "FORBIDDEN"), (crew.rep, "FORBIDDEN"), (crew.stranger, "NOT_FOUND")):
        assert (await link(person, id))["code"] == code
    url = (await link(crew.manager, id))["url"]
    for wrong in (url[:-3], url.replace("/export/", "/export/x"), url.split("?")[0] + "?token=a.b.c"):
        assert (await http.get(wrong)).status_code == 401
    assert (await http.get(url)).status_code == 200
    await crew.house.store.write(crew.system, lambda uow: _suspend(uow, crew.manager.user_id))
    assert (await http.get(url)).status_code == 401


async def _suspend(uow: Any, user_id: str) -> None:
    user = await uow.access(User, user_id, action="update")
    user.is_active = False
    uow.save(user)


async def test_an_export_is_in_the_audit_and_shows_no_hidden_field(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    id = (await crew.manager.do("contactCreate", {"fullName": "Gao", "phone": "+8613800138000"}))["id"]
    everything = dict.fromkeys(("read", "create", "update", "delete", "export"), "all")

    async def make_role(uow: Any) -> None:
        role = Role(
            key="clerk", name="Clerk", levels={"*": everything}, fields={"contact": {"phone": "hidden"}}
        )
        uow.save(role)
        user = await uow.access(User, crew.colleague.user_id, action="update")
        user.role_keys = ["clerk"]
        uow.save(user)

    await crew.house.store.write(crew.system, make_role)
    found, archive = await fetch(http, (await link(crew.colleague, id))["url"])
    assert "phone" not in found["records"][0]["fields"]
    assert found["records"][0]["hiddenFields"] == ["phone"]
    rows = await crew.house.store.database["audit"].find({"workspace_id": crew.workspace_id}).to_list()
    noted = [
        (entry["actor_id"], action["action"], action["id"])
        for row in rows
        for entry in row["entries"]
        for action in entry["actions"]
        if action["action"].startswith("person.")
    ]
    assert noted == [
        (crew.colleague.user_id, "person.export_linked", id),
        (crew.colleague.user_id, "person.exported", id),
    ]
    assert archive.namelist()[0] == "person.json"


async def test_a_link_that_is_too_old_is_refused(crew: Crew) -> None:
    now = crew.house.store.clock.now()
    made = make_link(crew.manager.actor, crew.contact_id, now=now)
    token = url_of(made, "k" * 32).partition("token=")[2]
    assert read_link(token, made.id, "k" * 32, now=now + LIFE / 2).contact_id == crew.contact_id
    for at, id, key in ((now + LIFE, made.id, "k" * 32), (now, "other", "k" * 32), (now, made.id, "x" * 32)):
        with pytest.raises(Unauthenticated):
            read_link(token, id, key, now=at)
