"""Read a folder of Markdown files with front matter as articles.

The front matter is YAML between two lines ``---``: ``title`` is needed; ``key`` (else the file's name),
``locale``, ``locale_group``, ``visibility`` (else internal), ``category``, ``tags`` and ``version_note`` may
stand there. What follows is the body.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from backend.core.errors import FieldError, InvalidInput
from knowledge.documents import Visibility
from knowledge.text import guess_language


@dataclass(frozen=True, kw_only=True)
class ArticleFile:
    """An article as a file or a public set has it; ``key`` names it for ever within its source."""

    key: str
    title: str
    body: str
    locale: str
    visibility: Visibility
    locale_group: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""

    def fields(self) -> dict[str, Any]:
        """Return what an article takes from it."""
        return {
            "title": self.title,
            "body": self.body,
            "locale": self.locale,
            "visibility": self.visibility,
            "locale_group": self.locale_group,
            "category": self.category,
            "tags": list(self.tags),
        }


def read_markdown_folder(folder: Path) -> Iterator[ArticleFile]:
    """Yield the folder's ``*.md`` in the order of their names, also those below it; hidden ones not.

    Raise InvalidInput that names the file and what is wrong with it.
    """
    for path in sorted(folder.rglob("*.md")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield read_markdown_file(path, key=path.relative_to(folder).with_suffix("").as_posix())


def read_markdown_file(path: Path, *, key: str) -> ArticleFile:
    """Read one file; ``key`` counts when the front matter names none."""
    try:
        opening, front, body = path.read_text("utf-8").split("---\n", 2)
        about = yaml.safe_load(front)
        if opening.strip() or not isinstance(about, dict):
            raise ValueError("it does not start with front matter")
        title = str(about["title"])
        return ArticleFile(
            key=str(about.get("key", key)),
            title=title,
            body=body.strip("\n"),
            locale=str(about.get("locale") or guess_language(f"{title} {body}")),
            visibility=Visibility(about.get("visibility", "internal")),
            locale_group=str(about.get("locale_group", "")),
            category=str(about.get("category", "")),
            tags=tuple(str(tag) for tag in about.get("tags", ())),
            note=str(about.get("version_note", "")),
        )
    except (ValueError, KeyError, TypeError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(
            FieldError(
                "path",
                f"has a file that is no article, {path} ({type(error).__name__}: {error}): "
                "begin it with ---, a line `title: …` and ---",
            )
        ) from error
