"""Personal access tokens and API keys over GraphQL: what they open, what they never open, how they end."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import svcs
import websockets
from hypothesis import given
from hypothesis import strategies as st

from backend.core.access import ACTIONS, ANY_KIND, REACH, Actor, Grant, Level
from backend.house import House
from backend.identity.actors import Actors
from backend.identity.documents import User
from backend.identity.scopes import Scope, narrowed
from backend.identity.token_documents import ApiToken
from backend.identity.token_texts import DIGITS, is_token, make_token
from tests.crew import Crew, Person

MADE = "token accessToken { id name prefix scopes userId createdBy expiresAt lastUsedAt revokedAt }"


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def make(person: Person, scopes: list[str], *, role: str | None = None, **given: Any) -> dict[str, Any]:
    """Make a personal access token, or with a role an API key."""
    mutation, type_name = (
        ("apiKeyCreate", "ApiKeyCreateInput") if role else ("accessTokenCreate", "AccessTokenCreateInput")
    )
    query = f"""mutation($input: {type_name}!) {{ {mutation}(input: $input) {{ __typename
        ... on AccessTokenMade {{ {MADE} }} ... on Error {{ code message }}
        ... on InvalidInput {{ fields {{ field }} }} }} }}"""
    wanted = {"name": "a program", "scopes": scopes, "expiresAt": in_days(30)} | given
    found: dict[str, Any] = (await person.ask(query, input=wanted | ({"roleKey": role} if role else {})))[
        mutation
    ]
    return found


async def revoke(person: Person, id: str, mutation: str = "accessTokenRevoke") -> dict[str, Any]:
    query = f"""mutation($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ __typename
        ... on AccessToken {{ id revokedAt }} ... on Error {{ code }} }} }}"""
    found: dict[str, Any] = (await person.ask(query, id=id))[mutation]
    return found


async def bearer(person: Person, scopes: list[str], **given: Any) -> Person:
    """Return a program that sends a new token of ``person``'s making."""
    made = await make(person, scopes, **given)
    return replace(person, token=made["token"], user_id=made["accessToken"]["userId"])


async def account(person: Person, name: str) -> dict[str, Any]:
    return await person.do("accountCreate", {"name": name}, "id name ownerId")


async def refused(person: Person) -> bool:
    """Tell whether a token is refused as one of nobody, and not otherwise."""
    answer = await person.http.post("/graphql", json={"query": "{ me { id } }"}, headers=person.headers)
    if answer.status_code == 401:
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        return True
    assert answer.json()["data"] == {"me": {"id": person.user_id}}
    return False


async def test_a_token_acts_as_its_maker_and_is_shown_once(crew: Crew) -> None:
    made = await make(crew.rep, ["READ", "WRITE"])
    assert made["__typename"] == "AccessTokenMade"
    token, shown = made["token"], made["accessToken"]
    assert token.startswith("rpt_pat_")
    assert is_token(token)
    assert shown == shown | {
        "name": "a program",
        "prefix": token[:12],
        "scopes": ["READ", "WRITE"],
        "userId": crew.rep.user_id,
        "createdBy": crew.rep.user_id,
        "lastUsedAt": None,
        "revokedAt": None,
    }
    program = replace(crew.rep, token=token)
    created = await account(program, "By token")
    assert (created["__typename"], created["ownerId"]) == ("Account", crew.rep.user_id)
    listed = (await crew.rep.ask("{ accessTokens { id lastUsedAt } }"))["accessTokens"]
    assert [one["id"] for one in listed] == [shown["id"]]
    assert listed[0]["lastUsedAt"] is not None
    stored = await ApiToken.get(shown["id"])
    assert stored is not None
    assert token not in stored.model_dump_json()
    assert (await crew.colleague.ask("{ accessTokens { id } }"))["accessTokens"] == []


