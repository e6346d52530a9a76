"""The second factor over HTTP and GraphQL: enrolling, signing in with it, and every way it is refused."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.clock import HeldClock
from backend.core.errors import Unauthenticated, Unavailable
from backend.house import House
from backend.identity.documents import Session
from backend.identity.people import set_password
from backend.identity.sealing import seal, unseal
from backend.identity.second_factor import MOST_TRIES
from backend.identity.second_factor_documents import SecondFactor, SignInTicket, TicketPurpose
from backend.identity.tickets import issue_ticket, read_ticket
from backend.identity.totp import matching_step, recovery_digest
from tests.crew import Crew, Person

PASSWORD = "a long pass phrase 密码"


@dataclass
class App:
    """An authenticator app on somebody's phone."""

    secret: str

    def code(self, *, steps_ahead: int = 0) -> str:
        return pyotp.TOTP(self.secret).generate_otp(int(time.time()) // 30 + steps_ahead)

    def wrong_code(self) -> str:
        near = {self.code(steps_ahead=ahead) for ahead in range(-4, 5)}
        return next(code for number in range(20) if (code := f"{number:06}") not in near)


@dataclass
class Door:
    """The way in of one person."""

    http: httpx.AsyncClient
    email: str
    person: Person
    crew: Crew

    async def sign_in(self) -> httpx.Response:
        body = {"email": self.email, "password": PASSWORD, "device": {"platform": "ios"}}
        return await self.http.post("/auth/sign-in", json=body)

    async def ticket(self) -> str:
        answer = await self.sign_in()
        assert (answer.status_code, answer.json()["code"]) == (401, "SECOND_FACTOR_REQUIRED")
        return str(answer.json()["ticket"])

    async def finish(self, ticket: str, code: str) -> httpx.Response:
        return await self.http.post("/auth/second-factor", json={"ticket": ticket, "code": code})

    async def sessions(self) -> int:
        return await Session.find({"user_id": self.person.user_id, "device.platform": "ios"}).count()


async def begin(person: Person) -> dict[str, Any]:
    query = """mutation { totpBegin { __typename ... on TotpEnrolment { secret uri }
        ... on Error { code message } } }"""
    found: dict[str, Any] = (await person.ask(query))["totpBegin"]
    return found


async def confirm(person: Person, code: str) -> dict[str, Any]:
    query = """mutation($code: String!) { totpConfirm(code: $code) { __typename
        ... on RecoveryCodes { codes } ... on Error { code message } } }"""
    found: dict[str, Any] = (await person.ask(query, code=code))["totpConfirm"]
    return found


async def disable(person: Person, code: str) -> dict[str, Any]:
    query = """mutation($code: String!) { totpDisable(code: $code) { __typename
        ... on SecondFactorState { isOn recoveryCodesLeft } ... on Error { code message } } }"""
    found: dict[str, Any] = (await person.ask(query, code=code))["totpDisable"]
    return found


async def state(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await person.ask("{ secondFactor { isOn recoveryCodesLeft } }"))["secondFactor"]
    return found


async def require(person: Person, wanted: bool = True) -> dict[str, Any]:
    query = """mutation($wanted: Boolean!) {
        signInPolicyUpdate(input: {requireSecondFactor: $wanted}) { __typename
        ... on SignInPolicy { requireSecondFactor } ... on Error { code message } } }"""
    found: dict[str, Any] = (await person.ask(query, wanted=wanted))["signInPolicyUpdate"]
    return found


@pytest.fixture
async def door(crew: Crew, http: httpx.AsyncClient) -> Door:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    return Door(http, user.email, crew.rep, crew)


@pytest.fixture
async def enrolled(door: Door) -> tuple[App, list[str]]:
    app = App((await begin(door.person))["secret"])
    return app, (await confirm(door.person, app.code()))["codes"]


async def test_enrolling_gives_a_secret_then_ten_recovery_codes(door: Door) -> None:
    begun = await begin(door.person)
    uri = urlsplit(begun["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query) == {"secret": [begun["secret"]], "issuer": ["Rapport Test"]}
    assert (await door.sign_in()).status_code == 200  # begun is not on
    assert await state(door.person) == {"isOn": False, "recoveryCodesLeft": 0}
    app = App(begun["secret"])
    refused = await confirm(door.person, app.wrong_code())
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert await state(door.person) == {"isOn": False, "recoveryCodesLeft": 0}
    codes = (await confirm(door.person, app.code()))["codes"]
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {19}
    assert await state(door.person) == {"isOn": True, "recoveryCodesLeft": 10}


async def test_the_store_holds_neither_secret_nor_recovery_codes(
    door: Door, enrolled: tuple[App, list[str]]
) -> None:
    app, codes = enrolled
    factor = await SecondFactor.get(door.person.user_id)
    assert factor is not None
    stored = factor.model_dump_json()
    assert not [secret for secret in (app.secret, *codes) if secret in stored]
    assert factor.recovery_digests == [recovery_digest(code) for code in codes]


async def test_signing_in_takes_password_and_code(door: Door, enrolled: tuple[App, list[str]]) -> None:
    app, _ = enrolled
    ticket = await door.ticket()
    assert await door.sessions() == 0
    done = await door.finish(ticket, app.code(steps_ahead=1))
    assert done.status_code == 200
    assert done.json().keys() == {"accessToken", "refreshToken", "expiresIn", "user", "workspace"}
    headers = {"Authorization": f"Bearer {done.json()['accessToken']}"}
    me = await door.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert me.json()["data"] == {"me": {"id": door.person.user_id}}
    assert await door.sessions() == 1
    again = await door.finish(ticket, app.code(steps_ahead=1))
    assert (again.status_code, again.json()["code"]) == (401, "UNAUTHENTICATED")


async def test_a_code_counts_once_even_for_two_at_once(door: Door, enrolled: tuple[App, list[str]]) -> None:
    app, _ = enrolled
    code = app.code(steps_ahead=1)
    tickets = [await door.ticket() for _ in range(3)]
    answers = await asyncio.gather(*(door.finish(ticket, code) for ticket in tickets))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    assert await door.sessions() == 1


async def test_a_recovery_code_counts_once_however_it_is_written(
    door: Door, enrolled: tuple[App, list[str]]
) -> None:
    _, codes = enrolled
    written = codes[3].replace("-", " ").lower()
    assert (await door.finish(await door.ticket(), written)).status_code == 200
    assert await state(door.person) == {"isOn": True, "recoveryCodesLeft": 9}
    assert (await door.finish(await door.ticket(), codes[3])).status_code == 401
    assert await door.sessions() == 1


async def test_wrong_codes_are_counted_and_must_wait(door: Door, enrolled: tuple[App, list[str]]) -> None:
    app, codes = enrolled
    ticket = await door.ticket()
    guesses = await asyncio.gather(*(door.finish(ticket, app.wrong_code()) for _ in range(MOST_TRIES + 2)))
    assert sorted(answer.status_code for answer in guesses) == [401] * MOST_TRIES + [429] * 2
    # A new ticket for the right password does not begin a new count, and the right code must wait, too.
    waiting = await door.finish(await door.ticket(), codes[0])
    assert (waiting.status_code, waiting.json()["code"]) == (429, "RATE_LIMITED")
    assert 0 < int(waiting.headers["Retry-After"]) <= 900
    assert await door.sessions() == 0
    assert await state(door.person) == {"isOn": True, "recoveryCodesLeft": 10}


async def test_a_ticket_is_for_one_purpose_and_five_minutes(
    crew: Crew, house: House, door: Door, enrolled: tuple[App, list[str]]
) -> None:
    clock = HeldClock(house.store.clock.now())
    issue = partial(issue_ticket, workspace_id=crew.workspace_id, user_id=crew.rep.user_id)
    ticket = await issue(clock, TicketPurpose.SECOND_FACTOR)
    with pytest.raises(Unauthenticated):
        await read_ticket(clock, ticket, TicketPurpose.ENROLMENT)
    clock.advance(timedelta(minutes=4, seconds=59))
    assert (await read_ticket(clock, ticket, TicketPurpose.SECOND_FACTOR)).user_id == crew.rep.user_id
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await read_ticket(clock, ticket, TicketPurpose.SECOND_FACTOR)
    other = await issue(house.store.clock, TicketPurpose.ENROLMENT)
    app, _ = enrolled
    assert (await door.finish(other, app.code(steps_ahead=1))).status_code == 401
    assert (await door.finish("made up", app.code(steps_ahead=1))).status_code == 401
    assert await door.sessions() == 0


async def test_turning_it_off_takes_a_code(door: Door, enrolled: tuple[App, list[str]]) -> None:
    app, codes = enrolled
    refused = await disable(door.person, app.wrong_code())
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert (await begin(door.person))["__typename"] == "InvalidInput"  # nor is it begun anew over the old
    assert await state(door.person) == {"isOn": True, "recoveryCodesLeft": 10}
    off = await disable(door.person, codes[0])
    assert off == {"__typename": "SecondFactorState", "isOn": False, "recoveryCodesLeft": 0}
    assert (await door.sign_in()).status_code == 200


async def test_only_an_admin_takes_it_off_somebody_else(door: Door, enrolled: tuple[App, list[str]]) -> None:
    query = """mutation($user: ID!) { secondFactorReset(userId: $user) { __typename
        ... on Error { code } } }"""
    crew = door.crew
    for person, expected in ((crew.colleague, "Forbidden"), (crew.manager, "Forbidden")):
        found = await person.ask(query, user=door.person.user_id)
        assert found["secondFactorReset"]["__typename"] == expected
    own = await crew.admin.ask(query, user=crew.admin.user_id)
    assert own["secondFactorReset"]["__typename"] == "InvalidInput"
    assert (await state(door.person))["isOn"] is True
    reset = await crew.admin.ask(query, user=door.person.user_id)
    assert reset["secondFactorReset"] == {"__typename": "SecondFactorState"}
    assert (await door.sign_in()).status_code == 200


async def test_a_workspace_may_require_it_of_staff(door: Door, http: httpx.AsyncClient) -> None:
    crew = door.crew
    before = (await door.sign_in()).json()
    assert (await require(crew.manager))["__typename"] == "Forbidden"
    assert (await door.sign_in()).status_code == 200
    assert await require(crew.admin) == {"__typename": "SignInPolicy", "requireSecondFactor": True}
    answer = await door.sign_in()
    assert (answer.status_code, answer.json()["code"]) == (401, "SECOND_FACTOR_ENROLMENT_REQUIRED")
    # Who was signed in before goes on to the end of the access token, and no further.
    kept = await http.post("/auth/refresh", json={"refreshToken": before["refreshToken"]})
    assert (kept.status_code, kept.json()["code"]) == (401, "SECOND_FACTOR_ENROLMENT_REQUIRED")
    ticket = answer.json()["ticket"]
    assert (await door.finish(ticket, "123456")).status_code == 401  # it enrols, and nothing else
    begun = await http.post("/auth/second-factor/enrol", json={"ticket": ticket})
    assert begun.json().keys() == {"secret", "uri"}
    app = App(begun.json()["secret"])
    wrong = {"ticket": ticket, "code": app.wrong_code()}
    assert (await http.post("/auth/second-factor/enrol/confirm", json=wrong)).status_code == 422
    right = {"ticket": ticket, "code": app.code()}
    done = await http.post("/auth/second-factor/enrol/confirm", json=right)
    assert done.status_code == 200
    assert len(done.json()["recoveryCodes"]) == 10
    assert done.json()["user"] == {"id": door.person.user_id}
    assert (await http.post("/auth/second-factor/enrol", json={"ticket": ticket})).status_code == 401
    renewed = await http.post("/auth/refresh", json={"refreshToken": done.json()["refreshToken"]})
    assert renewed.status_code == 200
    assert (await door.sign_in()).json()["code"] == "SECOND_FACTOR_REQUIRED"


async def test_customers_are_not_asked_for_one(crew: Crew, http: httpx.AsyncClient) -> None:
    await require(crew.admin)
    customer = await crew.user("customer")
    await set_password(customer, PASSWORD)
    answer = await Door(http, customer.email, crew.customer, crew).sign_in()
    assert answer.status_code == 200


async def test_tickets_are_stored_as_digests(door: Door, enrolled: tuple[App, list[str]]) -> None:
    ticket = await door.ticket()
    held = await SignInTicket.find({"user_id": door.person.user_id}).to_list()
    assert len(held) == 1
    assert ticket not in held[0].model_dump_json()


@given(at=st.integers(300, 4_000_000_000), off=st.integers(-5, 5))
def test_a_code_counts_one_step_early_or_late(at: int, off: int) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    totp, present = pyotp.TOTP(secret), at // 30
    step = present + off
    found = matching_step(secret, totp.generate_otp(step), now=datetime.fromtimestamp(at, UTC))
    window = range(present - 1, present + 2)
    same = [one for one in window if totp.generate_otp(one) == totp.generate_otp(step)]
    assert found == (max(same) if same else None)


@given(secret=st.text(max_size=100), owner=st.text(max_size=40))
def test_what_is_sealed_opens_for_its_owner_alone(secret: str, owner: str) -> None:
    key = "k" * 32
    sealed = seal(secret, key, purpose="totp", owner=owner)
    assert unseal(sealed, key, purpose="totp", owner=owner) == secret
    for others in (
        {"key": "x" * 32, "purpose": "totp", "owner": owner},
        {"key": key, "purpose": "oidc", "owner": owner},
        {"key": key, "purpose": "totp", "owner": owner + "!"},
    ):
        with pytest.raises(Unavailable):
            unseal(sealed, **others)
