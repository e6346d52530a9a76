"""A workspace of people to test with: each is a signed-in GraphQL client.

Two sales teams (``east``: rep and colleague, ``west``: stranger), a manager above them, an admin, an
agent and a customer. Actors are made directly; sign-in has its own tests.
"""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import svcs

from backend.core.access import Actor, system_actor
from backend.core.fields import new_record
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.identity.actors import Actors
from backend.identity.documents import Session, User
from backend.identity.people import create_team, create_workspace
from backend.identity.sign_in import TokenPolicy
from backend.identity.tokens import Claims, make_access_token
from backend.sales.pipelines import ensure_default_pipeline

ROLES = {
    "admin": ("admin", ()),
    "manager": ("manager", ("east", "west")),
    "rep": ("rep", ("east",)),
    "colleague": ("rep", ("east",)),
    "stranger": ("rep", ("west",)),
    "agent": ("agent", ("support",)),
    "customer": ("customer", ()),
}


VERBS: tuple[str, ...] = (
    *("Create", "Update", "Delete", "Assign"),
    *("Sign", "Terminate", "Void", "Renew", "Submit", "Receive", "TakeBack"),
)


class Refused(AssertionError):
    """A GraphQL answer with top-level errors, where the test expected none."""


AT_WORK = timedelta(hours=4)  # some serve all tests of a process, for longer than a phone's token counts


@dataclass
class Person:
    """Somebody signed in."""

    user_id: str
    token: str
    actor: Actor
    http: httpx.AsyncClient

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def post(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the whole GraphQL answer."""
        content = json.dumps({"query": query, "variables": variables})  # in ASCII, as it may come
        headers = self.headers | {"Content-Type": "application/json"}
        answer = await self.http.post("/graphql", content=content, headers=headers)
        body: dict[str, Any] = answer.json()
        return body

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return ``data``; fail on top-level errors."""
        body = await self.post(query, **variables)
        if body.get("errors"):
            raise Refused(body["errors"])
        data: dict[str, Any] = body["data"]
        return data

    async def do(self, mutation: str, data: dict[str, Any], fields: str = "id version") -> dict[str, Any]:
        """Run ``accountCreate`` and the like; return the union member with its ``__typename``.

        ``fields`` are those of the record; every error's are asked for anyway.
        """
        kind, _, verb = mutation.rpartition("_") if "_" in mutation else _split(mutation)
        made = "Deleted" if verb == "Delete" else kind[0].upper() + kind[1:]
        type_name = "DeleteInput" if verb == "Delete" else f"{kind[0].upper()}{kind[1:]}{verb}Input"
        chosen = "id version" if verb == "Delete" else fields
        query = f"""mutation($input: {type_name}!) {{ {mutation}(input: $input) {{ __typename
            ... on {made} {{ {chosen} }}
            ... on Error {{ code message }}
            ... on Conflict {{ currentVersion fields }} }} }}"""
        found: dict[str, Any] = (await self.ask(query, input=data))[mutation]
        return found


def _split(mutation: str) -> tuple[str, str, str]:
    verb = next(verb for verb in VERBS if mutation.endswith(verb))
    return mutation.removesuffix(verb), "", verb


@dataclass
class Crew:
    """The people of one workspace, by name."""

    workspace_id: str
    house: House
    people: dict[str, Person] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)
    contact_id: str = ""

    def __getattr__(self, name: str) -> Person:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def system(self) -> Actor:
        return system_actor(self.workspace_id)

    @classmethod
    async def hire(
        cls, house: House, http: httpx.AsyncClient, names: Collection[str] = tuple(ROLES)
    ) -> "Crew":
        crew = cls(workspace_id=new_id(), house=house, contact_id=new_id())
        crew.teams = {name: new_id() for name in ("east", "west", "support")}
        ids = {name: new_id() for name in names}

        async def create(uow: UnitOfWork) -> None:
            await create_workspace(uow, {"name": "Test"})
            await asyncio.gather(
                *(create_team(uow, {"name": name}, id=team_id) for name, team_id in crew.teams.items())
            )

            async def create_person(name: str) -> None:
                """Do what ``create_user`` does, without looking twice for whoever has the address already."""
                role, teams = ROLES[name]
                fields = {
                    "email": f"{name}-{ids[name]}@test.example",
                    "name": name.title(),
                    "role_keys": [role],
                    "team_ids": [crew.teams[team] for team in teams],
                    "manager_id": ids.get("manager") if role == "rep" else None,
                    "contact_id": crew.contact_id if role == "customer" else None,
                }
                user = await new_record(uow, User, fields, id=ids[name])
                user.owner_id = user.id
                uow.save(user)

            await asyncio.gather(*map(create_person, names))

        await house.store.write(crew.system, create)
        signed_in = await crew._sign_in_all(list(ids.values()), http)
        crew.people = dict(zip(ids, signed_in, strict=True))
        return crew

    async def settle(self) -> None:
        """Return when the house has made what it makes by itself in a new workspace: its pipeline."""
        await self.house.store.write(self.system, ensure_default_pipeline)

    async def _sign_in(self, user_id: str, http: httpx.AsyncClient) -> Person:
        (person,) = await self._sign_in_all([user_id], http)
        return person

    async def _sign_in_all(self, user_ids: Sequence[str], http: httpx.AsyncClient) -> list[Person]:
        """Sign people in together: most tests hire a crew, and lookups of one moment share a query."""
        async with svcs.Container(self.house.registry) as services:
            actors, policy = await services.aget(Actors, TokenPolicy)
        now = self.house.store.clock.now()
        sessions = [
            Session(
                id=new_id(),
                workspace_id=self.workspace_id,
                user_id=user_id,
                secret_hash="-",
                created_at=now,
                last_seen_at=now,
                expires_at=now + policy.refresh,
            )
            for user_id in user_ids
        ]
        await Session.insert_many(sessions)
        found = await asyncio.gather(
            *(actors.of_user(self.workspace_id, one.user_id, session_id=one.id) for one in sessions)
        )
        return [self._person(actor, policy, http) for actor in found]

    def _person(self, actor: Actor, policy: TokenPolicy, http: httpx.AsyncClient) -> Person:
        claims = Claims(user_id=actor.user_id, workspace_id=self.workspace_id, session_id=actor.session_id)
        now = self.house.store.clock.now()
        token = make_access_token(claims, policy.key, now=now, lifetime=AT_WORK)
        return Person(actor.user_id, token, actor, http)

    async def sign_in_again(self, name: str) -> Person:
        """Return the same person in another session."""
        held = self.people[name]
        return await self._sign_in(held.user_id, held.http)

    async def user(self, name: str) -> User:
        found = await self.house.store.reader.get(User, self.people[name].user_id)
        assert found is not None
        return found
