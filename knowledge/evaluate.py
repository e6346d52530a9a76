"""Evaluate retrieval on public sets: ``python -m knowledge.evaluate`` (``make eval``).

Prints our figures beside the references and writes ``eval/results.json``. The sets are never part of this
repository: they lie in RAPPORT_EVAL_DATA (else ``../shared/data``), and one that is absent is skipped and
named. Nothing is tuned on them. Each set is indexed whole; of its questions every n-th is asked.
"""

import asyncio
import gzip
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from backend.core.settings import Settings
from knowledge.embedding import Embedder
from knowledge.passage_index import FaissPassageIndex, IndexedPassage, Question
from knowledge.passages import split_passages, text_to_embed
from knowledge.text import guess_language, tokens

MOST_QUESTIONS = 300  # of one set: some seconds of encoding, and a standard error of 2 points
RESULTS = Path("eval") / "results.json"

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """Questions of one file against the articles of others; ``reference`` is MRR@10 as others had it."""

    name: str
    folder: str
    articles: tuple[str, ...]
    questions: str = ""  # empty: the titles, which are then no part of the index
    words: str = "text"  # the field that holds a question's words
    reference: float | None = None  # None: nobody has published one
    reference_source: str = ""


LAB = "lab, e5-small + BM25 fused"
TASKS = (
    Task(
        name="TiDB FAQ zh", folder="tidb_faq_zh", articles=("corpus",), reference=81.1, reference_source=LAB
    ),
    Task(
        name="stackfaq en",
        folder="stackfaq_en",
        articles=("corpus",),
        questions="queries",
        reference=89.2,
        reference_source=LAB,
    ),
    *(
        Task(
            name=f"xquad {asked}→{written}",
            folder="xquad",
            articles=(f"corpus_{written}",),
            questions=f"queries_{asked}",
            reference=reference,
            reference_source=LAB,
        )
        for asked, written, reference in (
            ("zh", "zh", 96.9),
            ("en", "en", 97.9),
            ("zh", "en", 77.5),
            ("en", "zh", 79.6),
        )
    ),
    Task(
        name="τ² bank en",
        folder="tau2_bank_en",
        articles=("corpus",),
        questions="tasks",
        words="instructions",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Percentages over ``questions`` asked; ``p50_ms`` of encoding and searching one question."""

    name: str
    questions: int
    articles: int
    mrr_10: float
    recall_1: float
    recall_5: float
    p50_ms: float
    reference_mrr_10: float | None
    reference_source: str


async def evaluate(embedder: Embedder, folder: Path, task: Task) -> Figures:
    """Run one task."""
    rows = [row for name in task.articles for row in _read(folder / f"{name}.jsonl.gz")]
    index = await _index(embedder, rows, with_titles=bool(task.questions))
    asked = _questions(folder, task, rows)
    ranks: list[int] = []
    seconds: list[float] = []
    for text, answers in asked[:: -(-len(asked) // MOST_QUESTIONS)]:
        start = time.perf_counter()
        row = (await embedder.embed_queries([text]))[0]
        question = Question(row, tokens(text), guess_language(text))
        hits = (await asyncio.to_thread(index.search, question, limit=50)).hits
        seconds.append(time.perf_counter() - start)
        keys = list(dict.fromkeys(hit.article_id for hit in hits))[:10]
        ranks.append(next((place for place, key in enumerate(keys, 1) if key in answers), 0))
    return Figures(
        name=task.name,
        questions=len(ranks),
        articles=len(rows),
        mrr_10=_percent([1 / rank if rank else 0 for rank in ranks]),
        recall_1=_percent([rank == 1 for rank in ranks]),
        recall_5=_percent([0 < rank <= 5 for rank in ranks]),
        p50_ms=round(sorted(seconds)[len(seconds) // 2] * 1000, 1),
        reference_mrr_10=task.reference,
        reference_source=task.reference_source,
    )


def _questions(folder: Path, task: Task, rows: Sequence[Row]) -> list[tuple[str, frozenset[str]]]:
    if not task.questions:
        return [(row["title"], frozenset({row["id"]})) for row in rows]
    asked = _read(folder / f"{task.questions}.jsonl.gz")
    return [(row[task.words], frozenset(row["rel"])) for row in asked]


async def _index(embedder: Embedder, rows: Sequence[Row], *, with_titles: bool) -> FaissPassageIndex:
    passages, texts = [], []
    for row in rows:
        title = row.get("title", "") if with_titles else ""
        for passage in split_passages(title, row["text"]):
            language = guess_language(row["text"])
            passages.append(IndexedPassage(f"{row['id']}/{passage.ordinal}", row["id"], language))
            texts.append(text_to_embed(title, passage) if title else passage.text)
    return FaissPassageIndex.build(
        passages,
        await embedder.embed_passages(texts),
        version=1,
        model=embedder.name,
        documents=[tokens(text) for text in texts],
        language_means=embedder.language_means,
    )


def _read(file: Path) -> list[Row]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _percent(values: Sequence[float]) -> float:
    return round(100 * sum(values) / len(values), 1)


def find_data() -> Path:
    """Return where the public sets should be."""
    given = os.environ.get("RAPPORT_EVAL_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"


async def run() -> int:
    """Run every task whose set is at hand; return how many ran."""
    console, data, figures = Console(), find_data(), []
    embedder = Embedder(models_folder=Settings().data_dir / "models", model=Settings().embedding_model)
    try:
        for task in TASKS:
            folder = data / task.folder
            if not folder.is_dir():
                console.print(
                    f"{task.name}: skipped, {folder} is not there. docs/evaluation.md says where each set "
                    "comes from; put them somewhere and set RAPPORT_EVAL_DATA."
                )
                continue
            with console.status(f"{task.name} …"):
                figures.append(await evaluate(embedder, folder, task))
        if figures:
            console.print(_table(figures, embedder.name))
            await asyncio.to_thread(_write, figures, embedder.name)
    finally:
        await asyncio.to_thread(embedder.close)
    return len(figures)


def _table(figures: Sequence[Figures], model: str) -> Table:
    table = Table(title=f"Retrieval with {model}, per cent", title_justify="left")
    for heading in ("set", "questions", "articles", "MRR@10", "reference", "R@1", "R@5", "p50 ms"):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for f in figures:
        numbers = (f.questions, f.articles, f.mrr_10, f.reference_mrr_10, f.recall_1, f.recall_5, f.p50_ms)
        table.add_row(f.name, *("–" if number is None else str(number) for number in numbers))
    table.caption = f"reference: {LAB}; xquad zh→en and en→zh: the better of dense and fused"
    return table


def _write(figures: Sequence[Figures], model: str) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    result = {
        "model": model,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "retrieval": [asdict(one) for one in figures],
    }
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(run())
