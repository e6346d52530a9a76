"""A conversation in a few of its own sentences, each with the message that it stands in; pure.

What was wanted, what was answered last, what is still open, and between them the sentences that say most of
what the others say. Source: Erkan and Radev 2004, "LexRank"; Carbonell and Goldstein 1998, "MMR".
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from assistant.understand import Intent, understand
from knowledge.sentences import split_sentences
from knowledge.text import Language, tokens

Matrix = NDArray[np.float64]

MOST_POINTS = 10
SENTENCES_COMPARED = 300  # of long conversations the last: all pairs are compared
SHORTEST = 4  # tokens: below are greetings and receipts
DAMPING, ROUNDS = 0.85, 30
NEWNESS = 0.6  # how much a sentence loses by what was chosen already
_QUESTION_MARKS = ("?", "？")
_SOURCE = re.compile(r"\s*(Source: “|来源：《)")  # the line below a quotation
SMALL_TALK = (Intent.GREETING, Intent.THANKS, Intent.FINE, Intent.WHO_ANSWERS)


@dataclass(frozen=True)
class Said:
    """One message: ``who`` is customer, agent or bot; ``tells`` False where it says nothing of the matter."""

    id: str
    who: str
    at: datetime
    body: str
    tells: bool = True


@dataclass(frozen=True)
class Point:
    """A sentence, letter by letter from ``body[start:end]`` of its message, and why it is here."""

    text: str
    message_id: str
    who: str
    at: datetime
    start: int
    end: int
    role: str  # wanted, answered, open, said


@dataclass(frozen=True)
class Summary:
    language: Language
    points: tuple[Point, ...]
    messages: int


def summarise(said: Sequence[Said], *, language: Language, most: int = 5) -> Summary:
    """Return up to ``most`` points in the order in which they were said. ``said`` is oldest first."""
    points = [one for message in said for one in _sentences(message)][-SENTENCES_COMPARED:]
    if not points:
        return Summary(language, (), len(said))
    likes = _likeness([one.text for one in points])
    worth = _centrality(likes)
    chosen: dict[int, str] = {}
    for place, role in _landmarks(points, worth):
        if len(chosen) < most:
            chosen.setdefault(place, role)
    while len(chosen) < min(most, len(points)):
        left = [place for place in range(len(points)) if place not in chosen]
        best = max(left, key=lambda place: (_new(place, chosen, likes, worth), -place))
        chosen[best] = "said"
    ordered = tuple(_as(points[place], chosen[place]) for place in sorted(chosen))
    return Summary(language, ordered, len(said))


def _sentences(message: Said) -> list[Point]:
    """Return what can stand in a summary; of a customer's few words the longest sentence, not a greeting."""
    if not message.tells:
        return []
    found = [
        Point(one.text, message.id, message.who, message.at, one.start, one.end, "said")
        for one in split_sentences(message.body)
        if not _SOURCE.match(one.text)
    ]
    full = [one for one in found if len(tokens(one.text)) >= SHORTEST or _asks(one.text)]
    if full or message.who != "customer" or understand(message.body).intent in SMALL_TALK:
        return full
    return sorted(found, key=lambda one: -len(one.text))[:1]


def _asks(text: str) -> bool:
    return text.rstrip().endswith(_QUESTION_MARKS)


def _landmarks(points: Sequence[Point], worth: Sequence[float]) -> list[tuple[int, str]]:
    """Return what no summary may leave out: the first wish, the last answer, what was asked after it."""
    customer = [place for place, one in enumerate(points) if one.who == "customer"]
    ours = [place for place, one in enumerate(points) if one.who != "customer"]
    found: list[tuple[int, str]] = []
    if customer:
        first = points[customer[0]].message_id
        opening = [place for place in customer if points[place].message_id == first]
        found.append((max(opening, key=lambda place: (worth[place], -place)), "wanted"))
    if ours:
        last = points[ours[-1]].message_id
        closing = [place for place in ours if points[place].message_id == last]
        found.append((max(closing, key=lambda place: (worth[place], -place)), "answered"))
    after = [place for place in customer if not ours or place > ours[-1]]
    asked = [place for place in after if _asks(points[place].text)]
    if after and customer[0] != after[-1]:
        found.append(((asked or after)[-1], "open"))
    return found


def _likeness(texts: Sequence[str]) -> Matrix:
    """Return the cosines of tf × idf vectors of all pairs; 0 of each with itself."""
    counts = [Counter(tokens(text)) for text in texts]
    often = Counter(token for one in counts for token in one)
    places = {token: place for place, token in enumerate(sorted(often))}
    rows = np.zeros((len(texts), max(len(places), 1)))
    for row, one in zip(rows, counts, strict=True):
        for token, n in one.items():
            row[places[token]] = n * (np.log(len(texts) / often[token]) + 1)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    found: Matrix = rows @ rows.T
    np.fill_diagonal(found, 0.0)
    return found


def _centrality(likes: Matrix) -> list[float]:
    """Return LexRank: the more the others say the same, the more a sentence says for them; mean 1."""
    n = len(likes)
    totals = likes.sum(axis=1, keepdims=True)
    moves = np.divide(likes, totals, out=np.zeros_like(likes), where=totals > 0)
    ranks = np.full(n, 1 / n)
    for _ in range(ROUNDS):
        ranks = (1 - DAMPING) / n + DAMPING * ranks @ moves
    return [float(rank) * n for rank in ranks]


def _new(place: int, chosen: dict[int, str], likes: Matrix, worth: Sequence[float]) -> float:
    return worth[place] - NEWNESS * max((float(likes[place, other]) for other in chosen), default=0.0)


def _as(point: Point, role: str) -> Point:
    return Point(point.text, point.message_id, point.who, point.at, point.start, point.end, role)
