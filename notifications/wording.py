"""The words of a notification, from the templates of the recipient's language or of the workspace's own.

Values are plain texts and numbers by the time a template sees them. HTML is escaped value by value and,
once it is whole, passed through an allow-list.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import nh3
import structlog
from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from notifications.catalogue import WORDED, FieldSort
from notifications.template_rules import ATTRIBUTES, SCHEMES, STYLES, TAGS, TemplateRefused

log = structlog.get_logger(__name__)

FOLDER = Path(__file__).parent / "templates"
FALLBACK = "en"
LANGUAGES = ("zh", "en")
PARTS = ("title", "body", "subject", "text", "html")
LONGEST_TITLE = 120  # characters; a lock screen shows fewer, and a push holds 4,096 bytes of everything
LONGEST_BODY = 240
LONGEST_FIELD = 300
MOST_LINES = 20  # of a digest; the rest is counted
LONGEST_OUTPUT = 64_000
UTC_ZONE = ZoneInfo("UTC")

LETTER_PARTS = ("title", "body", "link", "button", "footer")
LETTER_FIELDS: Mapping[str, FieldSort] = dict.fromkeys(LETTER_PARTS, FieldSort.TEXT)
"""What the parts of a letter may name beside the fields of their type."""

_PLAIN = SandboxedEnvironment(undefined=StrictUndefined)  # plain text, so nothing is escaped
_HTML = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)


class TooLong(ValueError):
    """A template writes more than may be sent."""


@dataclass(frozen=True)
class Wording:
    """What the recipient reads."""

    title: str
    body: str


@dataclass(frozen=True)
class Letter:
    """An e-mail's words; ``html`` is the inside of its body."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


Own = Mapping[str, str]  # a workspace's own templates of one type and language, by part; blank: the usual


def word(
    type_key: str, locale: str, words: Mapping[str, Any], *, zone: ZoneInfo = UTC_ZONE, own: Own | None = None
) -> Wording:
    """Fill the templates of ``type_key`` in ``locale`` (English where we have none of it) with ``words``.

    Moments are written by the clock in ``zone``. Raises jinja2.UndefinedError when a word is missing: the
    template and its caller disagree.
    """
    language = language_of(locale)
    values = plain_values(type_key, words, language, zone)
    return Wording(
        title=_fitted(_filled(type_key, "title", language, own, values), LONGEST_TITLE),
        body=_fitted(_filled(type_key, "body", language, own, values), LONGEST_BODY),
    )


def letter(
    type_key: str,
    locale: str,
    words: Mapping[str, Any],
    wording: Wording,
    *,
    link: str,
    zone: ZoneInfo = UTC_ZONE,
    own: Own | None = None,
) -> Letter:
    """Write the e-mail that says ``wording``; where words are missing (they were erased), that alone."""
    language = language_of(locale)
    usual = _texts(language)["letter"]
    letters = {"title": wording.title, "body": wording.body, "link": link}
    letters |= {"button": usual["button"], "footer": usual["footer"]}
    try:
        values = plain_values(type_key, words, language, zone) | letters
        return _letter(type_key, language, values, own)
    except UndefinedError:
        return _letter("", language, letters, None)


def _letter(type_key: str, language: str, values: Mapping[str, Any], own: Own | None) -> Letter:
    html = _filled(type_key, "html", language, own, {"lines": [], **values})
    return Letter(
        subject=_fitted(_filled(type_key, "subject", language, own, values), LONGEST_TITLE),
        text=_filled(type_key, "text", language, own, values).strip() + "\n",
        html=cleaned(html),
    )


def cleaned(html: str) -> str:
    """Return HTML with nothing in it but what letters have a use for."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={"*": set(ATTRIBUTES - {"href"}), "a": set(ATTRIBUTES)},
        url_schemes=set(SCHEMES),
        filter_style_properties=set(STYLES),
        link_rel=None,
    )


def private_wording(locale: str) -> Wording:
    """Return what is shown where a push may say nothing of what it is about."""
    texts = _texts(language_of(locale))["private"]
    return Wording(texts["title"], texts["body"])


def reason_texts(language: str) -> Mapping[str, str]:
    """Return what the log says for each reason, with places for ``until``, ``by``, ``code`` and ``tries``."""
    return _texts(language)["reasons"]


def refusal_text(refused: TemplateRefused, locale: str) -> str:
    """Return why a template is refused: a sentence that goes on from the part's name."""
    return _texts(language_of(locale))["refusals"][refused.code].format(**refused.values)


