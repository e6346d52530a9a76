"""A2 and A3: is what it answers right, does it refuse what it cannot know, and does it know which is which?

Only cases of the half that nothing was learned from; see ``eval/cases.py``.
"""

from collections.abc import Sequence

import numpy as np

from assistant.confidence import Confidence, load_calibration
from assistant.decide import LEAST_NEAR
from assistant.figures import auroc, expected_calibration_error
from eval.calibrate import NAMES, chances_of, fit_monotone, labels_of, rows_of
from eval.cases import LANGUAGES, Asked, Base, Case, help_centre_cases, public_cases, public_sets
from eval.frame import Evaluation, Outcome, Row, Section
from knowledge.text import Language, guess_language

MOST_EXAMPLES = 8
RIDGE = 3.0
SENTENCE_NAMES = ("best_sentence", "sentence_lead", "sentence_z")
LAB = "lab, logistic regression on dense and lexical scores"


async def answers(evaluation: Evaluation) -> Outcome:
    """Judge the public questions in the language of their base."""
    cases: list[Case] = []
    for base, asked in public_sets(evaluation):
        cases += await public_cases(evaluation, base, asked)
    return _outcome([case for case in cases if case.group.startswith("same")], quick=evaluation.quick)


async def answers_across(evaluation: Evaluation) -> Outcome:
    """Judge the public questions that only an article in the other language answers."""
    cases: list[Case] = []
    for base, asked in public_sets(evaluation):
        if base.name.startswith("xquad"):
            cases += await public_cases(evaluation, base, asked)
    return _outcome([case for case in cases if case.group.startswith("across")], quick=True, covers=False)


async def help_centre(evaluation: Evaluation) -> Outcome:
    """Judge the project's own questions over the demo's help centre; needs no public data."""
    cases = [case async for case in help_centre_cases(evaluation)]
    at_home = [case for case in cases if case.group.startswith("same")]
    outcome = _outcome(at_home, quick=True, covers=False)
    held = [case for case in cases if not case.train]
    rows = list(outcome.rows)
    for kind in ("plain", "paraphrased", "across", "near miss", "elsewhere", "internal"):
        some = [case for case in held if case.asked.kind == kind]
        passed = [case for case in some if _answered(case)]
        answerable = kind in ("plain", "paraphrased", "across")
        share = len(passed) / len(some)
        claim = f"{kind}: {'answered' if answerable else 'refused'}"
        rows.append(Row(claim=claim, figure=share if answerable else 1 - share, n=len(some)))
    rows += _rows_of_offers([case for case in at_home if not case.train and not _answered(case)])
    return Outcome(rows=rows, curves=outcome.curves, examples=outcome.examples)


def _rows_of_offers(unsure: Sequence[Case]) -> list[Row]:
    """Tell of questions in the base's language that are not answered what is offered to their askers."""
    offered = [case for case in unsure if _judged(case).pair >= LEAST_NEAR]
    possible = [case for case in unsure if case.answerable]
    right = [case for case in offered if case.near]
    return [
        Row(
            claim="answerable, not answered: offered with the right article",
            figure=len(right) / len(possible),
            floor=0.6,
            n=len(possible),
        ),
        Row(
            claim="offers with the right article among them",
            figure=len(right) / len(offered),
            floor=0.4,
            n=len(offered),
        ),
    ]


async def answer_in_base(evaluation: Evaluation) -> Outcome:
    """Tell from the whole base whether it holds the answer at all: learned on one half, told of the other.

    Beside what a turn measures it looks at how near the best sentence of the first passage comes.
    """
    rows = []
    for base, asked in public_sets(evaluation):
        if base.name not in ("xquad_zh", "tidb_faq_zh"):
            continue
        cases = await _with_and_without(
            evaluation, base, [a for a in asked if guess_language(a.text) == "zh"]
        )
        await _add_sentences(evaluation, base, cases)
        names = (*NAMES, *SENTENCE_NAMES)
        train = [case for case in cases if case.train]
        held = [case for case in cases if not case.train]
        labels, counts = labels_of(train, "answerable"), np.ones(len(train))
        model = fit_monotone(names, rows_of(train, names), labels, counts=counts, ridge=RIDGE)
        figure = auroc(chances_of(model, held), labels_of(held, "answerable"))
        of_xquad = base.name == "xquad_zh"
        rows.append(
            Row(
                claim=f"answer-in-base AUROC, {base.name}",
                figure=figure,
                target=0.94 if of_xquad else 0.83,
                floor=None if evaluation.quick else (0.93 if of_xquad else 0.8),
                reference=f"{0.937 if of_xquad else 0.815} ({LAB})",
                n=len(held),
            )
        )
    return Outcome(rows=rows)


