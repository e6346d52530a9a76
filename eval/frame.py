"""What a section of the evaluation is, what it is given, and what it gives back.

A new one is a file in ``eval/sections/`` with ``SECTIONS = (Section(…), …)``; nothing else lists it.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.house import House
from eval.throw_away_house import throw_away_house
from knowledge.embedding import Embedder, Reading

SEED = 20_261
CACHE = Path(".data") / "eval"
TEXTS_AT_ONCE = 512

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure. ``target`` is what we want to claim; ``floor`` is what CI refuses to fall below.

    With ``at_most`` smaller is better, and target and floor are upper limits. ``reference`` is what others
    had, with its source; ``n`` how many cases the figure is over.
    """

    claim: str
    figure: float
    target: float | None = None
    floor: float | None = None
    at_most: bool = False
    reference: str = ""
    n: int | None = None

    @property
    def met(self) -> bool | None:
        """Tell whether the target is reached; None when there is none."""
        return self._reaches(self.target)

    @property
    def stands(self) -> bool:
        """Tell whether the figure keeps its floor."""
        return self._reaches(self.floor) is not False

    def _reaches(self, limit: float | None) -> bool | None:
        if limit is None:
            return None
        # As printed: three decimals, so that 0.9499 is not refused where 0.950 is shown.
        figure = round(self.figure, 3)
        return figure <= limit if self.at_most else figure >= limit


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Rows of the table, and what is shown beside it.

    ``curves``: name to (confidence, was right) of every case, drawn as one coverage–risk picture a section.
    ``examples``: heading to lines, such as the questions that went wrong.
    """

    rows: Sequence[Row]
    curves: Mapping[str, Sequence[tuple[float, bool]]] = field(default_factory=dict)
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Missing(Exception):
    """A data set that a section needs is not at hand; the section is skipped and says so."""


class Evaluation:
    """What a section works with: one seed, the public data, one embedding model with a cache on disk.

    ``quick`` asks for a sample instead of whole sets (CI); a section decides how.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        places: Sequence[Path],
        seed: int = SEED,
        quick: bool = False,
        cache: Path = CACHE,
    ) -> None:
        self.embedder, self.places, self.seed, self.quick = embedder, places, seed, quick
        self._cache = cache
        self._stack = AsyncExitStack()
        self._house: House | None = None

    async def house(self) -> House:
        """Return this run's house on a throw-away database, opened when a section first asks for it.

        A process holds one house at a time: sections share it, each in workspaces of its own. The first to
        ask and whoever calls ``close`` must be the same task.
        """
        if self._house is None:
            self._house = await self._stack.enter_async_context(throw_away_house())
        return self._house

    async def close(self) -> None:
        """Close the house, if there is one."""
        self._house = None
        await self._stack.aclose()

    def find(self, name: str) -> Path:
        """Return the file or folder of that name in the public data; raise Missing when it is not there."""
        for place in self.places:
            if (place / name).exists():
                return place / name
        raise Missing(f"{name} is not in {' or '.join(str(place) for place in self.places)}")

    def read(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a ``.jsonl.gz`` of the public data."""
        with gzip.open(self.find(name), "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def some(self, rows: Sequence[Any], most: int) -> list[Any]:
        """Return all rows; when quick every n-th, so that at most ``most`` are left."""
        return list(rows[:: -(-len(rows) // most)]) if self.quick and rows else list(rows)

    async def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Embed questions as ``Embedder.embed_queries`` does, once for each list of texts and model."""
        return _rows(await self.read_queries(texts))

    async def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed passages as ``Embedder.embed_passages`` does, once for each list of texts and model."""
        return _rows(await self.read_passages(texts))

    async def read_queries(self, texts: Sequence[str]) -> list[Reading]:
        """Read questions, or titles, as ``Embedder.read_queries`` does, once for each list and model."""
        return await self._read("query", texts, self.embedder.read_titles)

    async def read_passages(self, texts: Sequence[str]) -> list[Reading]:
        """Read passages as ``Embedder.read_passages`` does, once for each list and model."""
        return await self._read("passage", texts, self.embedder.read_passages)

    async def _read(
        self, side: str, texts: Sequence[str], make: Callable[[Sequence[str]], Awaitable[list[Reading]]]
    ) -> list[Reading]:
        await self.embedder.wait_until_ready()
        file = self._cache / f"{self.embedder.name}-{side}-{_key(texts)}.npz"
        if file.is_file():
            return _load(file)
        readings: list[Reading] = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            readings += await make(texts[start : start + TEXTS_AT_ONCE])
        _save(file, readings)
        return readings


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the evaluation: ``claim`` is A1 … A8, ``name`` is unique, ``needs`` names public data.

    ``run`` computes with a fixed seed and tunes nothing on a test split. Its ``name`` and ``claim`` head the
    table; a section whose data is absent is skipped with a word.
    """

    claim: str
    name: str
    run: Callable[[Evaluation], Awaitable[Outcome]]
    needs: Sequence[str] = ()


def find_places() -> list[Path]:
    """Return where public data may lie: the folders of RAPPORT_EVAL_DATA, else ``../shared/data``."""
    given = os.environ.get("RAPPORT_EVAL_DATA", "")
    places = [Path(place) for place in given.split(os.pathsep) if place]
    return places or [Path(__file__).resolve().parents[2] / "shared" / "data"]


def _rows(readings: Sequence[Reading]) -> Floats:
    return np.array([reading.row for reading in readings], np.float32)


def _key(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _load(file: Path) -> list[Reading]:
    with np.load(file) as stored:
        parts = np.split(stored["tokens"], stored["ends"][:-1])
        return [Reading(row, tokens) for row, tokens in zip(stored["rows"], parts, strict=True)]


def _save(file: Path, readings: Sequence[Reading]) -> None:
    if not readings:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}.npz")
    tokens = [reading.tokens for reading in readings]
    ends = np.cumsum([len(rows) for rows in tokens])
    np.savez(fresh, rows=_rows(readings), tokens=np.concatenate(tokens), ends=ends)
    fresh.replace(file)
