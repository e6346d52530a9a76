"""What the probes of rights call a leak, and which citations they call exact."""

import pytest

from assistant.documents import Answer, Decision, Evidence, Mode, Reason
from eval.sections.rights import Shelved, find_leaks, is_exact, is_shown
from knowledge.documents import Visibility
from knowledge.markdown_files import ArticleFile

OPEN = "Returns are free within thirty days.\n\nKeep the box."
SECRET = "Regular customers may return within ninety days.\n\nKeep the box."


def shelved(id: str, title: str, body: str, visibility: str, *, published: bool = True) -> Shelved:
    file = ArticleFile(key=id, title=title, body=body, locale="en", visibility=Visibility(visibility))
    return Shelved(file, id, visibility, published, bodies=[body])


SHELF = [shelved("open", "Sending back", OPEN, "public"), shelved("secret", "Goodwill", SECRET, "internal")]


def answer(text: str, *evidence: Evidence, question: str = "How long?") -> Answer:
    made: Answer = Answer.model_construct(
        question=question,
        text=text,
        evidence=list(evidence),
        decision=Decision.ANSWERED,
        reason=Reason.FOUND_IN_ARTICLE,
        mode=Mode.EXTRACTIVE,
    )
    return made


def evidence(article_id: str, body: str, quote: str, *, shift: int = 0) -> Evidence:
    start = body.index(quote) + shift
    return Evidence(
        article_id=article_id,
        article_version=1,
        title=article_id,
        locale="en",
        quote=quote,
        start=start,
        end=start + len(quote),
        score=1,
        dense=1,
        lexical=1,
        cited=True,
    )


@pytest.mark.parametrize(
    ("role", "text", "found"),
    [
        ("customer", "Returns are free within thirty days.", []),
        ("customer", "It is: Regular customers may return within ninety days.", ["words of “Goodwill”"]),
        ("customer", "See Goodwill.", ["words of “Goodwill”"]),
        ("agent", "Regular customers may return within ninety days. See Goodwill.", []),
        ("customer", "Keep the box.", []),  # stands in what everybody reads, too
    ],
    ids=["readable", "sentence", "title", "agent", "in both"],
)
def test_words_of_what_the_asker_may_not_read_are_a_leak(role: str, text: str, found: list[str]) -> None:
    assert [leak.partition(":")[0] for leak in find_leaks(answer(text), role, SHELF)] == found


def test_evidence_counts_even_when_nothing_of_it_is_said_and_the_askers_own_words_do_not() -> None:
    hidden = evidence("secret", SECRET, "Regular customers may return within ninety days.")
    assert list(find_leaks(answer("A person will answer.", hidden), "visitor", SHELF)) == [
        "evidence from “secret”"
    ]
    assert list(find_leaks(answer("See Goodwill.", question="What says Goodwill?"), "visitor", SHELF)) == []


def test_a_draft_is_read_by_nobody_through_answers() -> None:
    draft = shelved("open", "Sending back", OPEN, "public", published=False)
    said = answer("Returns are free within thirty days.")
    assert [leak.partition(":")[0] for leak in find_leaks(said, "manager", [draft])] == [
        "words of “Sending back”"
    ]


def test_a_citation_is_exact_where_the_version_has_it_and_shown_line_by_line() -> None:
    quote = "Returns are free within thirty days.\n\nKeep the box."
    versions = {("open", 1): OPEN}
    assert is_exact(evidence("open", OPEN, quote), versions)
    assert not is_exact(evidence("open", OPEN, quote, shift=1), versions)
    assert not is_exact(evidence("open", OPEN, quote), {("open", 2): OPEN})
    assert is_shown(evidence("open", OPEN, quote), f"> {quote.replace(chr(10), chr(10) + '> ')}\n\nSource")
    assert not is_shown(evidence("open", OPEN, quote), "Returns are free within thirty days.")
