"""Personal data: which sort a field holds, and how each sort looks to who may not read it in full.

Kinds declare their personal fields (``Record.personal``). One declaration serves masks, the audit's
diffs, encryption, export and erasure of a person.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

SHOWN_OF_PHONE = (3, 2)  # characters at each end: tells two numbers of one person apart, reaches nobody
SHOWN_OF_NUMBER = (2, 2)
DOTS = "****"


class PersonalClass(StrEnum):
    """What a personal field holds."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    ID_NUMBER = "id_number"
    TEXT = "text"  # free words that may say anything about a person
    HEADING = "heading"  # what a thing is called, which may name a person: erasure takes only them out of it


def mask(value: Any, personal: PersonalClass) -> Any:
    """Return ``value`` so far covered that it can be recognised by who knows it, and used by nobody.

    Empty stays empty; lists and objects are masked piece by piece.
    """
    if isinstance(value, str):
        return _masked_text(value, personal) if value else value
    if isinstance(value, Mapping):
        return {name: mask(inner, personal) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask(inner, personal) for inner in value]
    return value if value is None else DOTS


def _masked_text(text: str, personal: PersonalClass) -> str:
    match personal:
        case PersonalClass.EMAIL:
            name, at, domain = text.rpartition("@")
            return f"{name[:1]}{DOTS}@{domain}" if at else DOTS
        case PersonalClass.PHONE:
            return _ends(text, *SHOWN_OF_PHONE)
        case PersonalClass.ID_NUMBER:
            return _ends(text, *SHOWN_OF_NUMBER)
        case PersonalClass.NAME:
            return f"{text[:1]}{DOTS}"
        case _:
            return DOTS


def _ends(text: str, head: int, tail: int) -> str:
    """Return the ends of ``text``; of a short one less than half is shown."""
    if len(text) < 2 * (head + tail):
        return f"{text[:1]}{DOTS}" if len(text) > 2 else DOTS
    return f"{text[:head]}{DOTS}{text[-tail:]}"
