"""The project's own questions over the demo's help centre: well formed, split once, answered with floors."""

from collections import Counter
from typing import Any

import pytest

from eval.cases import HELP_CENTRE, Asked, help_centre_questions, is_train
from tests.assistant.conftest import Desk

QUESTIONS = [question for question, _ in help_centre_questions()]
EVERY = 3  # of the half that nothing was learned from: enough to see a fall, quick enough for each run


def test_there_are_enough_questions_of_every_kind_in_both_languages_and_halves() -> None:
    kinds = Counter(question.kind for question in QUESTIONS)
    assert kinds.keys() == {"plain", "paraphrased", "across", "near miss", "elsewhere", "internal"}
    assert len(QUESTIONS) >= 400
    assert min(kinds.values()) >= 12
    halves = Counter(is_train(question.split_by) for question in QUESTIONS)
    assert min(halves.values()) >= 0.35 * len(QUESTIONS)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.answers], ids=lambda q: q.text[:40])
def test_the_fact_asked_for_stands_in_the_article(question: Asked) -> None:
    (key,) = question.answers
    assert question.fact in (HELP_CENTRE / f"{key}.md").read_text(encoding="utf-8")


async def test_held_out_questions_keep_their_floors_through_the_front_door(desk: Desk) -> None:
    held = [q for q in QUESTIONS if not is_train(q.split_by) and q.kind != "across"][::EVERY]
    rows = [(question, await desk.ask(desk.crew.customer, question.text)) for question in held]
    answerable = [(q, a) for q, a in rows if q.answers]
    others = [(q, a) for q, a in rows if not q.answers]
    answered = [(q, a) for q, a in answerable if a["decision"] == "ANSWERED"]
    right = [(q, a) for q, a in answered if _is_right(desk, q, a)]
    wrongly = [(q, a) for q, a in others if a["decision"] == "ANSWERED"]
    print(
        f"\n{len(answered)} of {len(answerable)} answered, {len(right)} right; "
        f"{len(others) - len(wrongly)} of {len(others)} refused"
    )
    for q, a in (*(pair for pair in answered if pair not in right), *wrongly):
        print("wrong:", f"{a['confidence']:.2f}", q.text, [c["article"]["title"] for c in a["citations"]])
    assert len(right) >= 0.9 * len(answered)
    assert len(answered) >= 0.4 * len(answerable)
    assert len(wrongly) <= 0.1 * len(others)


async def test_who_asks_with_an_article_s_own_title_is_answered_from_it(desk: Desk) -> None:
    titles = {file.title: key for key, file in desk.files.items() if file.visibility != "internal"}
    answers = {title: await desk.ask(desk.crew.customer, title) for title in list(titles)[::4]}
    answered = [title for title, answer in answers.items() if answer["decision"] == "ANSWERED"]
    assert len(answered) >= 0.9 * len(answers), [title for title in answers if title not in answered]
    for title in answered:
        cited = {desk.keys[one["article"]["id"]] for one in answers[title]["citations"]}
        assert cited == {titles[title]}


async def test_the_readme_s_question_quotes_how_often_and_not_the_reminders(desk: Desk) -> None:
    """The article's nearest passage tells of reminders; what is asked stands in another one."""
    question = "记录仪多久校准一次？"
    query = "query($q: String!) { searchKnowledge(query: $q, first: 2) { article { id } quote } }"
    first, *_ = (await desk.crew.customer.ask(query, q=question))["searchKnowledge"]
    assert first["article"]["id"] == desk.ids["calibration-zh"]
    assert first["quote"] == "建议每 12 个月校准一次，很多检查部门也这样要求。"
    assert first["quote"] in desk.files["calibration-zh"].body


def _is_right(desk: Desk, question: Asked, answer: dict[str, Any]) -> bool:
    """Tell whether an article on the matter is cited, in either language: translations say the same."""
    groups = {desk.files[key].locale_group for key in question.answers}
    cited = {desk.files[desk.keys[c["article"]["id"]]].locale_group for c in answer["citations"]}
    return not groups.isdisjoint(cited)
