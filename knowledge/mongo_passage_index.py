"""MongoDB vector search behind the same promise as FAISS: for a base that outgrows one machine.

Rows lie in a collection with a vector search index (Atlas, or a MongoDB server with mongot); words and
ranking are those of every index. What may be found is part of the ``$vectorSearch`` stage, and so is decided
before anything is ranked. Rows are named by passage, and passages never change: a newer version adds its own
rows, and those of older versions go when nobody reads them any more.
Source: https://www.mongodb.com/docs/vector-search/query/aggregation-stages/vector-search-stage/
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from bson.binary import Binary, BinaryVectorDtype
from numpy.typing import NDArray
from pymongo import ReplaceOne
from pymongo.operations import SearchIndexModel
from pymongo.synchronous.collection import Collection

from knowledge.lexical import LexicalIndex
from knowledge.passage_index import (
    POOL,
    FusedPassageIndex,
    IndexedPassage,
    Space,
    Titles,
    Tokens,
)
from knowledge.ranking import Floats
from knowledge.text import Language

INDEX_NAME = "knowledge_passages"
CANDIDATES = 20 * POOL  # twenty for each result, as MongoDB advises for a recall above 0.95
MOST_EXACT = (
    2_000  # allowed texts up to which the search is exact: with few, neighbours in a graph are too far
)
ROWS_PER_WRITE = 500

Rows = Collection[Mapping[str, Any]]


def index_model(dimension: int) -> SearchIndexModel:
    """Define the vector search index: both spaces, and every field that a filter names."""
    spaces: tuple[Space, ...] = ("plain", "centred")
    fields: list[dict[str, Any]] = [
        {"type": "vector", "path": space, "numDimensions": dimension, "similarity": "dotProduct"}
        for space in spaces
    ]
    fields += [{"type": "filter", "path": path} for path in ("workspace_id", "language", "article_id")]
    return SearchIndexModel(definition={"fields": fields}, name=INDEX_NAME, type="vectorSearch")


class MongoPassageIndex(FusedPassageIndex):
    """Rows in MongoDB. Searching blocks on the network: call it off the event loop, as every index.

    ``collection`` is of PyMongo's synchronous client, which threads may share.
    """

    def __init__(
        self,
        collection: Rows,
        workspace_id: str,
        *,
        version: int,
        model: str,
        passages: Sequence[IndexedPassage],
        means: Mapping[Language, Floats],
        lexical: LexicalIndex,
        titles: Titles | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        super().__init__(
            version=version,
            model=model,
            passages=passages,
            means=means,
            lexical=lexical,
            titles=titles,
            tokens=tokens,
        )
        self._collection, self._workspace_id = collection, workspace_id
        self._numbers = {passage.passage_id: number for number, passage in enumerate(passages)}

    def write(self, rows: Floats) -> None:
        """Store the passages' unit ``rows`` (n, dimension), in their order; a repeat changes nothing."""
        for start in range(0, len(rows), ROWS_PER_WRITE):
            end = min(start + ROWS_PER_WRITE, len(rows))
            self._collection.bulk_write([self._write(n, rows[n]) for n in range(start, end)], ordered=False)

    def forget_others(self) -> None:
        """Remove the workspace's rows that this version does not have."""
        kept = list(self._numbers)
        self._collection.delete_many({"workspace_id": self._workspace_id, "passage_id": {"$nin": kept}})

    def nearest(self, space: Space, row: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the numbers of the nearest allowed passages, as MongoDB finds them."""
        if not allowed.any():
            return np.zeros(0, np.int64)
        found = self._collection.aggregate(self.pipeline(space, row, allowed))
        numbers = [self._numbers[hit["passage_id"]] for hit in found if hit["passage_id"] in self._numbers]
        # The filter names texts; this one holds even if a row of an older version is still there.
        return np.array([number for number in numbers if allowed[number]], np.int64)

    def pipeline(self, space: Space, row: Floats, allowed: NDArray[np.bool_]) -> list[dict[str, Any]]:
        """Write the search: filtered before it is ranked, exact while few texts are allowed."""
        texts = self._texts(allowed)
        stage: dict[str, Any] = {
            "index": INDEX_NAME,
            "path": space,
            "queryVector": _vector(row),
            "limit": POOL,
            "filter": {"$and": [{"workspace_id": self._workspace_id}, *self._conditions(allowed, texts)]},
        }
        stage |= {"exact": True} if len(texts) <= MOST_EXACT else {"numCandidates": CANDIDATES}
        return [{"$vectorSearch": stage}, {"$project": {"_id": 0, "passage_id": 1}}]

    def products(self, space: Space, rows: NDArray[np.int64], row: Floats) -> Floats:
        """Return the inner product of the rows of some passages with ``row``."""
        ids = [self._id(int(number)) for number in rows]
        stored = {
            found["_id"]: _floats(found[space])
            for found in self._collection.find({"_id": {"$in": ids}}, {space: 1})
        }
        nothing = np.zeros_like(row)  # a row that is not written yet is near to nothing
        return np.array([float(stored.get(id, nothing) @ row) for id in ids], np.float32)

    def _texts(self, allowed: NDArray[np.bool_]) -> list[str]:
        return sorted({self.passages[int(number)].article_id for number in np.flatnonzero(allowed)})

    def _conditions(self, allowed: NDArray[np.bool_], texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Name the allowed texts, or the others where those are fewer: a filter is read with every search."""
        languages = sorted({self.passages[int(number)].language for number in np.flatnonzero(allowed)})
        yield {"language": {"$in": languages}}
        others = self._texts(~allowed)
        if len(texts) <= len(others):
            yield {"article_id": {"$in": list(texts)}}
        elif others:
            yield {"article_id": {"$nin": others}}

    def _write(self, number: int, row: Floats) -> ReplaceOne[Mapping[str, Any]]:
        passage = self.passages[number]
        mean = self.means.get(passage.language)
        centred = row if mean is None else row - mean
        document = {
            "_id": self._id(number),
            "workspace_id": self._workspace_id,
            "passage_id": passage.passage_id,
            "article_id": passage.article_id,
            "language": passage.language,
            "plain": _vector(row),
            "centred": _vector(centred / max(float(np.linalg.norm(centred)), 1e-9)),
        }
        return ReplaceOne({"_id": document["_id"]}, document, upsert=True)

    def _id(self, number: int) -> str:
        return f"{self._workspace_id}/{self.passages[number].passage_id}"


def _vector(row: Floats) -> Binary:
    """Write a row as BSON's vector of floats: half the size of an array of doubles."""
    return Binary.from_vector([float(value) for value in row], BinaryVectorDtype.FLOAT32)


def _floats(stored: Binary) -> Floats:
    return np.array(stored.as_vector().data, np.float32)
