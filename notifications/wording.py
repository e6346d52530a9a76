"""The words of a notification, from the templates of the recipient's language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

FOLDER = Path(__file__).parent / "templates"
FALLBACK = "en"
LONGEST_TITLE = 120  # characters; a lock screen shows fewer, and a push holds 4,096 bytes of everything
LONGEST_BODY = 240


@dataclass(frozen=True)
class Wording:
    """What the recipient reads."""

    title: str
    body: str


def word(type_key: str, locale: str, words: Mapping[str, str]) -> Wording:
    """Fill the templates of ``type_key`` in ``locale`` (English where we have none of it) with ``words``.

    Raises jinja2.UndefinedError when a word is missing: the template and its caller disagree.
    """
    language = locale[:2] if (FOLDER / f"{locale[:2]}.toml").exists() else FALLBACK
    templates = _templates(language)
    return Wording(
        title=_fitted(templates[f"{type_key}.title"].render(words), LONGEST_TITLE),
        body=_fitted(templates[f"{type_key}.body"].render(words), LONGEST_BODY),
    )


@cache
def _templates(language: str) -> dict[str, Template]:
    environment = SandboxedEnvironment(undefined=StrictUndefined)  # plain text, so nothing is escaped
    read = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {
        f"{type_key}.{part}": environment.from_string(text)
        for type_key, parts in read.items()
        for part, text in parts.items()
    }


def _fitted(text: str, most: int) -> str:
    """Return ``text`` on one line of at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
