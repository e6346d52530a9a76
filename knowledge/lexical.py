"""Find passages by the words they share with a question (BM25), for Chinese and English alike.

What is stored is how often each row has each word; what that is worth is computed when it is asked for: it
depends on all rows, and an index grows by a few of them without being made anew.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import scipy
from numpy.typing import NDArray

from knowledge.splicing import Splice, joined

# The usual values; the lab found nothing to gain by moving them.
K1 = 1.2
B = 0.75
WORDS_AT_ONCE = 20_000  # written or read: whoever waits for Python meanwhile gets its turn
COUNTS_AT_ONCE = 500_000  # put together
COMMON = 1_000  # rows that hold a word: what it is worth in each is kept …
MOST_KEPT = 4_000_000  # … for so many rows, of all common words together: 32 MB

Holders = tuple[NDArray[np.int32], NDArray[np.float32]]  # of a word: rows, and a number for each


@dataclass(frozen=True)
class WordCounts:
    """A text's words by their numbers in one `Vocabulary`, int32 (n,), each once, and how often, float32."""

    numbers: NDArray[np.int32]
    counts: NDArray[np.float32]
    length: int  # words in all


class Vocabulary:
    """Numbers for words, in the order of their coming; it only grows. Not safe to share between threads."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def count(self, words: Sequence[str]) -> WordCounts:
        """Count a text's words, with new numbers for new words."""
        counted, known = Counter(words), self._numbers
        numbers = [known.setdefault(word, len(known)) for word in counted]
        frequencies = np.fromiter(counted.values(), np.float32, len(counted))
        return WordCounts(np.array(numbers, np.int32), frequencies, len(words))

    def __len__(self) -> int:
        return len(self._numbers)

    def words(self) -> list[str]:
        """Return the words in the order of their numbers."""
        return list(self._numbers)


@dataclass(frozen=True)
class Postings:
    """Which rows hold which word, and how often: those of word ``n`` are ``starts[n] : starts[n + 1]``.

    ``rows`` are int32 and in order within a word, ``counts`` float32; ``lengths`` float64 are the words of
    each row in all.
    """

    words: Mapping[str, int]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.float32]
    lengths: NDArray[np.float64]

    def of(self, word: str) -> Holders:
        """Return the rows that hold the word, and how often each."""
        number = self.words.get(word)
        if number is None:
            return self.rows[:0], self.counts[:0]
        some = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.rows[some], self.counts[some]


