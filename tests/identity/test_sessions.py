"""Sessions over GraphQL and HTTP: seeing them, ending them, and the order to wipe a lost phone."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from backend.house import House
from backend.identity.documents import Session, SessionEnd
from backend.identity.people import set_password
from backend.identity.sessions import WIPE_ORDER_KEPT
from notifications.documents import Device
from tests.crew import Crew, Person

PASSWORD = "a long pass phrase 密码"

SESSIONS = "query($of: ID) { sessions(userId: $of) { id device platform appVersion current } }"
REVOKE = """mutation($id: ID!, $wipe: Boolean! = false) { sessionRevoke(id: $id, wipe: $wipe) {
    __typename ... on SessionsRevoked { ids wipe } ... on Error { code message } } }"""
REVOKE_ALL = """mutation($of: ID, $wipe: Boolean! = false) { sessionsRevokeAll(userId: $of, wipe: $wipe) {
    __typename ... on SessionsRevoked { ids wipe } ... on Error { code message } } }"""
REGISTER = """mutation($value: String!) { deviceRegister(input: {kind: FID, value: $value, platform: IOS}) {
    __typename ... on Device { id } } }"""


@dataclass
class Phone:
    """A phone of somebody, signed in over HTTP."""

    http: httpx.AsyncClient
    access: str
    refresh: str

    async def ask(self, query: str = "{ me { id } }", **variables: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.access}"}
        return await self.http.post(
            "/graphql", json={"query": query, "variables": variables}, headers=headers
        )

    async def renew(self) -> httpx.Response:
        return await self.http.post("/auth/refresh", json={"refreshToken": self.refresh})

    async def session_id(self) -> str:
        found = (await self.ask(SESSIONS)).json()["data"]["sessions"]
        return str(next(one["id"] for one in found if one["current"]))


async def sign_in(http: httpx.AsyncClient, crew: Crew, name: str, device: str = "Anna's phone") -> Phone:
    user = await crew.user(name)
    await set_password(user, PASSWORD)
    about = {"name": device, "platform": "ios", "app_version": "1.2"}
    answer = await http.post(
        "/auth/sign-in", json={"email": user.email, "password": PASSWORD, "device": about}
    )
    assert answer.status_code == 200, answer.text
    return Phone(http, answer.json()["accessToken"], answer.json()["refreshToken"])


async def device_of(phone: Phone, value: str) -> Device:
    made = (await phone.ask(REGISTER, value=value)).json()["data"]["deviceRegister"]
    assert made["__typename"] == "Device"
    found = await Device.get(made["id"])
    assert found is not None
    assert found.is_reachable
    return found


async def sessions_of(person: Person, of: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.ask(SESSIONS, of=of))["sessions"]
    return found


@pytest.fixture
async def phone(crew: Crew, http: httpx.AsyncClient) -> Phone:
    return await sign_in(http, crew, "rep")


async def test_one_sees_where_one_is_signed_in(crew: Crew, phone: Phone) -> None:
    found = (await phone.ask(SESSIONS)).json()["data"]["sessions"]
    mine = {"device": "Anna's phone", "platform": "ios", "appVersion": "1.2", "current": True}
    crews = {
        "id": crew.rep.actor.session_id,
        "device": "",
        "platform": "",
        "appVersion": "",
        "current": False,
    }
    assert found == [{"id": await phone.session_id(), **mine}, crews]


async def test_an_admin_sees_everybodys_sessions_and_a_rep_nobody_elses(crew: Crew, phone: Phone) -> None:
    assert [one["id"] for one in await sessions_of(crew.admin, crew.rep.user_id)] == [
        await phone.session_id(),
        crew.rep.actor.session_id,
    ]
    for other in (crew.colleague, crew.manager, crew.customer):
        answer = await other.post(SESSIONS, of=crew.rep.user_id)
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "NOT_FOUND")


async def test_a_revoked_session_stops_at_once_and_its_devices_are_forgotten(
    crew: Crew, phone: Phone, house: House
) -> None:
    id, device = await phone.session_id(), await device_of(phone, "a-fid")
    assert (await phone.ask()).status_code == 200
    done = (await crew.rep.ask(REVOKE, id=id))["sessionRevoke"]
    assert done == {"__typename": "SessionsRevoked", "ids": [id], "wipe": False}
    refused = await phone.ask()
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (
        401,
        "UNAUTHENTICATED",
    )
    assert (await phone.renew()).json()["code"] == "UNAUTHENTICATED"
    await house.relay.settle()
    dropped = await Device.get(device.id)
    assert dropped is not None
    assert (dropped.value, dropped.dropped_reason) == ("", "session_ended")
    end = await SessionEnd.find_one({"session_id": id})
    assert end is not None
    assert (end.reason, end.wipe, end.owner_id, end.created_by) == (
        "revoked by its owner",
        False,
        crew.rep.user_id,
        crew.rep.user_id,
    )
    assert [one["id"] for one in await sessions_of(crew.rep)] == [crew.rep.actor.session_id]


async def test_signing_out_forgets_the_devices_too(phone: Phone, house: House) -> None:
    device = await device_of(phone, "another-fid")
    out = await phone.http.post("/auth/sign-out", json={"refreshToken": phone.refresh})
    assert out.status_code == 204
    await house.relay.settle()
    dropped = await Device.get(device.id)
    assert dropped is not None
    assert (dropped.value, dropped.dropped_reason) == ("", "session_ended")


async def test_a_lost_phone_is_told_to_wipe_and_that_is_noted(crew: Crew, phone: Phone, house: House) -> None:
    id = await phone.session_id()
    done = (await crew.admin.ask(REVOKE, id=id, wipe=True))["sessionRevoke"]
    assert done == {"__typename": "SessionsRevoked", "ids": [id], "wipe": True}
    ordered = await Session.get(id)
    assert ordered is not None
    assert (ordered.wipe, ordered.wiped_at, ordered.revoked_reason) == (True, None, "revoked by an admin")
    # A phone in a drawer must still hear of it when the session would have ended by itself.
    assert ordered.expires_at >= ordered.revoked_at + WIPE_ORDER_KEPT  # type: ignore[operator]
    answer = await phone.ask("{ pullTask(limit: 1) { documents { id } } }")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "WIPE"
    told = await Session.get(id)
    assert told is not None
    assert told.wiped_at is not None
    again = await phone.renew()
    assert (again.status_code, again.json()["code"]) == (401, "WIPE")
    assert (await Session.get(id)) == told  # the first time counts


async def test_the_refresh_alone_tells_it_too_and_a_forged_token_is_not_noted(
    crew: Crew, phone: Phone
) -> None:
    id = await phone.session_id()
    await crew.rep.ask(REVOKE, id=id, wipe=True)
    forged = await phone.http.post("/auth/refresh", json={"refreshToken": f"{id}.guessed"})
    assert (forged.status_code, forged.json()["code"]) == (401, "WIPE")
    unheard = await Session.get(id)
    assert unheard is not None
    assert unheard.wiped_at is None
    assert (await phone.renew()).json()["code"] == "WIPE"
    heard = await Session.get(id)
    assert heard is not None
    assert heard.wiped_at is not None


async def test_a_wipe_can_still_be_ordered_of_an_ended_session(crew: Crew, phone: Phone) -> None:
    id = await phone.session_id()
    await crew.rep.ask(REVOKE, id=id)
    assert (await phone.ask()).json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    await crew.rep.ask(REVOKE, id=id, wipe=True)
    assert (await phone.ask()).json()["errors"][0]["extensions"]["code"] == "WIPE"
    end = await SessionEnd.find_one({"session_id": id})
    assert end is not None
    assert (end.wipe, await SessionEnd.find({"session_id": id}).count()) == (True, 1)


async def test_nobody_ends_the_session_of_another(crew: Crew, phone: Phone, http: httpx.AsyncClient) -> None:
    id = await phone.session_id()
    elsewhere = await Crew.hire(crew.house, http)
    for stranger in (crew.colleague, crew.customer, elsewhere.admin):
        refused = (await stranger.ask(REVOKE, id=id, wipe=True))["sessionRevoke"]
        assert (refused["__typename"], refused["code"]) == ("NotFound", "NOT_FOUND")
        all_of_them = (await stranger.ask(REVOKE_ALL, of=crew.rep.user_id))["sessionsRevokeAll"]
        assert all_of_them["code"] in ("FORBIDDEN", "NOT_FOUND")
    kept = await Session.get(id)
    assert kept is not None
    assert (kept.revoked_at, kept.wipe) == (None, False)
    assert (await phone.ask()).status_code == 200


async def test_all_others_end_and_the_present_one_stays(
    crew: Crew, phone: Phone, http: httpx.AsyncClient
) -> None:
    tablet = await sign_in(http, crew, "rep", device="Tablet")
    done = (await phone.ask(REVOKE_ALL)).json()["data"]["sessionsRevokeAll"]
    assert set(done["ids"]) == {crew.rep.actor.session_id, *done["ids"]}
    assert len(done["ids"]) == 2
    assert [(await one.ask()).status_code for one in (phone, tablet)] == [200, 401]


async def test_an_admin_ends_all_sessions_of_somebody(crew: Crew, phone: Phone) -> None:
    id = await phone.session_id()
    done = (await crew.admin.ask(REVOKE_ALL, of=crew.rep.user_id))["sessionsRevokeAll"]
    assert set(done["ids"]) == {id, crew.rep.actor.session_id}
    assert (await phone.ask()).status_code == 401
    assert (await crew.admin.ask("{ me { id } }"))["me"]["id"] == crew.admin.user_id


async def test_a_refresh_token_used_twice_ends_the_session_for_the_devices_too(
    phone: Phone, house: House
) -> None:
    device = await device_of(phone, "a-third-fid")
    assert (await phone.renew()).status_code == 200
    assert (await phone.renew()).status_code == 401
    await house.relay.settle()
    dropped = await Device.get(device.id)
    assert dropped is not None
    assert dropped.dropped_reason == "session_ended"
