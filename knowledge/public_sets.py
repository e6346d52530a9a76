"""Read public knowledge bases as articles and questions: folders with a `corpus.jsonl.gz`.

Each line is one article: ``id``, ``title``, ``text`` (Markdown or plain). Beside it may lie
`tasks.jsonl.gz` with customers' situations and the ids of the articles that answer them (``instructions``,
``rel``); where there is none, the titles are the questions, as in a published FAQ.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.core.errors import FieldError, InvalidInput
from knowledge.text import guess_language

_LOCALES = {"zh": "zh-CN", "en": "en"}
_INTERNAL = "Internal:"  # how the bank's base marks what only its agents may read


@dataclass(frozen=True)
class PublicArticle:
    """One article of a public set; ``internal`` when the set says that customers may not read it."""

    key: str
    title: str
    body: str
    locale: str
    internal: bool


@dataclass(frozen=True)
class PublicQuestion:
    """A question and the keys of the articles that answer it."""

    text: str
    answers: frozenset[str]


def read_articles(path: Path) -> Iterator[PublicArticle]:
    """Yield the articles of the folder in the set's order; raise InvalidInput when it is no such set."""
    rows = list(_read(path / "corpus.jsonl.gz"))
    # One locale a set: product names in a Chinese title must not make it English.
    languages = Counter(guess_language(f"{row['title']} {row['text']}") for row in rows)
    locale = _LOCALES[languages.most_common(1)[0][0]]
    for row in rows:
        internal = row["title"].startswith(_INTERNAL)
        title = row["title"].removeprefix(_INTERNAL).strip() if internal else row["title"]
        yield PublicArticle(row["id"], title, row["text"], locale, internal)


def read_questions(path: Path) -> Iterator[PublicQuestion]:
    """Yield the set's real questions with the keys of the articles that answer each."""
    if (path / "tasks.jsonl.gz").is_file():
        for row in _read(path / "tasks.jsonl.gz", wanted=("instructions", "rel")):
            yield PublicQuestion(row["instructions"], frozenset(row["rel"]))
        return
    for article in read_articles(path):
        yield PublicQuestion(article.title, frozenset({article.key}))


def _read(file: Path, *, wanted: tuple[str, ...] = ("id", "title", "text")) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                row = json.loads(line)
                if not isinstance(row, dict) or any(name not in row for name in wanted):
                    raise _refusal(f"line {number} of {file.name} lacks one of {', '.join(wanted)}")
                yield row
    except FileNotFoundError:
        raise _refusal(f"{file.parent} holds no {file.name}: name a folder of a public set") from None
    except (EOFError, gzip.BadGzipFile, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _refusal(f"{file} cannot be read ({error}): copy it again from its source") from error


def _refusal(message: str) -> InvalidInput:
    return InvalidInput(FieldError("path", message))
