"""Turn questions and passages into unit rows, off the event loop.

Two lanes of some threads each: questions never wait behind an index that is being built. The model loads in
the background on first need.
"""

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import structlog
from numpy.typing import NDArray

from backend.core.errors import Unavailable
from knowledge.language_means import EVERYDAY
from knowledge.text import Language

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from knowledge.onnx_encoder import OnnxEncoder

Rows = NDArray[np.float32]

# Encoded at once, like lengths together. More are not faster: what a token costs hardly falls, every shorter
# text is padded to the longest, and long ones leave the processor's cache.
TEXTS_TOGETHER = 4
# Of a lane. Two texts on a thread each take less of the processor than one on two threads after the other.
THREADS = min(4, os.cpu_count() or 1)
MAX_WAITING_QUESTIONS = 512  # askers: some seconds of work; beyond that an honest refusal beats a long wait

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Reading:
    """A text as the encoder read it: its unit ``row`` (dimension,), and a unit row for each of its tokens.

    ``tokens`` is float16 (n, dimension), without the prompt's and the closing token; n is 0 where the model
    gives none.
    """

    row: Rows
    tokens: NDArray[np.float16]


@dataclass(frozen=True)
class Places:
    """Where a language lies in the encoder's space: mean rows (dimension,) over everyday sentences.

    Of passages, of questions, and of the tokens of passages (None where the model gives no token rows).
    """

    passages: Rows
    questions: Rows
    tokens: Rows | None


@dataclass(frozen=True)
class _Loaded:
    name: str
    dimension: int
    read: "_Read"
    places: dict[Language, Places]
    turn: AbstractContextManager[Any]  # taken for a run: a lock where the model serves one thread at a time


Side = Literal["query", "document"]
_Read = Callable[[list[str], Side], list[Reading]]  # a few texts at once, with the prompt of their side


