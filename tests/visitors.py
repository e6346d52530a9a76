"""Visitors of a web site, for tests: people who chat without signing in."""

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import svcs

from backend.identity.actors import Actors
from tests.crew import Crew, Person

SITE = "https://shop.example"
KEY_CREATE = """mutation($input: ChatKeyCreateInput!) { chatKeyCreate(input: $input) { __typename
    ... on ChatKey { id version name origins onOwnPage isActive } ... on Error { code message } } }"""
CHAT = """query($id: ID!) { chat(conversationId: $id) { version status isAssigned personName hasEarlier
    messages { id author authorName text
        answer { id decision helpful citations { quote article { id version } } } } } }"""


async def make_key(crew: Crew, **fields: Any) -> dict[str, Any]:
    """Let visitors of ``SITE`` chat with the crew, as its admin; return the key."""
    given = {"name": "Shop", "origins": [SITE], **fields}
    found: dict[str, Any] = (await crew.admin.ask(KEY_CREATE, input=given))["chatKeyCreate"]
    return found


async def knock(
    http: httpx.AsyncClient, key: str, *, secret: str = "", origin: str = SITE, **more: str
) -> httpx.Response:
    """Ask to be let in, as the page does."""
    body = {"key": key, "secret": secret or secrets.token_urlsafe(32), **more}
    return await http.post("/assistant/visitors", json=body, headers={"Origin": origin} if origin else {})


@dataclass
class Visiting:
    """A visitor who is in."""

    person: Person
    conversation_id: str
    secret: str

    async def chat(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.person.ask(CHAT, id=self.conversation_id))["chat"]
        return found


async def visit(crew: Crew, http: httpx.AsyncClient, key: str = "", locale: str = "en") -> Visiting:
    """Let a visitor in, by a new key when none is given."""
    secret = secrets.token_urlsafe(32)
    key = key or (await make_key(crew))["id"]
    answer = (await knock(http, key, secret=secret, locale=locale)).raise_for_status().json()
    async with svcs.Container(crew.house.registry) as services:
        actor = await (await services.aget(Actors)).of_token(answer["accessToken"])
    return Visiting(
        Person(actor.user_id, answer["accessToken"], actor, http), answer["conversationId"], secret
    )
