"""Signing in at an OpenID provider: through a certified one, and against one that says what is not so."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import InvalidInput
from backend.core.ids import new_id
from backend.house import House
from backend.identity.documents import Session, User
from backend.identity.oidc import check_redirect
from backend.identity.people import set_password
from backend.identity.provider_documents import ExternalIdentity, IdentityProvider, ProviderSignIn
from backend.identity.second_factor_documents import SignInTicket
from tests.crew import Crew, Person
from tests.identity.provider.certified import certified_provider, sign_in_there
from tests.identity.provider.rogue import Rogue, new_key, rogue_provider

HERE = "http://rapport.test"
APP = "com.example.app:/signed-in"
FIELDS = "id version name issuer clientId hasClientSecret emailDomains roleKeys createUsers isActive"
ACCOUNTS = {
    "mia": {"email": "mia@corp.example", "email_verified": True, "name": "Mia Meier"},
    "max": {"email": "max@corp.example", "email_verified": True, "name": "Max Meier"},
    "unverified": {"email": "una@corp.example", "email_verified": False},
}


@dataclass
class Certified:
    """The certified provider, and ids of ours whose callbacks it knows."""

    issuer: str
    ids: list[str] = field(default_factory=list)


@dataclass
class Browser:
    """Somebody's browser, with cookies of its own."""

    http: httpx.AsyncClient

    async def start(self, provider_id: str, redirect: str = APP, **more: str) -> httpx.Response:
        return await self.http.get(f"/auth/oidc/{provider_id}/start", params={"redirect": redirect, **more})

    async def back(self, callback: str) -> dict[str, str]:
        """Come back from the provider; return what the app is told."""
        answer = await self.http.get(callback)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(APP)
        return query(answer.headers["location"])

    async def exchange(self, code: str, **more: str) -> httpx.Response:
        body = {"code": code, "device": {"platform": "ios"}, **more}
        return await self.http.post("/auth/oidc/exchange", json=body)


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture(scope="module")
def certified() -> Iterator[Certified]:
    ids = [new_id() for _ in range(8)]
    with certified_provider(ACCOUNTS, [f"{HERE}/auth/oidc/{id}/callback" for id in ids]) as issuer:
        yield Certified(issuer, ids)


@pytest.fixture
async def rogue() -> AsyncIterator[Rogue]:
    async with rogue_provider() as rogue:
        yield rogue


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
        yield Browser(client)


@pytest.fixture
async def other_browser(app: FastAPI) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
        yield Browser(client)


async def make(person: Person, at: str, **given: Any) -> dict[str, Any]:
    wanted = {
        "name": "Corp",
        "issuer": at,
        "clientId": "rapport",
        "clientSecret": "provider-secret",
        "emailDomains": ["corp.example"],
        "roleKeys": ["rep"],
        "createUsers": True,
    }
    mutation = """mutation($input: IdentityProviderCreateInput!) { identityProviderCreate(input: $input) {
        __typename ... on IdentityProvider { %s } ... on Error { code message }
        ... on InvalidInput { fields { field } } } }"""
    found: dict[str, Any] = (await person.ask(mutation % FIELDS, input=wanted | given))[
        "identityProviderCreate"
    ]
    return found


async def people(crew: Crew) -> list[User]:
    return await crew.house.store.reader.find(crew.system, User, {})


async def traces(crew: Crew) -> tuple[int, int, int, int]:
    """Count what a sign-in leaves: people, bonds, tickets, sessions begun on a phone."""
    where = {"workspace_id": crew.workspace_id}
    return (
        len(await people(crew)),
        await ExternalIdentity.find(where).count(),
        await SignInTicket.find(where).count(),
        await Session.find({**where, "device.platform": "ios"}).count(),
    )


