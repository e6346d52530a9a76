"""Learn when an answer can be trusted, from public questions; write `calibration.json`.

Run by hand: ``python -m assistant.calibrate`` (some minutes). Every public article is asked for twice: once
in its base, once with the article taken out, in bases of several sizes. Articles are split in two halves by
their digest: coefficients and thresholds come from one half, the reported figures from the other.
"""

import argparse
import asyncio
import gzip
import hashlib
import json
import os
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.citations import share_of
from assistant.confidence import (
    ACROSS,
    CALIBRATION_FILE,
    SAME,
    TICKETS,
    SpanFeatures,
    fit_logistic,
    values_of,
)
from assistant.spans import read_spans
from knowledge.embedding import Embedder
from knowledge.passage_index import FaissPassageIndex, IndexedPassage, Question
from knowledge.passages import Passage, split_passages, text_to_embed
from knowledge.quotes import pick_span, share_words, split_spans
from knowledge.text import Language, guess_language, tokens

SEED = 20_261
SIZES = (4, 12, 60, 0)  # articles in the base asked; 0: all
TARGETS = {"first": 0.95, "pair": 0.9}  # precision that an answer, or a choice of two, shall have
QUESTIONS_A_SET = 600
NAMES = (
    *("best_cosine", "margin", "top_z", "lexical_per_term", "lexical_of_dense_top"),
    *("coverage", "agreement", "span_coverage"),
)


TICKET_NAMES = ("cosine", "rise", "coverage")
COMPARED = 24  # tickets beside one, as `assistant.replies` compares
TICKET_QUESTIONS = 400


@dataclass(frozen=True)
class Asked:
    """A question with the one article of each base that answers it."""

    text: str
    article_id: str


@dataclass(frozen=True)
class Case:
    """What was measured for one question in one base, and whether the first or one of two was right."""

    group: str
    language: Language
    train: bool
    values: dict[str, float]
    first: bool
    pair: bool
    answerable: bool


class Base:
    """Articles of one language, indexed as the knowledge room indexes them."""

    def __init__(self, name: str, language: Language, articles: dict[str, tuple[str, str]]) -> None:
        self.name, self.language, self.articles = name, language, articles
        self.passages: dict[str, tuple[str, Passage]] = {}

    async def build(self, embedder: Embedder) -> None:
        indexed, texts = [], []
        for id, (title, body) in self.articles.items():
            for passage in split_passages(title, body):
                key = f"{id}/{passage.ordinal}"
                self.passages[key] = (id, passage)
                indexed.append(IndexedPassage(key, id, self.language))
                texts.append(text_to_embed(title, passage) if title else passage.text)
        self.index = FaissPassageIndex.build(
            indexed,
            await embedder.embed_passages(texts),
            version=1,
            model=embedder.name,
            documents=[tokens(text) for text in texts],
            language_means=embedder.language_means,
        )

    def ask(self, asked: Asked, row: NDArray[np.float32], allowed: set[str]) -> Case | None:
        """Ask in the base of the ``allowed`` articles and measure; None when nothing at all is found."""
        words, language = tokens(asked.text), guess_language(asked.text)
        found = self.index.search(Question(row, words, language), limit=20, allowed_articles=allowed)
        if not found.hits:
            return None
        firsts = list(dict.fromkeys(hit.article_id for hit in found.hits))[:2]
        span = SpanFeatures(coverage=self._span_coverage(words, found.hits[0].passage_id))
        return Case(
            group=SAME if language == self.language else ACROSS,
            language=language,
            train=is_train(asked.article_id),
            values=values_of(found.features, span),
            first=firsts[0] == asked.article_id,
            pair=asked.article_id in firsts,
            answerable=asked.article_id in allowed,
        )

    def _span_coverage(self, words: Sequence[str], passage_id: str) -> float:
        """Measure the span that would be quoted, as `assistant.decide` does (chosen by words alone)."""
        article_id, passage = self.passages[passage_id]
        spans = split_spans(passage.text)
        chosen = pick_span(spans, share_words(spans, self.index.lexical.weights(words)), None)
        middle = (chosen.start + chosen.end) // 2
        holding = [s for s in read_spans(passage.text, 0, len(passage.text)) if s.start <= middle < s.end]
        shown = [self.articles[article_id][0], *passage.heading_path]
        shown += [holding[0].heading, holding[0].text] if holding else [chosen.context]
        return share_of(words, " ".join(shown))


def is_train(article_id: str) -> bool:
    """Tell to which half an article belongs; both languages of a passage fall into one."""
    return hashlib.sha256(article_id.encode()).digest()[0] % 2 == 0


