"""Search as askers meet it: over GraphQL, with the real model, over the demo workspace's articles."""

import asyncio
import time
from typing import Any

import pytest
import svcs

from backend.core.demo import FOLDER
from backend.core.errors import InvalidInput, Unavailable
from backend.core.unit_of_work import UnitOfWork
from knowledge.articles import create_article
from knowledge.documents import Visibility
from knowledge.embedding import Embedder
from knowledge.library import Library
from knowledge.markdown_files import read_markdown_file
from knowledge.search import KnowledgeBase
from tests.crew import Crew, Person

DEMO = (
    "warranty-en",
    "warranty-zh",
    "fapiao-zh",
    "goodwill-en",
    "gsp-verification-zh",
    "returns-en",
    "api-limits-en",
)
SEARCH = """query($q: String!, $first: Int = 5, $locale: String) {
    searchKnowledge(query: $q, first: $first, locale: $locale) {
        article { id version title } quote score degraded } }"""


async def fill(crew: Crew, *keys: str) -> dict[str, str]:
    """Publish some of the demo's articles and have them indexed; return their ids by key."""
    files = [read_markdown_file(FOLDER / "articles" / f"{key}.md", key=key) for key in keys]

    async def create(uow: UnitOfWork) -> dict[str, str]:
        return {file.key: (await create_article(uow, file.fields() | {"publish": True})).id for file in files}

    ids = await crew.house.store.write(crew.system, create)
    async with svcs.Container(crew.house.registry) as services:
        await (await services.aget(KnowledgeBase)).library.settle(crew.workspace_id)
    return ids


async def search(person: Person, question: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.ask(SEARCH, q=question, **more))["searchKnowledge"]
    return found


async def test_questions_find_their_article_in_both_languages_and_across(
    crew: Crew, knowledge: KnowledgeBase
) -> None:
    ids = await fill(crew, *DEMO)
    for question, key, quoted in (
        ("How long is the warranty on an HL-30 Probe?", "warranty-en", ""),
        ("三点校准和设备的保修期有多长？", "warranty-zh", ""),
        ("发票抬头写错了，多久能重开好？", "fapiao-zh", "3 个工作日内开出新票"),
        ("How many API calls per minute are allowed on Business?", "api-limits-en", "120"),
        (
            "How many measuring points does a GSP verification of an insulated box need?",
            "gsp-verification-zh",
            "",
        ),
    ):
        first, *_ = found = await search(crew.customer, question)
        assert (first["article"]["id"], first["article"]["version"]) == (ids[key], 1), question
        file = read_markdown_file(FOLDER / "articles" / f"{key}.md", key=key)
        assert first["quote"] in file.body
        assert quoted in first["quote"]
        assert not first["degraded"]
        assert len({hit["article"]["id"] for hit in found}) == len(found) == 5
        assert [hit["score"] for hit in found] == sorted((hit["score"] for hit in found), reverse=True)


async def test_locale_keeps_to_one_language_and_a_translation_comes_once(
    crew: Crew, knowledge: KnowledgeBase
) -> None:
    ids = await fill(crew, "warranty-en", "warranty-zh", "fapiao-zh", "goodwill-en")
    english = {hit["article"]["id"] for hit in await search(crew.agent, "保修期多长", locale="en", first=50)}
    assert english == {ids["warranty-en"], ids["goodwill-en"]}
    anywhere = {hit["article"]["id"] for hit in await search(crew.agent, "保修期多长", first=50)}
    assert anywhere == set(ids.values()) - {ids["warranty-en"]}


async def test_an_article_is_found_by_its_tags_as_they_are_now(crew: Crew, knowledge: KnowledgeBase) -> None:
    ids = await fill(crew, "returns-en", "warranty-en", "api-limits-en")
    uow = crew.house.store.unit_of_work(crew.customer.actor)

    async def held_by() -> tuple[list[str], list[int]]:
        """Return the articles that have the word, and their versions."""
        found = (await knowledge.search(uow, "quokkability")).hits
        assert not any("quokka" in hit.text for hit in found)
        holding = [hit for hit in found if hit.coverage == 1]
        return [hit.article_id for hit in holding], [hit.article_version for hit in holding]

    assert await held_by() == ([], [])
    tags = ["limits", "Quokkability"]
    await crew.agent.do("articleUpdate", {"id": ids["api-limits-en"], "tags": tags})
    assert await held_by() == ([ids["api-limits-en"]], [1])
    await crew.agent.do("articleUpdate", {"id": ids["api-limits-en"], "tags": tags[:1]})
    assert await held_by() == ([], [])