async def test_the_whole_way_through_a_certified_provider(
    crew: Crew, certified: Certified, browser: Browser
) -> None:
    id = certified.ids.pop()
    made = await make(crew.admin, certified.issuer, id=id)
    assert made["__typename"] == "IdentityProvider"
    begun = await browser.start(id)
    assert begun.status_code == 303
    asked = query(begun.headers["location"])
    assert asked.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope"),
        *("state", "nonce", "code_challenge", "code_challenge_method"),
    }
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    cookie = begun.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    told = await browser.back(await sign_in_there(begun.headers["location"], "mia", until=HERE))
    assert told.keys() == {"code"}
    done = await browser.exchange(told["code"])
    assert done.status_code == 200
    assert done.json().keys() == {"accessToken", "refreshToken", "expiresIn", "user", "workspace"}
    headers = {"Authorization": f"Bearer {done.json()['accessToken']}"}
    me = await crew.rep.http.post("/graphql", json={"query": "{ me { name email roles } }"}, headers=headers)
    assert me.json()["data"]["me"] == {"name": "Mia Meier", "email": "mia@corp.example", "roles": ["rep"]}
    # The code counted once, and who comes again is the same person.
    assert (await browser.exchange(told["code"])).status_code == 401
    again = await browser.start(id)
    told = await browser.back(await sign_in_there(again.headers["location"], "mia", until=HERE))
    assert (await browser.exchange(told["code"])).json()["user"] == done.json()["user"]
    assert await ExternalIdentity.find({"workspace_id": crew.workspace_id}).count() == 1


async def test_a_certified_provider_holds_us_to_pkce_and_says_no(
    crew: Crew, certified: Certified, browser: Browser
) -> None:
    id = certified.ids.pop()
    await make(crew.admin, certified.issuer, id=id)
    before = await traces(crew)
    first, second = await browser.start(id), await browser.start(id)
    stolen = query(await sign_in_there(first.headers["location"], "mia", until=HERE))["code"]
    # A code of one sign-in brought back in another: its verifier is not the one it was asked for with.
    state = query(second.headers["location"])["state"]
    told = await browser.back(f"/auth/oidc/{id}/callback?state={state}&code={stolen}")
    assert told["error"] == "unauthenticated"
    assert "invalid_grant" in told["error_description"]
    third = await browser.start(id)
    state = query(third.headers["location"])["state"]
    told = await browser.back(f"/auth/oidc/{id}/callback?state={state}&error=access_denied")
    assert told["error"] == "unauthenticated"
    assert "access_denied" in told["error_description"]
    fourth = await browser.start(id)
    told = await browser.back(await sign_in_there(fourth.headers["location"], "unverified", until=HERE))
    assert "verified" in told["error_description"]
    assert await traces(crew) == before


async def test_a_sign_in_counts_once_and_in_its_own_browser(
    crew: Crew, certified: Certified, browser: Browser, other_browser: Browser
) -> None:
    id = certified.ids.pop()
    await make(crew.admin, certified.issuer, id=id)
    begun = await browser.start(id)
    callback = await sign_in_there(begun.headers["location"], "max", until=HERE)
    before = await traces(crew)
    for refused in (
        await other_browser.http.get(callback),
        await browser.http.get(callback.replace("state=", "state=x")),
        await browser.http.get(callback.replace(id, new_id())),
    ):
        assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHENTICATED")
        assert "location" not in refused.headers
    assert await traces(crew) == before
    assert "code" in await browser.back(callback)
    assert (await browser.http.get(callback)).status_code == 401
    assert await ProviderSignIn.find({"provider_id": id}).count() == 0


async def test_only_the_app_that_began_gets_the_session(
    crew: Crew, certified: Certified, browser: Browser
) -> None:
    id = certified.ids.pop()
    await make(crew.admin, certified.issuer, id=id)
    verifier = "v" * 43
    for shown, status in (({}, 401), ({"verifier": "w" * 43}, 401), ({"verifier": verifier}, 200)):
        begun = await browser.start(id, challenge=create_s256_code_challenge(verifier))
        told = await browser.back(await sign_in_there(begun.headers["location"], "max", until=HERE))
        assert (await browser.exchange(told["code"], **shown)).status_code == status
    assert (await traces(crew))[3] == 1


HOSTILE: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "made up"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another"},
    "several audiences": {"aud": ["rapport", "another"]},
    "another client": {"azp": "another"},
    "another issuer": {"iss": "https://login.example.com"},
    "expired": {"exp": 1_700_000_000},
    "no expiry": {"exp": None},
    "of the future": {"iat": 9_000_000_000, "exp": 9_000_000_300},
    "nobody": {"sub": None},
    "no address": {"email": None},
    "unverified address": {"email_verified": False},
    "verified in words": {"email_verified": "true"},
    "another domain": {"email": "new@elsewhere.example"},
}


