"""From a cell's text to a field's value. Pure.

Everything is read as people of either language write it, and nothing is guessed: 3/4/2026 is a day in March
or in April, so it is refused.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from backend.core.errors import FieldError, InvalidInput
from backend.core.sync import FieldType

MOST_DIGITS = 30  # MongoDB keeps 34 of a decimal
LARGEST = 2**31 - 1  # GraphQL's Int holds no more
YEARS = range(1900, 2200)
NUMBER = re.compile(r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
MONEY = "¥￥$€£元 "
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
TIME = re.compile(r"(\d{1,2})[:：](\d{2})(?:[:：](\d{2}))?")
YES = frozenset({"true", "yes", "y", "1", "是", "对", "有", "√"})
NO = frozenset({"false", "no", "n", "0", "否", "不", "无", "×"})
SEVERAL = re.compile(r"[;；、|\n]")


def read_cell(field: str, sort: FieldType, text: str, *, zone: str = "UTC") -> Any:
    """Return the value that ``text``, which is not empty, means in a field of this sort.

    A time without offset is one of ``zone``. Raise InvalidInput, which never repeats the text.
    """
    read = _READERS.get(sort)
    if read is None:
        return text
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        return read(plain, zone)
    except ValueError:
        raise InvalidInput(FieldError(field, _MENDS[sort])) from None


def _decimal(text: str, zone: str) -> Decimal:
    bare = text.strip(MONEY)
    if not NUMBER.fullmatch(bare):
        raise ValueError(text)
    if sum(letter.isdigit() for letter in bare) > MOST_DIGITS:
        raise ValueError(text)
    return Decimal(bare.replace(",", ""))


def _integer(text: str, zone: str) -> int:
    number = _decimal(text, zone)
    if number != number.to_integral_value() or abs(number) > LARGEST:
        raise ValueError(text)
    return int(number)


def _boolean(text: str, zone: str) -> bool:
    said = text.casefold()
    if said not in YES | NO:
        raise ValueError(text)
    return said in YES


def _date(text: str, zone: str) -> date:
    found = DAY.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month, day = map(int, found.groups())
    if year not in YEARS:
        raise ValueError(text)
    return date(year, month, day)


def _moment(text: str, zone: str) -> datetime:
    """Read RFC 3339, or a day as people write it, with or without a time of day."""
    if re.match(r"\d{4}-\d{2}-\d{2}T", text):
        moment = datetime.fromisoformat(text)
        if moment.year not in YEARS:
            raise ValueError(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    day, _, clock = text.partition(" ")
    found = TIME.fullmatch(clock.strip() or "0:00")
    if not found:
        raise ValueError(text)
    hour, minute, second = (int(part or 0) for part in found.groups())
    on = _date(day, zone)
    return datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=ZoneInfo(zone))


def _list(text: str, zone: str) -> list[str]:
    return [part.strip() for part in SEVERAL.split(text) if part.strip()]


_READERS: Mapping[FieldType, Callable[[str, str], Any]] = {
    "decimal": _decimal,
    "number": _decimal,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "datetime": _moment,
    "list": _list,
}
_MENDS: Mapping[FieldType, str] = {
    "decimal": "is not a number that can be kept; write it as 1234.50",
    "number": "is not a number that can be kept; write it as 1234.50",
    "integer": "is not a whole number up to 2147483647; write it as 1234",
    "boolean": "is neither yes nor no; write yes or no, 是 or 否",
    "date": "is not a date between 1900 and 2199; write it as 2026-11-30",
    "datetime": "is not a time between 1900 and 2199; write it as 2026-11-30 14:05",
}
