"""Signing in over HTTP: what works, and what is refused without a trace."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx
import pytest
import svcs

from backend.core.clock import HeldClock
from backend.core.errors import RateLimited, Unauthenticated
from backend.core.store import Store
from backend.house import House
from backend.identity import sign_in as operations
from backend.identity.documents import Credential, DeviceInfo, Session
from backend.identity.people import set_password
from backend.identity.sign_in import MOST_TRIES, TokenPolicy
from backend.identity.tokens import Claims, make_access_token, read_access_token
from tests.crew import Crew

PASSWORD = "a long pass phrase 密码"


@dataclass
class Door:
    """The way in of one person."""

    http: httpx.AsyncClient
    email: str
    crew: Crew

    async def sign_in(self, password: str = PASSWORD, email: str | None = None) -> httpx.Response:
        body = {"email": email or self.email, "password": password, "device": {"platform": "ios"}}
        return await self.http.post("/auth/sign-in", json=body)

    async def me(self, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)


@pytest.fixture
async def door(crew: Crew, http: httpx.AsyncClient) -> Door:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    return Door(http, user.email, crew)


async def test_a_sign_in_gives_tokens_that_work(door: Door) -> None:
    answer = await door.sign_in(email=f"  {door.email.upper()} ")
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"accessToken", "refreshToken", "expiresIn", "user", "workspace"}
    assert (body["expiresIn"], body["user"], body["workspace"]) == (
        900,
        {"id": door.crew.rep.user_id},
        {"id": door.crew.workspace_id},
    )
    assert (await door.me(body["accessToken"])).json()["data"] == {"me": {"id": door.crew.rep.user_id}}


async def test_a_stored_password_is_argon2id(door: Door) -> None:
    credential = await Credential.get(door.email)
    assert credential is not None
    assert credential.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_wrong_password_and_unknown_address_are_refused_alike(door: Door) -> None:
    wrong = await door.sign_in("not it at all")
    unknown = await door.sign_in(email="nobody@nowhere.example")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == "UNAUTHENTICATED"
    assert wrong.json()["message"] == unknown.json()["message"]
    assert await Session.find({"workspace_id": door.crew.workspace_id, "device.platform": "ios"}).count() == 0


async def test_too_many_wrong_passwords_must_wait(door: Door, house: House) -> None:
    for _ in range(MOST_TRIES):
        assert (await door.sign_in("guess")).status_code == 401
    refused = await door.sign_in()  # the right one: it must wait, too
    assert refused.status_code == 429
    assert refused.json()["code"] == "RATE_LIMITED"
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    async with svcs.Container(house.registry) as services:
        policy = await services.aget(TokenPolicy)
    clock = HeldClock(house.store.clock.now())
    store = Store(house.store.client, house.settings.database_name, clock)
    attempt = partial(
        operations.sign_in, email=door.email, password=PASSWORD, network="elsewhere", device=DeviceInfo()
    )
    with pytest.raises(RateLimited):
        await attempt(policy, store)
    clock.advance(timedelta(minutes=15, seconds=1))
    assert (await attempt(policy, store)).user_id == door.crew.rep.user_id


async def test_guesses_at_once_count_like_guesses_in_turn(door: Door) -> None:
    answers = await asyncio.gather(*(door.sign_in("guess") for _ in range(MOST_TRIES + 4)))
    assert sorted(answer.status_code for answer in answers) == [401] * MOST_TRIES + [429] * 4


async def test_a_refresh_token_counts_once_and_its_reuse_ends_the_session(door: Door) -> None:
    first = (await door.sign_in()).json()
    second = await door.http.post("/auth/refresh", json={"refreshToken": first["refreshToken"]})
    assert second.status_code == 200
    assert (await door.me(second.json()["accessToken"])).status_code == 200
    stolen = await door.http.post("/auth/refresh", json={"refreshToken": first["refreshToken"]})
    assert stolen.status_code == 401
    assert "used before" in stolen.json()["message"]
    # Neither party goes on: the honest one signs in again, the thief cannot.
    honest = await door.http.post("/auth/refresh", json={"refreshToken": second.json()["refreshToken"]})
    assert honest.status_code == 401


async def test_two_refreshes_at_once_cannot_both_win(door: Door) -> None:
    token = (await door.sign_in()).json()["refreshToken"]
    answers = await asyncio.gather(
        *(door.http.post("/auth/refresh", json={"refreshToken": token}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_after_signing_out_no_token_counts(door: Door) -> None:
    tokens = (await door.sign_in()).json()
    assert (await door.me(tokens["accessToken"])).json()["data"]["me"]
    out = await door.http.post("/auth/sign-out", json={"refreshToken": tokens["refreshToken"]})
    assert out.status_code == 204
    refused = await door.me(tokens["accessToken"])
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    again = await door.http.post("/auth/refresh", json={"refreshToken": tokens["refreshToken"]})
    assert again.status_code == 401


async def test_an_access_token_stops_counting_after_its_life(house: House, door: Door) -> None:
    async with svcs.Container(house.registry) as services:
        policy = await services.aget(TokenPolicy)
    past = house.store.clock.now() - timedelta(minutes=20)
    claims = Claims(user_id=door.crew.rep.user_id, workspace_id=door.crew.workspace_id, session_id="s")
    expired = make_access_token(claims, policy.key, now=past, lifetime=timedelta(minutes=15))
    answer = await door.me(expired)
    assert answer.status_code == 401
    assert "expired" in answer.json()["errors"][0]["message"]
    assert "/auth/refresh" in answer.json()["errors"][0]["message"]
    foreign = make_access_token(
        claims, "another key of 32 characters....", now=past, lifetime=timedelta(days=1)
    )
    with pytest.raises(Unauthenticated):
        read_access_token(foreign, policy.key, now=past)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 400, "🙂", "null", "eyJhbGciOiJub25lIn0.e30."])
async def test_rubbish_is_refused_never_an_error_of_ours(door: Door, token: str) -> None:
    assert (await door.http.post("/auth/refresh", json={"refreshToken": token})).status_code == 401
    assert (await door.http.post("/auth/sign-out", json={"refreshToken": token})).status_code == 401
    if token.isascii():
        assert (await door.me(token)).status_code in (200, 401)


async def test_nobody_signed_in_gets_a_typed_error(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": "{ me { id } }"})
    assert answer.json()["data"] is None
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
