"""A workspace with the demo's help centre, indexed once a session, and people who ask."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx
import pytest
import svcs

from backend.core.demo import FOLDER
from backend.core.ids import new_id
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from knowledge.articles import create_article
from knowledge.markdown_files import ArticleFile, read_markdown_folder
from knowledge.search import KnowledgeBase
from tests.crew import Crew, Person

START = "mutation($input: StartConversationInput!) { startConversation(input: $input) { id } }"
ASK = """mutation($input: AskInput!) { ask(input: $input) {
    id text decision confidence reason locale ticket { id number }
    citations { quote article { id version title locale } } } }"""


@dataclass
class Desk:
    """The crew, the knowledge base, and the demo's articles by key."""

    crew: Crew
    knowledge: KnowledgeBase
    ids: dict[str, str]
    files: dict[str, ArticleFile]

    @property
    def keys(self) -> dict[str, str]:
        return {id: key for key, id in self.ids.items()}

    async def start(self, person: Person) -> str:
        data = await person.ask(START, input={"subject": "Chat"})
        return str(data["startConversation"]["id"])

    async def ask(
        self, person: Person, text: str, *, conversation_id: str = "", mutation_id: str | None = None
    ) -> dict[str, Any]:
        """Ask in the conversation, or in a new one."""
        conversation_id = conversation_id or await self.start(person)
        given = {"conversationId": conversation_id, "text": text, "mutationId": mutation_id}
        answer: dict[str, Any] = (await person.ask(ASK, input=given))["ask"]
        return answer

    async def refused(self, person: Person, text: str, conversation_id: str) -> dict[str, Any]:
        """Return the one error that asking gives."""
        body = await person.post(ASK, input={"conversationId": conversation_id, "text": text})
        (error,) = body["errors"]
        return {"message": error["message"], **error["extensions"]}

    async def newest(self) -> int:
        """Return the newest commit once all listeners are done: unchanged when nothing was stored."""
        await self.crew.house.relay.settle()
        return await self.crew.house.store.reader.newest_version(self.crew.workspace_id)

    def unit(self) -> UnitOfWork:
        return self.crew.house.store.unit_of_work(self.crew.system)

    async def find(self, record: type[Record], **where: Any) -> list[Any]:
        return list(await self.unit().find(record, where))


async def furnish(crew: Crew, *, most: int | None = None) -> Desk:
    """Publish the demo's articles (the first ``most``) for the crew; nothing waits for the index."""
    files = {file.key: file for file in islice(read_markdown_folder(FOLDER / "articles"), most)}
    ids = {key: new_id() for key in files}

    async def create(uow: UnitOfWork) -> None:
        for key, file in files.items():
            await create_article(uow, file.fields() | {"publish": True}, id=ids[key])

    await crew.house.store.write(crew.system, create)
    async with svcs.Container(crew.house.registry) as services:
        return Desk(crew, await services.aget(KnowledgeBase), ids, files)


@pytest.fixture(scope="session")
async def desk(house: House, http: httpx.AsyncClient) -> Desk:
    desk = await furnish(await Crew.hire(house, http))
    await desk.knowledge.embedder.wait_until_ready()
    await desk.knowledge.library.settle(desk.crew.workspace_id)
    return desk
