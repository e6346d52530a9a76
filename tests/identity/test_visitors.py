"""Visitors of web sites: who is let in, for how long, and what they never reach."""

from datetime import timedelta

import httpx
import pytest
import svcs

from backend.core.cost_budget import spender
from backend.core.errors import InvalidInput, Unauthenticated
from backend.core.ids import new_id
from backend.identity.actors import Actors
from backend.identity.chat_keys import origin_of
from backend.identity.documents import SignInTries
from backend.identity.visitor_documents import ChatKey, Visitor
from backend.identity.visitors import LIFE, MOST_NEW_PER_NETWORK, counting_visitor
from backend.service.documents import Conversation
from tests.crew import Crew
from tests.visitors import SITE, knock, make_key, visit

UPDATE = """mutation($input: ChatKeyUpdateInput!) { chatKeyUpdate(input: $input) {
    __typename ... on Error { code } } }"""
SECRET = "s" * 43


@pytest.fixture(autouse=True)
async def _rested_network() -> None:
    await SignInTries.get_pymongo_collection().delete_many({"_id": {"$regex": "^visitors:"}})


async def counted(crew: Crew) -> tuple[int, int]:
    """Return how many visitors and conversations the workspace has."""
    where = {"workspace_id": crew.workspace_id}
    return await Visitor.find(where).count(), await Conversation.find(where).count()


# ── chat keys ────────────────────────────────────────────────────────────────────────────────────


async def test_an_admin_opens_a_site_and_nobody_else_does(crew: Crew) -> None:
    key = await make_key(crew, origins=["https://Shop.Example/", "http://localhost:3000"])
    assert key["origins"] == ["https://shop.example", "http://localhost:3000"]
    listed = "{ chatKeys { nodes { id name isActive } } }"
    nodes = (await crew.admin.ask(listed))["chatKeys"]["nodes"]
    assert nodes == [{"id": key["id"], "name": "Shop", "isActive": True}]
    for name in ("manager", "rep", "agent", "customer"):
        person = crew.people[name]
        refused = await person.do("chatKeyCreate", {"name": "Mine", "origins": [SITE]}, "id")
        assert (refused["__typename"], refused["code"]) == ("Forbidden", "FORBIDDEN")
        assert (await person.ask(listed))["chatKeys"]["nodes"] == []
    assert await ChatKey.find({"workspace_id": crew.workspace_id}).count() == 1


NO_ORIGINS = """
* https://* https://*.shop.example http://shop.example shop.example null file:///x https://shop.example/path
https://a@shop.example https://shop.example:port javascript:1
"""


@pytest.mark.parametrize("text", ["", *NO_ORIGINS.split()])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no origin of a page"):
        origin_of(text)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example:443", "https://shop.example"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_origins_are_written_as_browsers_do(text: str, origin: str) -> None:
    assert origin_of(text) == origin


# ── coming in ────────────────────────────────────────────────────────────────────────────────────


async def test_a_visitor_gets_one_conversation_and_the_same_one_again(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    key = await make_key(crew)
    first = (await knock(http, key["id"], secret=SECRET + crew.workspace_id, locale="zh")).json()
    again = (await knock(http, key["id"], secret=SECRET + crew.workspace_id)).json()
    assert again["conversationId"] == first["conversationId"]
    assert first["expiresIn"] == 900
    assert await counted(crew) == (1, 1)
    query = """query($id: ID!) { conversation(id: $id) {
        channel state handledBy language subject contact { id } } }"""
    assert (await crew.agent.ask(query, id=first["conversationId"]))["conversation"] == {
        "channel": "WEBCHAT",
        "state": "OPEN",
        "handledBy": "AI",
        "language": "zh",
        "subject": "Shop · shop.example",
        "contact": None,
    }


async def test_our_own_page_is_let_in_unless_the_key_says_no(crew: Crew, http: httpx.AsyncClient) -> None:
    key = await make_key(crew, origins=[])
    assert (await knock(http, key["id"], origin="http://rapport.test")).status_code == 200
    closed = await make_key(crew, onOwnPage=False)
    assert (await knock(http, closed["id"], origin="http://rapport.test")).json()["code"] == "ORIGIN_REFUSED"


@pytest.mark.parametrize("origin", ["https://evil.example", "https://shop.example.evil.example", "null", ""])
async def test_a_page_that_is_not_listed_is_refused(crew: Crew, http: httpx.AsyncClient, origin: str) -> None:
    key = await make_key(crew)
    answer = await knock(http, key["id"], origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "ORIGIN_REFUSED")
    assert await counted(crew) == (0, 0)


async def test_a_key_that_does_not_count_lets_nobody_in(crew: Crew, http: httpx.AsyncClient) -> None:
    for id in (new_id(), "", "{}", "x" * 100):
        assert (await knock(http, id)).json()["code"] == "NOT_FOUND"
    key = await make_key(crew, isActive=False)
    assert (await knock(http, key["id"])).json()["code"] == "NOT_FOUND"
    assert (await knock(http, key["id"], secret="short")).json()["code"] == "INVALID_INPUT"
    assert await counted(crew) == (0, 0)


async def test_a_network_begins_only_so_many_conversations(crew: Crew, http: httpx.AsyncClient) -> None:
    key = await make_key(crew)
    known = (await knock(http, key["id"], secret=SECRET + crew.workspace_id)).json()
    tries = SignInTries.get_pymongo_collection()
    await tries.update_many({"_id": {"$regex": "^visitors:"}}, {"$set": {"tries": MOST_NEW_PER_NETWORK}})
    refused = await knock(http, key["id"])
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) > 0
    assert await counted(crew) == (1, 1)
    again = await knock(http, key["id"], secret=SECRET + crew.workspace_id)  # who is known is let in again
    assert again.json()["conversationId"] == known["conversationId"]


