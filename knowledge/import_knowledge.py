"""Bring whole bases in: a folder of Markdown, or a public set (see ``public_sets``)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from backend.core.access import Actor
from backend.core.errors import FieldError, InvalidInput
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from knowledge.articles import create_article, update_article
from knowledge.documents import Article, Visibility
from knowledge.markdown_files import ArticleFile, read_markdown_folder
from knowledge.public_sets import read_articles

ARTICLES_PER_COMMIT = 20


@dataclass(frozen=True)
class Imported:
    """How many articles an import made, changed, and found as they were or deleted here."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted_here: int = 0

    def __add__(self, other: "Imported") -> "Imported":
        return Imported(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.deleted_here + other.deleted_here,
        )


def read_base(path: Path) -> Iterator[ArticleFile]:
    """Yield the articles of a folder, whichever kind it is; raise InvalidInput when it is none."""
    if (path / "corpus.jsonl.gz").is_file():
        for article in read_articles(path):
            visibility = Visibility.INTERNAL if article.internal else Visibility.PUBLIC
            yield ArticleFile(
                key=article.key,
                title=article.title,
                body=article.body,
                locale=article.locale,
                visibility=visibility,
            )
    elif path.is_dir() and next(path.rglob("*.md"), None):
        yield from read_markdown_folder(path)
    else:
        raise InvalidInput(
            FieldError("path", f"is {path}, which holds neither corpus.jsonl.gz nor Markdown files: name one")
        )


def imported_id(workspace_id: str, source: str, key: str) -> str:
    """Return the id of an imported article: importing a source again finds what it made."""
    return derived_id("knowledge", workspace_id, source, key)


async def import_knowledge(store: Store, actor: Actor, path: Path, *, source: str = "") -> Imported:
    """Create and publish the articles of ``path``, or update those that were imported before.

    ``source`` (else the folder's name) tells bases apart. Commits every few articles; run again after a
    failure, it goes on. What was deleted here stays deleted.
    """
    articles, done = read_base(path), Imported()
    while some := list(islice(articles, ARTICLES_PER_COMMIT)):
        done += await store.write(actor, partial(_take_in, source=source or path.name, articles=some))
    return done


async def _take_in(uow: UnitOfWork, *, source: str, articles: Sequence[ArticleFile]) -> Imported:
    ids = {article.key: imported_id(uow.actor.workspace_id, source, article.key) for article in articles}
    known = {record.id: record for record in await uow.find(Article, {"_id": {"$in": list(ids.values())}})}
    done = Imported()
    for article in articles:
        id, note = ids[article.key], {"change_note": article.note}
        if id in known:
            before = known[id].version_number, known[id].updated_at
            record = await update_article(uow, id, article.fields() | note)
            moved = (record.version_number, record.updated_at) != before
            done += Imported(updated=1) if moved else Imported(unchanged=1)
        elif await uow.is_taken(Article, id):
            done += Imported(deleted_here=1)
        else:
            await create_article(uow, article.fields() | note | {"publish": True}, id=id)
            done += Imported(created=1)
    return done
