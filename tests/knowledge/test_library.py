"""Indexes that survive: restarts, damage, a second process, a change of who may read."""

import asyncio
import shutil
from collections.abc import Sequence
from copy import copy
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.access import EVERYONE, Actor, Level, grant
from backend.core.errors import Unavailable
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import AUDIENCES
from knowledge.articles import create_article, delete_article, update_article
from knowledge.documents import Article, ArticleStatus, Visibility
from knowledge.embedding import Embedder, Reading
from knowledge.faiss_index import FaissPassageIndex
from knowledge.grown_index import GrownPassageIndex
from knowledge.library import Library
from knowledge.module import module
from knowledge.search import KnowledgeBase
from knowledge.shelf import Shelf
from knowledge.snapshots import find_snapshots
from knowledge.text import tokens
from tests.crew import Crew


class Counter:
    """The session's embedder seen through a copy that counts the passages it embeds.

    A copy, because the relay of the session's house indexes the same articles at its own time.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.texts: list[str] = []
        self.embedder = copy(embedder)

        async def counted(texts: Sequence[str]) -> list[Reading]:
            self.texts += texts
            return await embedder.read_passages(texts)

        setattr(self.embedder, "read_passages", counted)  # noqa: B010 - a method, for this copy only

    def take(self) -> int:
        """Return how many texts were embedded since the last look."""
        taken = len(self.texts)
        self.texts.clear()
        return taken


@pytest.fixture
def counter(embedder: Embedder) -> Counter:
    return Counter(embedder)


async def write(crew: Crew, *numbers: int) -> list[Article]:
    """Publish an article for each number; its text names it and the workspace."""

    async def create(uow: UnitOfWork) -> list[Article]:
        return [
            await create_article(
                uow,
                {
                    "title": f"Rule {n}",
                    "body": f"Rule {n} of {crew.workspace_id}: paint it green.",
                    "publish": True,
                },
            )
            for n in numbers
        ]

    return await crew.house.store.write(crew.system, create)


def library(crew: Crew, embedder: Embedder, folder: Path) -> Library:
    """A library as another process would have it: a store of its own, nothing in memory, no relay."""
    store = crew.house.store
    return Library(Store(store.client, store.database.name, store.clock), embedder, folder)


async def titles(library: Library, crew: Crew) -> list[str]:
    uow = crew.house.store.unit_of_work(crew.agent.actor)
    result = await KnowledgeBase(library, library.embedder).search(uow, "Which rule is green?", first=50)
    assert not result.degraded
    return sorted(hit.title for hit in result.hits)


async def test_a_restart_reads_the_snapshot_and_embeds_only_what_is_new(
    crew: Crew, counter: Counter, tmp_path: Path
) -> None:
    articles = await write(crew, 1, 2, 3)
    first = library(crew, counter.embedder, tmp_path)
    await first.settle(crew.workspace_id)
    await first.close()
    counter.take()
    left = tmp_path / crew.workspace_id / counter.embedder.name / ".000000000099.7.writing"
    left.mkdir()
    second = library(crew, counter.embedder, tmp_path)
    edition = await second.settle(crew.workspace_id)
    assert counter.take() == 0
    assert not left.exists()
    assert (edition.is_whole, await titles(second, crew)) == (True, ["Rule 1", "Rule 2", "Rule 3"])
    await second.close()

    async def change(uow: UnitOfWork) -> None:
        await update_article(uow, articles[0].id, {"title": "Rule 9"})
        await delete_article(uow, articles[1].id)

    await crew.house.store.write(crew.system, change)
    third = library(crew, counter.embedder, tmp_path)
    await third.settle(crew.workspace_id)
    assert await titles(third, crew) == ["Rule 3", "Rule 9"]
    assert {text.split("\n")[0] for text in counter.texts} == {"Rule 9"}
    await third.close()


@pytest.mark.parametrize("harm", ["cut", "gone"])
async def test_a_damaged_snapshot_is_made_again_from_the_articles(
    crew: Crew, counter: Counter, tmp_path: Path, harm: str
) -> None:
    await write(crew, 1, 2)
    first = library(crew, counter.embedder, tmp_path)
    await first.settle(crew.workspace_id)
    await first.close()
    [folder] = (tmp_path / crew.workspace_id / counter.embedder.name).iterdir()
    rows = folder / "plain.faiss"
    if harm == "cut":
        rows.write_bytes(rows.read_bytes()[:-9])
    else:
        shutil.rmtree(folder)
    counter.take()
    second = library(crew, counter.embedder, tmp_path)
    await second.settle(crew.workspace_id)
    assert (await titles(second, crew), counter.take() > 0) == (["Rule 1", "Rule 2"], True)
    await second.close()
    third = library(crew, counter.embedder, tmp_path)
    await third.settle(crew.workspace_id)
    assert (await titles(third, crew), counter.take()) == (["Rule 1", "Rule 2"], 0)
    await third.close()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a handful of articles be a large base, which is put together when more than half has changed."""
    monkeypatch.setattr("knowledge.shelf.FEW_PASSAGES", 0)
    monkeypatch.setattr("knowledge.shelf.MOST_MOVED", 0.5)


