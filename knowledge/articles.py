"""What may be done with an article."""

from typing import Any

from backend.core.errors import FieldError, InvalidInput
from backend.core.events import DomainEvent, RecordCreated, RecordDeleted, RecordUpdated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.ids import derived_id
from backend.core.unit_of_work import UnitOfWork
from knowledge.documents import LONGEST_NOTE, Article, ArticleStatus, ArticleVersion, content_hash
from knowledge.events import ArticleChanged, ArticlePublished, ArticleRemoved

# What decides an answer: a change of one of these concerns whoever was answered from the article.
_READ_BY_SEARCH = ("title", "body", "locale", "visibility", "valid_until", "owner_id", "team_ids")


async def create_article(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Article:
    """Create an article with its version 1: a draft, or at once published with ``publish`` true.

    ``change_note`` goes to the version. Without a locale it is in the actor's language.
    """
    own, note, publish = _without_extras(fields)
    if publish is not None:
        own["status"] = ArticleStatus.PUBLISHED if publish else ArticleStatus.DRAFT
    article = await new_record(uow, Article, {"locale": uow.actor.locale, **own}, id=id)
    _note_publication(uow, article)
    uow.save(article, RecordCreated(), *_announced(article, was_published=False, changed=False))
    _keep_version(uow, article, note)
    return article


async def update_article(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Article:
    """Change an article; another title or body makes its next version. ``publish`` sets the status."""
    own, note, publish = _without_extras(fields)
    if publish is not None:
        own["status"] = ArticleStatus.PUBLISHED if publish else ArticleStatus.DRAFT
    article = await uow.access(Article, id, action="update", expected_version=expected_version)
    before = article.model_dump()
    set_fields(article, own)
    after = article.model_dump()
    changed = tuple(sorted(name for name in own if before[name] != after[name]))
    if not changed:
        return article
    rewritten = not {"title", "body"}.isdisjoint(changed)
    if rewritten:
        article.version_number += 1
    _note_publication(uow, article)
    was_published = before["status"] is ArticleStatus.PUBLISHED
    matters = not set(_READ_BY_SEARCH).isdisjoint(changed)
    announced = _announced(article, was_published=was_published, changed=matters)
    uow.save(article, RecordUpdated(fields=changed), *announced)
    if rewritten:
        _keep_version(uow, article, note)
    return article


async def publish_article(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Article:
    """Let the article's audience read it."""
    return await update_article(uow, id, {"publish": True}, expected_version=expected_version)


async def delete_article(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Article:
    """Delete an article; its versions stay for those who look into old answers."""
    article = await uow.access(Article, id, action="delete", expected_version=expected_version)
    removed = [ArticleRemoved()] if article.status is ArticleStatus.PUBLISHED else []
    uow.delete(article, RecordDeleted(), *removed)
    return article


async def find_versions(uow: UnitOfWork, article_id: str) -> list[ArticleVersion]:
    """Return the article's texts that the actor may read, newest first."""
    return await uow.find(ArticleVersion, {"article_id": article_id}, sort=[("number", -1)])


def _without_extras(fields: Fields) -> tuple[dict[str, Any], str, bool | None]:
    own = dict(fields)
    return own, own.pop("change_note", None) or "", own.pop("publish", None)


def _note_publication(uow: UnitOfWork, article: Article) -> None:
    if article.status is ArticleStatus.PUBLISHED and article.published_at is None:
        article.published_at = uow.at


def _announced(article: Article, *, was_published: bool, changed: bool) -> list[DomainEvent]:
    is_published = article.status is ArticleStatus.PUBLISHED
    if is_published and not was_published:
        return [
            ArticlePublished(
                number=article.version_number,
                title=article.title,
                locale=article.locale,
                visibility=article.visibility,
            )
        ]
    if was_published and not is_published:
        return [ArticleRemoved()]
    return [ArticleChanged(number=article.version_number)] if is_published and changed else []


def _keep_version(uow: UnitOfWork, article: Article, change_note: str) -> None:
    number = article.version_number
    if len(change_note) > LONGEST_NOTE:
        raise InvalidInput(FieldError("change_note", f"is longer than {LONGEST_NOTE} characters; shorten it"))
    version = ArticleVersion(
        id=derived_id("article_version", article.id, str(number)),
        owner_id=uow.actor.user_id,
        article_id=article.id,
        number=number,
        title=article.title,
        body=article.body,
        content_hash=content_hash(article.title, article.body),
        change_note=change_note,
    )
    uow.save(version)
