"""The audit trail as admins search it, what signing in leaves in it, and ``rapport verify-audit``."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from backend.core.access import Actor, Grant, Level, system_actor
from backend.core.audit import AUDIT, audit_id
from backend.core.audit_reading import AuditReader
from backend.core.errors import Forbidden, InvalidInput
from backend.core.field_rules import FieldAccess
from backend.core.ids import new_id
from backend.crm.contacts import create_contact, update_contact
from backend.house import House
from backend.identity.audit_trail import AuditSearch, find_audit_events
from backend.identity.people import set_password
from backend.identity.sign_in import MOST_TRIES
from tests.crew import Crew
from tests.e2e.served import rapport

PASSWORD = "a long pass phrase 密码"
EVENTS = """query($filter: AuditFilter, $first: Int! = 50, $after: String) {
  auditEvents(filter: $filter, first: $first, after: $after) {
    nodes { id seq at actorId sessionId device ip requestId action kind recordId details hash
            changes { field before after } }
    pageInfo { hasNextPage endCursor } } }"""


async def events(crew: Crew, person: str = "admin", **variables: Any) -> list[dict[str, Any]]:
    found = await crew.people[person].ask(EVENTS, **variables)
    nodes: list[dict[str, Any]] = found["auditEvents"]["nodes"]
    return nodes


# ── searching ────────────────────────────────────────────────────────────────────────────────────


async def test_an_admin_reads_the_history_of_a_record(crew: Crew) -> None:
    made = await crew.rep.do("accountCreate", {"name": "Old"})
    await crew.manager.do("accountUpdate", {"id": made["id"], "name": "New"})
    newer, older = await events(crew, filter={"recordId": made["id"]})
    assert (newer["action"], newer["kind"], newer["actorId"]) == (
        "update",
        "account",
        crew.manager.user_id,
    )
    assert newer["changes"] == [{"field": "name", "before": '"Old"', "after": '"New"'}]
    assert (older["action"], older["actorId"], older["seq"]) == ("create", crew.rep.user_id, made["version"])
    assert {"field": "name", "before": "null", "after": '"Old"'} in older["changes"]
    assert older["sessionId"] == crew.rep.actor.session_id
    assert older["ip"] == "127.0.0.1"
    assert older["device"].startswith("python-httpx/")
    assert len(older["requestId"]) == 36
    assert len(older["hash"]) == 64


async def test_of_a_customer_the_trail_keeps_the_network_and_nothing_of_the_device(crew: Crew) -> None:
    made = await crew.customer.ask("mutation { startConversation(input: {channel: WEBCHAT}) { id } }")
    (event,) = await events(crew, filter={"recordId": made["startConversation"]["id"]})
    assert (event["actorId"], event["ip"], event["device"]) == (
        crew.customer.user_id,
        "127.0.0.0/24",
        None,
    )
    assert len(event["requestId"]) == 36


async def test_a_customers_sign_in_is_noted_by_its_network(crew: Crew, http: httpx.AsyncClient) -> None:
    person = await crew.user("customer")
    await set_password(person, PASSWORD)
    answer = await http.post("/auth/sign-in", json={"email": person.email, "password": PASSWORD})
    assert answer.status_code == 200
    (event,) = await events(crew, filter={"action": "sign_in.succeeded", "actorId": person.id})
    assert (event["ip"], event["device"]) == ("127.0.0.0/24", None)


async def test_who_may_not_read_the_trail_is_refused(crew: Crew) -> None:
    for person in ("rep", "manager", "agent", "customer"):
        body = await crew.people[person].post(EVENTS)
        assert body["data"] is None
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]


async def test_each_filter_narrows_and_all_hold_together(crew: Crew) -> None:
    a = await crew.rep.do("accountCreate", {"name": "A"})
    await crew.rep.do("contactCreate", {"familyName": "C"})
    await crew.manager.do("accountUpdate", {"id": a["id"], "name": "B"})
    mine = {"actorId": crew.rep.user_id}
    assert [e["kind"] for e in await events(crew, filter=mine)] == ["contact", "account"]
    assert [e["kind"] for e in await events(crew, filter={**mine, "kind": "account"})] == ["account"]
    assert [e["actorId"] for e in await events(crew, filter={"action": "update", "kind": "account"})] == [
        crew.manager.user_id
    ]
    assert await events(crew, filter={**mine, "action": "delete"}) == []
    assert await events(crew, filter={"recordId": new_id()}) == []


async def test_pages_join_without_gap_or_repeat(crew: Crew) -> None:
    for n in range(7):
        await crew.rep.do("accountCreate", {"name": f"A{n}"})
    chosen = {"actorId": crew.rep.user_id}
    whole = await events(crew, filter=chosen)
    seen: list[str] = []
    after, more = None, True
    while more:
        page = (await crew.admin.ask(EVENTS, filter=chosen, first=3, after=after))["auditEvents"]
        seen += [node["id"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [event["id"] for event in whole]
    assert len(seen) == 7


async def test_times_bound_the_search(house: House) -> None:
    """A trail of three hours by its own clock."""
    actor = replace(system_actor(new_id()), user_id=new_id())
    began = house.store.clock.now() - timedelta(hours=3)
    for part in range(3):
        for n in range(10):
            uow = house.store.unit_of_work(actor)
            uow.at = began + timedelta(hours=part, seconds=n)
            uow.note(f"part-{part}")
            await house.store._submit(uow, None, None, "")
    search = AuditSearch(since=began + timedelta(minutes=30), until=began + timedelta(minutes=90))
    found, more = await find_audit_events(house.store, actor, search, first=50, after=None)
    assert ({event.action["action"] for event in found}, len(found), more) == ({"part-1"}, 10, False)


async def test_the_number_at_a_moment_is_found_by_halving(house: House) -> None:
    actor = replace(system_actor(new_id()), user_id=new_id())
    began = house.store.clock.now() - timedelta(days=2)
    for n in range(40):
        for _ in range(40):
            uow = house.store.unit_of_work(actor)
            uow.at = began + timedelta(hours=n)
            uow.note("x")
            house.store.note_soon(partial(_submit, house, uow)())
        await house.store.notes()
    reader = AuditReader(house.store.database)
    number = await reader.number_at(actor.workspace_id, began + timedelta(hours=4, minutes=30))
    assert 200 < number < 1_000
    search = AuditSearch(until=began + timedelta(hours=4, minutes=30))
    found, more = await find_audit_events(house.store, actor, search, first=100, after=None)
    assert {event.seq for event in found} == set(range(101, 201))
    assert more


async def _submit(house: House, uow: Any) -> None:
    await house.store._submit(uow, None, None, "")


async def test_wrong_pages_and_cursors_are_refused(house: House, crew: Crew) -> None:
    for first, after in ((0, None), (101, None), (5, "nonsense"), (5, "MQ")):
        with pytest.raises(InvalidInput):
            await find_audit_events(house.store, crew.admin.actor, AuditSearch(), first=first, after=after)


async def test_hidden_fields_are_left_out_of_what_an_auditor_sees(house: House, crew: Crew) -> None:
    contact = await house.store.write(
        crew.rep.actor, partial(create_contact, fields={"family_name": "A", "title": "Buyer"})
    )
    change = {"title": "Chief", "department": "Finance"}
    await house.store.write(crew.rep.actor, partial(update_contact, id=contact.id, fields=change))
    all_of = Grant({"read": Level.ALL})
    auditor = Actor(
        workspace_id=crew.workspace_id,
        user_id=new_id(),
        grants={
            "audit": all_of,
            "contact": replace(
                all_of, fields={"title": FieldAccess.HIDDEN, "department": FieldAccess.MASKED}
            ),
        },
    )
    search = AuditSearch(record_id=contact.id, action="update")
    found, _ = await find_audit_events(house.store, auditor, search, first=5, after=None)
    assert [event.changes for event in found] == [{"department": ["****", "****"]}]
    teams = replace(auditor, grants={"audit": Grant({"read": Level.TEAM})})
    with pytest.raises(Forbidden):
        await find_audit_events(house.store, teams, search, first=5, after=None)


# ── signing in ───────────────────────────────────────────────────────────────────────────────────


async def test_signing_in_and_out_is_in_the_trail(house: House, crew: Crew, http: httpx.AsyncClient) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)

    async def sign_in(password: str, email: str = user.email) -> httpx.Response:
        body = {"email": email, "password": password, "device": {"platform": "ios"}}
        return await http.post("/auth/sign-in", json=body)

    signed_in = (await sign_in(PASSWORD)).json()
    token = {"refreshToken": signed_in["refreshToken"]}
    assert (await http.post("/auth/sign-out", json=token)).status_code == 204
    for _ in range(MOST_TRIES + 3):
        await sign_in("guess")
    await house.store.notes()
    about = [e for e in await events(crew, filter={"recordId": user.id}) if "." in e["action"]]
    assert [e["action"] for e in about if e["action"] != "sign_in.failed"] == [
        "sign_in.locked_out",
        "session.ended",
        "sign_in.succeeded",
    ]
    failed = [e for e in about if e["action"] == "sign_in.failed"]
    assert [e["actorId"] for e in failed] == ["system"] * MOST_TRIES
    assert {e["ip"] for e in failed} == {"127.0.0.1"}
    assert '"method":"password"' in about[-1]["details"]
    assert about[-1]["actorId"] == user.id
    before = await AuditReader(house.store.database).counter(crew.workspace_id)
    await sign_in("guess", "nobody@nowhere.example")
    await house.store.notes()
    assert await AuditReader(house.store.database).counter(crew.workspace_id) == before


# ── the command ──────────────────────────────────────────────────────────────────────────────────


async def test_verify_audit_says_which_chains_hold_and_where_one_is_broken(house: House) -> None:
    whole, broken = (replace(system_actor(new_id()), user_id=new_id()) for _ in range(2))
    for actor in (whole, broken):
        for n in range(3):
            await house.store.note(actor, f"n{n}")
    trail = house.store.database[AUDIT]
    await trail.delete_one({"_id": audit_id(broken.workspace_id, 2)})
    last = await trail.find_one({"_id": audit_id(whole.workspace_id, 3)})
    assert last is not None
    address = await house.store.client.address
    assert address is not None
    uri = house.settings.mongodb_uri.get_secret_value()
    uri = uri or f"mongodb://{address[0]}:{address[1]}/?directConnection=true"
    said = await rapport("verify-audit", data_dir=house.settings.data_dir, MONGODB_URI=uri)
    assert f"{whole.workspace_id}: 3 entries, 1 to 3, head {last['hash']}: ok" in said
    lines = [line for line in said.splitlines() if line.startswith(broken.workspace_id)]
    assert len(lines) == 1
    assert "missing at 2" in lines[0]
    assert said.endswith("exit 1")
