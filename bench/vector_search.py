"""Vector indexes behind one face: ours, numpy, and the graphs hnswlib and usearch.

All return up to POOL allowed rows of the highest inner product, nearest first, on one thread. A graph finds
more the more it looks at (``effort``); the others are exact and have none.
"""

import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.sync.contenders import CannotRun
from bench.sync.starting import PEERS, install
from knowledge.faiss_index import FaissPassageIndex
from knowledge.passage_index import POOL, IndexedPassage
from knowledge.ranking import Floats

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Search = Callable[[Floats], Ids]

FOLDER = PEERS / "vectors"
# hnswlib itself has no wheels; Chroma's build of it is the same library under the same name.
PACKAGES = ("chroma-hnswlib==0.7.6", "usearch>=2.26,<3", "numkong")
FEW = 0.2  # share of allowed rows below which numpy gathers them first
LINKS, BUILD_EFFORT = 16, 200  # of a graph: hnswlib's usual ones


class VectorIndex(ABC):
    """An index of unit rows (n, dimension), numbered in their order."""

    name: ClassVar[str]
    is_exact: ClassVar[bool]

    @abstractmethod
    def __init__(self, rows: Floats) -> None:
        """Build it."""

    @abstractmethod
    def searcher(self, allowed: Mask, effort: int) -> Search:
        """Return the search among the ``allowed`` rows; what can be made ready beforehand is."""


async def install_graphs() -> None:
    """Install the graphs beside the benchmark, once; raise CannotRun where there is no wheel of one."""
    if not (FOLDER / "usearch").is_dir():
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(FOLDER), *PACKAGES]
        await install("hnswlib and usearch", command, PEERS)


def _load(module: str) -> Any:
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))  # last: everything else is the environment's own
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CannotRun(f"{module} does not load here: {error}") from None


class Ours(VectorIndex):
    """The passage index as the house builds it, without words: both spaces, in half precision."""

    name = "rapport"
    is_exact = True

    def __init__(self, rows: Floats) -> None:
        passages = [IndexedPassage(f"a{number}/0", f"a{number}", "en") for number in range(len(rows))]
        nowhere = np.zeros(rows.shape[1], np.float32)
        self._index = FaissPassageIndex.build(
            passages,
            rows,
            version=1,
            model="bench",
            documents=[()] * len(rows),
            language_means={"en": nowhere},
        )

    def searcher(self, allowed: Mask, effort: int) -> Search:
        return lambda row: self._index.nearest("plain", row, allowed)


class Numpy(VectorIndex):
    """Brute force in single precision: one product with all rows, or with the allowed ones where few are."""

    name = "numpy"
    is_exact = True

    def __init__(self, rows: Floats) -> None:
        self._rows = rows

    def searcher(self, allowed: Mask, effort: int) -> Search:
        ids = np.flatnonzero(allowed).astype(np.int64)
        most = min(POOL, len(ids))

        def among_all(row: Floats) -> Ids:
            products = self._rows @ row
            products[~allowed] = -np.inf
            return _best(products, most)

        def among_few(row: Floats) -> Ids:
            return np.asarray(ids[_best(self._rows[ids] @ row, most)])

        return among_few if len(ids) < FEW * len(allowed) else among_all


class Hnswlib(VectorIndex):
    """Its filter is a function asked for each row that the walk comes by."""

    name = "hnswlib"
    is_exact = False

    def __init__(self, rows: Floats) -> None:
        self._graph = _load("hnswlib").Index("ip", rows.shape[1])
        self._graph.init_index(len(rows), M=LINKS, ef_construction=BUILD_EFFORT)
        self._graph.add_items(rows, np.arange(len(rows)))

    def searcher(self, allowed: Mask, effort: int) -> Search:
        most, is_allowed = min(POOL, int(allowed.sum())), allowed.tobytes().__getitem__
        filters = {} if allowed.all() else {"filter": is_allowed}

        def search(row: Floats) -> Ids:
            try:
                found, _ = self._graph.knn_query(row[None], most, num_threads=1, **filters)
            except RuntimeError:  # it found fewer than asked for, and then returns none
                return np.zeros(0, np.int64)
            return np.asarray(found[0], np.int64)

        self._graph.set_ef(effort)
        return search


class Usearch(VectorIndex):
    """Its Python side has no filter: it is asked for as many more as are forbidden, and those are dropped."""

    name = "usearch"
    is_exact = False

    def __init__(self, rows: Floats) -> None:
        index = _load("usearch.index").Index
        self._graph = index(ndim=rows.shape[1], metric="ip", dtype="f32", connectivity=LINKS)
        self._graph.add(np.arange(len(rows)), rows)

    def searcher(self, allowed: Mask, effort: int) -> Search:
        everything = bool(allowed.all())
        share = float(allowed.mean())
        most = POOL if everything else min(len(allowed), int(np.ceil(effort / share)))
        self._graph.expansion_search = max(effort, most)

        def search(row: Floats) -> Ids:
            found = np.asarray(self._graph.search(row, most, threads=1).keys, np.int64)
            return found if everything else found[allowed[found]][:POOL]

        return search


def _best(products: Floats, most: int) -> Ids:
    """Return the numbers of the ``most`` highest, highest first."""
    picked = np.argpartition(-products, most - 1)[:most] if most < len(products) else np.arange(len(products))
    return np.asarray(picked[np.argsort(-products[picked], kind="stable")], np.int64)
