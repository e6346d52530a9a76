"""Real knowledge bases and their real questions, through the whole engine; bounded to some seconds."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.core.errors import InvalidInput
from knowledge.embedding import Embedder
from knowledge.faiss_index import FaissPassageIndex
from knowledge.passage_index import IndexedPassage, Question
from knowledge.passages import split_passages, text_to_embed
from knowledge.public_sets import PublicArticle, PublicQuestion, read_articles, read_questions
from knowledge.text import guess_language, language_of_locale, tokens


async def index_articles(
    embedder: Embedder, articles: Sequence[PublicArticle], *, titles: bool
) -> FaissPassageIndex:
    passages, texts = [], []
    for article in articles:
        for passage in split_passages(article.title, article.body):
            language = language_of_locale(article.locale)
            passages.append(IndexedPassage(f"{article.key}/{passage.ordinal}", article.key, language))
            texts.append(text_to_embed(article.title, passage) if titles else passage.text)
    return FaissPassageIndex.build(
        passages,
        await embedder.embed_passages(texts),
        version=1,
        model=embedder.name,
        documents=[tokens(text) for text in texts],
        language_means=embedder.language_means,
    )


async def reciprocal_ranks(
    embedder: Embedder, index: FaissPassageIndex, questions: Sequence[PublicQuestion]
) -> list[float]:
    """Return for each question 1 / the place of its first right article among ten, else 0."""
    ranks = []
    rows = await embedder.embed_queries([question.text for question in questions])
    for question, row in zip(questions, rows, strict=True):
        asked = Question(row, tokens(question.text), guess_language(question.text))
        hits = index.search(asked, limit=50).hits
        articles = list(dict.fromkeys(hit.article_id for hit in hits))[:10]
        ranks.append(next((1 / n for n, key in enumerate(articles, 1) if key in question.answers), 0.0))
    return ranks


@pytest.mark.model
@pytest.mark.data
async def test_the_chinese_faq_answers_its_own_questions(embedder: Embedder, public_data: Path) -> None:
    """Ask every fourth title against bodies alone: the title, the question, is not in the index."""
    articles = list(read_articles(public_data / "tidb_faq_zh"))[::4]
    questions = list(read_questions(public_data / "tidb_faq_zh"))[::4]
    assert (len(articles), {a.locale for a in articles}) == (76, {"zh-CN"})
    index = await index_articles(embedder, articles, titles=False)
    ranks = await reciprocal_ranks(embedder, index, questions)
    assert sum(ranks) / len(ranks) > 0.80
    assert sum(rank > 0 for rank in ranks) / len(ranks) > 0.92


@pytest.mark.model
@pytest.mark.data
async def test_the_banks_articles_answer_its_customers(embedder: Embedder, public_data: Path) -> None:
    """Ask six customers' situations against the articles they need and a few dozen others."""
    questions = list(read_questions(public_data / "tau2_bank_en"))[:48:8]
    needed = frozenset[str]().union(*(question.answers for question in questions))
    everything = list(read_articles(public_data / "tau2_bank_en"))
    assert (len(everything), sum(a.internal for a in everything), len(needed)) == (698, 47, 28)
    articles = [a for i, a in enumerate(everything) if a.key in needed or i % 30 == 0]
    index = await index_articles(embedder, articles, titles=True)
    ranks = await reciprocal_ranks(embedder, index, questions)
    assert sum(rank > 0 for rank in ranks) >= 5


def write(folder: Path, name: str, rows: Sequence[object]) -> None:
    with gzip.open(folder / name, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def test_a_set_is_read_with_its_locale_and_who_may_read_it(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "title": "Internal: 退款审批", "text": "由主管审批。"},
        {"id": "2", "title": "API", "text": "Use the API."},
        {"id": "3", "title": "退款", "text": "七天内退款。"},
    ]
    write(tmp_path, "corpus.jsonl.gz", rows)
    assert list(read_articles(tmp_path)) == [
        PublicArticle("1", "退款审批", "由主管审批。", "zh-CN", True),
        PublicArticle("2", "API", "Use the API.", "zh-CN", False),
        PublicArticle("3", "退款", "七天内退款。", "zh-CN", False),
    ]
    assert list(read_questions(tmp_path))[2] == PublicQuestion("退款", frozenset({"3"}))
    write(tmp_path, "tasks.jsonl.gz", [{"id": "t", "instructions": "You want a refund.", "rel": ["3"]}])
    assert list(read_questions(tmp_path)) == [PublicQuestion("You want a refund.", frozenset({"3"}))]


def test_what_is_no_set_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="name a folder of a public set"):
        list(read_articles(tmp_path))
    write(tmp_path, "corpus.jsonl.gz", [{"id": "1", "title": "a", "text": "b"}, {"id": "2"}])
    with pytest.raises(InvalidInput, match=r"line 2 of corpus\.jsonl\.gz lacks"):
        list(read_articles(tmp_path))
    write(tmp_path, "corpus.jsonl.gz", [{"id": "1", "title": "a", "text": "b"}])
    whole = (tmp_path / "corpus.jsonl.gz").read_bytes()
    (tmp_path / "corpus.jsonl.gz").write_bytes(whole[:-9])
    with pytest.raises(InvalidInput, match="copy it again"):
        list(read_articles(tmp_path))