async def _with_and_without(evaluation: Evaluation, base: Base, asked: Sequence[Asked]) -> list[Case]:
    await base.build(evaluation)
    rows = await evaluation.read_queries([question.text for question in asked])
    everything = set(base.articles)
    found = [
        base.ask(question, row, allowed)
        for question, row in zip(asked, rows, strict=True)
        for allowed in (everything, everything - question.answers)
    ]
    return [case for case in found if case is not None]


async def _add_sentences(evaluation: Evaluation, base: Base, cases: Sequence[Case]) -> None:
    """Measure the sentences of the first passage: the best, its lead, and its place among all sentences."""
    sentences = {id: base.sentences(id) for id in base.passages}
    texts = [text for some in sentences.values() for text in some]
    rows = dict(zip(texts, await evaluation.embed_queries(texts), strict=True))
    asked = list(dict.fromkeys(case.asked.text for case in cases))
    questions = dict(zip(asked, await evaluation.embed_queries(asked), strict=True))
    everything = np.array([rows[text] for text in texts])
    for case in cases:
        row = questions[case.asked.text]
        cosines = np.array([rows[text] for text in sentences[case.passage_id]]) @ row
        usual = everything @ row
        best = float(cosines.max())
        measured = (best, best - float(cosines.mean()), (best - float(usual.mean())) / float(usual.std()))
        case.values.update(zip(SENTENCE_NAMES, measured, strict=True))


def _outcome(cases: Sequence[Case], *, quick: bool, covers: bool = True) -> Outcome:
    """Measure per language of the question; ``covers``: this is what the claim on coverage is about."""
    rows: list[Row] = []
    curves: dict[str, list[tuple[float, bool]]] = {}
    examples: dict[str, list[str]] = {}
    for language in LANGUAGES:
        held = [case for case in cases if not case.train and case.language == language]
        if not held:
            continue
        rows += _rows(held, language, quick=quick, covers=covers)
        judged = [(_judged(case).first, case) for case in held]
        curves[language] = [(chance, case.first) for chance, case in judged]
        wrong = sorted(
            ((chance, case) for chance, case in judged if not case.first and _answered(case)),
            key=lambda pair: -pair[0],
        )
        examples[f"Answered wrongly, {language}"] = [
            f"{chance:.2f} {case.set}: {case.asked.text}" for chance, case in wrong[:MOST_EXAMPLES]
        ]
    return Outcome(rows=rows, curves=curves, examples=examples)


def _rows(held: Sequence[Case], language: Language, *, quick: bool, covers: bool) -> list[Row]:
    chances = np.array([_judged(case).first for case in held])
    labels = labels_of(held, "first")
    passed = np.array([_answered(case) for case in held])
    possible = np.array([case.answerable for case in held])
    floor = 0.89 if quick else 0.94
    return [
        Row(
            claim=f"{language} precision of answers",
            figure=float(labels[passed].mean()) if passed.any() else 0.0,
            target=0.95,
            floor=floor,
            n=int(passed.sum()),
        ),
        Row(
            claim=f"{language} coverage of answerable",
            figure=float(passed[possible].mean()),
            target=0.6 if covers else None,
            floor=(0.5 if quick else 0.6) if covers else None,
            n=int(possible.sum()),
        ),
        Row(
            claim=f"{language} unanswerable refused",
            figure=float(1 - passed[~possible].mean()),
            target=0.95,
            floor=floor,
            n=int((~possible).sum()),
        ),
        Row(
            claim=f"{language} calibration error (ECE)",
            figure=expected_calibration_error(chances, labels),
            target=0.05,
            floor=None if quick else 0.06,
            at_most=True,
            n=len(held),
        ),
    ]


def _judged(case: Case) -> Confidence:
    same = case.group.startswith("same")
    return load_calibration().judge(case.values, case.language, same_language=same)


def _answered(case: Case) -> bool:
    confidence = _judged(case)
    return confidence.first >= confidence.threshold


PUBLIC = ("tidb_faq_zh", "stackfaq_en", "xquad")
SECTIONS = (
    Section(claim="A2", name="answers", run=answers, needs=PUBLIC),
    Section(claim="A2", name="answers across languages", run=answers_across, needs=PUBLIC),
    Section(claim="A2", name="help centre", run=help_centre),
    Section(claim="A3", name="answer in base", run=answer_in_base, needs=PUBLIC),
)
