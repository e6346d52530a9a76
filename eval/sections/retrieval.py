"""A1: does the right article come first? Public questions against public bases, each base indexed whole."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eval.frame import Evaluation, Outcome, Row, Section
from knowledge.faiss_index import FaissPassageIndex
from knowledge.passage_index import (
    IndexedPassage,
    Question,
    make_titles,
    make_tokens,
    place_of,
)
from knowledge.passages import split_passages, text_to_embed
from knowledge.text import guess_language, tokens
from knowledge.token_rows import pack_tokens

LAB = "lab, e5-small + BM25"
QUICK = 150  # questions of one set: a standard error of some 2 points
DEPTH = 10


@dataclass(frozen=True)
class Asked:
    """A question and the ids of the articles that answer it; ``allowed`` are those looked at, None: all."""

    text: str
    answers: frozenset[str]
    allowed: frozenset[str] | None = None


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
    passages, texts, numbers = [], [], []
    names = list(dict.fromkeys(row["title"] for row in articles if row.get("title")))
    for row in articles:
        title = row.get("title", "")
        for passage in split_passages(title, row["text"]):
            language = guess_language(row["text"])
            passages.append(IndexedPassage(f"{row['id']}/{passage.ordinal}", row["id"], language))
            texts.append(text_to_embed(title, passage) if title else passage.text)
            numbers.append(names.index(title) if title else 0)
    readings = await evaluation.read_passages(texts)
    places = evaluation.embedder.places
    packed = [
        pack_tokens(reading.tokens, place_of(places, passage.language))
        for reading, passage in zip(readings, passages, strict=True)
    ]
    return FaissPassageIndex.build(
        passages,
        np.array([reading.row for reading in readings], np.float32),
        version=1,
        model=evaluation.embedder.name,
        documents=[tokens(text) for text in texts],
        language_means=evaluation.embedder.language_means,
        titles=make_titles([r.row for r in await evaluation.read_queries(names)], numbers, places),
        tokens=make_tokens(packed, places),
    )


async def ask_all(evaluation: Evaluation, index: FaissPassageIndex, asked: Sequence[Asked]) -> Measured:
    """Ask every question that the index may answer, and measure where the first right article stands.

    Half of the questions, by the digest of what answers them, chose the weights of `knowledge.ranking`; they
    are left out here.
    """
    asked = [question for question in asked if is_held_out(question)]
    readings = await evaluation.read_queries([question.text for question in asked])
    ranks = []
    for question, reading in zip(asked, readings, strict=True):
        language = guess_language(question.text)
        asks = Question(reading.row, tokens(question.text), language, reading.tokens)
        hits = index.search(asks, limit=50, allowed_articles=question.allowed).hits
        keys = list(dict.fromkeys(hit.article_id for hit in hits))[:DEPTH]
        ranks.append([place for place, key in enumerate(keys, 1) if key in question.answers])
    return measure(ranks, [len(question.answers) for question in asked])


def is_held_out(question: Asked) -> bool:
    """Tell whether nothing was chosen by looking at the question."""
    return hashlib.sha256(min(question.answers).rpartition("/")[2].encode()).digest()[0] % 2 == 1


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
    """All passages in both languages in one index; of the answer's, only the one in the other language."""
    base = [
        {"id": f"{language}/{row['id']}", "text": row["text"]}
        for language in ("zh", "en")
        for row in evaluation.read(f"xquad/corpus_{language}.jsonl.gz")
    ]
    index, everything = await build_index(evaluation, base), frozenset(row["id"] for row in base)
    rows = []
    for mine, theirs in (("zh", "en"), ("en", "zh")):
        asked = [
            replace(
                question,
                answers=frozenset(f"{theirs}/{id}" for id in question.answers),
                allowed=everything - {f"{mine}/{id}" for id in question.answers},
            )
            for question in _asked(evaluation, f"xquad/queries_{mine}.jsonl.gz")
        ]
        found = await ask_all(evaluation, index, asked)
        reference = "0.716 zh→en, 0.720 en→zh (lab, e5 + USE)"
        rows.append(_mrr(found, of=f" {mine}→{theirs}", target=0.72, reference=reference))
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
