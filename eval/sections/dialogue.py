"""A1 in dialogue: which answer of a FAQ a spoken conversation asks for (DSTC10, track 2, validation).

The last turn says what is asked, the turns before it about whom: hundreds of hotels and restaurants have the
same twenty questions, and the speech was transcribed by machine. How strongly a name was spoken of is added
to the scores of the last turn. A turn of the assistant does not do so yet.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.frame import Evaluation, Outcome, Row, Section
from eval.sections.retrieval import DEPTH, Asked, Measured, build_index, is_held_out, measure
from knowledge.embedding import Reading
from knowledge.faiss_index import FaissPassageIndex
from knowledge.ranking import DENSE_WEIGHT, LEXICAL_WEIGHT, TITLE_WEIGHT, Floats, Statistics
from knowledge.text import tokens

# Chosen on the other half of the dialogues (n=41), on a plateau: 8 to 16, and 0.9 to 0.98.
NAMED_WEIGHT = 12.0  # z-scores that a name's having been spoken of is worth
FADING = 0.95  # of what was said a turn earlier
MOST_TELLING = 8.0  # weight of words beyond which a longer name tells no more
EVERY_QUICK = 25  # of the names that nobody asks about
BASELINE = "published baseline, trained on this task"
SET = "dstc10_t2_faq_en"


class Names:
    """Names that may be spoken of, by the words that tell them apart."""

    def __init__(self, names: Sequence[str]) -> None:
        self._words = [tokens(name) for name in names]
        counts = Counter(word for words in self._words for word in set(words))
        self._weights = {word: math.log(len(names) / count) + 0.1 for word, count in counts.items()}
        self._whole = np.array([sum(self._weights[w] for w in words) for words in self._words])

    def spoken_of(self, turns: Sequence[str]) -> NDArray[np.float64]:
        """Return how strongly each name was spoken of, 0 to 1 (the strongest); ``turns`` oldest first.

        What counts is the weightiest run of a name's words in one turn; long ago counts less.
        """
        strongest = np.zeros(len(self._words))
        for age, turn in enumerate(reversed(turns)):
            said = tokens(turn)
            known = set(said)
            runs = np.array(
                [self._run(words, said) if known.intersection(words) else 0.0 for words in self._words]
            )
            whole = runs / np.maximum(self._whole, 1e-9)
            strength = FADING**age * whole**2 * np.sqrt(np.minimum(runs, MOST_TELLING))
            strongest = np.maximum(strongest, strength)
        most = float(strongest.max(initial=0.0))
        return strongest / most if most > 0 else strongest

    def _run(self, words: Sequence[str], said: Sequence[str]) -> float:
        """Return the weight of the weightiest run of ``words`` that ``said`` has in the same order."""
        best, before = 0.0, [0.0] * (len(said) + 1)
        for word in words:
            now = [0.0] * (len(said) + 1)
            for place, other in enumerate(said, 1):
                if word == other:
                    now[place] = before[place - 1] + self._weights[word]
                    best = max(best, now[place])
            before = now
        return best


async def dialogue(evaluation: Evaluation) -> Outcome:
    """Ask with the dialogues of one half; the other half chose the weights."""
    rows = evaluation.read(f"{SET}/corpus.jsonl.gz")
    asked = [
        (Asked(row["turns"][-1][1], frozenset(row["rel"])), [text for _, text in row["turns"]])
        for row in evaluation.read(f"{SET}/dialogs_val.jsonl.gz")
        if row["target"]
    ]
    asked = [(question, turns) for question, turns in asked if is_held_out(question)]
    if evaluation.quick:
        rows = _sample(rows, frozenset().union(*(question.answers for question, _ in asked)))
    of = {row["id"]: row["entity"] or row["id"].partition("|")[0] for row in rows}
    index = await build_index(
        evaluation,
        [{"id": row["id"], "title": row["title"], "text": f"{of[row['id']]}. {row['text']}"} for row in rows],
    )
    names = list(dict.fromkeys(of.values()))
    numbers = np.array([names.index(of[passage.article_id]) for passage in index.passages])
    known, readings = Names(names), await evaluation.read_queries([question.text for question, _ in asked])
    ranks, alone = [], []
    for (question, turns), reading in zip(asked, readings, strict=True):
        scores = score_turn(index, question.text, reading)
        alone.append(_places(index, scores, question))
        spoken = NAMED_WEIGHT * known.spoken_of(turns)[numbers]
        ranks.append(_places(index, scores + spoken.astype(np.float32), question))
    return _outcome(
        *(measure(some, [len(question.answers) for question, _ in asked]) for some in (ranks, alone))
    )


def score_turn(index: FaissPassageIndex, text: str, reading: Reading) -> Floats:
    """Score every passage by one turn: meaning, words and titles, weighted as in `knowledge.ranking`."""
    everything = np.arange(len(index.passages), dtype=np.int64)
    dense = index.products("plain", everything, reading.row)
    scores = DENSE_WEIGHT * _z(dense) + LEXICAL_WEIGHT * _z(index.lexical.score(tokens(text)))
    if index.titles is not None:
        titles = index.titles.rows.astype(np.float32) @ reading.row
        scores = scores + TITLE_WEIGHT * _z(titles[index.titles.numbers])
    return np.asarray(scores, np.float32)


def _z(scores: Floats) -> Floats:
    return Statistics.of(scores).z(scores)


def _places(index: FaissPassageIndex, scores: Floats, question: Asked) -> list[int]:
    """Return at which of the first ten places an article that answers stands."""
    order = np.argsort(-scores, kind="stable")[: DEPTH * 5]
    found = list(dict.fromkeys(index.passages[number].article_id for number in order))[:DEPTH]
    return [place for place, key in enumerate(found, 1) if key in question.answers]


def _sample(rows: Sequence[dict[str, Any]], wanted: frozenset[str]) -> list[dict[str, Any]]:
    """Return all that is said of whoever is asked about, and of every so many others."""
    asked = {row["entity"] for row in rows if row["id"] in wanted}
    others = sorted({row["entity"] or "" for row in rows} - asked)[::EVERY_QUICK]
    return [row for row in rows if row["entity"] in asked or (row["entity"] or "") in others]


def _outcome(found: Measured, alone: Measured) -> Outcome:
    return Outcome(
        rows=[
            Row(
                claim="R@1",
                figure=found.recall_1,
                target=0.55,
                floor=0.5,
                reference=f"0.444 ({BASELINE})",
                n=found.n,
            ),
            Row(
                claim="R@5",
                figure=found.recall_5,
                target=0.75,
                floor=0.7,
                reference=f"0.690 ({BASELINE})",
                n=found.n,
            ),
            Row(claim="MRR@10", figure=found.mrr_10, reference="0.508 (lab, e5-small + BM25)", n=found.n),
            Row(claim="MRR@10 of the last turn alone", figure=alone.mrr_10, n=alone.n),
        ]
    )


SECTIONS = (Section(claim="A1", name="DSTC10 in dialogue", run=dialogue, needs=(SET,)),)