def measure_base(
    base: Base, asked: Sequence[Asked], rows: dict[str, NDArray[np.float32]], chance: random.Random
) -> Iterator[Case]:
    """Ask each question with and without its article, in bases of all sizes in turn."""
    everything = list(base.articles)
    for number, question in enumerate(asked):
        size = SIZES[number % len(SIZES)]
        others = [id for id in everything if id != question.article_id]
        rest = chance.sample(others, min(size - 1, len(others))) if size else others
        for allowed in ({*rest, question.article_id}, set(rest)):
            case = base.ask(question, rows[question.text], allowed)
            if case is not None:
                yield case


def read_sets(data: Path, chance: random.Random) -> Iterator[tuple[Base, list[Asked]]]:
    """Yield the public bases with questions in either language."""
    rows = _read(data / "tidb_faq_zh/corpus.jsonl.gz")
    faq = Base("tidb_faq_zh", "zh", {row["id"]: ("", row["text"]) for row in rows})
    yield faq, [Asked(row["title"], row["id"]) for row in rows]
    rows = _read(data / "stackfaq_en/corpus.jsonl.gz")
    stack = Base("stackfaq_en", "en", {row["id"]: (row["title"], row["text"]) for row in rows})
    queries = _read(data / "stackfaq_en/queries.jsonl.gz")
    picked = chance.sample([q for q in queries if len(q["rel"]) == 1], QUESTIONS_A_SET)
    yield stack, [Asked(row["text"], row["rel"][0]) for row in picked]
    picks = chance.sample(range(1190), QUESTIONS_A_SET)
    languages: tuple[Language, ...] = ("zh", "en")
    for theirs in languages:
        rows = _read(data / f"xquad/corpus_{theirs}.jsonl.gz")
        base = Base(f"xquad_{theirs}", theirs, {row["id"]: ("", row["text"]) for row in rows})
        asked = []
        for mine in languages:
            queries = _read(data / f"xquad/queries_{mine}.jsonl.gz")
            asked += [Asked(queries[i]["text"], queries[i]["rel"][0]) for i in picks]
        yield base, asked


async def measure_tickets(data: Path, embedder: Embedder, chance: random.Random) -> list[Case]:
    """Compare questions that people asked with one another: of one FAQ entry they are the same matter."""
    queries = [q for q in _read(data / "stackfaq_en/queries.jsonl.gz") if len(q["rel"]) == 1]
    picked = chance.sample(queries, TICKET_QUESTIONS)
    rows = await embedder.embed_queries([query["text"] for query in picked])
    words = [tokens(query["text"]) for query in picked]
    cases = []
    for i, query in enumerate(picked):
        others = [j for j in range(len(picked)) if j != i]
        shares = {j: share_of(words[i], picked[j]["text"]) for j in others}
        near = sorted(others, key=lambda j: (-shares[j], j))[:COMPARED]
        cosines = rows[near] @ rows[i]
        for j, cosine in zip(near, cosines, strict=True):
            right = picked[j]["rel"] == query["rel"]
            values = {"cosine": float(cosine), "rise": float(cosine - cosines.mean()), "coverage": shares[j]}
            train = is_train(query["rel"][0])
            cases.append(Case(TICKETS, "en", train, values, right, right, answerable=right))
    return cases


def learn(
    cases: Sequence[Case], target: str, *, names: Sequence[str] = NAMES, precision: float
) -> dict[str, Any]:
    """Fit on the train half, choose its threshold there, report on the held-out half."""
    train = [case for case in cases if case.train]
    held_out = [case for case in cases if not case.train]
    model = fit_logistic(names, _rows(train, names), _labels(train, target))
    chances = {"train": train, "held_out": held_out}
    scored = {name: np.array([model.probability(c.values) for c in some]) for name, some in chances.items()}
    threshold = choose_threshold(scored["train"], _labels(train, target), precision=precision)
    return {
        "names": list(names),
        "means": _short(model.means),
        "spreads": _short(model.spreads),
        "weights": _short(model.weights),
        "intercept": round(model.intercept, 6),
        "threshold": round(threshold, 4),
        "target_precision": precision,
        "n_train": len(train),
        "held_out": report(scored["held_out"], held_out, target, threshold),
        "by_language": {
            language: report(
                scored["held_out"][[case.language == language for case in held_out]],
                [case for case in held_out if case.language == language],
                target,
                threshold,
            )
            for language in sorted({case.language for case in held_out})
        },
    }


