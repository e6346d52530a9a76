"""MongoDB's vector search as far as it can be tried without that server.

What is sent is held against MongoDB's documentation; filters, rows and vectors go through a real database
on its wire protocol; only the nearest-neighbour stage itself is computed here, exactly, as that server would.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pymongo
import pytest
from pymongo.synchronous.collection import Collection

from backend.house import House
from knowledge.faiss_index import FaissPassageIndex
from knowledge.mongo_passage_index import CANDIDATES, INDEX_NAME, MOST_EXACT, MongoPassageIndex, index_model
from knowledge.passage_index import POOL, IndexedPassage, Question
from tests.knowledge.test_passage_index import DIMENSION, PLACES, build, unit

WORKSPACE = "w-1"


class VectorSearch:
    """A collection that answers ``$vectorSearch`` exactly; all else is the real one's."""

    def __init__(self, collection: "Collection[Mapping[str, Any]]") -> None:
        self.collection, self.stages = collection, list[dict[str, Any]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.collection, name)

    def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        stage = dict(pipeline[0]["$vectorSearch"])
        self.stages.append(stage)
        asked = np.array(stage["queryVector"].as_vector().data, np.float32)
        rows = list(self.collection.find(stage["filter"]))  # the database decides what the filter leaves
        rows.sort(key=lambda row: -float(np.array(row[stage["path"]].as_vector().data, np.float32) @ asked))
        return iter([{"passage_id": row["passage_id"]} for row in rows[: stage["limit"]]])


@pytest.fixture
async def collection(house: House) -> AsyncIterator[VectorSearch]:
    address = await house.store.client.address
    assert address is not None
    with pymongo.MongoClient[Mapping[str, Any]](*address) as client:
        found = client[house.store.database.name]["knowledge_rows_of_a_test"]
        yield VectorSearch(found)
        found.drop()


def mongo(collection: VectorSearch, faiss: FaissPassageIndex, rows: np.ndarray) -> MongoPassageIndex:
    index = MongoPassageIndex(
        collection,  # type: ignore[arg-type]
        WORKSPACE,
        version=1,
        model="made",
        passages=faiss.passages,
        means=faiss.means,
        lexical=faiss.lexical,
    )
    index.write(rows)
    return index


def test_it_finds_what_faiss_finds_with_and_without_a_filter(collection: VectorSearch) -> None:
    faiss, rows = build(40)
    index = mongo(collection, faiss, rows)
    for allowed in (None, frozenset({"a1", "a2", "a3", "a9"}), frozenset[str]()):
        question = Question(unit(rows[7] + 0.1 * rows[3]), ["refund"], "en")
        mine = index.search(question, limit=40, allowed_articles=allowed).hits
        theirs = faiss.search(question, limit=40, allowed_articles=allowed).hits
        assert [hit.passage_id for hit in mine] == [hit.passage_id for hit in theirs]
        assert [hit.dense for hit in mine] == pytest.approx([hit.dense for hit in theirs], abs=2e-3)


def test_neither_another_workspace_nor_a_row_of_an_older_version_is_found(collection: VectorSearch) -> None:
    faiss, rows = build(10)
    index = mongo(collection, faiss, rows)
    row = dict(collection.collection.find_one({"passage_id": "p000"}) or {})
    strangers = [{"_id": "w-2/p000", "workspace_id": "w-2"}, {"_id": "w-1/old", "passage_id": "old"}]
    collection.collection.insert_many([row | stranger for stranger in strangers])
    hits = index.search(Question(rows[0], [], "zh"), limit=99).hits
    assert sorted(hit.passage_id for hit in hits) == [f"p{n:03}" for n in range(10)]
    index.forget_others()
    left = collection.collection.find({}, {"_id": 1})
    assert {found["_id"] for found in left} == {"w-2/p000", *(f"w-1/p{n:03}" for n in range(10))}


def test_the_stage_names_the_smaller_side_and_is_exact_while_few_are_allowed(
    collection: VectorSearch,
) -> None:
    passages = [IndexedPassage(f"p{n}", f"a{n}", "en") for n in range(MOST_EXACT + 10)]
    rows = unit(np.random.default_rng(0).normal(size=(len(passages), DIMENSION)))
    faiss = FaissPassageIndex.build(
        passages,
        rows,
        version=1,
        model="made",
        documents=[["fee"]] * len(passages),
        language_means=PLACES,
    )
    index = MongoPassageIndex(
        collection,  # type: ignore[arg-type]
        WORKSPACE,
        version=1,
        model="made",
        passages=passages,
        means=faiss.means,
        lexical=faiss.lexical,
    )
    few = np.zeros(len(passages), np.bool_)
    few[:2] = True
    (search, projection) = index.pipeline("plain", rows[0], few)
    stage = search["$vectorSearch"]
    assert np.array(stage.pop("queryVector").as_vector().data) == pytest.approx(rows[0], abs=1e-6)
    assert stage == {
        "index": INDEX_NAME,
        "path": "plain",
        "limit": POOL,
        "exact": True,
        "filter": {
            "$and": [
                {"workspace_id": WORKSPACE},
                {"language": {"$in": ["en"]}},
                {"article_id": {"$in": ["a0", "a1"]}},
            ]
        },
    }
    assert projection == {"$project": {"_id": 0, "passage_id": 1}}
    most = index.pipeline("centred", rows[0], ~few)[0]["$vectorSearch"]
    assert most["filter"]["$and"][2] == {"article_id": {"$nin": ["a0", "a1"]}}
    assert ("exact" in most, most["numCandidates"]) == (False, CANDIDATES)
    everything = index.pipeline("plain", rows[0], few | True)[0]["$vectorSearch"]
    assert everything["filter"]["$and"][2:] == []


def test_the_index_covers_both_spaces_and_every_field_that_a_filter_names() -> None:
    document = index_model(384).document
    assert (document["name"], document["type"]) == (INDEX_NAME, "vectorSearch")
    fields = document["definition"]["fields"]
    assert [field for field in fields if field["type"] == "vector"] == [
        {"type": "vector", "path": path, "numDimensions": 384, "similarity": "dotProduct"}
        for path in ("plain", "centred")
    ]
    filters = {field["path"] for field in fields if field["type"] == "filter"}
    assert filters == {"workspace_id", "language", "article_id"}
