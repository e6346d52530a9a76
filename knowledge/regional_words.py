"""Read words of Taiwan as the articles have them: 感測器 as 传感器, 登入 as 登录; pure.

Folding the script leaves the words: a help centre that writes 传感器 holds no 感测器. Only a word that the
articles do not know is read otherwise, and only as one that they do, so what both sides say stays: 离线 is
not made 脱机, as by the dictionary alone.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import opencc

from knowledge.text import normalise

Holds = Callable[[str], bool]
"""Whether a passage that the asker may read has these characters, one after the other."""

SHORTEST = 2  # characters: of one alone the script decides, not the region


@cache
def _words() -> dict[str, tuple[str, ...]]:
    """Return what each word of Taiwan is called on the mainland, both in simplified characters."""
    file = Path(opencc.__file__).parent / "dictionary" / "TWPhrasesRev.txt"
    found: dict[str, tuple[str, ...]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        theirs, _, ours = line.partition("\t")
        said = tuple(dict.fromkeys(normalise(word) for word in ours.split()))
        if len(theirs) >= SHORTEST and said and normalise(theirs) not in said:
            found[normalise(theirs)] = said
    return found


def read_as_here(text: str, holds: Holds) -> str:
    """Return a Chinese question with the words of Taiwan that its articles lack read as those they have."""
    folded = normalise(text)
    read = folded
    words = sorted((word for word in _words() if word in folded), key=len, reverse=True)
    for word in words:
        if word in read and not holds(word):
            known = [one for one in _words()[word] if holds(one)]
            read = read.replace(word, known[0]) if known else read
    return text if read == folded else read
