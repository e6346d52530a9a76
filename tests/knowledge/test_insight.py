"""What an admin asks about the base, over GraphQL: progress, why a hit, what to mend; refused to others."""

from datetime import timedelta
from typing import Any

import pytest
import svcs

from backend.core.unit_of_work import UnitOfWork
from knowledge.articles import create_article, update_article
from knowledge.documents import Article, Visibility
from knowledge.search import KnowledgeBase
from tests.crew import Crew, Refused

WHY = """query($q: String!, $user: ID) { whyFound(query: $q, userId: $user) {
    language words degraded texts readable
    reasons { article { title } passage language sameLanguage readable translated
      score fused dense centred lexical coverage title tokens freshness } } }"""
INDEX = (
    "{ knowledgeIndex { articles passages embedded secondsLeft isWhole failure damagedSnapshots version } }"
)
REVIEW = """{ knowledgeReview { passages
    pairs { finding left { title } right { title } leftQuote rightQuote similarity } } }"""
SEARCH = "query($q: String!) { searchKnowledge(query: $q) { article { id title } score } }"

pytestmark = pytest.mark.model


async def publish(crew: Crew, *articles: dict[str, Any]) -> list[Article]:
    async def create(uow: UnitOfWork) -> list[Article]:
        return [await create_article(uow, {"publish": True} | fields) for fields in articles]

    made = await crew.house.store.write(crew.system, create)
    await settle(crew)
    return made


async def settle(crew: Crew) -> None:
    async with svcs.Container(crew.house.registry) as services:
        await (await services.aget(KnowledgeBase)).library.settle(crew.workspace_id)


async def test_an_admin_sees_why_each_passage_stands_where_it_stands_also_for_somebody_else(
    crew: Crew, knowledge: KnowledgeBase
) -> None:
    await publish(
        crew,
        {
            "title": "How long is the warranty?",
            "body": "The warranty lasts 24 months.",
            "visibility": Visibility.PUBLIC,
        },
        {"title": "Goodwill repairs", "body": "After the warranty, repair for free up to 200 EUR."},
        {
            "title": "Opening hours",
            "body": "The warehouse opens at nine.",
            "visibility": Visibility.PUBLIC,
        },
    )
    own = (await crew.manager.ask(WHY, q="How long does the warranty last?"))["whyFound"]
    assert (own["language"], own["degraded"], own["texts"], own["readable"]) == ("EN", False, 3, 3)
    assert own["words"] == ["long", "warranti", "last"]
    first = own["reasons"][0]
    assert (first["article"]["title"], first["passage"]) == (
        "How long is the warranty?",
        "The warranty lasts 24 months.",
    )
    assert first["score"] == pytest.approx(first["fused"] + first["freshness"])
    assert 0.7 < first["dense"] <= 1
    assert 0 < first["tokens"] <= 1
    assert (first["coverage"], first["lexical"] > 0, first["sameLanguage"]) == (1, True, True)
    scores = [reason["score"] for reason in own["reasons"]]
    assert scores == sorted(scores, reverse=True)

    asked = {"q": "How long does the warranty last?", "user": crew.customer.user_id}
    theirs = (await crew.manager.ask(WHY, **asked))["whyFound"]
    assert theirs["readable"] == 2
    marked = {reason["article"]["title"]: reason["readable"] for reason in theirs["reasons"]}
    assert marked == {"How long is the warranty?": True, "Opening hours": True, "Goodwill repairs": False}
    shown = (await crew.customer.ask(SEARCH, q="How long does the warranty last?"))["searchKnowledge"]
    readable = [r["article"]["title"] for r in theirs["reasons"] if r["readable"]]
    assert [hit["article"]["title"] for hit in shown] == readable


async def test_progress_and_contradictions_are_told(crew: Crew, knowledge: KnowledgeBase) -> None:
    articles = await publish(
        crew,
        {"title": "Returns", "body": "An opened probe can be returned within 30 days of delivery."},
        {"title": "Returning goods", "body": "An opened probe can be returned within 14 days of delivery."},
        {"title": "Shipping", "body": "Parcels leave at noon.", "locale_group": "ship"},
        {"title": "发货", "body": "包裹在中午发出。", "locale": "zh-CN", "locale_group": "ship"},
    )
    told = (await crew.manager.ask(INDEX))["knowledgeIndex"]
    assert told | {"version": 0} == {
        "articles": 4,
        "passages": 4,
        "embedded": 4,
        "secondsLeft": 0,
        "isWhole": True,
        "failure": "",
        "damagedSnapshots": 0,
        "version": 0,
    }
    assert told["version"] == max(article.version for article in articles)
    found = (await crew.manager.ask(REVIEW))["knowledgeReview"]
    assert found["passages"] == 4
    (pair,) = found["pairs"]
    assert pair["finding"] == "NUMBERS"
    assert {pair["left"]["title"], pair["right"]["title"]} == {"Returns", "Returning goods"}
    assert {pair["leftQuote"], pair["rightQuote"]} == {
        "An opened probe can be returned within 30 days of delivery.",
        "An opened probe can be returned within 14 days of delivery.",
    }


async def test_nobody_else_looks_into_the_index(crew: Crew, knowledge: KnowledgeBase) -> None:
    for person in (crew.agent, crew.rep, crew.customer):
        for query in (INDEX, REVIEW, WHY):
            with pytest.raises(Refused, match="FORBIDDEN"):
                await person.ask(query, **({"q": "warranty"} if query is WHY else {}))


async def test_an_expired_article_stands_behind_the_valid_one(crew: Crew, knowledge: KnowledgeBase) -> None:
    body = "Calibration of the HL-30 costs 120 EUR a year."
    old, new = await publish(
        crew, {"title": "Price of calibration", "body": body}, {"title": "Price of calibration", "body": body}
    )
    order = [old.id, new.id]
    for expired in (old, new):

        async def expire(uow: UnitOfWork, expired: Article = expired) -> None:
            for article in (old, new):
                until = uow.at - timedelta(days=1) if article is expired else None
                await update_article(uow, article.id, {"valid_until": until})

        await crew.house.store.write(crew.system, expire)
        hits = (await crew.agent.ask(SEARCH, q="What does calibration cost?"))["searchKnowledge"]
        assert [hit["article"]["id"] for hit in hits] == sorted(order, key=lambda id: id == expired.id)
        assert hits[0]["score"] - hits[1]["score"] == pytest.approx(0.5, abs=0.01)
