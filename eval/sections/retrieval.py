"""A1: does the right article come first? Public questions against public bases, each base indexed whole."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.frame import Evaluation, Outcome, Row, Section
from knowledge.passage_index import FaissPassageIndex, IndexedPassage, Question
from knowledge.passages import split_passages, text_to_embed
from knowledge.text import guess_language, tokens

LAB = "lab, e5-small + BM25"
QUICK = 150  # questions of one set: a standard error of some 2 points
DEPTH = 10


@dataclass(frozen=True)
class Asked:
    """A question and the ids of the articles that answer it."""

    text: str
    answers: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Means over all questions, 0 to 1."""

    mrr_10: float
    ndcg_10: float
    recall_1: float
    recall_5: float
    n: int


async def build_index(evaluation: Evaluation, articles: Sequence[dict[str, Any]]) -> FaissPassageIndex:
    """Index rows with ``id``, ``text`` and perhaps ``title`` as the knowledge room indexes articles."""
    passages, texts = [], []
    for row in articles:
        title = row.get("title", "")
        for passage in split_passages(title, row["text"]):
            language = guess_language(row["text"])
            passages.append(IndexedPassage(f"{row['id']}/{passage.ordinal}", row["id"], language))
            texts.append(text_to_embed(title, passage) if title else passage.text)
    return FaissPassageIndex.build(
        passages,
        await evaluation.embed_passages(texts),
        version=1,
        model=evaluation.embedder.name,
        documents=[tokens(text) for text in texts],
        language_means=evaluation.embedder.language_means,
    )


async def ask_all(evaluation: Evaluation, index: FaissPassageIndex, asked: Sequence[Asked]) -> Measured:
    """Ask every question and measure where the first right article stands."""
    rows = await evaluation.embed_queries([question.text for question in asked])
    ranks = []
    for question, row in zip(asked, rows, strict=True):
        hits = index.search(
            Question(row, tokens(question.text), guess_language(question.text)), limit=50
        ).hits
        keys = list(dict.fromkeys(hit.article_id for hit in hits))[:DEPTH]
        ranks.append([place for place, key in enumerate(keys, 1) if key in question.answers])
    return measure(ranks, [len(question.answers) for question in asked])


def measure(ranks: Sequence[Sequence[int]], wanted: Sequence[int]) -> Measured:
    """Measure from the places (1 … 10) of the right articles of each question, and how many are right."""
    first = np.array([places[0] if places else np.inf for places in ranks])
    gains = [sum(1 / np.log2(place + 1) for place in places) for places in ranks]
    ideal = [sum(1 / np.log2(place + 1) for place in range(1, min(n, DEPTH) + 1)) for n in wanted]
    return Measured(
        mrr_10=float(np.mean(1 / first)),
        ndcg_10=float(np.mean(np.array(gains) / np.array(ideal))),
        recall_1=float(np.mean(first <= 1)),
        recall_5=float(np.mean(first <= 5)),
        n=len(ranks),
    )


async def stackfaq(evaluation: Evaluation) -> Outcome:
    index = await build_index(evaluation, evaluation.read("stackfaq_en/corpus.jsonl.gz"))
    found = await ask_all(evaluation, index, _asked(evaluation, "stackfaq_en/queries.jsonl.gz"))
    return Outcome(
        rows=[
            _mrr(found, target=0.92, floor=0.85, reference=f"0.892 ({LAB})"),
            Row(claim="nDCG@10", figure=found.ndcg_10, target=0.93, n=found.n),
            Row(claim="R@1", figure=found.recall_1, n=found.n),
        ]
    )


async def tidb(evaluation: Evaluation) -> Outcome:
    """Ask with the titles, which are no part of the index."""
    rows = evaluation.read("tidb_faq_zh/corpus.jsonl.gz")
    index = await build_index(evaluation, [{"id": row["id"], "text": row["text"]} for row in rows])
    asked = [Asked(row["title"], frozenset({row["id"]})) for row in evaluation.some(rows, QUICK)]
    found = await ask_all(evaluation, index, asked)
    return Outcome(rows=[_mrr(found, floor=0.81, reference=f"0.811 ({LAB})")])