@pytest.mark.usefixtures("large")
async def test_what_came_after_a_snapshot_is_kept_beside_it_until_both_are_put_together(
    crew: Crew, counter: Counter, tmp_path: Path
) -> None:
    folder = tmp_path / crew.workspace_id / counter.embedder.name

    def kept() -> tuple[int, int]:
        names = [path.name for path in folder.iterdir()]
        return sum(name.isdigit() for name in names), sum(name.endswith(".added") for name in names)

    await write(crew, 1, 2, 3, 4)
    first = library(crew, counter.embedder, tmp_path)
    await first.settle(crew.workspace_id)
    [whole] = folder.iterdir()
    stamps = {path: path.stat().st_mtime_ns for path in whole.iterdir()}
    for number, count in ((5, 1), (6, 2)):  # one older is kept: another process may be reading it
        await write(crew, number)
        edition = await first.settle(crew.workspace_id)
        assert isinstance(edition.meaning, GrownPassageIndex)
        assert kept() == (1, count)
    assert {path: path.stat().st_mtime_ns for path in whole.iterdir()} == stamps
    await first.close()

    counter.take()
    second = library(crew, counter.embedder, tmp_path)
    await second.settle(crew.workspace_id)
    assert (counter.take(), kept()) == (0, (1, 2))
    assert await titles(second, crew) == [f"Rule {n}" for n in range(1, 7)]
    await write(crew, 7)
    edition = await second.settle(crew.workspace_id)
    assert isinstance(edition.meaning, FaissPassageIndex)
    assert kept() == (2, 0)
    assert await titles(second, crew) == [f"Rule {n}" for n in range(1, 8)]
    await second.close()

    counter.take()
    third = library(crew, counter.embedder, tmp_path)
    edition = await third.settle(crew.workspace_id)
    assert (counter.take(), len(edition.passages), edition.is_whole) == (0, 7, True)
    await third.close()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("harm", ["cut", "gone", "half written"])
async def test_damaged_additions_are_made_again_and_the_snapshot_is_not(
    crew: Crew, counter: Counter, tmp_path: Path, harm: str
) -> None:
    await write(crew, 1, 2, 3, 4)
    first = library(crew, counter.embedder, tmp_path)
    await first.settle(crew.workspace_id)
    await write(crew, 5)
    await first.settle(crew.workspace_id)
    await first.close()
    [added] = (tmp_path / crew.workspace_id / counter.embedder.name).glob("*.added")
    if harm == "cut":
        (added / "tokens.npy").write_bytes((added / "tokens.npy").read_bytes()[:-9])
    elif harm == "gone":
        shutil.rmtree(added)
    else:  # as a process leaves it that is killed before it has renamed it
        (added / "manifest.json").unlink()
        added.rename(added.with_name(f".{added.name}.77.writing"))
    counter.take()
    second = library(crew, counter.embedder, tmp_path)
    await second.settle(crew.workspace_id)
    assert {text.split("\n")[0] for text in counter.texts} == {"Rule 5"}
    assert (await second.progress(crew.workspace_id)).damaged == (harm == "cut")
    assert await titles(second, crew) == [f"Rule {n}" for n in range(1, 6)]
    await second.close()


