"""Passages and sentences: exact slices, nothing lost, what belongs together stays together."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.passages import Passage, split_passages, text_to_embed
from knowledge.sentences import split_sentences
from knowledge.text import estimate_tokens

words = st.sampled_from(
    ["refund", "退款", "见下。", "e.g. this", "Yes!", "| cell", "`code`", "[a](b)", "\u3000", "\x0c", "é"]
)
marks = st.sampled_from(
    ["", "# ", "### ", "- ", "  - ", "1. ", "> ", "| ", "```", "    ", "---", "[x]: y", "<p>"]
)
ends = st.sampled_from(["\n", "\n\n", "\r\n", "\r"])
lines = st.lists(st.tuples(marks, st.lists(words, max_size=6).map(" ".join), ends).map("".join), max_size=14)
markdown = lines.map("".join)


def without_space(text: str) -> str:
    return "".join(text.split())


@given(st.one_of(markdown, st.text(max_size=200)), st.integers(5, 60))
def test_passages_are_ordered_slices_and_lose_only_whitespace(body: str, max_tokens: int) -> None:
    passages = split_passages("Refunds", body, max_tokens=max_tokens)
    assert [p.ordinal for p in passages] == list(range(len(passages)))
    assert all(body[p.start : p.end] == p.text and p.text == p.text.strip() != "" for p in passages)
    edges = [0, *(edge for p in passages for edge in (p.start, p.end)), len(body)]
    assert edges == sorted(edges)
    assert all(not body[a:b].strip() for a, b in zip(edges[::2], edges[1::2], strict=True))


@given(st.one_of(markdown, st.text(max_size=200)))
def test_sentences_are_ordered_slices_and_lose_only_whitespace(text: str) -> None:
    sentences = split_sentences(text)
    assert all(text[s.start : s.end] == s.text and s.text for s in sentences)
    assert all(a.end <= b.start for a, b in itertools.pairwise(sentences))
    assert without_space("".join(s.text for s in sentences)) == without_space(text)


def test_headings_make_the_path_and_lists_and_tables_stay_whole() -> None:
    intro = "Intro.\n\n"
    steps = "## Refunds\n\nDo this:\n\n" + "".join(f"{n}. step {n} {'word ' * 16}\n" for n in range(1, 11))
    fees = "\n### Fees\n\n| plan | fee |\n|---|---|\n" + "".join(
        f"| p{n} | {'9' * 40} |\n" for n in range(20)
    )
    body = intro + steps + fees
    assert split_passages("Help", body) == [
        Passage(0, (), (intro + steps).strip(), 0, len((intro + steps).rstrip())),
        Passage(1, ("Refunds", "Fees"), fees.strip(), len(intro + steps) + 1, len(body.rstrip())),
    ]


def test_short_sections_share_a_passage_under_their_common_heading() -> None:
    [passage] = split_passages(
        "Help", "# Help\n\n## Cards\n\n### Lost\n\nCall us.\n\n### Stolen\n\nCall now.\n"
    )
    assert passage.heading_path == ("Cards",)
    assert text_to_embed("Help", passage).startswith("Help › Cards\n# Help")


def test_a_long_list_is_cut_between_items_and_a_long_paragraph_between_sentences() -> None:
    items = "".join(f"- item {n} {'word ' * 30}\n" for n in range(12))
    prose = " ".join(f"Sentence {n} {'goes on ' * 12}ends." for n in range(30))
    for body, first in ((items, "- item"), (prose, "Sentence")):
        passages = split_passages("x", body)
        assert len(passages) >= 2
        assert all(p.text.startswith(first) and estimate_tokens(p.text) <= 450 for p in passages)


def test_text_without_any_break_is_still_cut_to_size() -> None:
    passages = split_passages("x", "退" * 2000)
    assert "".join(p.text for p in passages) == "退" * 2000
    assert max(estimate_tokens(p.text) for p in passages) <= 450


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("版本 v6.1.0 支持吗？可以。“是的！”他说。详见 https://a.b/c?x=1。",
         ["版本 v6.1.0 支持吗？", "可以。", "“是的！”", "他说。", "详见 https://a.b/c?x=1。"]),
        ("Use e.g. this. Dr. Smith paid $3.50 (approx. 4). OK? Yes!",
         ["Use e.g. this.", "Dr. Smith paid $3.50 (approx. 4).", "OK?", "Yes!"]),
        ("Text wraps\nhere. End\n1. First.\n2. Second",
         ["Text wraps\nhere.", "End", "1. First.", "2. Second"]),
        ("# A. heading\n| a. b | c |\n| d! e | f |\nEnd",
         ["# A. heading", "| a. b | c |", "| d! e | f |", "End"]),
    ],
)  # fmt: skip
def test_sentences_of_both_languages(text: str, sentences: list[str]) -> None:
    assert [s.text for s in split_sentences(text)] == sentences
