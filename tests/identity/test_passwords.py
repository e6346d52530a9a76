"""One's own password, what a password must be, and locked addresses."""

from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import svcs
from hypothesis import given
from hypothesis import strategies as st

from backend.core.clock import HeldClock
from backend.core.errors import InvalidInput, RateLimited, Unauthenticated
from backend.core.ids import new_id
from backend.house import House
from backend.identity import sign_in as operations
from backend.identity.credentials import set_password
from backend.identity.documents import Credential, DeviceInfo
from backend.identity.password_rules import check_password
from backend.identity.sign_in import TokenPolicy
from backend.identity.tries import MOST_BEFORE_LOCK
from tests.crew import Crew
from tests.identity.signing_in import ANOTHER, PASSWORD, clocked, me, sign_in

CHANGE = """mutation($input: PasswordChangeInput!) { passwordChange(input: $input) { __typename
    ... on PasswordChanged { sessionsEnded } ... on Error { code message }
    ... on InvalidInput { fields { field } } } }"""


# ── one's own password ───────────────────────────────────────────────────────────────────────────


async def test_changing_the_password_ends_the_other_sessions(crew: Crew, http: httpx.AsyncClient) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    phone = await sign_in(http, user.email, PASSWORD)
    done = (await crew.rep.ask(CHANGE, input={"current": PASSWORD, "new": ANOTHER}))["passwordChange"]
    assert done == {"__typename": "PasswordChanged", "sessionsEnded": 1}
    assert await me(http, phone) == 401
    assert (await crew.rep.ask("{ me { id } }"))["me"]["id"] == user.id
    assert (await sign_in(http, user.email, PASSWORD)).status_code == 401
    assert (await sign_in(http, user.email, ANOTHER)).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("not it at all", ANOTHER, "current"),
        (PASSWORD, "short", "new"),
        (PASSWORD, PASSWORD, "new"),
        (PASSWORD, "iloveyou2026", "new"),
    ],
)
async def test_a_refused_change_changes_nothing(
    crew: Crew, http: httpx.AsyncClient, current: str, new: str, field: str
) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    before = await Credential.get(user.email)
    refused = (await crew.rep.ask(CHANGE, input={"current": current, "new": new}))["passwordChange"]
    assert (refused["__typename"], refused["fields"]) == ("InvalidInput", [{"field": field}])
    assert await Credential.get(user.email) == before


async def test_guessing_the_present_password_must_wait(crew: Crew) -> None:
    await set_password(await crew.user("rep"), PASSWORD)
    for _ in range(8):
        await crew.rep.ask(CHANGE, input={"current": "a guess, no more", "new": ANOTHER})
    refused = (await crew.rep.ask(CHANGE, input={"current": PASSWORD, "new": ANOTHER}))["passwordChange"]
    assert refused["code"] == "RATE_LIMITED"


async def test_an_address_that_became_anothers_is_not_taken_over(crew: Crew) -> None:
    user, other = await crew.user("rep"), await crew.user("agent")
    await set_password(other, PASSWORD)
    before = await Credential.get(other.email)
    user.email = other.email
    with pytest.raises(InvalidInput, match="in use"):
        await set_password(user, ANOTHER)
    assert await Credential.get(other.email) == before


# ── what a password must be ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "poor",
    ["ninechars", "1234567890", "password1234", "qwertyuiop12", "aaaaaaaaaaaa", "Fang.Wang1990", "x" * 1_001],
)
async def test_common_and_personal_passwords_are_refused(poor: str) -> None:
    with pytest.raises(InvalidInput, match="password is too"):
        await check_password(poor, ["fang.wang1990@test.example", "Wang Fang", "Test"])


@pytest.mark.parametrize(
    "good", [PASSWORD, ANOTHER, "kx7$mQ92!pLzW4vB", "人山人海密码安全一二", "9" * 3 + PASSWORD * 40]
)
async def test_others_are_taken(good: str) -> None:
    await check_password(good, ["fang@test.example", "Wang Fang", "Test"])


@given(st.text(max_size=9))
async def test_every_short_one_is_refused(short: str) -> None:
    with pytest.raises(InvalidInput, match="too short"):
        await check_password(short, [])


# ── lock-out ─────────────────────────────────────────────────────────────────────────────────────


async def attempts(house: House, email: str, clock: HeldClock) -> Any:
    async with svcs.Container(house.registry) as services:
        policy = await services.aget(TokenPolicy)
    store = clocked(house.store, clock)
    return partial(
        operations.sign_in,
        policy,
        store,
        email=email,
        network=new_id(),
        device=DeviceInfo(),
    )


async def lock(house: House, email: str, clock: HeldClock) -> list[str]:
    """Guess until the address is locked; return how each guess was answered."""
    attempt, said = await attempts(house, email, clock), []
    for guess in range(MOST_BEFORE_LOCK + 1):
        if guess % 5 == 0:
            clock.advance(timedelta(minutes=16))  # past the short wait that a few wrong ones earn
        try:
            await attempt(password=f"guess number {guess}")
        except (Unauthenticated, RateLimited) as refusal:
            said.append(f"{refusal.code}: {refusal}")
    return said


async def test_an_address_locks_after_twenty_failures_known_or_not(
    crew: Crew, house: House, http: httpx.AsyncClient
) -> None:
    user, clock = await crew.user("rep"), HeldClock(house.store.clock.now())
    await set_password(user, PASSWORD)
    known = await lock(house, user.email, clock)
    unknown = await lock(house, f"{new_id()}@nowhere.example", HeldClock(house.store.clock.now()))
    assert known == unknown
    assert [one.split(":")[0] for one in known] == ["UNAUTHENTICATED"] * 20 + ["RATE_LIMITED"]
    assert "locked" in known[-1]
    clock.advance(timedelta(minutes=16))
    attempt = await attempts(house, user.email, clock)
    with pytest.raises(RateLimited, match="locked"):
        await attempt(password=PASSWORD)
    unlock = f'mutation {{ userUnlock(id: "{user.id}") {{ __typename ... on Error {{ code }} }} }}'
    assert (await crew.rep.ask(unlock))["userUnlock"]["code"] == "FORBIDDEN"
    with pytest.raises(RateLimited, match="locked"):
        await attempt(password=PASSWORD)
    assert (await crew.admin.ask(unlock))["userUnlock"]["__typename"] == "User"
    assert (await sign_in(http, user.email, PASSWORD)).status_code == 200


async def test_a_day_later_the_failures_are_forgotten(crew: Crew, house: House) -> None:
    email, clock = f"{new_id()}@nowhere.example", HeldClock(house.store.clock.now())
    await lock(house, email, clock)
    clock.advance(timedelta(hours=24))
    attempt = await attempts(house, email, clock)
    with pytest.raises(Unauthenticated):
        await attempt(password="a guess of the next day")