async def test_an_id_token_that_does_not_hold_is_refused(crew: Crew, rogue: Rogue, browser: Browser) -> None:
    id = (await make(crew.admin, rogue.issuer))["id"]
    before = await traces(crew)
    taken = [
        name
        for name, changes in HOSTILE.items()
        if await come(browser, rogue, id, **changes) != {"error": "unauthenticated"}
    ]
    assert taken == []
    assert await traces(crew) == before
    assert len(rogue.asked) == len(HOSTILE)
    assert (await come(browser, rogue, id)).keys() == {"code"}  # the honest one is taken


async def test_a_token_signed_by_another_key_or_none_is_refused(
    crew: Crew, rogue: Rogue, browser: Browser
) -> None:
    id = (await make(crew.admin, rogue.issuer))["id"]
    before, honest = await traces(crew), rogue.key
    for algorithm, key, kid in (
        ("RS256", new_key(), "first"),
        ("RS256", new_key(), "unheard of"),
        ("HS256", "provider-secret-of-32-characters", "first"),
        ("none", None, "first"),
    ):
        rogue.algorithm, rogue.key, rogue.kid = algorithm, key, kid
        assert await come(browser, rogue, id) == {"error": "unauthenticated"}
    assert await traces(crew) == before
    assert rogue.key_requests == 1  # a made-up key name does not make us ask again and again
    rogue.algorithm, rogue.key, rogue.kid = "RS256", honest, "first"
    assert (await come(browser, rogue, id)).keys() == {"code"}
    form, authorization = rogue.asked[-1]
    assert form.keys() == {"grant_type", "code", "redirect_uri", "code_verifier"}
    assert authorization.startswith("Basic ")


async def test_an_address_with_a_password_is_not_taken_over(
    crew: Crew, rogue: Rogue, browser: Browser
) -> None:
    rep = await crew.user("rep")
    await set_password(rep, "a long pass phrase 密码")
    anybody = (await make(crew.admin, rogue.issuer, emailDomains=[]))["id"]
    before = await traces(crew)
    assert await come(browser, rogue, anybody, email=rep.email) == {"error": "unauthenticated"}
    assert await traces(crew) == before
    # A provider that vouches for the domain binds it, once: not to the next who has the address there.
    vouching = (await make(crew.admin, rogue.issuer, emailDomains=["test.example"]))["id"]
    code = (await come(browser, rogue, vouching, email=rep.email.upper()))["code"]
    assert (await browser.exchange(code)).json()["user"] == {"id": rep.id}
    assert await come(browser, rogue, vouching, email=rep.email, sub="successor") == {
        "error": "unauthenticated"
    }
    assert await ExternalIdentity.find({"user_id": rep.id}).count() == 1


async def test_strangers_become_users_only_where_the_provider_may_make_them(
    crew: Crew, rogue: Rogue, browser: Browser
) -> None:
    id = (await make(crew.admin, rogue.issuer, createUsers=False))["id"]
    before = await traces(crew)
    assert await come(browser, rogue, id) == {"error": "unauthenticated"}
    assert await traces(crew) == before


async def test_a_second_factor_is_asked_for_unless_the_provider_sees_to_it(
    crew: Crew, rogue: Rogue, browser: Browser
) -> None:
    policy = "mutation { signInPolicyUpdate(input: {requireSecondFactor: true}) { __typename } }"
    await crew.admin.ask(policy)
    asking = (await make(crew.admin, rogue.issuer))["id"]
    answer = await browser.exchange((await come(browser, rogue, asking))["code"])
    assert (answer.status_code, answer.json()["code"]) == (401, "SECOND_FACTOR_ENROLMENT_REQUIRED")
    trusting = (await make(crew.admin, rogue.issuer, handlesSecondFactor=True))["id"]
    answer = await browser.exchange((await come(browser, rogue, trusting))["code"])
    assert answer.status_code == 200