async def xquad(evaluation: Evaluation) -> Outcome:
    rows = []
    for asked, written, target, reference in (
        ("zh", "zh", 0.98, "0.969"),
        ("en", "en", 0.98, "0.979"),
        ("zh", "en", 0.88, "0.775"),
        ("en", "zh", 0.88, "0.796"),
    ):
        index = await build_index(evaluation, evaluation.read(f"xquad/corpus_{written}.jsonl.gz"))
        found = await ask_all(evaluation, index, _asked(evaluation, f"xquad/queries_{asked}.jsonl.gz"))
        rows.append(_mrr(found, of=f" {asked}→{written}", target=target, reference=f"{reference} ({LAB})"))
    return Outcome(rows=rows)


async def xquad_mixed(evaluation: Evaluation) -> Outcome:
    """Half of the passages in each language, one index: the answer is in the other one."""
    chinese, english = (evaluation.read(f"xquad/corpus_{language}.jsonl.gz") for language in ("zh", "en"))
    rows = []
    for asked, written in (("zh", "en"), ("en", "zh")):
        foreign, own = (english, chinese) if written == "en" else (chinese, english)
        # The asker's language holds every other passage, the answers' language the rest of them.
        base = [*foreign[::2], *own[1::2]]
        index = await build_index(evaluation, base)
        answerable = {row["id"] for row in foreign[::2]}
        questions = _asked(evaluation, f"xquad/queries_{asked}.jsonl.gz")
        found = await ask_all(evaluation, index, [q for q in questions if q.answers & answerable])
        rows.append(
            _mrr(
                found,
                of=f" {asked}→{written}",
                target=0.72,
                reference="0.716 zh→en, 0.720 en→zh (lab, e5 + USE)",
            )
        )
    return Outcome(rows=rows)


async def cmrc(evaluation: Evaluation) -> Outcome:
    articles = json.loads(evaluation.find("cmrc2018_zh/cmrc2018_dev.json").read_text(encoding="utf-8"))[
        "data"
    ]
    passages = [
        {"id": paragraph["id"], "text": paragraph["context"]}
        for article in articles
        for paragraph in article["paragraphs"]
    ]
    index = await build_index(evaluation, passages)
    found = await ask_all(evaluation, index, _asked(evaluation, "cmrc2018_zh/queries.jsonl.gz"))
    return Outcome(rows=[_mrr(found, target=0.99, floor=0.97, reference=f"0.988 ({LAB})")])


def _asked(evaluation: Evaluation, name: str) -> list[Asked]:
    return [
        Asked(row["text"], frozenset(row["rel"])) for row in evaluation.some(evaluation.read(name), QUICK)
    ]


def _mrr(
    found: Measured,
    *,
    of: str = "",
    target: float | None = None,
    floor: float | None = None,
    reference: str = "",
) -> Row:
    return Row(
        claim=f"MRR@10{of}", figure=found.mrr_10, target=target, floor=floor, reference=reference, n=found.n
    )


XQUAD = ("xquad",)
SECTIONS = (
    Section(claim="A1", name="stackfaq en", run=stackfaq, needs=("stackfaq_en",)),
    Section(claim="A1", name="TiDB FAQ zh", run=tidb, needs=("tidb_faq_zh",)),
    Section(claim="A1", name="xquad", run=xquad, needs=XQUAD),
    Section(claim="A1", name="xquad mixed base", run=xquad_mixed, needs=XQUAD),
    Section(
        claim="A1",
        name="cmrc2018 zh",
        run=cmrc,
        needs=("cmrc2018_zh/queries.jsonl.gz", "cmrc2018_zh/cmrc2018_dev.json"),
    ),
)
