"""The customer portal: through every root field of the schema a customer sees its own matters alone.

The fields are found by walking the schema, so a new one cannot be forgotten: one that answers a customer
must be named here, and everything it answers must be the customer's. Two customers of one account, and a
second workspace, have records of every sort beside theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from backend.core.ids import new_id
from backend.core.records import REGISTRY
from backend.core.unit_of_work import UnitOfWork
from backend.identity.people import create_user
from mobile_sync.rows import NIL_ID
from tests.crew import Crew, Person
from tests.schema import whole_schema

QUERY = whole_schema().query_type
assert QUERY is not None
FIELDS: dict[str, GraphQLField] = dict(QUERY.fields)
IDS_AT_ONCE = 25

# What answers a customer without naming a record, and why that is the customer's to know.
ABOUT_ONESELF = {
    "secondFactor": "one's own second factor",
    "signInPolicy": "whether the workspace wants a second factor",
    "unreadCount": "one's own inbox",
    "notificationPreferences": "one's own wishes",
    "notificationTypes": "which sorts there are, and what is done with each for oneself",
    "webPushKey": "the public key that browsers subscribe by",
    "myConsents": "what one has agreed to",
    "syncSchema": "which columns there are",
}
SECRET = "hushhush"  # stands in every text that is not the customer's


@dataclass
class Portal:
    """A customer, what is its own, and everything else that there is."""

    person: Person
    staff: Person
    own: set[str] = field(default_factory=set)
    others: dict[str, set[str]] = field(default_factory=dict)

    @property
    def forbidden(self) -> set[str]:
        return {id for ids in self.others.values() for id in ids}


# ── the story ────────────────────────────────────────────────────────────────────────────────────


async def made(person: Person, mutation: str, data: dict[str, Any]) -> str:
    answer = await person.do(mutation, data)
    assert answer.get("id"), answer
    return str(answer["id"])


async def matters(crew: Crew, customer: Person, contact_id: str, account_id: str, text: str) -> set[str]:
    """Open a ticket, a conversation and messages of a customer; return the ids that the customer may see."""
    about = {"contactId": contact_id, "accountId": account_id}
    ticket = await made(crew.agent, "ticketCreate", {"subject": text, **about})
    conversation = await made(customer, "conversationCreate", {"subject": text})
    asked = await made(customer, "messageCreate", {"conversationId": conversation, "body": text})
    said = await made(crew.agent, "messageCreate", {"conversationId": conversation, "body": text})
    note = {"conversationId": conversation, "body": SECRET, "direction": "INTERNAL"}
    await made(crew.agent, "messageCreate", note)
    return {ticket, conversation, asked, said}


async def furnish(crew: Crew, text: str) -> tuple[str, set[str]]:
    """Give a workspace records of every sort that staff keep; return its account and public articles."""
    account = await made(crew.rep, "accountCreate", {"name": SECRET})
    contact = await made(crew.rep, "contactCreate", {"familyName": SECRET, "accountId": account})
    await made(crew.rep, "leadCreate", {"fullName": SECRET, "company": SECRET})
    await made(crew.rep, "opportunityCreate", {"name": SECRET, "accountId": account})
    await made(crew.rep, "taskCreate", {"title": SECRET})
    await made(crew.rep, "activityCreate", {"type": "NOTE", "subject": SECRET, "contactId": contact})
    public = set()
    for visibility in ("PUBLIC", "CUSTOMERS", "INTERNAL"):
        words = SECRET if visibility == "INTERNAL" else text
        article = {"title": words, "body": words, "visibility": visibility, "publish": True}
        answer = await crew.admin.ask(
            "mutation($input: ArticleCreateInput!) { articleCreate(input: $input) { id } }", input=article
        )
        if visibility != "INTERNAL":
            public.add(str(answer["articleCreate"]["id"]))
    return account, public


async def neighbour(crew: Crew, http: httpx.AsyncClient) -> tuple[Person, str]:
    """Return a second customer of the same workspace, and its contact."""
    user_id, contact_id = new_id(), new_id()

    async def make(uow: UnitOfWork) -> None:
        fields = {"email": f"{user_id}@test.example", "name": SECRET, "role_keys": ["customer"]}
        await create_user(uow, fields | {"contact_id": contact_id}, id=user_id)

    await crew.house.store.write(crew.system, make)
    return await crew._sign_in(user_id, http), contact_id


async def everything(workspace_id: str) -> dict[str, set[str]]:
    """Return the ids of all records of a workspace by kind, straight from the collections."""
    found: dict[str, set[str]] = {}
    for kind, record in REGISTRY.items():
        rows = record.get_pymongo_collection().find({"workspace_id": workspace_id}, {"_id": 1})
        found[kind] = {str(row["_id"]) for row in await rows.to_list()}
    return found


@pytest.fixture(scope="module")
async def portal(house: Any, http: httpx.AsyncClient) -> Portal:
    crew, elsewhere = await Crew.hire(house, http), await Crew.hire(house, http)
    account, public = await furnish(crew, "welcome")
    own = await matters(crew, crew.customer, crew.contact_id, account, "mine")
    other, contact_id = await neighbour(crew, http)
    await matters(crew, other, contact_id, account, SECRET)
    foreign_account, _ = await furnish(elsewhere, SECRET)
    await matters(elsewhere, elsewhere.customer, elsewhere.contact_id, foreign_account, SECRET)
    await house.relay.settle()
    portal = Portal(crew.customer, crew.admin, own | public | {crew.customer.user_id, crew.workspace_id})
    portal.own.add(crew.customer.actor.session_id)
    for workspace_id in (crew.workspace_id, elsewhere.workspace_id):
        for kind, ids in (await everything(workspace_id)).items():
            portal.others.setdefault(kind, set()).update(ids - portal.own)
    return portal


# ── the walk ─────────────────────────────────────────────────────────────────────────────────────


def selection(type_: Any) -> str:
    """Return a selection of what can be asked of a type without arguments, and the ids it leads to."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLUnionType):
        parts = [f"... on {one.name} {selection(one)}" for one in named.types]
        return "{ __typename " + " ".join(parts) + " }"
    assert isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
    chosen = ["__typename"]
    for name, found in named.fields.items():
        if any(is_required_argument(argument) for argument in found.args.values()):
            continue
        if is_leaf_type(get_named_type(found.type)):
            chosen.append(name)
        elif name in ("nodes", "documents"):
            chosen.append(f"{name} {selection(found.type)}")
        elif "id" in getattr(get_named_type(found.type), "fields", {}):
            chosen.append(f"{name} {{ __typename id }}")
    return "{ " + " ".join(chosen) + " }"