async def test_admins_alone_keep_providers_and_no_secret_comes_back(crew: Crew, rogue: Rogue) -> None:
    for person in (crew.manager, crew.rep, crew.customer):
        assert (await make(person, rogue.issuer))["__typename"] == "Forbidden"
    made = await make(crew.admin, rogue.issuer, emailDomains=["@Corp.Example ", "corp.example"])
    expected = {"hasClientSecret": True, "emailDomains": ["corp.example"], "roleKeys": ["rep"]}
    assert made == made | expected
    stored = await IdentityProvider.get(made["id"])
    assert stored is not None
    assert "provider-secret" not in str(stored.stored())
    listed = "{ identityProviders { nodes { id hasClientSecret } } }"
    assert (await crew.admin.ask(listed))["identityProviders"]["nodes"] == [
        {"id": made["id"], "hasClientSecret": True}
    ]
    assert (await crew.rep.ask(listed))["identityProviders"]["nodes"] == []
    renamed = await crew.admin.do(
        "identityProviderUpdate", {"id": made["id"], "name": "New"}, "name hasClientSecret"
    )
    assert renamed == {"__typename": "IdentityProvider", "name": "New", "hasClientSecret": True}
    gone = await crew.admin.do("identityProviderDelete", {"id": made["id"]})
    assert gone["__typename"] == "Deleted"


async def test_what_is_wrong_with_a_provider_is_named(crew: Crew, rogue: Rogue) -> None:
    wrong: list[dict[str, Any]] = [
        {"issuer": "http://login.example.com"},
        {"issuer": "https://login.example.com/?a=b"},
        {"emailDomains": ["no domain"]},
        {"roleKeys": ["emperor"]},
        {"roleKeys": ["customer"]},
    ]
    for fields in wrong:
        made = await make(crew.admin, rogue.issuer, **fields)
        assert (made["__typename"], made["fields"]) == ("InvalidInput", [{"field": next(iter(fields))}])
    assert await IdentityProvider.find({"workspace_id": crew.workspace_id}).count() == 0


async def test_a_sign_in_ends_only_where_it_may(
    crew: Crew, house: House, rogue: Rogue, browser: Browser
) -> None:
    id = (await make(crew.admin, rogue.issuer))["id"]
    refused = await browser.start(id, "https://evil.example/")
    assert (refused.status_code, refused.json()["code"]) == (422, "INVALID_INPUT")
    assert (await browser.start(new_id())).status_code == 404
    assert (await browser.start(id, "http://127.0.0.1:51234/back")).status_code == 303
    off = await crew.admin.do("identityProviderUpdate", {"id": id, "isActive": False}, "isActive")
    assert off["isActive"] is False
    assert (await browser.start(id)).status_code == 404
    assert await ProviderSignIn.find({"provider_id": id}).count() == 1


HOSTS = st.sampled_from(
    ["localhost", "127.0.0.1.evil.example", "evil.example", "0.0.0.0", "2130706433", "[::]"]
)


@given(
    scheme=st.sampled_from(["http", "https", "javascript", "file"]),
    host=HOSTS,
    port=st.sampled_from(["", ":80", ":0x50"]),
    path=st.text(max_size=10),
)
def test_no_other_address_passes_for_loopback(scheme: str, host: str, port: str, path: str) -> None:
    for redirect in (
        f"{scheme}://{host}{port}/{path}",
        f"{scheme}://127.0.0.1:80@{host}{port}/{path}",
        f"{scheme}://{host}\\@127.0.0.1:80/{path}",
        f"{scheme}://127.0.0.1/{path}",
    ):
        with pytest.raises(InvalidInput):
            check_redirect(redirect, ("com.example.app:/signed-in",))


async def come(browser: Browser, rogue: Rogue, provider_id: str, **changes: Any) -> dict[str, str]:
    """Go to the rogue and come back; return what the app is told, but for the words."""
    begun = await browser.start(provider_id)
    asked = query(begun.headers["location"])
    rogue.say({"nonce": asked["nonce"]} | changes)
    told = await browser.back(f"/auth/oidc/{provider_id}/callback?state={asked['state']}&code=c")
    told.pop("error_description", None)
    return told
