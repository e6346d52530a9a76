"""Which words of an article are quoted: of all its passages found, by words, tokens and meaning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.demo import FOLDER
from knowledge import quotes
from knowledge.facts_asked import Fact, facts_asked
from knowledge.markdown_files import read_markdown_file
from knowledge.passages import Passage
from knowledge.quotes import Nearness, choose, offer, read_facts, read_quotable
from knowledge.search import PASSAGES_PER_HIT, KnowledgeBase
from knowledge.text import tokens
from tests.crew import Crew
from tests.knowledge.test_search import fill

NOTHING: frozenset[Fact] = frozenset()
TEXTS = st.lists(
    st.sampled_from(
        ["# Head", "## 标题", "", "Wet cells.", "校准 2 次。又一次。", "- wet item", "| a | b |", "|---|---|"]
    ),
    min_size=1,
    max_size=40,
).map("\n".join)


def passage_of(text: str, *headings: str) -> Passage:
    return Passage(0, headings, text, 0, len(text))


def test_what_stands_at_the_head_of_an_article_is_what_its_title_speaks_of() -> None:
    head = passage_of("Five years.\n\n## How do I change them?\n\nTurn the batteries round.")
    later = passage_of(
        "## Why are batteries empty soon?\n\nBatteries freeze.", "Why are batteries empty soon?"
    )
    asked = dict.fromkeys(tokens("how long do batteries last"), 1.0)
    offered = offer([head, later], "How long batteries last", asked, asked=NOTHING, same_language=True)
    texts = [[head, later][n].text for n in offered.passages]
    shown = [text[span.start : span.end] for text, span in zip(texts, offered.spans, strict=True)]
    assert shown[choose(offered, [1.0, 1.0])] == "Five years."
    untitled = offer([head, later], "", asked, asked=NOTHING, same_language=True)
    assert untitled.spans == offered.spans
    assert choose(untitled, [1.0, 1.0]) != choose(offered, [1.0, 1.0])


@given(
    st.lists(TEXTS.filter(str.strip), min_size=1, max_size=9),
    st.dictionaries(st.sampled_from(["wet", "校准"]), st.floats(0.1, 5)),
    st.sampled_from([NOTHING, facts_asked("多久校准一次？"), facts_asked("How many cells?")]),
    st.booleans(),
)
def test_what_is_offered_stands_in_the_passage_that_is_named(
    texts: list[str], weights: dict[str, float], asked: frozenset[Fact], same_language: bool
) -> None:
    passages = [passage_of(text) for text in texts]
    offered = offer(passages, "Wet 标题", weights, asked=asked, same_language=same_language)
    most = quotes.SPANS_COMPARED if same_language else quotes.FOREIGN_SPANS_COMPARED
    assert (
        1 <= len(offered.spans) == len(offered.passages) == len(offered.shares) == len(offered.facts) <= most
    )
    assert max(offered.passages) < min(len(texts), quotes.PASSAGES_QUOTED)
    for span, number in zip(offered.spans, offered.passages, strict=True):
        assert 0 <= span.start < span.end <= len(texts[number])
        assert span.context.endswith(texts[number][span.start : span.end])
    for span, number, is_fact in zip(offered.spans, offered.passages, offered.facts, strict=True):
        held = dict(zip(read_quotable(texts[number]).spans, read_facts(texts[number]), strict=True))
        assert is_fact == (not asked.isdisjoint(held[span]))
    assert 0 <= choose(offered, [1.0] * len(texts)) < len(offered.spans)


def test_an_amount_of_money_is_meant_where_the_price_is_asked_for() -> None:
    """The sentences on how long it takes have more of the question's words, and are four."""
    how_long = "## 校准要多久？\n\n苏州：7 个工作日。鹿特丹：10 个工作日。两处都有校准证书。柏林没有校准。"
    price = passage_of(
        "## 校准怎么收费？\n\n| | 欧元 |\n|---|---|\n| 三点，每支 | 45 |\n\n20 支起优惠 15 %。"
    )
    passages, question = [passage_of(how_long), price], "校准要多少钱"
    weights = dict.fromkeys(tokens(question), 1.0)

    def chosen(asked: frozenset[Fact]) -> str:
        offered = offer(passages, "", weights, asked=asked, same_language=True)
        best = choose(offered, [1.0, 1.0])
        span = offered.spans[best]
        return passages[offered.passages[best]].text[span.start : span.end]

    assert chosen(facts_asked(question)) == "| 三点，每支 | 45 |"
    assert chosen(NOTHING) != chosen(facts_asked(question))
    assert chosen(facts_asked("校准要多久")) == "苏州：7 个工作日。"


def test_what_cannot_be_done_is_no_way_to_do_it() -> None:
    cannot = passage_of(
        "## What cannot be returned?\n\n- Devices with engraved names\n- Opened packs of tags"
    )
    steps = passage_of("## How do I return it?\n\n1. Choose pieces.\n2. Print the slip.\n3. Pack.\n4. Send.")
    passages = [cannot, steps]

    def chosen(question: str) -> str:
        weights = dict.fromkeys(tokens(question), 1.0)
        offered = offer(passages, "", weights, asked=facts_asked(question), same_language=True)
        best = choose(offered, [1.0, 1.0])
        span = offered.spans[best]
        return passages[offered.passages[best]].text[span.start : span.end]

    assert chosen("How do I return a device?") == "1. Choose pieces."
    assert chosen("Which devices can I return?") == "- Devices with engraved names"


