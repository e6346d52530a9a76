"""Slips of the pen in questions: read as the word meant, by what the asker may read; never in a name."""

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn import zxcvbn

from backend.core.access import EVERYONE, Actor
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import AUDIENCES
from knowledge.articles import create_article
from knowledge.documents import Article, ArticleStatus, Visibility
from knowledge.edition import Edition
from knowledge.module import module
from knowledge.search import KnowledgeBase
from knowledge.shelf import Shelf
from knowledge.text import stem, tokens
from knowledge.typos import LONG, MOST_SLIPS, Holding, is_plain, mend
from tests.crew import Crew

ARTICLES = (
    "How to return a device: register the return, then send the device back within 30 days.",
    "The warranty covers batteries, sensors and the gateway. Keep the calibration certificate.",
    "Invoices are paid by bank transfer or card. Refunds reach your account in five days.",
    "A quokkameter measures dew. Deliveries leave the warehouse in the morning, deliveries to Norway too.",
)
WORDS = ("return", "device", "warranty", "batteries", "calibration", "invoices", "warehouse", "quokkameter")
LETTERS = "aeflnrt"


def held_in(texts: Sequence[str]) -> Holding:
    read = [(text, frozenset(tokens(text))) for text in texts]
    return lambda word: (text for text, words in read if word in words)


holding = held_in(ARTICLES)


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("how do I retrun a devcie", "how do I return a device"),
        ("Retrun a device?", "Return a device?"),
        ("Thanks. Wharehouse (of the devcie's)?", "Thanks. Warehouse (of the device's)?"),
        ("what does the warrenty of the gatway cover", "what does the warranty of the gateway cover"),
        ("calibraton  certifcate\nand invoicess", "calibration  certificate\nand invoices"),
        ("where is the quokkametre", "where is the quokkameter"),
        ("whcih batterries shoud I buy", "which batteries should I buy"),
    ],
)  # fmt: skip
def test_a_slip_is_read_as_the_word_that_the_articles_have(question: str, read: str) -> None:
    assert not is_plain(question)
    assert mend(question, holding) == read
    assert mend(read, holding) == read


@pytest.mark.parametrize(
    "question",
    [
        "Can I pay with PayPal",
        "can i pay with paypal",
        "slack integration",
        "Zapier integration",
        "my Devcie is a Retrun",  # may be names
        "a deVcie, a DEVCIE, a devcie2, a dev1cie",
        "devcie@retrun.example devcie.retrun https://devcie.example/retrun",
        "retrun-devcie retrun_devcie retrun/devcie #devcie 'devcie' devcie=1",
        "teh crad is lsot",  # too short to tell
        "a edvice, a eturn",  # the first letter is not doubted
        "a rettrrun of the dvecie adn",  # two slips in a word
        "the delyce",  # a wrong letter in a short word
        "the relay, the reruns, the warrants, the devise",  # English that no article has
        "退货retrun怎么办",
        "retruñ dévcie",
        "ارجاع devciе",  # with a Cyrillic letter
        "",
    ],
)
def test_what_may_be_meant_as_it_stands_is_left(question: str) -> None:
    assert mend(question, holding) == question


@pytest.mark.parametrize(
    ("of_one", "of_other", "read"),
    [(1, 1, None), (4, 1, None), (5, 1, "xulone"), (1, 5, "xulane"), (0, 1, "xulane"), (0, 0, None)],
)
def test_of_two_words_as_near_that_is_meant_which_far_more_texts_have(
    of_one: int, of_other: int, read: str | None
) -> None:
    texts = ("One xulone.",) * of_one + ("One xulane.",) * of_other
    question = "a xulne"  # with an o or an a too few
    assert mend(question, held_in(texts)) == (f"a {read}" if read else question)


def test_a_question_of_unknown_words_is_not_english_that_could_be_mended() -> None:
    few, many = (" ".join(["devcie"] * number) for number in (MOST_SLIPS, MOST_SLIPS + 1))
    assert mend(few, holding) == " ".join(["device"] * MOST_SLIPS)
    assert mend(many, holding) == many
    huge = "devcie qwzrtp " * 1400
    started = time.process_time()
    assert mend(huge, holding) == huge
    assert time.process_time() - started < 1


def test_a_password_checked_a_moment_ago_does_not_make_its_words_english() -> None:
    zxcvbn("a password", user_inputs=["devcie"])  # into the table of words that we read, too
    assert mend("a devcie", holding) == "a device"


def slips_of(word: str) -> dict[str, set[str]]:
    """Return all slips of a word by kind; the first letter stays."""
    cuts = [(word[:i], word[i], word[i + 1 :]) for i in range(1, len(word))]
    return {
        "swap": {a + c[0] + b + c[1:] for a, b, c in cuts if c and b != c[0]},
        "missing": {a + c for a, _, c in cuts},
        "doubled": {a + b + b + c for a, b, c in cuts},
        "extra": {a + x + b + c for a, b, c in cuts for x in LETTERS},
        "wrong": {a + x + c for a, b, c in cuts for x in LETTERS if x != b},
    }