class Embedder:
    """One embedding model, shared by the whole process; ``close`` it when the house closes.

    ``model`` is empty for the default model (made under ``models_folder`` on first use) or the path of any
    sentence-transformers folder.
    """

    def __init__(self, *, models_folder: Path, model: str = "") -> None:
        self._models_folder, self._model = models_folder, model
        self._questions = ThreadPoolExecutor(THREADS, thread_name_prefix="embed-questions")
        self._passages = ThreadPoolExecutor(THREADS, thread_name_prefix="embed-passages")
        self._waiting_questions = 0
        self._loading: Future[_Loaded] | None = None

    @property
    def ready(self) -> bool:
        """Tell whether the model is loaded, so that a call answers without a wait for it."""
        future = self._loading
        return future is not None and future.done() and not future.cancelled() and future.exception() is None

    @property
    def failure(self) -> BaseException | None:
        """Return why the model could not be loaded; None while it may still be, and once it is."""
        future = self._loading
        return future.exception() if future is not None and future.done() and not future.cancelled() else None

    @property
    def name(self) -> str:
        """Name the loaded model with a digest; rows of different names must never be compared."""
        return self._loaded().name

    @property
    def dimension(self) -> int:
        """Return the length of a row of the loaded model."""
        return self._loaded().dimension

    @property
    def language_means(self) -> dict[Language, Rows]:
        """Return the mean passage row (dimension,) of each language, taken over everyday sentences."""
        return {language: place.passages for language, place in self.places.items()}

    @property
    def places(self) -> dict[Language, Places]:
        """Return where each language lies in the loaded model's space."""
        return self._loaded().places

    def start_loading(self) -> None:
        """Begin to load in the background; a second call does nothing, after a failure it tries again."""
        if self._loading is None or (self._loading.done() and not self.ready):
            self._loading = self._questions.submit(_load, self._models_folder, self._model)

    async def wait_until_ready(self) -> None:
        """Load if needed and return when done; raise Unavailable with the cause when it cannot be."""
        await self._load()

    async def embed_queries(self, texts: Sequence[str]) -> Rows:
        """Embed questions: float32 (len(texts), dimension), unit rows, in order.

        Raises Unavailable when the model cannot be loaded or too many questions wait already.
        """
        return _rows_of(await self.read_queries(texts), (await self._load()).dimension)

    async def read_queries(self, texts: Sequence[str]) -> list[Reading]:
        """Read questions as ``embed_queries`` does, with the rows of their tokens."""
        if self._waiting_questions >= MAX_WAITING_QUESTIONS:
            raise Unavailable("Too many questions are being looked up at once; try again in a moment.")
        self._waiting_questions += 1
        try:
            return await self._read_in_runs(self._questions, texts, "query")
        finally:
            self._waiting_questions -= 1

    async def embed_passages(self, texts: Sequence[str]) -> Rows:
        """Embed passages of articles: float32 (len(texts), dimension), unit rows, in order."""
        return _rows_of(await self.read_passages(texts), (await self._load()).dimension)

    async def read_passages(self, texts: Sequence[str]) -> list[Reading]:
        """Read passages as ``embed_passages`` does, with the rows of their tokens."""
        return await self._read_in_runs(self._passages, texts, "document")

    async def read_titles(self, texts: Sequence[str]) -> list[Reading]:
        """Read titles as questions are read: a title often is one. They wait with the passages."""
        return await self._read_in_runs(self._passages, texts, "query")

    async def _read_in_runs(
        self, lane: ThreadPoolExecutor, texts: Sequence[str], side: Side
    ) -> list[Reading]:
        """Read texts a few at a time, those of like length together; at most ``THREADS`` runs wait in a lane.

        Whoever comes meanwhile has the next turn, however many texts there are.
        """
        loaded = await self._load()
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        together = min(TEXTS_TOGETHER, -(-len(texts) // THREADS) or 1)
        runs = [by_length[start : start + together] for start in range(0, len(by_length), together)]
        readings: dict[int, Reading] = {}
        for start in range(0, len(runs), THREADS):
            some = runs[start : start + THREADS]
            going = [lane.submit(_run, loaded, [texts[i] for i in run], side) for run in some]
            for run, made in zip(some, await asyncio.gather(*map(asyncio.wrap_future, going)), strict=True):
                readings |= zip(run, made, strict=True)
        return [readings[i] for i in range(len(texts))]

    def close(self) -> None:
        """Stop both lanes after what they are doing now; texts still waiting are cancelled."""
        for lane in (self._questions, self._passages):
            lane.shutdown(wait=True, cancel_futures=True)

    def _loaded(self) -> _Loaded:
        if self._loading is None or not self.ready:
            raise Unavailable("The embedding model is still being loaded; try again in a moment.")
        return self._loading.result()

    async def _load(self) -> _Loaded:
        self.start_loading()
        assert self._loading is not None
        # Shielded: a caller who gives up must not cancel the load for everybody else.
        return await asyncio.shield(asyncio.wrap_future(self._loading))


def _rows_of(readings: Sequence[Reading], dimension: int) -> Rows:
    return np.array([reading.row for reading in readings], np.float32).reshape(len(readings), dimension)


def _run(loaded: _Loaded, texts: list[str], side: Side) -> list[Reading]:
    with loaded.turn:
        return loaded.read(texts, side)


def _read_by_library(
    model: "SentenceTransformer", before: Mapping[Side, int], texts: list[str], side: Side
) -> list[Reading]:
    """Run any model; ``before`` is how many tokens come before a text of each side."""
    encode = model.encode_query if side == "query" else model.encode_document
    outputs: Any = encode(texts, batch_size=TEXTS_TOGETHER, show_progress_bar=False, output_value=None)
    return [_reading_of(output, before[side]) for output in outputs]


def _reading_of(output: dict[str, Any], before: int) -> Reading:
    row = np.asarray(output["sentence_embedding"].numpy(), np.float32)
    if "token_embeddings" not in output:
        return _reading(row, np.zeros((0, len(row)), np.float32))
    kept = int(output["attention_mask"].sum())
    return _reading(row, np.asarray(output["token_embeddings"][:kept].numpy(), np.float32)[before:-1])


def _read_at_once(
    encoder: "OnnxEncoder",
    prompts: Mapping[str, str],
    before: Mapping[Side, int],
    texts: list[str],
    side: Side,
) -> list[Reading]:
    """Run the default model, the same as ``_read_by_library`` does."""
    rows, tokens, counts = encoder.read(texts, prompts[side])
    return [
        _reading(row, of_text[before[side] : count - 1])
        for row, of_text, count in zip(rows, tokens, counts.tolist(), strict=True)
    ]


def _reading(row: Rows, tokens: Rows) -> Reading:
    """Bring rows to unit length."""
    lengths = np.linalg.norm(tokens, axis=1, keepdims=True)
    return Reading(
        row / max(float(np.linalg.norm(row)), 1e-12),
        (tokens / np.maximum(lengths, 1e-12)).astype(np.float16),
    )


def _tokens_before(model: "SentenceTransformer") -> dict[Side, int]:
    """Count the tokens that come before a text of each side: the opening one and the prompt's."""
    prompts = model.prompts or {}
    masks = {
        side: model.preprocess([(prompts.get(side) or "").strip()])["attention_mask"]
        for side in get_args(Side)
    }
    return {side: int(mask.sum()) - 1 for side, mask in masks.items()}


def _load(models_folder: Path, model: str) -> _Loaded:
    """Make or find the folder and load it; runs on the questions' thread, seconds the first time."""
    # Before the first import: the hub's client reads these once. Nothing is ever downloaded at run time.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer

    from knowledge.model_files import prepare_default_model
    from knowledge.onnx_encoder import OnnxEncoder

    folder = Path(model) if model else prepare_default_model(models_folder)
    if not folder.is_dir():
        raise Unavailable(
            f"RAPPORT_EMBEDDING_MODEL names {model!r}, which is no folder here: "
            "put a sentence-transformers model there, or unset it for the default model."
        )
    if (folder / "onnx_encoder.json").is_file():
        settings = json.loads((folder / "config_sentence_transformers.json").read_text())
        encoder = OnnxEncoder.load(str(folder))
        loaded = SentenceTransformer(
            modules=[encoder],
            prompts=settings["prompts"],
            similarity_fn_name=settings["similarity_fn_name"],
            device="cpu",
        )
        read: _Read = partial(_read_at_once, encoder, settings["prompts"], _tokens_before(loaded))
        turn: AbstractContextManager[Any] = nullcontext()
    else:
        loaded = SentenceTransformer(str(folder), local_files_only=True, device="cpu")
        read = partial(_read_by_library, loaded, _tokens_before(loaded))
        turn = threading.Lock()  # fast tokenizers refuse a second thread
    dimension = loaded.get_embedding_dimension()
    if dimension is None:
        raise Unavailable(f"{folder} does not say how long its rows are; it is no embedding model.")
    log.info("embedding model loaded", model=folder.name, dimension=dimension)
    places = {language: _place(read, list(sentences)) for language, sentences in EVERYDAY.items()}
    return _Loaded(f"{folder.name}-{_digest(folder)}", dimension, read, places, turn)


def _place(read: _Read, sentences: list[str]) -> Places:
    passages, questions = _read_all(read, sentences, "document"), _read_all(read, sentences, "query")
    tokens = np.concatenate([reading.tokens for reading in passages])
    return Places(
        passages=np.mean([reading.row for reading in passages], axis=0, dtype=np.float32),
        questions=np.mean([reading.row for reading in questions], axis=0, dtype=np.float32),
        tokens=tokens.mean(axis=0, dtype=np.float32) if len(tokens) else None,
    )


def _read_all(read: _Read, texts: Sequence[str], side: Side) -> list[Reading]:
    """Read texts a few at a time, the longest first as the library does: the same rows to the last bit."""
    by_length = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    readings: dict[int, Reading] = {}
    for start in range(0, len(texts), TEXTS_TOGETHER):
        run = by_length[start : start + TEXTS_TOGETHER]
        readings |= zip(run, read([texts[i] for i in run], side), strict=True)
    return [readings[i] for i in range(len(texts))]


def _digest(folder: Path) -> str:
    """Tell models apart by the names and sizes of their files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listing = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()[:8]