class LexicalIndex:
    """BM25 (Lucene's form) over rows of tokens; immutable, safe to share between threads.

    Statistics (how rare a word is) are those of all rows, also of rows that a filter hides later.
    """

    def __init__(self, base: Postings, added: Postings | None = None, splice: Splice | None = None) -> None:
        self._base, self._added, self._splice = base, added, splice
        lengths = base.lengths
        if added is not None and splice is not None:
            lengths = np.concatenate([base.lengths, added.lengths])[splice.numbers]
        self.rows = len(lengths)
        self._common: dict[str, list[Holders]] = {}
        self._shrunk = K1 * ((1 - B) + B * lengths / (lengths.mean() if lengths.any() else 1.0))

    @classmethod
    def build(cls, documents: Sequence[Sequence[str]]) -> Self:
        """Index documents, each a list of tokens as `knowledge.text.tokens` makes them."""
        vocabulary = Vocabulary()
        return cls.bind([vocabulary.count(document) for document in documents], vocabulary)

    @classmethod
    def bind(cls, documents: Sequence[WordCounts], vocabulary: Vocabulary) -> Self:
        """Index documents that are counted already, all in ``vocabulary``.

        What ``build`` of the same texts gives, in a fraction of the time.
        """
        lengths = np.array([one.length for one in documents], np.float64)
        numbers = joined([one.numbers for one in documents], np.int32)
        counts = joined([one.counts for one in documents], np.float32)
        holders = np.bincount(numbers, minlength=len(vocabulary))
        used = np.flatnonzero(holders)  # words of texts that are gone stay in the vocabulary, not in here
        places = np.zeros(len(vocabulary), np.int32)
        places[used] = np.arange(len(used))
        starts = np.cumsum([0, *(len(one.numbers) for one in documents)])
        table = scipy.sparse.csr_matrix((counts, places[numbers], starts), shape=(len(documents), len(used)))
        by_word = table.tocsc()
        names = vocabulary.words()
        words = {names[number]: place for place, number in enumerate(used.tolist())}
        rows = by_word.indices.astype(np.int32)
        return cls(Postings(words, by_word.indptr.astype(np.int64), rows, by_word.data, lengths))

    def grown(self, added: Self, splice: Splice) -> Self:
        """Return the index of its rows and those ``added``, as far and in the order that ``splice`` says.

        It scores as the index made anew of the same texts; both are as they were made, not grown themselves.
        """
        return type(self)(self._base, added._base, splice)

    def whole(self) -> Self:
        """Return the same index in one piece: that of the same texts made anew."""
        if self._splice is None:
            return self
        return type(self)(_merged(self._base, self._own_added, self._splice))

    def __len__(self) -> int:
        """Return how many words it knows, those of its rows that are gone included."""
        if self._added is None:
            return len(self._base.words)
        return len(self._base.words) + sum(word not in self._base.words for word in self._added.words)

    def score(self, question: Sequence[str]) -> NDArray[np.float32]:
        """Return the BM25 score of every row, float32 (rows,); 0 where no token is shared."""
        scores = np.zeros(self.rows, np.float32)
        for token in question:
            for rows, worth in self._holders(token):
                np.add.at(scores, rows, worth)  # three times as fast as ``scores[rows] += worth``
        return scores

    def coverage(self, question: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return for each of ``rows`` the share of the question it holds, 0 to 1, rare tokens weighing more.

        A token that no row knows counts with the weight of the rarest: words unknown to the base are the best
        sign that it has no answer.
        """
        weights = self.weights(question)
        if not weights or not self.rows:
            return np.zeros(len(rows), np.float32)
        found = np.zeros(len(rows), np.float64)
        for token, weight in weights.items():
            for holders, _ in self._parts(token):  # each in the order of rows
                if len(holders):
                    nearest = np.minimum(np.searchsorted(holders, rows), len(holders) - 1)
                    found += weight * (holders[nearest] == rows)
        return (found / sum(weights.values())).astype(np.float32)

    def holders(self, token: str) -> NDArray[np.int32]:
        """Return the rows that hold the token, in order."""
        parts = [rows for rows, _ in self._counted(token)]
        return parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))

    def weights(self, question: Sequence[str]) -> dict[str, float]:
        """Return how rare each token of the question is here (inverse document frequency).

        A token that no row knows counts as the rarest.
        """
        held = {token: sum(len(rows) for rows, _ in self._parts(token)) for token in question}
        return {
            token: float(np.log(1 + self.rows / (count + 0.5 if count else 0.5)))
            for token, count in held.items()
        }

    def save(self, folder: Path) -> None:
        """Write into an existing folder: what is in one piece."""
        held = self.whole()._base
        words = list(held.words)  # in the order of their numbers
        with (folder / "words.txt").open("w", encoding="utf-8", newline="") as file:
            for start in range(0, len(words), WORDS_AT_ONCE):
                # As JSON: a word may hold whatever a text does, the end of a line included.
                file.write(json.dumps(words[start : start + WORDS_AT_ONCE], ensure_ascii=False) + "\n")
        for name in ("starts", "rows", "counts", "lengths"):
            np.save(folder / f"words.{name}.npy", getattr(held, name))

    @classmethod
    def load(cls, folder: Path, *, words: Mapping[str, int] | None = None) -> Self:
        """Map what ``save`` wrote; ``words`` are those of the index that was written, if it is at hand."""
        if words is None:
            lines = (folder / "words.txt").read_text("utf-8").split("\n")[:-1]
            names = [word for line in lines for word in json.loads(line)]
            words = {word: number for number, word in enumerate(names)}
        # Plain arrays over files: slices of numpy's own memory maps cost ten times as much.
        starts, rows, counts, lengths = (
            np.asarray(np.load(folder / f"words.{name}.npy", mmap_mode="r"))
            for name in ("starts", "rows", "counts", "lengths")
        )
        return cls(Postings(words, starts, rows, counts, lengths))

    @property
    def words(self) -> Mapping[str, int]:
        """The words it was first made with, and their numbers."""
        return self._base.words

    @property
    def _own_added(self) -> Postings:
        assert self._added is not None
        return self._added

    def _holders(self, token: str) -> list[Holders]:
        """Return which rows hold the token and what it is worth in each.

        Each row is in one part, and they are in order within a part. What common words are worth is kept:
        most questions have some.
        """
        found = self._common.pop(token, None)
        if found is None:
            parts = self._counted(token)
            held = sum(len(rows) for rows, _ in parts)
            idf = np.float32(np.log(1 + (self.rows - held + 0.5) / (held + 0.5)))
            found = [
                (rows, (idf * (counts / (self._shrunk[rows] + counts))).astype(np.float32))
                for rows, counts in parts
            ]
            if held > COMMON:
                self._make_room(held)
        if sum(len(rows) for rows, _ in found) > COMMON:
            self._common[token] = found  # as the latest
        return found

    def _make_room(self, wanted: int) -> None:
        """Let go what common words are worth, those first that were not asked for the longest."""
        known = list(self._common.items())
        kept = wanted + sum(len(rows) for _, found in known for rows, _ in found)
        for word, found in known:
            if kept <= MOST_KEPT:
                return
            self._common.pop(word, None)
            kept -= sum(len(rows) for rows, _ in found)

    def _parts(self, token: str) -> list[Holders]:
        """Return which rows hold the token, for who does not ask what it is worth in them."""
        return self._common.get(token) or self._counted(token)

    def _counted(self, token: str) -> list[Holders]:
        """Return which rows hold the token, and how often."""
        held, counts = self._base.of(token)
        if self._added is None or self._splice is None:
            return [(held, counts)]
        places = self._splice.places[held]
        kept = places >= 0
        added, more = self._added.of(token)
        return [(places[kept], counts[kept]), (self._splice.places[self._splice.base + added], more)]


def _merged(base: Postings, added: Postings, splice: Splice) -> Postings:
    """Put two postings together, some words at a time: the rows of a base are in the right order already."""
    names = [*base.words, *(word for word in added.words if word not in base.words)]
    known = {word: number for number, word in enumerate(names)}
    of_added = np.fromiter((known[word] for word in added.words), np.int64, len(added.words))
    places = splice.places
    # The added words by their numbers among all.
    numbers = np.repeat(of_added, np.diff(added.starts))
    order = np.argsort(numbers, kind="stable")
    numbers, more, more_counts = numbers[order], places[splice.base + added.rows[order]], added.counts[order]
    base_starts = np.concatenate([base.starts, np.full(len(names) - len(base.words), base.starts[-1])])
    rows: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.float32]] = []
    held = [np.zeros(0, np.int64)]
    for first, last in _stretches(base_starts):
        some = slice(int(base_starts[first]), int(base_starts[last]))
        place = places[base.rows[some]]
        kept = place >= 0
        new = slice(*np.searchsorted(numbers, [first, last]).tolist())
        word = np.concatenate(
            [np.repeat(np.arange(first, last), np.diff(base_starts[first : last + 1]))[kept], numbers[new]]
        )
        row = np.concatenate([place[kept], more[new]])
        order = np.argsort(word * len(splice.numbers) + row, kind="stable")
        rows.append(row[order].astype(np.int32))
        counts.append(np.concatenate([base.counts[some][kept], more_counts[new]])[order])
        held.append(np.bincount(word - first, minlength=last - first))
    each = np.concatenate(held)
    used = np.flatnonzero(each)
    lengths = np.concatenate([base.lengths, added.lengths])[splice.numbers]
    words = {names[number]: place for place, number in enumerate(used.tolist())}
    starts = np.concatenate([[0], np.cumsum(each[used])]).astype(np.int64)
    return Postings(words, starts, joined(rows, np.int32), joined(counts, np.float32), lengths)


def _stretches(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cut words into stretches of about COUNTS_AT_ONCE rows that hold them; a common word is one alone."""
    first, words = 0, len(starts) - 1
    while first < words:
        last = int(np.searchsorted(starts, starts[first] + COUNTS_AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), words)
        yield first, last
        first = last
