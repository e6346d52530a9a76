"""What a section of the evaluation is, what it is given, and what it gives back.

A new one is a file in ``eval/sections/`` with ``SECTIONS = (Section(…), …)``; nothing else lists it.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder

SEED = 20_261
CACHE = Path(".data") / "eval"
TEXTS_PER_SAVE = 512

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
        """Embed questions as ``Embedder.embed_queries`` does, once for each text and model."""
        return await self._embed("query", texts)

    async def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed passages as ``Embedder.embed_passages`` does, once for each text and model."""
        return await self._embed("passage", texts)

    async def _embed(self, side: str, texts: Sequence[str]) -> Floats:
        await self.embedder.wait_until_ready()
        file = self._cache / f"{self.embedder.name}-{side}.npz"
        known = _load(file)
        missing = [text for text in dict.fromkeys(texts) if _key(text) not in known]
        for start in range(0, len(missing), TEXTS_PER_SAVE):
            part = missing[start : start + TEXTS_PER_SAVE]
            if side == "query":
                made = [await self.embedder.embed_queries(part[i : i + 16]) for i in range(0, len(part), 16)]
                rows = np.concatenate(made)
            else:
                rows = await self.embedder.embed_passages(part)
            known |= {_key(text): row for text, row in zip(part, rows, strict=True)}
        if missing:
            _save(file, known)
        return np.array([known[_key(text)] for text in texts], np.float32).reshape(len(texts), -1)


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


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _load(file: Path) -> dict[str, Floats]:
    if not file.is_file():
        return {}
    with np.load(file) as stored:
        return dict(zip(stored["keys"].tolist(), stored["rows"], strict=True))


def _save(file: Path, rows: Mapping[str, Floats]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}.npz")
    np.savez(fresh, keys=np.array(list(rows)), rows=np.array(list(rows.values()), np.float32))
    fresh.replace(file)
