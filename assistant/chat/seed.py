"""The demo workspace's chat key: its visitors chat at ``/chat``."""

import svcs

from backend.core.access import system_actor
from backend.core.demo import demo_id, load
from backend.core.store import Store
from backend.identity.chat_keys import create_chat_key


async def seed_chat_key(services: svcs.Container, workspace_id: str) -> None:
    """Open the chat at ``/chat`` for the demo workspace."""
    store, company = await services.aget(Store), load("company")
    fields = {"name": company["workspace"]["name"], "suggestions": company["chat"]["suggestions"]}
    await store.write(
        system_actor(workspace_id),
        lambda uow: create_chat_key(uow, fields, id=demo_id("chat_key", "site")),
        mutation_id="seed chat key",
    )