def choose_threshold(chances: NDArray[np.float64], labels: NDArray[np.float64], *, precision: float) -> float:
    """Return the lowest threshold at which what passes is right with ``precision``; 1 when none is."""
    order = np.argsort(-chances)
    right = np.cumsum(labels[order]) / np.arange(1, len(order) + 1)
    reaching = np.flatnonzero(right >= precision)
    return float(chances[order][reaching[-1]]) if len(reaching) else 1.0


def report(
    chances: NDArray[np.float64], cases: Sequence[Case], target: str, threshold: float
) -> dict[str, Any]:
    """Measure discrimination, calibration and what the threshold does."""
    labels = _labels(cases, target)
    passed = chances >= threshold
    possible = np.array([case.answerable for case in cases])
    return {
        "n": len(cases),
        "auroc": round(auroc(chances, labels), 4),
        "ece": round(expected_calibration_error(chances, labels), 4),
        "precision": round(float(labels[passed].mean()) if passed.any() else 0.0, 4),
        "coverage_of_answerable": round(float(passed[possible].mean()), 4),
        "unanswerable_refused": round(float(1 - passed[~possible].mean()), 4),
    }


def auroc(chances: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Return how often a right one is scored above a wrong one; ties count half."""
    _, inverse, counts = np.unique(chances, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    right = labels.sum()
    return float((ranks[labels == 1].sum() - right * (right + 1) / 2) / (right * (len(labels) - right)))


def expected_calibration_error(
    chances: NDArray[np.float64], labels: NDArray[np.float64], *, bins: int = 10
) -> float:
    """Return the mean gap between promised and kept, over bins of equal width. Source: Naeini et al. 2015."""
    places = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = [
        abs(chances[places == b].mean() - labels[places == b].mean()) * (places == b).mean()
        for b in range(bins)
        if (places == b).any()
    ]
    return float(sum(gaps))


async def calibrate(data: Path, models: Path) -> dict[str, Any]:
    """Measure all sets and return what `calibration.json` holds."""
    embedder, chance = Embedder(models_folder=models), random.Random(SEED)
    cases: list[Case] = []
    sets = []
    try:
        await embedder.wait_until_ready()
        for base, asked in read_sets(data, chance):
            await base.build(embedder)
            texts = list(dict.fromkeys(question.text for question in asked))
            rows = dict(zip(texts, await embedder.embed_queries(texts), strict=True))
            found = list(measure_base(base, asked, rows, chance))
            cases += found
            sets.append({"name": base.name, "articles": len(base.articles), "cases": len(found)})
            sys.stderr.write(f"{base.name}: {len(found)} cases\n")
        tickets = await measure_tickets(data, embedder, chance)
        model = embedder.name
    finally:
        embedder.close()
    return learn_all(cases, tickets, model=model, sets=sets)


def learn_all(
    cases: Sequence[Case], tickets: Sequence[Case], *, model: str, sets: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the whole calibration with its provenance."""
    learned = {
        group: {
            target: learn([c for c in cases if c.group == group], target, precision=precision)
            for target, precision in TARGETS.items()
        }
        for group in (SAME, ACROSS)
    }
    learned[TICKETS] = {"match": learn(tickets, "first", names=TICKET_NAMES, precision=TARGETS["first"])}
    name = hashlib.sha256(json.dumps(learned, sort_keys=True).encode()).hexdigest()[:8]
    provenance = {"name": f"calibration-{name}", "embedding_model": model, "seed": SEED, "sets": sets}
    provenance["made_by"] = "python -m assistant.calibrate"
    return {"provenance": provenance, **learned}


def _read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _rows(cases: Sequence[Case], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[case.values[name] for name in names] for case in cases])


def _labels(cases: Sequence[Case], target: str) -> NDArray[np.float64]:
    return np.array([float(getattr(case, target)) for case in cases])


def _short(numbers: NDArray[np.float64]) -> list[float]:
    return [round(float(number), 6) for number in numbers]


def main() -> None:
    """Calibrate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("RAPPORT_EVAL_DATA", "../shared/data"))
    )
    parser.add_argument("--models", type=Path, default=Path(".data/models"))
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    chosen = parser.parse_args()
    content = asyncio.run(calibrate(chosen.data, chosen.models))
    chosen.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for group in (SAME, ACROSS, TICKETS):
        for target, learned in content[group].items():
            sys.stdout.write(f"{group:8}{target:6}{json.dumps(learned['held_out'])}\n")


if __name__ == "__main__":
    main()