async def test_the_store_holds_no_secret(crew: Crew, http: httpx.AsyncClient) -> None:
    visitor = await visit(crew, http)
    row = await Visitor.get_pymongo_collection().find_one({"workspace_id": crew.workspace_id})
    assert visitor.secret not in str(row)


async def test_a_visitor_ends_with_time_and_with_the_key(crew: Crew, http: httpx.AsyncClient) -> None:
    key = await make_key(crew)
    visitor = await visit(crew, http, key["id"])
    row = await Visitor.find_one({"workspace_id": crew.workspace_id})
    assert row is not None
    with pytest.raises(Unauthenticated):
        await counting_visitor(f"visitor:{row.id}", now=row.created_at + LIFE + timedelta(seconds=1))
    changed = await crew.admin.ask(UPDATE, input={"id": key["id"], "isActive": False})
    assert changed["chatKeyUpdate"] == {"__typename": "ChatKey"}
    async with svcs.Container(crew.house.registry) as services:
        (await services.aget(Actors)).forget()  # what is remembered for five seconds
    body = await visitor.person.post("{ conversations { nodes { id } } }")
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    await crew.admin.ask(UPDATE, input={"id": key["id"], "isActive": True})
    # Last: the house's own job deletes what has expired.
    await Visitor.get_pymongo_collection().update_one(
        {"_id": row.id}, {"$set": {"expires_at": row.created_at - timedelta(days=1)}}
    )
    over = await knock(http, key["id"], secret=visitor.secret)
    assert (over.status_code, over.json()["code"]) == (401, "UNAUTHENTICATED")


# ── what a visitor is ────────────────────────────────────────────────────────────────────────────


async def test_a_visitor_begins_no_second_conversation_and_reads_no_other(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    mine, other = await visit(crew, http), await visit(crew, http)
    before = await counted(crew)
    started = await mine.person.post("mutation { startConversation(input: {channel: WEBCHAT}) { id } }")
    assert started["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    made = await mine.person.do("conversationCreate", {"channel": "WEBCHAT"}, "id")
    assert made["code"] == "FORBIDDEN"
    said = {"conversationId": other.conversation_id, "body": "hello"}
    assert (await mine.person.do("messageCreate", said, "id"))["code"] == "NOT_FOUND"
    seen = await mine.person.ask(
        "{ conversations { nodes { id } } contacts { nodes { id } } users { nodes { id } } }"
    )
    assert seen["conversations"]["nodes"] == [{"id": mine.conversation_id}]
    assert (seen["contacts"]["nodes"], seen["users"]["nodes"]) == ([], [])
    assert await counted(crew) == before


async def test_nobody_can_be_given_a_visitors_role(crew: Crew) -> None:
    invite = """mutation($input: UserInviteInput!) { userInvite(input: $input) {
        __typename ... on Error { code message } } }"""
    given = {"email": f"{new_id()}@test.example", "name": "X", "roleKeys": ["visitor"]}
    refused = (await crew.admin.ask(invite, input=given))["userInvite"]
    assert refused["code"] == "INVALID_INPUT"
    assert "name no role of this workspace: visitor" in refused["message"]
    roles = (await crew.admin.ask("{ roles { key } }"))["roles"]
    assert {"customer", "agent"} <= {role["key"] for role in roles}
    assert "visitor" not in {role["key"] for role in roles}


async def test_visitors_pay_together_by_their_network(crew: Crew, http: httpx.AsyncClient) -> None:
    one, two = (await visit(crew, http)).person.actor, (await visit(crew, http)).person.actor
    assert spender(one, "192.0.2.1") == spender(two, "192.0.2.1") != spender(one, "192.0.2.2")
