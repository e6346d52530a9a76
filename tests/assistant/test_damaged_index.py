"""While an index cannot be used, searches go by words and say so, and people answer questions."""

import asyncio
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import svcs

from assistant.answering import Answering
from assistant.documents import Answer, Decision, Reason
from assistant.turn import ask
from backend.core.demo import FOLDER
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation, Ticket
from knowledge.articles import create_article
from knowledge.embedding import Embedder, Reading
from knowledge.library import Library
from knowledge.markdown_files import read_markdown_folder
from knowledge.search import KnowledgeBase
from tests.assistant.conftest import START
from tests.crew import Crew, Person

KEYS = {
    *("warranty-en", "calibration-en", "returns-en", "battery-en", "plans-en", "delivery-en", "repair-en"),
    *("gateway-setup-en", "gateway-setup-zh"),
}
PORTS = "Which firewall ports have to be open for the gateway?"
BY_WORDS = "by their words alone"


class Held:
    """The loaded model, seen through a copy that embeds no passage until it is let."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.let = copy(embedder), asyncio.Event()

        async def held(texts: Sequence[str]) -> list[Reading]:
            await self.let.wait()
            return await embedder.read_passages(texts)

        setattr(self.embedder, "read_passages", held)  # noqa: B010 - a method, for this copy only


@pytest.fixture
async def informed(crew: Crew) -> tuple[Crew, Answering]:
    """A crew with a small help centre, and its house's answering."""

    async def create(uow: UnitOfWork) -> None:
        for file in read_markdown_folder(FOLDER / "articles"):
            if file.key in KEYS:
                await create_article(uow, file.fields() | {"publish": True})

    await crew.house.store.write(crew.system, create)
    async with svcs.Container(crew.house.registry) as services:
        answering = await services.aget(Answering)
        await answering.knowledge.embedder.wait_until_ready()
    return crew, answering


async def asked(answering: Answering, person: Person, text: str, conversation_id: str = "") -> Answer:
    """Ask as ``person`` in the conversation, or in a new one."""
    if not conversation_id:
        conversation_id = (await person.ask(START, input={"subject": "Chat"}))["startConversation"]["id"]
    return await ask(answering, person.actor, conversation_id=conversation_id, text=text)


async def test_a_cut_index_is_made_again_while_words_search_and_people_answer(
    informed: tuple[Crew, Answering], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew, house = informed
    store, embedder = crew.house.store, house.knowledge.embedder
    first = Library(store, embedder, tmp_path)
    await first.settle(crew.workspace_id)
    await first.close()
    [folder] = (tmp_path / crew.workspace_id / embedder.name).iterdir()
    rows = folder / "plain.faiss"
    rows.write_bytes(rows.read_bytes()[:-9])

    monkeypatch.setattr("assistant.turn.INDEX_PATIENCE", timedelta(seconds=0.2))
    held = Held(embedder)
    library = Library(store, held.embedder, tmp_path)
    answering = replace(house, knowledge=KnowledgeBase(library, held.embedder))
    try:
        answer = await asked(answering, crew.customer, PORTS)
        assert (answer.decision, answer.reason) == (Decision.ABSTAINED, Reason.KNOWLEDGE_NOT_READY)
        assert BY_WORDS in answer.text
        assert answer.ticket_number
        assert answer.ticket_number in answer.text
        unit = store.unit_of_work(crew.system)
        (ticket,) = await unit.find(Ticket, {"_id": answer.ticket_id})
        (conversation,) = await unit.find(Conversation, {"_id": answer.conversation_id})
        assert (ticket.handoff_reason, conversation.state) == ("knowledge_not_ready", "waiting_human")
        # Ours in the same conversation is told what to do; there is nobody to hand over to.
        told = await asked(answering, crew.agent, PORTS, answer.conversation_id)
        assert (told.reason, told.ticket_id) == (Reason.KNOWLEDGE_NOT_READY, None)
        assert "ask again in some minutes" in told.text
        found = await answering.knowledge.search(store.unit_of_work(crew.customer.actor), PORTS)
        assert (found.degraded, found.model, found.hits[0].title) == (True, "", "Set up the HG-4 gateway")
        progress = await library.progress(crew.workspace_id)
        assert (progress.damaged, progress.is_whole, progress.embedded) == (1, False, 0)

        held.let.set()
        await library.settle(crew.workspace_id)
        answer = await asked(answering, crew.customer, PORTS)
        assert (answer.decision, answer.reason) == (Decision.ANSWERED, Reason.FOUND_IN_ARTICLE)
        assert "TCP 8883" in answer.text
        again = await answering.knowledge.search(store.unit_of_work(crew.customer.actor), PORTS)
        assert (again.degraded, again.hits[0].title) == (False, found.hits[0].title)
        assert again.hits[0].dense > 0
    finally:
        held.let.set()
        await library.close()


@pytest.mark.parametrize(
    ("text", "said"), [(PORTS, BY_WORDS), ("防火墙要放行哪些端口？", "只能按字词查找")], ids=["en", "zh"]
)
async def test_without_a_model_a_question_is_no_error_but_a_persons(
    informed: tuple[Crew, Answering], tmp_path: Path, text: str, said: str
) -> None:
    crew, house = informed
    absent = Embedder(models_folder=tmp_path, model=str(tmp_path / "nothing"))
    library = Library(crew.house.store, absent, tmp_path / "knowledge")
    words = KnowledgeBase(library, absent)
    try:
        answer = await asked(replace(house, knowledge=words), crew.customer, text)
        assert (answer.decision, answer.reason) == (Decision.ABSTAINED, Reason.KNOWLEDGE_NOT_READY)
        assert said in answer.text
        assert answer.ticket_number
        assert answer.ticket_number in answer.text
    finally:
        await words.close()