async def test_the_use_of_a_token_is_noted_at_most_once_a_minute(crew: Crew, house: House) -> None:
    program = await bearer(crew.rep, ["READ"])
    assert not await refused(program)
    first = (await ApiToken.find({"user_id": crew.rep.user_id}).to_list())[0]
    assert first.last_used_at is not None
    just_before = first.last_used_at - timedelta(seconds=40)
    await first.set({"last_used_at": just_before})
    await _forget(house)
    assert not await refused(program)
    second = await ApiToken.get(first.id)
    assert second is not None
    assert second.last_used_at == just_before
    await second.set({"last_used_at": just_before - timedelta(minutes=1)})
    await _forget(house)
    assert not await refused(program)
    third = await ApiToken.get(first.id)
    assert third is not None
    assert third.last_used_at is not None
    assert third.last_used_at >= first.last_used_at


async def test_scopes_narrow_what_a_token_may_do(crew: Crew) -> None:
    reader = await bearer(crew.admin, ["READ"])
    assert (await account(reader, "Never"))["code"] == "FORBIDDEN"
    assert (await reader.ask("{ accounts { nodes { id } } }"))["accounts"]["nodes"] == []
    assert (await reader.ask("{ users { nodes { id } } }"))["users"]["nodes"] != []
    writer = await bearer(crew.admin, ["WRITE"])
    made = await account(writer, "Made")
    assert made["__typename"] == "Account"
    renamed = await writer.do("accountUpdate", {"id": made["id"], "name": "Renamed"}, "name")
    assert renamed == {"__typename": "Account", "name": "Renamed"}
    knowing = await bearer(crew.admin, ["KNOWLEDGE"])
    assert (await knowing.ask("{ accounts { nodes { id } } }"))["accounts"]["nodes"] == []
    assert (await account(knowing, "Never"))["code"] == "FORBIDDEN"
    article = await knowing.ask(
        'mutation { articleCreate(input: {title: "How", body: "So.", locale: "en"}) { title } }'
    )
    assert article == {"articleCreate": {"title": "How"}}
    found = (await crew.admin.ask("{ accounts { nodes { name } } }"))["accounts"]["nodes"]
    assert found == [{"name": "Renamed"}]


async def test_a_token_never_widens_its_identity(crew: Crew) -> None:
    hidden = await account(crew.stranger, "Of the west")
    program = await bearer(crew.rep, ["READ", "WRITE", "SYNC", "KNOWLEDGE", "ADMIN"])
    renamed = await program.do("accountUpdate", {"id": hidden["id"], "name": "Stolen"})
    assert renamed["code"] == "NOT_FOUND"
    assert (await make(program, ["READ"], role="rep"))["__typename"] == "Forbidden"
    still = await crew.stranger.ask("query($id: ID!) { account(id: $id) { name } }", id=hidden["id"])
    assert still == {"account": {"name": "Of the west"}}


async def test_a_key_acts_as_an_identity_of_its_own_in_its_role(crew: Crew) -> None:
    made = await make(crew.admin, ["WRITE"], role="rep", name="The web shop")
    assert made["token"].startswith("rpt_key_")
    shop = replace(crew.admin, token=made["token"], user_id=made["accessToken"]["userId"])
    assert shop.user_id not in {person.user_id for person in crew.people.values()} - {crew.admin.user_id}
    assert await shop.ask("{ me { name roles } }") == {"me": {"name": "The web shop", "roles": ["rep"]}}
    created = await account(shop, "Shopped")
    assert created["ownerId"] == shop.user_id
    assert (await crew.rep.ask("{ accounts { nodes { id } } }"))["accounts"]["nodes"] == []
    invite = """mutation($id: ID!) { userInviteAgain(input: {id: $id}) { __typename } }"""
    assert (await crew.admin.ask(invite, id=shop.user_id))["userInviteAgain"]["__typename"] == "InvalidInput"
    identity = await crew.house.store.reader.get(User, shop.user_id)
    assert identity is not None
    assert identity.is_service
    assert identity.email.endswith(".invalid")
    listed = (await crew.admin.ask("{ apiKeys { id name userId } }"))["apiKeys"]
    assert listed == [{"id": made["accessToken"]["id"], "name": "The web shop", "userId": shop.user_id}]


