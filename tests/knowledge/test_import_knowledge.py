"""Whole bases come in once, and again only as far as they changed."""

import gzip
import json
from pathlib import Path

import pytest

from backend.core.demo import FOLDER
from backend.core.errors import InvalidInput
from backend.core.unit_of_work import UnitOfWork
from knowledge.articles import delete_article
from knowledge.documents import Article, ArticleStatus, Visibility
from knowledge.import_knowledge import Imported, import_knowledge, imported_id
from knowledge.markdown_files import read_markdown_folder
from tests.crew import Crew


def page(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.md").write_text(text, "utf-8")


async def test_a_folder_is_imported_repeated_and_changed(crew: Crew, tmp_path: Path) -> None:
    page(
        tmp_path,
        "a",
        "---\ntitle: 退款\nvisibility: public\ntags: [钱, 7]\nversion_note: 首版\n---\n\n七天内退款。\n",
    )
    page(tmp_path, "b", "---\ntitle: Goodwill\nkey: good\n---\nUp to 50.\n")
    for n in range(25):
        page(tmp_path, f"c{n:02}", f"---\ntitle: Page {n}\n---\nText {n}\n")
    store, ours = crew.house.store, crew.system

    async def article(key: str) -> Article:
        found = await store.reader.get(Article, imported_id(crew.workspace_id, "handbook", key))
        assert found is not None
        return found

    assert await import_knowledge(store, ours, tmp_path, source="handbook") == Imported(created=27)
    refund = await article("a")
    assert (refund.title, refund.body, refund.locale, refund.tags) == (
        "退款",
        "七天内退款。",
        "zh",
        ["钱", "7"],
    )
    assert (refund.visibility, refund.status) == (Visibility.PUBLIC, ArticleStatus.PUBLISHED)
    assert (await article("good")).visibility is Visibility.INTERNAL
    await crew.settle()  # no commit of the house's comes between
    before = await store.reader.newest_version(crew.workspace_id)
    assert await import_knowledge(store, ours, tmp_path, source="handbook") == Imported(unchanged=27)
    assert await store.reader.newest_version(crew.workspace_id) == before

    async def delete(uow: UnitOfWork) -> None:
        await delete_article(uow, refund.id)

    await store.write(ours, delete)
    page(tmp_path, "b", "---\ntitle: Goodwill\nkey: good\n---\nUp to 60.\n")
    again = await import_knowledge(store, ours, tmp_path, source="handbook")
    assert again == Imported(updated=1, unchanged=25, deleted_here=1)
    assert ((await article("good")).version_number, (await article("good")).body) == (2, "Up to 60.")
    assert (await article("a")).deleted_at is not None


async def test_a_public_set_is_imported_with_its_visibility(crew: Crew, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "title": "Internal: Refunds", "text": "The lead approves."},
        {"id": "2", "title": "Fees", "text": "None."},
    ]
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    assert await import_knowledge(crew.house.store, crew.system, tmp_path) == Imported(created=2)
    listed = await crew.customer.ask("{ articles { nodes { title visibility } } }")
    assert listed["articles"]["nodes"] == [{"title": "Fees", "visibility": "PUBLIC"}]


@pytest.mark.parametrize(
    "text", ["no front matter", "---\nkey: a\n---\nno title", "---\ntitle: a\nvisibility: us\n---\nb"]
)
async def test_what_is_no_article_is_named_and_nothing_comes_in(
    crew: Crew, tmp_path: Path, text: str
) -> None:
    page(tmp_path, "good", "---\ntitle: Good\n---\nfine\n")
    page(tmp_path, "wrong", text)
    with pytest.raises(InvalidInput, match=r"wrong\.md"):
        await import_knowledge(crew.house.store, crew.system, tmp_path)
    assert await crew.house.store.unit_of_work(crew.system).count(Article) == 0
    with pytest.raises(InvalidInput, match="neither"):
        await import_knowledge(crew.house.store, crew.system, tmp_path / "nowhere")


def test_the_demo_help_centre_is_sixty_articles() -> None:
    files = list(read_markdown_folder(FOLDER / "articles"))
    assert len(files) == len({file.key for file in files}) == len(list((FOLDER / "articles").glob("*.md")))
    assert sum(file.visibility is Visibility.INTERNAL for file in files) == 4
