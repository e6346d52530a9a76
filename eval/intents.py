"""Learn intents from examples that people labelled, tell them, and tell what belongs to none of them.

Two views vote: the encoder's rows (what is meant) and the words with their pieces (how it is written); their
log chances are mixed. Whether a text belongs to any intent at all is learned from the same two views on
examples that were held out. Nothing here loads a model: rows come in.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]

REGULARISATION = 0.1  # of the rows' regression, as C; chosen on validation splits
WORDS_WEIGHT = 0.5  # of the words' vote
WORDS_SHARPNESS = 3.0  # margins of the words' machine as log chances
NEIGHBOURS = 10


@dataclass(frozen=True)
class Told:
    """``labels`` (n,) and the mixed log chances (n, intents) they were read from."""

    labels: list[str]
    chances: Floats


class IntentModel:
    """Learned from examples; ``fit`` makes one. Runs for seconds: keep it off the event loop."""

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed
        self._scope: Any = None

    def fit(self, rows: Rows, texts: Sequence[str], labels: Sequence[str]) -> "IntentModel":
        """Learn from unit rows (n, d) and texts with their labels, of two kinds or more."""
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        self._rows, self._labels = rows, np.array(labels)
        self._mean, self._spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        self._meaning = LogisticRegression(C=REGULARISATION, max_iter=400).fit(self._scaled(rows), labels)
        self._vectorizers = [
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\w+"),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2),
        ]
        pieces = hstack([one.fit_transform(texts) for one in self._vectorizers]).tocsr()
        self._words = LinearSVC(C=0.3, random_state=self._seed).fit(pieces, labels)
        self._classes = np.array(self._meaning.classes_)
        return self

    def tell(self, rows: Rows, texts: Sequence[str]) -> Told:
        """Return the likeliest intent of each text."""
        chances = (1 - WORDS_WEIGHT) * self._meaning.predict_log_proba(self._scaled(rows))
        chances = chances + WORDS_WEIGHT * _log_softmax(self._margins(texts) * WORDS_SHARPNESS)
        return Told([str(one) for one in self._classes[chances.argmax(axis=1)]], chances)

    def fit_scope(self, rows: Rows, texts: Sequence[str], *, inside: Sequence[bool]) -> "IntentModel":
        """Learn what belongs to no intent from held-out texts, of which ``inside`` says which do."""
        from sklearn.linear_model import LogisticRegression

        measured = self._measure(rows, texts)
        self._scope_mean, self._scope_spread = measured.mean(axis=0), measured.std(axis=0) + 1e-9
        scaled = (measured - self._scope_mean) / self._scope_spread
        self._scope = LogisticRegression(class_weight="balanced", max_iter=2_000).fit(scaled, list(inside))
        return self

    def belongs(self, rows: Rows, texts: Sequence[str]) -> Floats:
        """Return the probability (n,) that each text belongs to one of the intents; after ``fit_scope``."""
        scaled = (self._measure(rows, texts) - self._scope_mean) / self._scope_spread
        found: Floats = self._scope.predict_proba(scaled)[:, 1]
        return found

    def _measure(self, rows: Rows, texts: Sequence[str]) -> Floats:
        """Measure how far each text stands from everything known: heights, margins, energy, neighbours."""
        meaning, words = self._meaning.decision_function(self._scaled(rows)), self._margins(texts)
        mixed = self.tell(rows, texts)
        near = np.sort(rows @ self._rows.T, axis=1)[:, ::-1]
        nearest = self._labels[(rows @ self._rows.T).argmax(axis=1)]
        known = self._vectorizers[0].vocabulary_
        split = self._vectorizers[0].build_tokenizer()
        shares = [_share_known(split(text.lower()), known) for text in texts]
        return np.column_stack(
            [
                *_heights(meaning),
                np.log(np.exp(meaning - meaning.max(axis=1, keepdims=True)).sum(axis=1))
                + meaning.max(axis=1),
                *_heights(words),
                *_heights(mixed.chances),
                near[:, 0],
                near[:, NEIGHBOURS // 2 - 1],
                near[:, :NEIGHBOURS].mean(axis=1),
                nearest == np.array(mixed.labels),
                shares,
                self._nearness(rows, mixed.labels),
                [np.log1p(len(text)) for text in texts],
            ]
        ).astype(np.float64)

    def _nearness(self, rows: Rows, labels: Sequence[str]) -> list[float]:
        """Return the mean cosine to the nearest examples of the intent that was told."""
        found = []
        for row, label in zip(rows, labels, strict=True):
            cosines = np.sort(self._rows[self._labels == label] @ row)
            found.append(float(cosines[-NEIGHBOURS // 2 :].mean()))
        return found

    def _scaled(self, rows: Rows) -> Rows:
        return np.asarray((rows - self._mean) / self._spread, np.float32)

    def _margins(self, texts: Sequence[str]) -> Floats:
        from scipy.sparse import hstack

        pieces = hstack([one.transform(texts) for one in self._vectorizers]).tocsr()
        margins: Floats = self._words.decision_function(pieces)
        # Of two kinds there is one margin: the other's is its negative.
        return margins if margins.ndim == 2 else np.column_stack([-margins, margins])


def _share_known(words: Sequence[str], known: Container[str]) -> float:
    return sum(word in known for word in words) / len(words) if words else 0.0


def _heights(scores: Floats) -> tuple[Floats, Floats]:
    ordered = np.sort(scores, axis=1)[:, ::-1]
    return ordered[:, 0], ordered[:, 0] - ordered[:, 1]


def _log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
