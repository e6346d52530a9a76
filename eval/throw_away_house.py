"""A house for the evaluation, on a database that goes with it, and people who ask in it."""

import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import svcs

import main
from assistant.chat.welcome import welcome_visitor
from assistant.conversations import start_conversation
from backend.core.access import Actor, system_actor
from backend.core.ids import new_id
from backend.core.settings import Settings
from backend.core.unit_of_work import UnitOfWork
from backend.house import House, open_house
from backend.identity.actors import Actors
from backend.identity.chat_keys import create_chat_key
from backend.identity.people import create_user, create_workspace
from backend.identity.sign_in import TokenPolicy
from backend.identity.visitors import VISITOR, Knock
from backend.service.documents import Channel
from knowledge.model_files import prepare_default_model

CUSTOMER = "customer"
SHOP = "https://shop.example"


@asynccontextmanager
async def throw_away_house() -> AsyncIterator[House]:
    """Open a house without demo data in a folder that is removed afterwards; its jobs and listeners run.

    The model is the one that this installation has made already.
    """
    given = Settings()
    with tempfile.TemporaryDirectory(prefix="rapport-eval-", ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder)
        if not given.embedding_model:
            models = given.data_dir.resolve() / "models"
            prepare_default_model(models)
            (data_dir / "models").symlink_to(models, target_is_directory=True)
        settings = Settings(data_dir=data_dir, demo=False, database_sync=False)
        async with open_house(main.MODULES, settings, working=True) as house:
            yield house


@dataclass(frozen=True, kw_only=True)
class Company:
    """A workspace in the house: the workspace's own actor, its people by role, the key of its chat."""

    house: House
    system: Actor
    people: Mapping[str, Actor]
    chat_key: str

    async def begin(self, role: str) -> tuple[Actor, str]:
        """Return somebody of that role and a new conversation of theirs; a visitor is a new one each time."""
        if role == VISITOR:
            return await self._visit()
        actor = self.people[role]
        conversation = await self.house.store.write(
            actor, lambda uow: start_conversation(uow, channel=Channel.WEBCHAT)
        )
        return actor, conversation.id

    async def _visit(self) -> tuple[Actor, str]:
        """Let a new visitor of the shop's site into the chat."""
        async with svcs.Container(self.house.registry) as services:
            actors, policy = await services.aget(Actors, TokenPolicy)
        knock = Knock(
            key_id=self.chat_key,
            secret=secrets.token_urlsafe(32),
            origin=SHOP,
            own_origin="",
            network=new_id(),  # of an own each: one network lets in only so many new visitors
            locale="en",
        )
        welcomed = await welcome_visitor(policy, self.house.store, knock)
        return await actors.of_token(welcomed.admitted.access_token), welcomed.conversation_id


async def found_company(house: House, roles: Sequence[str]) -> Company:
    """Make a workspace with one person of each role, and a chat for visitors."""
    system = system_actor(new_id())
    ids = {role: new_id() for role in roles}

    async def create(uow: UnitOfWork) -> str:
        await create_workspace(uow, {"name": "Evaluation"})
        for role, id in ids.items():
            contact_id = new_id() if role == CUSTOMER else None
            fields = {"email": f"{id}@eval.example", "name": role.title(), "contact_id": contact_id}
            await create_user(uow, fields | {"role_keys": [role]}, id=id)
        return (await create_chat_key(uow, {"name": "Shop", "origins": [SHOP]})).id

    chat_key = await house.store.write(system, create)
    async with svcs.Container(house.registry) as services:
        actors = await services.aget(Actors)
    people = {role: await actors.of_user(system.workspace_id, id) for role, id in ids.items()}
    return Company(house=house, system=system, people=people, chat_key=chat_key)
