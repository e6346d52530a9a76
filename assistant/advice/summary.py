"""A conversation in a few of its own sentences, each with the message that it stands in; pure.

What was wanted, what was answered last, what is still open (or that it is settled), and between them the
sentences that say most of what the others say. Source: Erkan and Radev 2004, "LexRank"; Carbonell and
Goldstein 1998, "MMR".
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from assistant.advice.courtesies import opening_of, says_it_is_settled
from assistant.spans import is_listed
from assistant.understand import Intent, understand
from knowledge.sentences import split_sentences
from knowledge.text import Language, tokens

Matrix = NDArray[np.float64]

MOST_POINTS = 10
SENTENCES_COMPARED = 300  # of long conversations the last: all pairs are compared
SHORTEST = 4  # tokens: below are greetings and receipts
DAMPING, ROUNDS = 0.85, 30
LONGEST_LIST = 400  # characters
UNDEALT = 2  # sentences besides the one that is open
NEWNESS = 0.6  # how much a sentence loses by what was chosen already
_QUESTION_MARKS = ("?", "？")
_SOURCE = re.compile(r"\s*(Source: “|来源：《)")  # the line below a quotation
_HEADING = re.compile(r"^(?:> )?\*\*[^\n]+\*\*$", re.MULTILINE)  # the line above one
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
    role: str  # wanted, answered, open, settled, said


@dataclass(frozen=True)
class Summary:
    language: Language
    points: tuple[Point, ...]
    messages: int


def summarise(said: Sequence[Said], *, language: Language, most: int = 5, is_over: bool = False) -> Summary:
    """Return up to ``most`` points in the order in which they were said. ``said`` is oldest first.

    ``is_over``: we called the matter settled after all of it, so that its last words leave nothing open.
    """
    points = [one for message in said for one in _sentences(message)][-SENTENCES_COMPARED:]
    if not points:
        return Summary(language, (), len(said))
    likes = _likeness([one.text for one in points])
    worth = _centrality(likes)
    chosen: dict[int, str] = {}
    for place, role in _landmarks(points, worth, is_over=is_over):
        if len(chosen) < most:
            chosen.setdefault(place, role)
    # What nobody has dealt with yet comes first, for who takes over has to.
    for place in _undealt(points, chosen)[:UNDEALT]:
        if len(chosen) < most:
            chosen[place] = "said"
    while len(chosen) < min(most, len(points)):
        left = [place for place in range(len(points)) if place not in chosen]
        # What we asked is told by what was answered, and by itself tells nothing.
        telling = [
            place for place in left if points[place].who == "customer" or not _asks(points[place].text)
        ]
        left = telling or left
        best = max(left, key=lambda place: (_new(place, chosen, likes, worth), -place))
        chosen[best] = "said"
    ordered = tuple(_as(points[place], chosen[place]) for place in sorted(chosen))
    return Summary(language, ordered, len(said))


def _sentences(message: Said) -> list[Point]:
    """Return what can stand in a summary; of a customer's few words the longest sentence, not a greeting.

    Greetings and who somebody is are left out, also at the beginning of a sentence; so are headings.
    """
    if not message.tells:
        return []
    passed_over = [(0, opening_of(message.body)), *(one.span() for one in _HEADING.finditer(message.body))]

    def told(start: int, end: int) -> str:
        begin = max(start, *(last for first, last in passed_over if first < end and start < last), start)
        return message.body[begin:end].lstrip()

    found = [
        Point(text, message.id, message.who, message.at, one.end - len(text), one.end, "said")
        for one in split_sentences(message.body)
        if not _SOURCE.match(one.text) and (text := told(one.start, one.end))
    ]
    if message.who != "customer":  # of theirs each item is a matter of its own
        found = _lists_whole(message.body, found)
    full = [one for one in found if len(tokens(one.text)) >= SHORTEST or _asks(one.text)]
    if full or message.who != "customer" or understand(message.body).intent in SMALL_TALK:
        return full
    return sorted(found, key=lambda one: -len(one.text))[:1]


def _lists_whole(body: str, found: Sequence[Point]) -> list[Point]:
    """Put the items of a list together, under its heading: of what may not be returned one item alone would
    tell who takes over that it may. What is longer than ``LONGEST_LIST`` goes on as the next point."""
    whole: list[Point] = []
    for one in found:
        start, last = one.start, whole[-1] if whole else None
        if is_listed(one.text):
            goes_on = (
                last is not None
                and is_listed(last.text.rpartition("\n")[2])
                and not body[last.end : start].strip()
            )
            if last is not None and goes_on and one.end - last.start <= LONGEST_LIST:
                whole[-1] = replace(last, text=body[last.start : one.end], end=one.end)
                continue
            above = next(
                (h for h in _HEADING.finditer(body, 0, start) if not body[h.end() : start].strip()), None
            )
            start = above.start() if above else start
        whole.append(replace(one, text=body[start : one.end], start=start))
    return whole


def _asks(text: str) -> bool:
    return text.rstrip().endswith(_QUESTION_MARKS)


def _landmarks(points: Sequence[Point], worth: Sequence[float], *, is_over: bool) -> list[tuple[int, str]]:
    """Return what no summary may leave out: the first wish, the last answer, and what was said after it:
    open, or that it is settled. Of who tells something and asks besides, both are the wish.

    A message comes to its matter with its first words; what it has in common with what was said later, as
    centrality finds it, is mostly a detail.
    """
    customer = [place for place, one in enumerate(points) if one.who == "customer"]
    ours = [place for place, one in enumerate(points) if one.who != "customer"]
    found: list[tuple[int, str]] = []
    if customer:
        found.append((customer[0], "wanted"))
    if ours:
        last = points[ours[-1]].message_id
        closing = [place for place in ours if points[place].message_id == last]
        # The fuller says more: what all sentences share is what "All right." says, too.
        full = {place: worth[place] * math.log1p(len(tokens(points[place].text))) for place in closing}
        found.append((max(closing, key=lambda place: (full[place], -place)), "answered"))
    after = [place for place in customer if not ours or place > ours[-1]]
    if after and customer[0] != after[-1]:
        asked = [place for place in after if _asks(points[place].text)]
        unsettled = [place for place in after if not says_it_is_settled(points[place].text)]
        is_open = not is_over and bool(asked or unsettled)
        found.append(((asked or unsettled or after)[-1], "open" if is_open else "settled"))
    found += [(place, "wanted") for place in _asked_at_first(points, customer)]
    return found


def _asked_at_first(points: Sequence[Point], customer: Sequence[int]) -> list[int]:
    """Return the last question of the customer's first message that says by itself what is asked."""
    opening = [place for place in customer if points[place].message_id == points[customer[0]].message_id]
    asked = [place for place in opening if _asks(points[place].text)]
    return [place for place in asked if len(tokens(points[place].text)) >= SHORTEST][-1:]


def _undealt(points: Sequence[Point], chosen: dict[int, str]) -> list[int]:
    """Return what else the customer said after our last word, nearest to its end first."""
    last = max((place for place, one in enumerate(points) if one.who != "customer"), default=len(points))
    found = range(last + 1, len(points))
    return [
        place
        for place in reversed(found)
        if place not in chosen and not says_it_is_settled(points[place].text)
    ]


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
