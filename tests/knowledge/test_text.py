"""Text as search reads it, and BM25 over it."""

import math
from pathlib import Path

import bm25s  # type: ignore[import-untyped,unused-ignore]
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.lexical import LexicalIndex, Vocabulary
from knowledge.text import guess_language, language_of_locale, normalise, tokens, undressed


def test_scripts_widths_and_cases_fold_without_changing_length_of_chinese() -> None:
    assert normalise("兩步驟驗證 ＡＢＣ") == "两步骤验证 abc"
    assert tokens("重置密碼") == tokens("重置密码") == ["重", "置", "密", "码", "重置", "置密", "密码"]


def test_words_are_stemmed_and_small_words_dropped_unless_nothing_else_is_left() -> None:
    assert tokens("How do I reset the passwords_now?") == ["reset", "password", "now"]
    assert tokens("Who are you?") == ["who", "are", "you"]
    assert tokens("！？ …") == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("概况页面中 QPS 及 Latency 显示 `prometheus_not_found` 错误", "zh"),
        ("What does 你好 mean here?", "en"),
        ("42", "en"),
        ("退款", "zh"),
        ("Where is the order of 上海冷链物流有限公司?", "en"),
        ("上海冷链物流有限公司 has not paid yet, who is in charge?", "en"),
        ("status of 杭州阿里巴巴网络技术有限公司", "en"),
        ("What does the article 如何导出发票并发送给客户 say?", "en"),
        ("Please change my name to 欧阳娜娜", "en"),
        ("The page “关于我们的隐私政策” is empty", "en"),
        ("Northwind Cold Chain Logistics Ltd. 的订单到哪了？", "zh"),
        ("登录时提示 Your session has expired. Please sign in again.", "zh"),
        ("SyntaxError: Unexpected token < in JSON at position 0，怎么解决？", "zh"),
        ("“The operation couldn't be completed” 这是怎么回事", "zh"),
        ("My Account 页面打不开", "zh"),
        ("API rate limit 是多少", "zh"),
        ("《用户手册》", "zh"),
    ],
)
def test_language_is_that_of_a_sentences_own_words(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("🔥🧱 Which ports? 🙏🏽", "Which ports?"),
        ("\u202eWhich ports?\u202c", "Which ports?"),
        ("Wh\u200bich 👩\u200d🔧 ports ➡️ open", "Which ports open"),
        ("WHICH PORTS HAVE TO BE OPEN?", "which ports have to be open?"),
        ("HL-30 SMS 保修多久？", "HL-30 SMS 保修多久？"),
        ("Is −40 °C or 5 ℃ right for 20 ㎡?", "Is −40 °C or 5 ℃ right for 20 ㎡?"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("🤖🤖", "🤖🤖"),
        ("如何重設兩步驟驗證？", "如何重设两步骤验证？"),
        ("乾隆和著名的于谦", "乾隆和著名的于谦"),
        ("Where is the order of 上海冷鏈物流有限公司?", "Where is the order of 上海冷鏈物流有限公司?"),
        ("ما هي مدة الضمان؟", "ما هي مدة الضمان؟"),
    ],
)
def test_a_question_is_read_without_its_ornaments(text: str, read: str) -> None:
    assert undressed(text) == read
    assert undressed(read) == read


def test_a_locale_is_reduced_to_its_language() -> None:
    assert [language_of_locale(x) for x in ("zh-CN", "zh_Hant", "en-GB")] == ["zh", "zh", "en"]
    assert guess_language("42", default="zh") == "zh"


def test_bm25_is_the_formula_of_lucene() -> None:
    index = LexicalIndex.build([["refund", "card"], ["refund", "refund", "fee", "fee"], ["hello"]])
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    average = (2 + 4 + 1) / 3
    expected = [idf * f / (f + 1.2 * (1 - 0.75 + 0.75 * n / average)) for f, n in ((1, 2), (2, 4))]
    assert index.score(["refund", "unknown"]).tolist() == pytest.approx([*expected, 0.0], abs=1e-6)


WORDS = st.lists(st.sampled_from(["fee", "card", "refund", "探头", "a1", "x"]), max_size=12)


