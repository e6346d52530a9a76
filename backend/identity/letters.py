"""The words of mails and pages, in the languages of the house."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

FOLDER = Path(__file__).parent / "templates"
FALLBACK = "en"
LONGEST_NAME = 60  # characters of what people choose themselves: no room for a mail of their own


@dataclass(frozen=True)
class Letter:
    """One mail in words."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def language_of(locale: str) -> str:
    """Return the language of the house nearest to a locale or an ``Accept-Language``: zh or en."""
    language = locale.strip()[:2].lower()
    return language if (FOLDER / f"{language}.toml").exists() else FALLBACK


def word_letter(kind: str, locale: str, link: str, words: Mapping[str, str]) -> Letter:
    """Fill the templates of ``kind`` in ``locale`` (English where we have none of it) with ``words``.

    Raises jinja2.UndefinedError when a word is missing: the template and its caller disagree.
    """
    language = language_of(locale)
    short = {name: _fitted(value) for name, value in words.items()}
    parts = {name: _plain().from_string(text).render(short) for name, text in _texts(language)[kind].items()}
    text = "\n\n".join((parts["greeting"], parts["text"], link, parts["ending"])) + "\n"
    html = _page_maker().get_template("letter.html").render(parts, link=link, language=language)
    return Letter(subject=parts["subject"], text=text, html=html)


def word_page(purpose: str, locale: str, *, post: str) -> str:
    """Return the HTML page on which somebody chooses a password, to be sent to the path ``post``."""
    language = language_of(locale)
    words = _texts(language)["page"]
    title = words[f"{purpose}_title"]
    return (
        _page_maker().get_template("password.html").render(words, title=title, post=post, language=language)
    )


def page_file(name: str) -> str:
    """Return a file that the page asks for."""
    return (FOLDER / name).read_text(encoding="utf-8")


def _fitted(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


@cache
def _texts(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _plain() -> SandboxedEnvironment:
    return SandboxedEnvironment(undefined=StrictUndefined)  # plain text, so nothing is escaped


@cache
def _page_maker() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