def calls(name: str, portal: Portal) -> Iterator[str]:
    """Yield the ways to ask a root field: with the ids and kinds that there are, where it wants one."""
    field = FIELDS[name]
    wanted = {key: arg for key, arg in field.args.items() if is_required_argument(arg)}
    if not wanted:
        first = "(first: 100)" if "first" in field.args else ""
        yield name + first
        return
    by_id = any(key.lower().endswith("id") for key in wanted)
    for kind, ids in [*portal.others.items(), ("ticket", portal.own)]:
        for id in sorted(ids)[: most_ids(name)] if by_id else ["-"]:
            yield name + "(" + ", ".join(given(key, arg, kind, id) for key, arg in wanted.items()) + ")"
        if not any(key.lower().endswith(("id", "kind")) for key in wanted):
            return


def most_ids(name: str) -> int:
    """How many ids of a kind to ask a field for: few where each takes a request of its own."""
    return 3 if stands_alone(name) else 8  # which is all of them, for the kinds that customers have


def stands_alone(name: str) -> bool:
    """Tell whether a refusal of this field takes the whole answer away: then it is asked by itself."""
    return str(FIELDS[name].type).endswith("!")


def given(key: str, argument: Any, kind: str, id: str) -> str:
    named = get_named_type(argument.type)
    if isinstance(named, GraphQLEnumType):
        return f"{key}: {next(iter(named.values))}"
    texts = {"ID": id, "String": kind if key.lower().endswith("kind") else f"{SECRET} welcome"}
    return f'{key}: "{texts[named.name]}"' if named.name in texts else f"{key}: 100"


async def answers(person: Person, name: str, portal: Portal) -> list[Any]:
    """Return every answer of a root field that is not null."""
    asked = sorted(set(calls(name, portal)))
    chosen, found = selection(FIELDS[name].type), []
    for start in range(0, len(asked), IDS_AT_ONCE):
        part = asked[start : start + IDS_AT_ONCE]
        if stands_alone(name):
            for call in part:
                data = (await person.post(f"{{ {call} {chosen} }}"))["data"]
                found += [data[name]] if data else []
            continue
        query = "{ " + " ".join(f"a{i}: {call} {chosen}" for i, call in enumerate(part)) + " }"
        body = await person.post(query)
        assert body.get("data") is not None, (name, body)
        found += [one for one in body["data"].values() if one is not None]
    return found


def ids_in(value: Any) -> set[str]:
    """Return every ``id`` in an answer, however deep."""
    if isinstance(value, list):
        return {id for one in value for id in ids_in(one)}
    if not isinstance(value, dict):
        return set()
    own = {str(value["id"])} if value.get("id") else set()
    return own | {id for one in value.values() for id in ids_in(one)}


def is_empty(value: Any) -> bool:
    """Tell whether an answer says nothing but that there is nothing."""
    if isinstance(value, dict):
        if value.get("__typename") in ("Forbidden", "NotFound"):
            return True  # the same words for everybody who may not
        parts = {
            key: one for key, one in value.items() if key not in ("__typename", "endCursor", "checkpoint")
        }
        return all(is_empty(one) for one in parts.values())
    if isinstance(value, list):
        return all(is_empty(one) for one in value)
    return value in (None, 0, "", False)


@pytest.mark.parametrize("name", sorted(FIELDS))
async def test_a_customer_sees_its_own_and_nothing_else(portal: Portal, name: str) -> None:
    for answer in await answers(portal.person, name, portal):
        assert SECRET not in str(answer)
        assert ids_in(answer) & portal.forbidden == set()
        if ids_in(answer) - portal.own - {NIL_ID}:  # the row of no record, which moves a phone's cursor
            raise AssertionError(f"{name} answers {answer}: neither the customer's nor a record")
        assert ids_in(answer) or is_empty(answer) or name in ABOUT_ONESELF, answer


async def test_what_is_its_own_it_does_see(portal: Portal) -> None:
    seen: dict[str, set[str]] = {}
    for name in ("tickets", "conversations", "messages", "articles", "users", "sessions"):
        seen[name] = {id for answer in await answers(portal.person, name, portal) for id in ids_in(answer)}
    user, session = portal.person.user_id, portal.person.actor.session_id
    assert (seen.pop("users"), seen.pop("sessions")) == ({user}, {session})
    assert {name: len(ids) for name, ids in seen.items()} == {
        "tickets": 1,
        "conversations": 1,
        "messages": 2,
        "articles": 2,
    }


async def test_the_walk_would_find_a_leak(portal: Portal) -> None:
    """The same walk by somebody of the staff finds what the customer must not."""
    for name in ("tickets", "messages", "contacts", "ticket", "contact", "pullTicket", "pullMessage"):
        found = await answers(portal.staff, name, portal)
        assert ids_in(found) & portal.forbidden, name
        assert SECRET in str(found)