@given(gone=st.lists(WORDS, max_size=4), documents=st.lists(WORDS, max_size=8))
def test_words_that_are_counted_already_give_the_index_that_is_made_anew(
    gone: list[list[str]], documents: list[list[str]]
) -> None:
    """What stays in the vocabulary of texts that are gone changes no number."""
    vocabulary = Vocabulary()
    for text in gone:
        vocabulary.count(text)
    bound = LexicalIndex.bind([vocabulary.count(words) for words in documents], vocabulary)
    made = LexicalIndex.build(documents)
    used = {word for words in documents for word in words}
    assert len(bound) == len(made) == len(used)
    rows = np.arange(len(documents))
    for word in ["fee", "card", "探头", "nowhere"]:
        question = [word, "refund", "refund"]
        assert bound.score(question).tolist() == made.score(question).tolist()
        assert bound.weights(question) == made.weights(question)
        assert bound.coverage(question, rows).tolist() == made.coverage(question, rows).tolist()


@given(st.lists(WORDS, min_size=1, max_size=8), WORDS)
def test_bm25_is_what_bm25s_computes(documents: list[list[str]], question: list[str]) -> None:
    if not any(documents):
        return
    words = sorted({word for text in documents for word in text})
    ids = [[words.index(word) for word in text] for text in documents]
    theirs = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    theirs.index((ids, {word: number for number, word in enumerate(words)}), show_progress=False)
    known = [words.index(word) for word in question if word in words]
    expected = theirs.get_scores_from_ids(known) if known else np.zeros(len(documents))
    assert LexicalIndex.build(documents).score(question).tolist() == pytest.approx(
        expected.tolist(), abs=1e-5
    )


def test_coverage_weighs_rare_and_unknown_words() -> None:
    index = LexicalIndex.build([["refund", "card"], ["refund"], ["hello"]])
    refund, card, unknown = (math.log(1 + 3 / (n + 0.5)) for n in (2, 1, 0))
    total = refund + card + unknown
    got = index.coverage(["refund", "card", "nowhere"], np.array([0, 1, 2]))
    assert got.tolist() == pytest.approx([(refund + card) / total, refund / total, 0.0], abs=1e-6)


def test_an_index_without_words_scores_nothing() -> None:
    index = LexicalIndex.build([[], []])
    assert index.score(["x"]).tolist() == [0.0, 0.0]
    assert LexicalIndex.build([]).score(["x"]).tolist() == []
    assert index.coverage(["x"], np.array([1])).tolist() == [0.0]


def test_words_are_kept_whatever_they_hold(tmp_path: Path) -> None:
    words = ["a\nb", "\u2028", '"', "😀", "鑰匙", "", "\ud7ff"]
    index = LexicalIndex.build([[word, "all"] for word in words])
    index.save(tmp_path)
    for read in (LexicalIndex.load(tmp_path), LexicalIndex.load(tmp_path, words=index.words)):
        assert (len(read), read.rows) == (len(words) + 1, len(words))
        for word in [*words, "all", "none"]:
            assert read.score([word]).tolist() == index.score([word]).tolist()


def test_who_asks_which_rows_hold_a_word_does_not_have_its_worth_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("knowledge.lexical.COMMON", 5)
    index = LexicalIndex.build([[f"w{n % 7}", "all"] for n in range(60)])
    rows = np.arange(60)
    before = index.weights(["all", "w1", "none"]), index.coverage(["all", "w1"], rows).tolist()
    assert index._common == {}
    index.score(["all", "w1"])
    assert list(index._common) == ["all", "w1"]
    after = index.weights(["all", "w1", "none"]), index.coverage(["all", "w1"], rows).tolist()
    assert after == before


def test_what_common_words_are_worth_is_kept_within_bounds_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documents = [[f"w{n % 7}", f"w{n % 3}", "all"] for n in range(60)]
    expected = [LexicalIndex.build(documents).score([f"w{n}", "all"]).tolist() for n in range(7)]
    monkeypatch.setattr("knowledge.lexical.COMMON", 5)
    monkeypatch.setattr("knowledge.lexical.MOST_KEPT", 100)
    index = LexicalIndex.build(documents)
    for _ in range(3):
        assert [index.score([f"w{n}", "all"]).tolist() for n in range(7)] == expected
        assert 0 < sum(len(rows) for found in index._common.values() for rows, _ in found) <= 100
