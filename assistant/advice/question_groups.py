"""Questions that are the same question: groups of rows that are near one another; pure numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import scipy

from assistant.advice.text_rows import Rows
from knowledge.text import Language

MOST_QUESTIONS = 2_000  # all pairs are compared
NEAR = 0.36  # of average linkage between centred rows: see docs/advice.md for how it was chosen


def group_questions(
    rows: Rows, languages: Sequence[Language], means: Mapping[Language, Rows], *, near: float = NEAR
) -> list[list[int]]:
    """Return groups of two and more, largest first, as places in ``rows`` (n, dimension), the middle first.

    Rows are centred on the ``means`` of their language, without which any two of one language look alike.
    The same question in two languages mostly makes two groups: each becomes an article of its own.
    ``near`` is the largest mean cosine distance within a group.
    """
    if len(rows) < 2:
        return []
    centred = _centred(rows, languages, means)
    tree = scipy.cluster.hierarchy.linkage(centred, method="average", metric="cosine")
    labels = scipy.cluster.hierarchy.fcluster(tree, near, criterion="distance")
    members: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        members.setdefault(int(label), []).append(place)
    groups = [_middle_first(centred, some) for some in members.values() if len(some) > 1]
    return sorted(groups, key=lambda some: (-len(some), some[0]))


def _centred(rows: Rows, languages: Sequence[Language], means: Mapping[Language, Rows]) -> Rows:
    found = np.array([row - means[language] for row, language in zip(rows, languages, strict=True)])
    found += np.random.default_rng(0).normal(0, 1e-9, found.shape)  # no row is quite zero
    centred: Rows = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return centred


def _middle_first(rows: Rows, some: Sequence[int]) -> list[int]:
    """Return the places with the one first that is nearest to all the others."""
    middle = rows[list(some)].mean(axis=0)
    far = rows[list(some)] @ middle
    order = sorted(range(len(some)), key=lambda place: (-round(float(far[place]), 6), some[place]))
    return [some[place] for place in order]
