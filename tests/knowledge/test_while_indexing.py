"""A new article comes in beside what is searched already: the old index serves until the new one is whole."""

import asyncio
from collections.abc import Sequence
from copy import copy
from datetime import timedelta
from pathlib import Path

from backend.core.unit_of_work import UnitOfWork
from knowledge.articles import create_article
from knowledge.embedding import Embedder, Reading
from knowledge.library import Library
from knowledge.search import KnowledgeBase, SearchResult
from tests.crew import Crew

OLD = (
    ("Returns", "Devices may be returned within 30 days of delivery."),
    ("Canteen", "The canteen serves lunch from 11:30 to 13:30 on working days."),
    ("Printing", "Colour costs extra and needs a code from the desk."),
    ("Meeting rooms", "The large room holds twenty people and is booked in the calendar."),
    ("Lost property", "Found things are kept at the desk for three months."),
    ("Parking", "Visitors park in rows A to C and ask for a token."),
)
NEW = ("Holographic displays", "Holographic displays are mounted upside down, below the evaporator.")


async def publish(crew: Crew, *articles: tuple[str, str]) -> None:
    async def create(uow: UnitOfWork) -> None:
        for title, body in articles:
            await create_article(uow, {"title": title, "body": body, "locale": "en", "publish": True})

    await crew.house.store.write(crew.system, create)


async def test_the_old_index_serves_until_the_new_article_is_in_it(
    crew: Crew, embedder: Embedder, tmp_path: Path
) -> None:
    let, slow = asyncio.Event(), copy(embedder)
    let.set()

    async def held(texts: Sequence[str]) -> list[Reading]:
        await let.wait()
        return await embedder.read_passages(texts)

    setattr(slow, "read_passages", held)  # noqa: B010 - a method, for this copy only
    library = Library(crew.house.store, slow, tmp_path)
    knowledge = KnowledgeBase(library, slow)

    async def search(question: str) -> SearchResult:
        return await knowledge.search(crew.house.store.unit_of_work(crew.agent.actor), question)

    try:
        await publish(crew, *OLD)
        before = await library.settle(crew.workspace_id)
        let.clear()
        await publish(crew, NEW)
        found = await search("Within how many days can I send a device back?")
        assert (found.hits[0].title, found.degraded, found.model) == ("Returns", True, embedder.name)
        assert found.hits[0].dense > 0  # by meaning, as before
        edition = await library.edition(crew.workspace_id)
        assert edition.meaning is not None
        assert before.meaning is not None
        assert edition.meaning.version == before.meaning.version
        assert edition.version > before.version  # it is known, and shown as waiting
        assert len(edition.waiting) == 1
        assert not edition.is_whole

        let.set()
        async with asyncio.timeout(30):  # bench/answering.py says how soon: here it is enough that it comes
            while (await search("How are holographic displays mounted?")).hits[0].title != NEW[0]:
                await asyncio.sleep(0.05)
        after = await search("Within how many days can I send a device back?")
        assert (after.hits[0].title, after.degraded) == ("Returns", False)
        whole = await library.edition(crew.workspace_id)
        assert whole.meaning is not None
        assert (whole.is_whole, whole.meaning.version) == (True, edition.version)
    finally:
        let.set()
        await library.close()


async def test_work_that_fails_at_once_is_not_begun_anew_without_a_pause(
    crew: Crew, embedder: Embedder, tmp_path: Path
) -> None:
    broken, tries = copy(embedder), 0

    async def fail(texts: Sequence[str]) -> list[Reading]:
        nonlocal tries
        tries += 1
        raise OSError("no space left on device")

    setattr(broken, "read_passages", fail)  # noqa: B010 - a method, for this copy only
    library = Library(crew.house.store, broken, tmp_path)
    try:
        await publish(crew, *OLD)
        edition = await library.wait_until_whole(crew.workspace_id, patience=timedelta(seconds=1.2))
        assert not edition.is_whole
        assert tries <= 5
        async with asyncio.timeout(
            20
        ):  # whoever searches has it tried again: on a busy machine not until now
            while tries < 2:
                await library.edition(crew.workspace_id)
                await asyncio.sleep(0.05)
        assert (await library.progress(crew.workspace_id)).failure.endswith("no space left on device")
    finally:
        await library.close()
