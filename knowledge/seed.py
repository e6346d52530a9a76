"""The demo workspace's help centre."""

import svcs

from backend.core.access import system_actor
from backend.core.demo import FOLDER, demo_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from knowledge.articles import create_article
from knowledge.markdown_files import read_markdown_folder


async def seed_articles(services: svcs.Container, workspace_id: str) -> None:
    """Create and publish the demo workspace's articles."""
    store = await services.aget(Store)
    files = list(read_markdown_folder(FOLDER / "articles"))

    async def create(uow: UnitOfWork) -> None:
        for file in files:
            fields = file.fields() | {"change_note": file.note, "publish": True}
            await create_article(uow, fields, id=demo_id("article", file.key))

    await store.write(system_actor(workspace_id), create, mutation_id="seed articles")