async def test_only_who_may_make_keys_makes_them_and_for_lesser_roles(crew: Crew) -> None:
    for person in (crew.manager, crew.rep, crew.agent, crew.customer):
        assert (await make(person, ["READ"], role="rep"))["__typename"] == "Forbidden"
        answer = await person.post("{ apiKeys { id } }")
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    unknown = await make(crew.admin, ["READ"], role="emperor")
    assert unknown["fields"] == [{"field": "roleKey"}]
    assert await ApiToken.find({"workspace_id": crew.workspace_id}).count() == 0
    assert (await make(crew.customer, ["READ"]))["__typename"] == "Forbidden"


async def test_what_is_wrong_with_a_new_token_is_named(crew: Crew) -> None:
    wrong: list[dict[str, Any]] = [
        {"name": " "},
        {"name": "x" * 101},
        {"scopes": []},
        {"expiresAt": in_days(-0.01)},
        {"expiresAt": in_days(400)},
    ]
    for fields in wrong:
        made = await make(crew.rep, **({"scopes": ["READ"]} | fields))
        assert (made["__typename"], made["fields"]) == ("InvalidInput", [{"field": next(iter(fields))}])
    assert await ApiToken.find({"workspace_id": crew.workspace_id}).count() == 0


async def test_revoked_expired_and_unknown_tokens_are_refused(crew: Crew, house: House) -> None:
    program = await bearer(crew.rep, ["READ"])
    assert not await refused(program)
    id = (await crew.rep.ask("{ accessTokens { id } }"))["accessTokens"][0]["id"]
    assert (await revoke(crew.colleague, id))["code"] == "NOT_FOUND"
    assert not await refused(program)
    assert (await revoke(crew.rep, id))["revokedAt"] is not None
    assert await refused(program)
    ending = await bearer(crew.rep, ["READ"])
    assert not await refused(ending)
    over = house.store.clock.now() - timedelta(milliseconds=1)
    await ApiToken.find({"user_id": crew.rep.user_id}).set({"expires_at": over})
    await _forget(house)
    assert await refused(ending)
    assert await refused(replace(program, token=make_token("pat")))
    assert await refused(replace(program, token="rpt_pat_short"))


async def test_a_revoked_key_suspends_its_identity(crew: Crew) -> None:
    made = await make(crew.admin, ["READ"], role="rep")
    shop = replace(crew.admin, token=made["token"], user_id=made["accessToken"]["userId"])
    id = made["accessToken"]["id"]
    assert (await revoke(crew.manager, id, "apiKeyRevoke"))["code"] == "FORBIDDEN"
    assert not await refused(shop)
    assert (await revoke(crew.admin, id, "apiKeyRevoke"))["revokedAt"] is not None
    assert await refused(shop)
    identity = await crew.house.store.reader.get(User, shop.user_id)
    assert identity is not None
    assert not identity.is_active


async def test_an_admin_revokes_anybodys_token_and_a_suspended_user_has_none(
    crew: Crew, house: House
) -> None:
    program = await bearer(crew.rep, ["READ"])
    id = (await crew.rep.ask("{ accessTokens { id } }"))["accessTokens"][0]["id"]
    other = await bearer(crew.colleague, ["READ"])
    assert (await revoke(crew.admin, id))["revokedAt"] is not None
    assert await refused(program)
    assert not await refused(other)

    async def suspend(uow: Any) -> None:
        user = await uow.access(User, crew.colleague.user_id, action="update")
        user.is_active = False
        uow.save(user)

    await house.store.write(crew.system, suspend)
    await _forget(house)
    assert await refused(other)


