"""What stays of a record when the person it is about is erased. Pure.

Personal fields are replaced by what says nothing; whatever else was written about the person (the name of
a deal, a tag) loses their name, addresses and numbers. Amounts, counts, dates, states and ids stay.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel

from backend.core.personal import PersonalClass
from backend.core.records import ENVELOPE, Record

ERASED_TEXT = "已为保护隐私而删除 · Erased to protect privacy"
PSEUDONYM = "Erased person"
NOWHERE = "erased.invalid"  # a domain that never exists. Source: RFC 2606, section 2
SHORTEST_NAME = 3  # letters of one part of a name: a shorter one is in too many other words
SHORTEST_CHINESE_NAME = 2
SHORTEST_NUMBER = 6  # digits
LEADS_BACK = ("title", "department")  # with the employer, who stays, they say who it was
IDENTITY = {PersonalClass.EMAIL, PersonalClass.PHONE, PersonalClass.ID_NUMBER}


def pseudonym_of(contact_id: str) -> str:
    """Return what an erased person is called: it follows from the contact's id and from nothing else."""
    return f"{PSEUDONYM} {hashlib.sha256(contact_id.encode()).hexdigest()[:6]}"


@dataclass(frozen=True)
class Eraser:
    """Take one person out of texts. ``pattern`` finds their name, addresses and numbers, if any is known."""

    pseudonym: str
    pattern: re.Pattern[str] | None

    def cut(self, text: str) -> str:
        """Return ``text`` with the person's pseudonym wherever they are named."""
        return self.pattern.sub(self.pseudonym, text) if self.pattern else text


def eraser_for(contact_id: str, known: Iterable[Record]) -> Eraser:
    """Return what takes out the person whom ``known`` describe: their contact, leads and users."""
    parts: set[str] = set()
    for record in known:
        for name, personal in record.personal.items():
            for value in _texts(getattr(record, name)):
                parts |= _patterns(value, personal, is_whole=name in ("full_name", "name"))
        given, family = (getattr(record, name, "") for name in ("given_name", "family_name"))
        if given and family:
            parts |= {_words(f"{given} {family}"), _words(f"{family} {given}"), _words(f"{family}{given}")}
    found = "|".join(sorted(parts, key=lambda part: (-len(part), part)))
    return Eraser(pseudonym_of(contact_id), re.compile(found) if found else None)


def _patterns(value: str, personal: PersonalClass, *, is_whole: bool) -> set[str]:
    if value.startswith(PSEUDONYM) or value.endswith(NOWHERE):
        return set()
    if personal is PersonalClass.NAME:
        least = SHORTEST_NAME if value.isascii() else SHORTEST_CHINESE_NAME
        if len(value) < least:
            return set()
        return {_words(value) if is_whole else _bounded(re.escape(value))}
    if personal is PersonalClass.EMAIL:
        return {_words(value)}
    if personal in IDENTITY:
        return _numbers(value)
    return set()


def _numbers(value: str) -> set[str]:
    """Return patterns of a number however it is grouped, with its country code or without."""
    digits = re.sub(r"\D", "", value)
    if len(digits) < SHORTEST_NUMBER or not re.fullmatch(r"[\d\s()+./-]+", value):
        return {re.escape(value)} if len(value) >= SHORTEST_NUMBER else set()
    shorter = {digits[cut:] for cut in (1, 2, 3) if value.startswith("+") and len(digits) - cut >= 8}
    return {r"\+?" + r"[\s().-]*".join(one) + r"(?!\d)" for one in (digits, *shorter)}


def _words(value: str) -> str:
    """Return a pattern of ``value`` in whatever case, words apart however they are."""
    return _bounded("(?i:" + r"\s+".join(re.escape(word) for word in value.split()) + ")")


def _bounded(pattern: str) -> str:
    """Keep a Latin word from being found inside another; Chinese is written without gaps."""
    return rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else []


def pseudonymise(record: Record, eraser: Eraser) -> bool:
    """Take the person out of ``record``, in place; tell whether anything changed: a second time, no."""
    values = {name: _erased(record, name, personal, eraser) for name, personal in record.personal.items()}
    for name in type(record).model_fields:
        if name not in values and name not in ENVELOPE and not name.endswith(("_id", "_ids")):
            values[name] = _cut(getattr(record, name), eraser)
    values |= {"external_ids": {}, "shares": [_cut(share, eraser) for share in record.shares]}
    if PersonalClass.NAME in record.personal.values():  # the record is the person: no own field outlives them
        values["ext"] = {}
        values |= {name: "" for name in LEADS_BACK if name in type(record).model_fields}
    return _set(record, values)


def erase_texts(record: Record) -> bool:
    """Replace the free texts of ``record``, in place, and nothing else; tell whether anything changed."""
    nobody = Eraser("", None)
    texts = [name for name, personal in record.personal.items() if personal is PersonalClass.TEXT]
    return _set(record, {name: _erased(record, name, PersonalClass.TEXT, nobody) for name in texts})


def _set(record: Record, values: Mapping[str, Any]) -> bool:
    changed = {name: value for name, value in values.items() if getattr(record, name) != value}
    for name, value in changed.items():
        setattr(record, name, value)
    return bool(changed)


def _erased(record: Record, name: str, personal: PersonalClass, eraser: Eraser) -> Any:
    """Return what a personal field holds afterwards; what was empty stays so."""
    field, value = type(record).model_fields[name], getattr(record, name)
    if personal is PersonalClass.HEADING:
        return _cut(value, eraser)
    default = "" if field.is_required() else field.get_default(call_default_factory=True)
    if not value or value == default:
        return value
    if personal is PersonalClass.TEXT and isinstance(value, str):
        return default or ERASED_TEXT
    if personal is PersonalClass.NAME and field.is_required():
        return eraser.pseudonym
    if personal is PersonalClass.EMAIL and name in _unique_fields(type(record)):
        return f"{record.id}@{NOWHERE}"
    return default


def _unique_fields(record: type[Record]) -> set[str]:
    indexes = [index.index.document for index in record.get_settings().indexes or ()]
    return {name for one in indexes if one.get("unique") for name in one["key"]}


def _cut(value: Any, eraser: Eraser) -> Any:
    """Return ``value`` with the person taken out of every text in it; choices and figures are no texts."""
    if isinstance(value, str):
        return value if isinstance(value, Enum) else eraser.cut(value)
    if isinstance(value, BaseModel):
        inner = {name: _cut(getattr(value, name), eraser) for name in type(value).model_fields}
        return value.model_copy(update=inner)
    if isinstance(value, Mapping):
        return {name: _cut(one, eraser) for name, one in value.items()}
    return [_cut(one, eraser) for one in value] if isinstance(value, list) else value
