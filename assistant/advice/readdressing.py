"""Make what was written to one customer fit to be sent to another: no name of the first in it; pure."""

import re

from assistant.advice.courtesies import without_greeting
from backend.crm.privacy.pseudonyms import Eraser

SOMEBODY = (
    "…"  # where a name stood: an agent reads the reply before it goes, and sees that something is missing
)

_TITLES_ZH = (
    r"(?:先生|女士|小姐|太太|老师|经理|主管|主任|总监|总|工|店长|厂长|院长|科长|处长|部长"
    r"|师傅|医生|博士|教授)"
)


def readdress(text: str, eraser: Eraser, family_names: frozenset[str]) -> str:
    """Return ``text`` without its greeting and without the person whom ``eraser`` knows.

    ``family_names`` are the Chinese ones, which stand before a title (彭工). A text of nothing else stays
    as it is, its names covered.
    """
    bare = without_greeting(text)
    for name in sorted(family_names, key=len, reverse=True):
        bare = re.sub(re.escape(name) + _TITLES_ZH, SOMEBODY, bare)
    covered = Eraser(SOMEBODY, eraser.pattern).cut(bare)
    return covered[:1].upper() + covered[1:]


def family_name_zh(full_name: str, family_name: str) -> str:
    """Return the Chinese family name of a person, or nothing: of a name without one the first character."""
    name = family_name or full_name[:1]
    return name if name and all("\u4e00" <= character <= "\u9fff" for character in name) else ""
