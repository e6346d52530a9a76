"""Do two passages that answer one question say different things? Pure, by their words.

Two texts disagree when they say nearly the same and contradict each other in a quantity or a "not". That two
articles speak of different things is no contradiction.
"""

from knowledge.contradictions import find_contradiction, share, words_of_matter

ALIKE = 0.6  # of the words of both, numbers and negations aside
FEWEST_WORDS = 3


def disagree(one: str, other: str) -> bool:
    """Tell whether two texts that are about the same differ in a number or a negation."""
    mine, theirs = words_of_matter(one), words_of_matter(other)
    if min(len(mine), len(theirs)) < FEWEST_WORDS:
        return False
    return share(mine, theirs) >= ALIKE and find_contradiction(one, other) is not None