async def test_what_an_asker_may_not_read_is_not_found_by_search_list_or_id(
    crew: Crew, knowledge: KnowledgeBase
) -> None:
    ids = await fill(crew, "warranty-en", "fapiao-zh", "goodwill-en")
    question = "How much goodwill may an agent give in one case?"
    assert (await search(crew.agent, question))[0]["article"]["id"] == ids["goodwill-en"]
    seen = {hit["article"]["id"] for hit in await search(crew.customer, question, first=50)}
    assert seen == set(ids.values()) - {ids["goodwill-en"]}
    listed = await crew.customer.ask("{ articles(first: 100) { totalCount nodes { id } } }")
    assert {node["id"] for node in listed["articles"]["nodes"]} == seen
    assert listed["articles"]["totalCount"] == len(seen)
    # From the moment an article is withdrawn from customers it answers no customer, though its text stays.
    await crew.agent.do("articleUpdate", {"id": ids["warranty-en"], "visibility": "INTERNAL"})
    again = {hit["article"]["id"] for hit in await search(crew.customer, question, first=50)}
    assert again == seen - {ids["warranty-en"]} == {ids["fapiao-zh"]}
    other = await Crew.hire(crew.house, crew.customer.http)
    assert await search(other.admin, question) == []


@pytest.mark.parametrize(
    "wrong", [{"q": " \n"}, {"q": "x" * 20_001}, {"q": "x", "first": 0}, {"q": "x", "first": 51}]
)
async def test_a_question_out_of_range_is_refused(crew: Crew, wrong: dict[str, Any]) -> None:
    answer = await crew.customer.post(SEARCH, **wrong)
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_INPUT"]


async def test_a_new_text_is_cited_within_seconds_and_the_old_one_no_more(
    crew: Crew, knowledge: KnowledgeBase
) -> None:
    ids = await fill(crew, "warranty-zh", "goodwill-en")
    started = time.monotonic()
    body = "Holographic displays are mounted upside down, 42 centimetres below the evaporator."
    create = "mutation($input: ArticleCreateInput!) { articleCreate(input: $input) { id } }"
    data = {"title": "Displays", "body": body, "locale": "en", "visibility": "PUBLIC", "publish": True}
    made = (await crew.agent.ask(create, input=data))["articleCreate"]

    async def first() -> tuple[str, int, str]:
        hit = (await search(crew.customer, "How are holographic displays mounted?"))[0]
        return hit["article"]["id"], hit["article"]["version"], hit["quote"]

    while await first() != (made["id"], 1, body):
        await asyncio.sleep(0.05)
        assert time.monotonic() - started < 60
    changed = body.replace("42", "77")
    await crew.agent.do("articleUpdate", {"id": made["id"], "body": changed})
    while (found := await first()) != (made["id"], 2, changed):
        assert found[2] != body
        await asyncio.sleep(0.05)
        assert time.monotonic() - started < 120
    assert (await crew.manager.do("articleDelete", {"id": made["id"]}))["__typename"] == "Deleted"
    left = {hit["article"]["id"] for hit in await search(crew.agent, "How are displays mounted?", first=50)}
    assert left == set(ids.values())


async def test_without_the_model_words_answer_and_say_so(
    crew: Crew, knowledge: KnowledgeBase, tmp_path: Any
) -> None:
    ids = await fill(crew, "fapiao-zh", "goodwill-en")
    absent = Embedder(models_folder=tmp_path, model=str(tmp_path / "nothing"))
    words = KnowledgeBase(Library(crew.house.store, absent, tmp_path / "knowledge"), absent)
    try:
        words.check()
        uow = crew.house.store.unit_of_work(crew.customer.actor)
        result = await words.search(uow, "发票抬头写错了", first=1)
        [hit] = result.hits
        assert (hit.article_id, hit.dense, result.degraded) == (ids["fapiao-zh"], 0.0, True)
        assert hit.quote in result.articles[hit.article_id].body
        assert (await words.search(uow, "goodwill compensation", first=50)).hits == []
        with pytest.raises(InvalidInput, match="is empty"):
            await words.search(uow, "")
        with pytest.raises(Unavailable, match="RAPPORT_EMBEDDING_MODEL"):
            await words.library.settle(crew.workspace_id)
        with pytest.raises(Unavailable, match="cannot be loaded"):
            words.check()
    finally:
        await words.close()


async def test_the_hits_place_is_exact(crew: Crew, knowledge: KnowledgeBase) -> None:
    await fill(crew, *DEMO[:4])
    uow = crew.house.store.unit_of_work(crew.agent.actor)
    result = await knowledge.search(uow, "What does the warranty not cover?", first=50)
    assert len(result.hits) == 3  # of the two translations of one article, the asker's
    for hit in result.hits:
        article = result.articles[hit.article_id]
        assert article.body[hit.start : hit.start + len(hit.text)] == hit.text
        assert hit.quote == hit.text[hit.quote_start : hit.quote_end] != ""
        assert (hit.title, hit.article_version) == (article.title, article.version_number)
        assert hit.visibility == article.visibility in set(Visibility)
    assert (result.language, result.model, result.degraded) == ("en", knowledge.embedder.name, False)
    assert result.features.best_cosine > 0.8
