"""What can be quoted: exact slices, lists and tables whole; and the check of quotations."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.citations import Quotation, is_exact, quote_best, span_to_show
from assistant.spans import LONGEST_PARAGRAPH, read_spans
from knowledge.documents import Article
from knowledge.search import Hit, SearchResult

LINES = st.sampled_from(
    [
        *("# Head", "## 标题", "", "Plain text.", "一句话。又一句。", "- item", "  more", "1. step"),
        *("| a | b |", "|---|---|", "```", "Leads on:", "步骤：", "long " * 90 + "end. Another sentence."),
    ]
)


@given(st.lists(LINES, max_size=14))
def test_spans_are_exact_slices_in_order_without_overlap(lines: list[str]) -> None:
    body = "\n".join(lines)
    spans = read_spans(body, 0, len(body))
    assert all(body[span.start : span.end] == span.text != "" for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


def test_a_list_stays_whole_with_the_sentence_that_leads_to_it() -> None:
    body = "# A\n\nDo this:\n\n- one\n- two\n\n## B\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\nEnd."
    found = [(span.heading, span.text) for span in read_spans(body, 0, len(body))]
    assert found == [
        ("A", "Do this:\n\n- one\n- two"),
        ("B", "| x | y |\n|---|---|\n| 1 | 2 |"),
        ("B", "End."),
    ]


def hit_of(body: str, quote: str) -> Hit:
    start = body.index(quote)
    return Hit(
        article_id="a",
        article_version=2,
        title="T",
        locale="en",
        visibility="public",
        valid_until=None,
        passage_id="a@2/0#x",
        heading_path=(),
        text=body,
        start=0,
        quote_start=start,
        quote_end=start + len(quote),
        score=1.0,
        dense=0.9,
        lexical=1.0,
        coverage=1.0,
        same_language=True,
    )


def found_with(body: str, *, number: int = 2) -> SearchResult:
    # Without a store no record can be validated into being; these three fields are all that is read.
    article = Article.model_construct(id="a", body=body, version_number=number)
    return SearchResult(articles={"a": article})


def test_the_quotation_is_the_whole_list_around_the_nearest_item() -> None:
    body = "# A\n\nDo this:\n\n- one\n- two\n\n## B\n\nEnd."
    assert quote_best(hit_of(body, "- two")).text == "Do this:\n\n- one\n- two"
    assert quote_best(hit_of(body, "# A")).text == "Do this:\n\n- one\n- two"


def test_a_short_section_is_quoted_whole_and_a_long_one_is_not() -> None:
    rates = "Goods and services have rates of their own.\n\n| Goods | 13 % |\n|---|---|\n| Plans | 6 % |"
    body = f"# Rates\n\n{rates}\n\n## Rates\n\nOther words."
    for nearest in ("Goods and services", "| Plans | 6 % |"):
        quotation = quote_best(hit_of(body, nearest))
        assert (quotation.text, quotation.heading) == (rates, "Rates")
        assert body[quotation.start : quotation.end] == rates
        assert is_exact(quotation, found_with(body))
    assert quote_best(hit_of(body, "Other words.")).text == "Other words."
    long = body.replace("own.", "own. " + "More of it follows here. " * 12)
    assert quote_best(hit_of(long, "| Plans | 6 % |")).text == rates.partition("\n\n")[2]


def test_a_table_stays_with_the_sentence_before_it_however_long_the_section() -> None:
    prices = "Prices are for one piece, without tax.\n\n| A | 1 |\n|---|---|\n| B | 2 |"
    body = f"{prices}\n\n{'More of it follows here. ' * 20}"
    assert quote_best(hit_of(body, "Prices are for one piece")).text == prices
    assert quote_best(hit_of(body, "| B | 2 |")).text == prices.partition("\n\n")[2]


@given(st.lists(LINES, max_size=14), st.data())
def test_what_is_shown_is_a_slice_that_holds_what_was_found(lines: list[str], data: st.DataObject) -> None:
    body = "\n".join(lines)
    spans = read_spans(body, 0, len(body))
    if not spans:
        return
    found = data.draw(st.sampled_from(spans))
    shown = span_to_show(body, found.start, found.end)
    assert body[shown.start : shown.end] == shown.text
    assert shown.start <= found.start < found.end <= shown.end
    assert len(shown.text) <= max(2 * LONGEST_PARAGRAPH, len(found.text))


def test_a_quotation_that_the_retrieved_version_does_not_hold_is_found_out() -> None:
    body = "Ports: TCP 8883 and UDP 123."
    hit = hit_of(body, body)
    good = quote_best(hit)
    assert is_exact(good, found_with(body))
    assert not is_exact(good, found_with(body.replace("8883", "8884")))
    assert not is_exact(good, found_with(body, number=3))
    assert not is_exact(good, SearchResult())
    assert not is_exact(Quotation(hit, "Ports: TCP 8884", 0, 15), found_with(body))
    assert not is_exact(Quotation(hit, "", 0, 0), found_with(body))


@pytest.mark.parametrize("name", ["warranty-en", "gateway-setup-zh", "sign-in-zh", "fapiao-zh"])
def test_a_real_article_is_read_without_a_word_lost(repository: Path, name: str) -> None:
    body = (repository / f"examples/demo/articles/{name}.md").read_text("utf-8").split("---\n", 2)[2]
    shown = "".join(span.text for span in read_spans(body, 0, len(body)))
    told = "".join(line for line in body.splitlines() if not line.startswith("#"))
    assert "".join(shown.split()) == "".join(told.split())