@pytest.mark.usefixtures("large")
async def test_putting_together_that_fails_leaves_everything_as_it_was_and_is_tried_again(
    crew: Crew, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(crew, 1, 2)
    first = library(crew, counter.embedder, tmp_path)
    await first.settle(crew.workspace_id)
    await write(crew, 3, 4)

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("knowledge.snapshot_folder.save_snapshot", fail)
        with pytest.raises(OSError, match="no space left"):
            await first.settle(crew.workspace_id)
    expected = [f"Rule {n}" for n in range(1, 5)]
    assert await titles(first, crew) == expected
    edition = await first.settle(crew.workspace_id)
    assert isinstance(edition.meaning, FaissPassageIndex)
    assert await titles(first, crew) == expected
    await first.close()


async def test_a_snapshot_that_the_disk_did_not_take_is_told_and_written_once_there_is_room(
    crew: Crew, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.library.SAVE_AFTER", timedelta(0))
    monkeypatch.setattr("knowledge.library.TRY_AGAIN_AFTER", timedelta(seconds=0.05))
    await write(crew, 1)
    first = library(crew, embedder, tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    async def until(failure: str) -> None:
        async with asyncio.timeout(60):
            while (await first.progress(crew.workspace_id)).failure != failure:
                await asyncio.sleep(0.02)

    with monkeypatch.context() as patch:
        patch.setattr("knowledge.snapshot_folder.save_snapshot", fail)
        await until("The knowledge index cannot be written: no space left on device")
        assert await titles(first, crew) == ["Rule 1"]
        with pytest.raises(Unavailable, match="no space left"):
            first.check()
    await until("")
    first.check()
    assert len(find_snapshots(tmp_path / crew.workspace_id / embedder.name)) == 1
    with monkeypatch.context() as patch:
        patch.setattr("knowledge.snapshot_folder.save_snapshot", fail)
        await write(crew, 2)
        assert await titles(first, crew) == ["Rule 1", "Rule 2"]
        await first.close()  # no error of the house's end


async def test_a_process_without_a_relay_sees_what_another_wrote(
    crew: Crew, embedder: Embedder, tmp_path: Path
) -> None:
    await write(crew, 1)
    other = library(crew, embedder, tmp_path)
    await other.settle(crew.workspace_id)
    assert await titles(other, crew) == ["Rule 1"]
    [article] = await write(crew, 2)
    await other.settle(crew.workspace_id)
    assert await titles(other, crew) == ["Rule 1", "Rule 2"]

    async def withdraw(uow: UnitOfWork) -> None:
        await update_article(uow, article.id, {"publish": False})

    await crew.house.store.write(crew.system, withdraw)
    assert await titles(other, crew) == ["Rule 1"]  # at once: nobody has to be told
    await other.close()


async def test_more_articles_in_one_commit_than_one_read_takes(
    crew: Crew, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.library.ARTICLES_PER_READ", 3)
    await write(crew, 1, 2)
    await write(crew, *range(3, 11))
    await write(crew, 11)
    absent = Embedder(models_folder=tmp_path, model=str(tmp_path / "nothing"))
    other = library(crew, absent, tmp_path)
    edition = await other.edition(crew.workspace_id)
    assert sorted(article.title for article in edition.articles.values()) == sorted(
        f"Rule {n}" for n in range(1, 12)
    )
    await other.close()
    absent.close()


AUDIENCE = {
    "customer": {Visibility.PUBLIC, Visibility.CUSTOMERS},
    "agent": set(Visibility),
    "rep": set(Visibility),
    "manager": set(Visibility),
}
random_articles = st.lists(
    st.tuples(
        st.sampled_from(Visibility),
        st.sampled_from(ArticleStatus),
        st.sampled_from(["me", "somebody"]),
        st.booleans(),
    ),
    max_size=12,
)


def actor(role: str) -> Actor:
    return Actor(
        workspace_id="w1",
        user_id="me",
        grants=dict(module.roles[role]),
        contact_id="c1" if role == "customer" else None,
        audiences=AUDIENCES[role == "customer"],
    )


@given(random_articles, st.sampled_from(sorted(AUDIENCE)))
def test_words_find_exactly_what_the_asker_may_read(
    rows: list[tuple[Visibility, ArticleStatus, str, bool]], role: str
) -> None:
    """The law of visibility: published, not deleted, and for this audience or one's own."""
    articles, expected = [], set()
    for number, (visibility, status, owner, deleted) in enumerate(rows):
        article = Article.model_construct(
            **Article.model_validate(
                {
                    "title": f"t{number}",
                    "body": "Paint the shed green.",
                    "visibility": visibility,
                    "status": status,
                }
            ).model_dump()
            | {"id": f"a{number}", "workspace_id": "w1", "owner_id": owner, "version": number + 1}
        )
        article.acl = [EVERYONE, *article.principals()]
        if deleted:
            article = article.model_copy(update={"deleted_at": "yesterday"})
        articles.append(article)
        mine = visibility in AUDIENCE[role] or owner == "me"
        if status is ArticleStatus.PUBLISHED and not deleted and mine:
            expected.add(f"a{number}@1")
    shelf = Shelf("w1")
    shelf.take_in(articles)
    edition = shelf.bind_words()
    readable = edition.readable_by(actor(role))
    found = edition.words.search(tokens("green shed"), "en", limit=50, allowed_articles=readable)
    assert {hit.article_id for hit in found.hits} == readable == expected
    stranger = Actor(workspace_id="w2", user_id="me", grants={"article": grant(read=Level.ALL)})
    assert edition.readable_by(stranger) == set()
