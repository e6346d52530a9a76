"""A4 and a part of A3: what people want, told by examples, and what is none of the known wants."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from assistant.figures import auroc
from eval.frame import Evaluation, Outcome, Row, Section
from eval.intents import IntentModel

QUICK_TRAIN, QUICK_TEST = 3_000, 600
MOST_EXAMPLES = 8
LAB = "lab, e5-small"

Rows = Sequence[dict[str, Any]]


async def banking77(evaluation: Evaluation) -> Outcome:
    """Learn from the train split alone; its settings were chosen on a part of it, see docs/evaluation.md."""
    train = evaluation.some(evaluation.read("banking77/train.jsonl.gz"), QUICK_TRAIN)
    test = evaluation.some(evaluation.read("banking77/test.jsonl.gz"), QUICK_TEST)
    model = await _fitted(evaluation, train)
    accuracy, wrong = await _told(evaluation, model, test)
    return Outcome(
        rows=[
            Row(
                claim="accuracy, 77 intents",
                figure=accuracy,
                target=0.93,
                floor=0.82 if evaluation.quick else 0.925,
                reference=f"0.925 ({LAB}); 0.93–0.94 fine-tuned models",
                n=len(test),
            )
        ],
        examples={"Confused most often": wrong},
    )


async def clinc150(evaluation: Evaluation) -> Outcome:
    """Learn intents on train, what is out of scope on validation, and report on test."""
    train = evaluation.some(evaluation.read("clinc150/train.jsonl.gz"), QUICK_TRAIN)
    test = evaluation.some(evaluation.read("clinc150/test.jsonl.gz"), QUICK_TEST)
    strange = evaluation.some(evaluation.read("clinc150/oos_test.jsonl.gz"), QUICK_TEST)
    model = await _fitted(evaluation, train)
    accuracy, wrong = await _told(evaluation, model, test)
    val = evaluation.some(evaluation.read("clinc150/val.jsonl.gz"), QUICK_TEST)
    outside = evaluation.read("clinc150/oos_val.jsonl.gz") + evaluation.read("clinc150/oos_train.jsonl.gz")
    texts = _texts([*val, *outside])
    model.fit_scope(
        await evaluation.embed_queries(texts), texts, inside=[True] * len(val) + [False] * len(outside)
    )
    asked = _texts([*test, *strange])
    chances = model.belongs(await evaluation.embed_queries(asked), asked)
    labels = np.array([1.0] * len(test) + [0.0] * len(strange))
    taken = sorted(zip(chances[len(test) :], _texts(strange), strict=True), reverse=True)[:MOST_EXAMPLES]
    return Outcome(
        rows=[
            Row(
                claim="accuracy, 150 intents",
                figure=accuracy,
                target=0.955,
                floor=0.9 if evaluation.quick else 0.95,
                reference=f"0.954 ({LAB})",
                n=len(test),
            ),
            Row(
                claim="A3: out-of-scope AUROC",
                figure=auroc(chances, labels),
                target=0.97,
                floor=0.94 if evaluation.quick else 0.97,
                reference=f"0.966 ({LAB}); 0.70–0.87 commercial bots on their own data",
                n=len(labels),
            ),
        ],
        examples={
            "Confused most often": wrong,
            "Out of scope, taken for a known intent": [f"{chance:.2f} {text}" for chance, text in taken],
        },
    )


async def _fitted(evaluation: Evaluation, train: Rows) -> IntentModel:
    texts = _texts(train)
    rows = await evaluation.embed_queries(texts)
    return IntentModel(seed=evaluation.seed).fit(rows, texts, [row["label"] for row in train])


async def _told(evaluation: Evaluation, model: IntentModel, test: Rows) -> tuple[float, list[str]]:
    texts = _texts(test)
    told = model.tell(await evaluation.embed_queries(texts), texts).labels
    pairs = [(row["label"], label, row["text"]) for row, label in zip(test, told, strict=True)]
    wrong = Counter((right, label) for right, label, _ in pairs if right != label)
    lines = []
    for (right, label), count in wrong.most_common(MOST_EXAMPLES):
        text = next(text for a, b, text in pairs if (a, b) == (right, label))
        lines.append(f"{count} × {right} taken for {label}, such as: {text}")
    return 1 - sum(wrong.values()) / len(test), lines


def _texts(rows: Rows) -> list[str]:
    return [row["text"] for row in rows]


SECTIONS = (
    Section(claim="A4", name="banking77", run=banking77, needs=("banking77",)),
    Section(claim="A4", name="clinc150", run=clinc150, needs=("clinc150",)),
)
