"""A web site's visitor: through every root field of the schema, its own conversation and what is public."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.crew import Crew
from tests.identity.test_portal import (
    ABOUT_ONESELF,
    FIELDS,
    SECRET,
    Portal,
    answers,
    everything,
    furnish,
    ids_in,
    is_empty,
    made,
    matters,
)
from tests.visitors import visit

ASKED_FOR = 2  # records of each kind that the visitor names, to fields that want one


@dataclass
class Walk(Portal):
    """The same, with fewer of the others named and all of them forbidden."""

    forbidden_ids: set[str] = field(default_factory=set)

    @property
    def forbidden(self) -> set[str]:
        return self.forbidden_ids


@pytest.fixture(scope="module")
async def walk(house: Any, http: httpx.AsyncClient) -> Portal:
    """A visitor beside a customer, another visitor, and staff's records of every sort."""
    crew = await Crew.hire(house, http)
    account, _ = await furnish(crew, "welcome")  # an article for everybody, for customers and for staff
    listed = "{ articles(first: 50) { nodes { id visibility } } }"
    articles = (await crew.admin.ask(listed))["articles"]["nodes"]
    (public,) = (one["id"] for one in articles if one["visibility"] == "PUBLIC")
    await matters(crew, crew.customer, crew.contact_id, account, SECRET)
    visitor, other = await visit(crew, http), await visit(crew, http)
    await made(other.person, "messageCreate", {"conversationId": other.conversation_id, "body": SECRET})
    own = {visitor.conversation_id, public}
    for person in (visitor.person, crew.agent):
        said = {"conversationId": visitor.conversation_id, "body": "mine"}
        own.add(await made(person, "messageCreate", said))
    note = {"conversationId": visitor.conversation_id, "body": SECRET, "direction": "INTERNAL"}
    await made(crew.agent, "messageCreate", note)
    await house.relay.settle()
    found = Walk(visitor.person, crew.admin, own)
    for kind, ids in (await everything(crew.workspace_id)).items():
        found.forbidden_ids |= ids - own
        found.others[kind] = set(sorted(ids - own)[:ASKED_FOR])
    return found


@pytest.mark.parametrize("name", sorted(FIELDS))
async def test_a_visitor_sees_its_own_and_nothing_else(walk: Portal, name: str) -> None:
    for answer in await answers(walk.person, name, walk):
        assert SECRET not in str(answer)
        assert ids_in(answer) & walk.forbidden == set()
        assert ids_in(answer) or is_empty(answer) or name in ABOUT_ONESELF, answer


async def test_what_is_its_own_it_does_see(walk: Portal) -> None:
    seen = {}
    for name in ("conversations", "messages", "articles", "tickets", "users", "contacts", "workspace"):
        seen[name] = {id for answer in await answers(walk.person, name, walk) for id in ids_in(answer)}
    counts = {name: len(ids) for name, ids in seen.items()}
    own = {"conversations": 1, "messages": 2, "articles": 1}
    assert counts == dict.fromkeys(("tickets", "users", "contacts", "workspace"), 0) | own