@pytest.mark.parametrize("kind", ["swap", "missing", "doubled", "extra", "wrong"])
def test_nearly_every_slip_of_a_long_word_is_read_as_that_word_or_left(kind: str) -> None:
    tried = [(word, slip) for word in WORDS if len(word) > LONG for slip in sorted(slips_of(word)[kind])]
    read = [(word, slip, mend(slip, holding)) for word, slip in tried]
    meant = [one for one in read if stem(one[2]) == stem(one[0])]
    assert len(meant) >= 0.9 * len(tried)
    assert [one for one in read if one not in meant and one[2] != one[1]] == []


@pytest.mark.parametrize("word", [word for word in WORDS if len(word) < LONG])
def test_a_wrong_letter_in_a_short_word_is_left(word: str) -> None:
    read = {slip: mend(slip, holding) for slip in slips_of(word)["wrong"]}
    assert word not in read.values()


plain = st.sampled_from([*WORDS, *(slip for word in WORDS for slip in sorted(slips_of(word)["swap"]))])


@given(st.lists(st.text(max_size=12) | plain, max_size=6).map(" ".join))
def test_only_plain_words_are_changed_and_their_first_letter_never(question: str) -> None:
    read = mend(question, holding)
    if is_plain(question):
        assert read == question
    assert len(read.split()) == len(question.split())
    for typed, meant in zip(question.split(), read.split(), strict=True):
        if typed != meant:
            assert re.fullmatch(r"\(?[A-Za-z][a-z]{4,}(['’]s)?[).,;:!?…]*", typed)
            assert typed.lstrip("(")[0] == meant.lstrip("(")[0]
            assert abs(len(typed) - len(meant)) <= 1


def shelved(articles: Sequence[tuple[str, Visibility]]) -> Edition:
    shelf = Shelf("w1")
    for number, (body, visibility) in enumerate(articles):
        article = Article.model_construct(
            id=f"a{number}",
            workspace_id="w1",
            version=number + 1,
            title="Notes",
            body=body,
            visibility=visibility,
            status=ArticleStatus.PUBLISHED,
        )
        article.acl = [EVERYONE, *article.principals()]
        shelf.take_in([article])
    return shelf.bind_words()


@given(
    st.lists(st.tuples(st.sampled_from(ARTICLES), st.sampled_from(Visibility)), max_size=8),
    st.sampled_from(WORDS).flatmap(lambda word: st.sampled_from(sorted(slips_of(word)["swap"]))),
)
def test_what_a_customer_may_not_read_has_no_say_in_how_they_are_read(
    articles: list[tuple[str, Visibility]], slip: str
) -> None:
    customer = Actor(
        workspace_id="w1",
        user_id="me",
        grants=dict(module.roles["customer"]),
        contact_id="c1",
        audiences=AUDIENCES[True],
    )

    def read(edition: Edition) -> str:
        readable = edition.readable_by(customer)
        return mend(f"{slip} or quokkameter", lambda word: edition.holding(word, readable))

    open_ones = [(body, who) for body, who in articles if who is not Visibility.INTERNAL]
    assert read(shelved(articles)) == read(shelved(open_ones))


WHY = "query($q: String!, $user: ID) { whyFound(query: $q, userId: $user) { words } }"


async def test_a_slip_betrays_no_word_of_an_internal_article(crew: Crew, knowledge: KnowledgeBase) -> None:
    async def create(uow: UnitOfWork) -> None:
        for body, visibility in ((ARTICLES[0], "public"), ("The quokkameter is a secret.", "internal")):
            fields = {"title": "Notes", "body": body, "locale": "en", "visibility": visibility}
            await create_article(uow, {**fields, "publish": True})

    await crew.house.store.write(crew.system, create)
    question = "Is the quokkametre a devcie?"
    own = await crew.manager.ask(WHY, q=question)
    theirs = await crew.manager.ask(WHY, q=question, user=crew.customer.user_id)
    assert own["whyFound"]["words"] == tokens("Is the quokkameter a device?")
    assert theirs["whyFound"]["words"] == tokens("Is the quokkametre a device?")
    store = crew.house.store
    for person, read in ((crew.agent, "quokkameter"), (crew.customer, "quokkametre")):
        found = await knowledge.search(store.unit_of_work(person.actor), question)
        assert found.read_as == f"Is the {read} a device?"
    # The same in the other language's articles: words of all that may be read, whichever are searched.
    found = await knowledge.search(store.unit_of_work(crew.agent.actor), question, locale="zh")
    assert found.read_as == "Is the quokkameter a device?"