async def test_no_token_makes_tokens_or_touches_a_second_factor(crew: Crew) -> None:
    program = await bearer(crew.admin, ["ADMIN"])
    assert (await make(program, ["READ"]))["code"] == "SESSION_REQUIRED"
    assert (await make(program, ["READ"], role="rep"))["code"] == "SESSION_REQUIRED"
    for field, query in {
        "totpBegin": "mutation { totpBegin { ... on Error { code } } }",
        "totpConfirm": 'mutation { totpConfirm(code: "1") { ... on Error { code } } }',
        "totpDisable": 'mutation { totpDisable(code: "1") { ... on Error { code } } }',
        "signInPolicyUpdate": "mutation { signInPolicyUpdate(input: {requireSecondFactor: true}) "
        "{ ... on Error { code } } }",
    }.items():
        assert (await program.ask(query))[field] == {"code": "SESSION_REQUIRED"}
    change = 'mutation { passwordChange(input: {current: "a", new: "another pass phrase"}) { __typename } }'
    answer = await program.post(change)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await ApiToken.find({"workspace_id": crew.workspace_id}).count() == 1
    assert (await crew.admin.ask("{ signInPolicy { requireSecondFactor } }"))["signInPolicy"] == {
        "requireSecondFactor": False
    }


async def test_a_token_opens_sockets_and_phones_feeds_too(crew: Crew, server: str) -> None:
    program = await bearer(crew.rep, ["SYNC"])
    uri = server.replace("http", "ws") + "/graphql"
    async with websockets.connect(uri, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]) as ws:
        hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {program.token}"}}
        await ws.send(json.dumps(hello))
        assert json.loads(await ws.recv())["type"] == "connection_ack"
        query = {
            "id": "1",
            "type": "subscribe",
            "payload": {"query": "{ me { id } accounts { nodes { id } } }"},
        }
        await ws.send(json.dumps(query))
        answer = json.loads(await ws.recv())
    # Phones sync accounts, but not the people of the workspace.
    assert answer["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert (await program.ask("{ accounts { nodes { id } } }"))["accounts"]["nodes"] == []
    assert (await account(program, "Synced"))["__typename"] == "Account"


@given(data=st.text(DIGITS, min_size=1, max_size=5), at=st.integers(8, 56))
def test_a_mistyped_token_is_no_token(data: str, at: int) -> None:
    token = make_token("key")
    changed = token[:at] + data + token[at + len(data) :]
    assert is_token(token)
    assert is_token(changed) == (changed == token)


LEVELS = st.sampled_from(list(Level))
GRANTS = st.builds(Grant, st.dictionaries(st.sampled_from(list(ACTIONS)), LEVELS))


@given(
    grants=st.dictionaries(st.sampled_from([ANY_KIND, "account", "user", "article", "odd"]), GRANTS),
    scopes=st.sets(st.sampled_from(list(Scope)), min_size=1),
)
def test_scopes_never_widen(grants: dict[str, Grant], scopes: set[Scope]) -> None:
    actor = Actor(workspace_id="w", user_id="u", grants=grants)
    under = {
        "admin": frozenset({"user"}),
        "sync": frozenset({"account"}),
        "knowledge": frozenset({"article"}),
    }
    less = narrowed(actor, scopes, ["account", "user", "article", "task"], under)
    for kind in ("account", "user", "article", "task", "odd", "never heard of"):
        for action in ACTIONS:
            assert REACH[less.level(kind, action)] <= REACH[actor.level(kind, action)]
    if Scope.ADMIN not in scopes:
        assert less.level("never heard of", "read") is Level.NONE
        assert less.level("user", "update") is Level.NONE
        assert less.level("account", "export") is Level.NONE


async def _forget(house: House) -> None:
    """Let the next request look the token up anew, as it would some seconds later."""
    async with svcs.Container(house.registry) as services:
        (await services.aget(Actors)).forget()