def sample_words(type_key: str, locale: str) -> dict[str, Any]:
    """Return a made-up value for each field of a type, to show a template with."""
    samples, found = _texts(language_of(locale))["samples"], dict[str, Any]()
    for name, sort in WORDED[type_key].fields.items():
        match sort:
            case FieldSort.TEXT | FieldSort.CHOICE:
                found[name] = samples.get(name, name)
            case FieldSort.MOMENT:
                found[name] = datetime(2026, 3, 2, 1, 30, tzinfo=UTC).isoformat()
            case FieldSort.NUMBER:
                found[name] = 3
            case FieldSort.LINES:
                found[name] = [samples["line"]] * 3
    return found


def longest_words(type_key: str) -> dict[str, Any]:
    """Return the most that each field of a type can hold."""
    most: Mapping[FieldSort, Any] = {
        FieldSort.TEXT: "宽" * LONGEST_FIELD,
        FieldSort.MOMENT: datetime(2026, 11, 30, 12, 30, tzinfo=UTC).isoformat(),
        FieldSort.NUMBER: 10**12,
        FieldSort.LINES: ["宽" * LONGEST_FIELD] * MOST_LINES,
        FieldSort.CHOICE: "宽" * LONGEST_FIELD,
    }
    return {name: most[sort] for name, sort in WORDED[type_key].fields.items()}


def language_of(locale: str) -> str:
    """Return the language of ours that is nearest to ``locale``."""
    return locale[:2] if locale[:2] in LANGUAGES else FALLBACK


# ── values and templates ─────────────────────────────────────────────────────────────────────────


def plain_values(type_key: str, words: Mapping[str, Any], language: str, zone: ZoneInfo) -> dict[str, Any]:
    """Return ``words`` as templates see them: texts, whole numbers and lists of texts, none too long."""
    sorts = WORDED[type_key].fields if type_key in WORDED else {}
    return {name: _value(words[name], sort, language, zone) for name, sort in sorts.items() if name in words}


def _value(value: Any, sort: FieldSort, language: str, zone: ZoneInfo) -> Any:
    match sort:
        case FieldSort.MOMENT:
            return moment_text(datetime.fromisoformat(value), language, zone)
        case FieldSort.NUMBER:
            return int(value)
        case FieldSort.CHOICE:
            return _texts(language)["choices"].get(str(value), str(value))[:LONGEST_FIELD]
        case FieldSort.LINES:
            return [str(one)[:LONGEST_FIELD] for one in value[:MOST_LINES]]
    return str(value)[:LONGEST_FIELD]


def moment_text(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """Return a moment as people write it, by the clock in ``zone``."""
    local = moment.astimezone(zone)
    if language == "zh":
        return f"{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local.day} {_MONTHS[local.month - 1]}, {local:%H:%M}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _filled(type_key: str, part: str, language: str, own: Own | None, values: Mapping[str, Any]) -> str:
    source = (own or {}).get(part)
    if source:
        try:
            return render(source, values, part=part)
        except (TemplateError, TooLong, TypeError, ValueError) as error:  # nobody goes untold for it
            log.warning("own_template_failed", type=type_key, part=part, error=repr(error))
    return render(usual_source(type_key, part, language), values, part=part)


def render(source: str, values: Mapping[str, Any], *, part: str) -> str:
    """Fill one template; raise TooLong for one that writes too much, UndefinedError for a missing value."""
    found: list[str] = []
    length = 0
    for piece in _compiled(source, part == "html").generate(values):
        length += len(piece)
        if length > LONGEST_OUTPUT:
            raise TooLong(part)
        found.append(piece)
    return "".join(found)


def usual_source(type_key: str, part: str, language: str) -> str:
    """Return the house's own template of a part."""
    if part == "html":
        return _letter_html()
    texts = _texts(language)
    return texts.get(type_key, {}).get(part) or texts["letter"][part]


@lru_cache(maxsize=1_024)
def _compiled(source: str, is_html: bool) -> Template:
    return (_HTML if is_html else _PLAIN).from_string(source)


@cache
def _texts(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _letter_html() -> str:
    return (FOLDER / "letter.html").read_text(encoding="utf-8")


def _fitted(text: str, most: int) -> str:
    """Return ``text`` on one line of at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
