"""Turn questions and passages into unit rows, off the event loop.

Two lanes of one thread each: questions never wait behind an index that is being built, and questions that
arrive while the encoder is busy share its next run. The model loads in the background on first need.
"""

import asyncio
import hashlib
import json
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog
from numpy.typing import NDArray

from backend.core.errors import Unavailable
from knowledge.language_means import EVERYDAY
from knowledge.text import Language

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Rows = NDArray[np.float32]

QUESTIONS_PER_RUN = 16
PASSAGES_PER_RUN = 16  # about a second of work: long enough to be efficient, short enough to be fair
MAX_WAITING_QUESTIONS = 512  # some seconds of work; beyond that an honest refusal beats a long wait

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Loaded:
    name: str
    dimension: int
    model: "SentenceTransformer"
    means: dict[Language, Rows]


@dataclass(frozen=True)
class _Waiting:
    texts: Sequence[str]
    answer: "Future[Rows]"


class Embedder:
    """One embedding model, shared by the whole process; ``close`` it when the house closes.

    ``model`` is empty for the default model (made under ``models_folder`` on first use) or the path of any
    sentence-transformers folder.
    """

    def __init__(self, *, models_folder: Path, model: str = "") -> None:
        self._models_folder, self._model = models_folder, model
        self._questions = ThreadPoolExecutor(1, thread_name_prefix="embed-questions")
        self._passages = ThreadPoolExecutor(1, thread_name_prefix="embed-passages")
        self._waiting: deque[_Waiting] = deque()
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
        return self._loaded().means

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
        loaded = await self._load()
        if not texts:
            return np.zeros((0, loaded.dimension), np.float32)
        if len(self._waiting) >= MAX_WAITING_QUESTIONS:
            raise Unavailable("Too many questions are being looked up at once; try again in a moment.")
        request = _Waiting(texts, Future())
        self._waiting.append(request)
        self._questions.submit(self._answer_waiting, loaded)
        return await asyncio.wrap_future(request.answer)

    async def embed_passages(self, texts: Sequence[str]) -> Rows:
        """Embed passages of articles: float32 (len(texts), dimension), unit rows, in order."""
        loaded = await self._load()
        rows = np.zeros((len(texts), loaded.dimension), np.float32)
        # Texts of like length share a run, so that little is padding.
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(by_length), PASSAGES_PER_RUN):
            picked = by_length[start : start + PASSAGES_PER_RUN]
            run = self._passages.submit(_encode_passages, loaded.model, [texts[i] for i in picked])
            part: Rows = await asyncio.wrap_future(run)
            rows[picked] = part
        return rows

    def close(self) -> None:
        """Stop both lanes after what they are doing now; questions still waiting are cancelled."""
        for lane in (self._questions, self._passages):
            lane.shutdown(wait=True, cancel_futures=True)
        while self._waiting:
            self._waiting.popleft().answer.cancel()

    def _loaded(self) -> _Loaded:
        if self._loading is None or not self.ready:
            raise Unavailable("The embedding model is still being loaded; try again in a moment.")
        return self._loading.result()

    async def _load(self) -> _Loaded:
        self.start_loading()
        assert self._loading is not None
        # Shielded: a caller who gives up must not cancel the load for everybody else.
        return await asyncio.shield(asyncio.wrap_future(self._loading))

    def _answer_waiting(self, loaded: _Loaded) -> None:
        """Answer in one run what has gathered by now; runs on the questions' thread."""
        taken: list[_Waiting] = []
        while self._waiting and sum(len(w.texts) for w in taken) < QUESTIONS_PER_RUN:
            request = self._waiting.popleft()
            if request.answer.set_running_or_notify_cancel():
                taken.append(request)
        if not taken:
            return
        try:
            rows = _encode_queries(loaded.model, [text for w in taken for text in w.texts])
        except Exception as error:  # noqa: BLE001  handed to every asker, who raises it
            for request in taken:
                request.answer.set_exception(error)
            return
        start = 0
        for request in taken:
            request.answer.set_result(rows[start : start + len(request.texts)])
            start += len(request.texts)


def _encode_queries(model: "SentenceTransformer", texts: list[str]) -> Rows:
    rows = model.encode_query(
        texts, batch_size=QUESTIONS_PER_RUN, show_progress_bar=False, normalize_embeddings=True
    )
    return np.asarray(rows, np.float32)


def _encode_passages(model: "SentenceTransformer", texts: list[str]) -> Rows:
    rows = model.encode_document(
        texts, batch_size=PASSAGES_PER_RUN, show_progress_bar=False, normalize_embeddings=True
    )
    return np.asarray(rows, np.float32)


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
        loaded = SentenceTransformer(
            modules=[OnnxEncoder.load(str(folder))],
            prompts=settings["prompts"],
            similarity_fn_name=settings["similarity_fn_name"],
            device="cpu",
        )
    else:
        loaded = SentenceTransformer(str(folder), local_files_only=True, device="cpu")
    dimension = loaded.get_embedding_dimension()
    if dimension is None:
        raise Unavailable(f"{folder} does not say how long its rows are; it is no embedding model.")
    log.info("embedding model loaded", model=folder.name, dimension=dimension)
    means = {
        language: np.asarray(_encode_passages(loaded, list(sentences)).mean(axis=0), np.float32)
        for language, sentences in EVERYDAY.items()
    }
    return _Loaded(f"{folder.name}-{_digest(folder)}", dimension, loaded, means)


def _digest(folder: Path) -> str:
    """Tell models apart by the names and sizes of their files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listing = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()[:8]