def test_what_says_all_that_is_asked_is_compared_though_others_hold_the_fact() -> None:
    prices = passage_of("Team 15. Business 29. Solo 4. Enterprise 90. A yearly plan saves much.")
    offered = offer([prices], "", {"plan": 1.0, "save": 1.0}, asked=frozenset({"count"}), same_language=True)
    assert (offered.shares.tolist(), offered.facts.tolist()) == ([0, 0, 0, 1], [1, 1, 1, 0])
    half = offer([prices], "", {"plan": 1.0, "cost": 1.0}, asked=frozenset({"count"}), same_language=True)
    assert half.facts.tolist() == [1, 1, 1, 1]


def test_words_tokens_meaning_and_passage_each_have_a_say() -> None:
    passages = [passage_of("Red is warm. Blue is cold."), passage_of("Blue is wet.")]
    offered = offer(passages, "", {"blue": 1.0}, asked=NOTHING, same_language=True)
    assert [offered.passages[i] for i in range(3)] == [0, 0, 1]
    even = Nearness(np.full(3, 0.9, np.float32), np.full((3, 4), 0.5, np.float32))
    assert choose(offered, [2.0, 2.0]) == choose(offered, [2.0, 2.0], even) == 1  # the first of equals
    assert choose(offered, [2.0, 2.1], even) == 2
    nearer = Nearness(np.array([0.9, 0.88, 0.93], np.float32), even.nearest)
    assert choose(offered, [2.0, 2.0], nearer) == 2
    touched = even.nearest.copy()
    touched[2, 3] = 0.9
    assert choose(offered, [2.0, 2.0], Nearness(even.cosines, touched)) == 2
    without_tokens = Nearness(even.cosines, np.zeros((3, 0), np.float32))
    assert choose(offered, [2.0, 2.0], without_tokens) == 1


def test_a_token_that_all_spans_have_weighs_next_to_nothing() -> None:
    nearest = np.array([[0.9, 0.2], [0.9, 0.6]], np.float32)
    near = Nearness(np.zeros(2, np.float32), nearest).tokens
    assert near[1] - near[0] > 0.25


async def test_the_quote_may_stand_in_another_passage_than_the_nearest_one(
    crew: Crew, knowledge: KnowledgeBase
) -> None:
    ids = await fill(crew, "calibration-zh", "warranty-zh", "fapiao-zh", "gsp-verification-zh", "returns-en")
    uow = crew.house.store.unit_of_work(crew.customer.actor)
    question = "记录仪多久校准一次？"  # the README's own
    edition = await knowledge.library.edition(crew.workspace_id)
    allowed = edition.readable_by(crew.customer.actor)
    asked = await knowledge.ask(edition, question, "zh", allowed)
    found = await knowledge.find(
        edition, asked, limit=PASSAGES_PER_HIT, allowed=allowed, passed_over=frozenset(), at=uow.at
    )
    result = await knowledge.search(uow, question, first=1)
    (hit,) = result.hits
    body = result.articles[hit.article_id].body
    assert (hit.article_id, body) == (
        ids["calibration-zh"],
        read_markdown_file(FOLDER / "articles" / "calibration-zh.md", key="calibration-zh").body,
    )
    assert hit.quote == "建议每 12 个月校准一次，很多检查部门也这样要求。"
    assert hit.passage_id in {one.passage_id for one in found.hits}
    assert hit.passage_id != found.hits[0].passage_id  # which tells of the reminders
    assert body[hit.start : hit.start + len(hit.text)] == hit.text
    assert body[hit.start + hit.quote_start : hit.start + hit.quote_end] == hit.quote
    assert hit.score == pytest.approx(found.hits[0].score, abs=1e-5)


@pytest.mark.parametrize(
    ("question", "article", "fact"),
    [
        ("校准要多少钱", "calibration-zh", "| 260 | 45 | 50 |"),
        ("校准要多久", "calibration-zh", "7 个工作日"),
        ("How much is a calibration?", "calibration-en", "| 260 | 45 | 50 |"),
        ("How many probes does a GSP verification need?", "gsp-verification-zh", "9 点"),
    ],
)
async def test_the_kind_of_fact_asked_for_is_quoted(
    crew: Crew, knowledge: KnowledgeBase, question: str, article: str, fact: str
) -> None:
    """The words of the price lists are other ones, and a verification speaks of probes in each section."""
    await fill(crew, article)
    uow = crew.house.store.unit_of_work(crew.customer.actor)
    result = await knowledge.search(uow, question, locale=article[-2:], first=1)
    near = [hit.quote for hit in (*result.hits, *result.more)]
    assert fact in "\n".join(near[:2])


async def test_what_was_not_found_is_not_quoted(
    crew: Crew, knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds one passage an article: the one with the answer is not among them."""
    await fill(crew, "calibration-zh", "warranty-zh", "fapiao-zh")
    monkeypatch.setattr("knowledge.search.PASSAGES_PER_HIT", 1)
    uow = crew.house.store.unit_of_work(crew.customer.actor)
    (hit,) = (await knowledge.search(uow, "记录仪多久校准一次？", first=1)).hits
    assert "12 个月" not in hit.quote
    assert hit.quote in hit.text
