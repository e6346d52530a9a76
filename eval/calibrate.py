"""Learn when an answer can be trusted; write `assistant/calibration.json`.

Run by hand: ``python -m eval.calibrate`` (some minutes). Coefficients come from one half of the
articles, thresholds from chances that were told there without the case itself, figures from the other half.
"""

import argparse
import asyncio
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import expit

from assistant.citations import share_of
from assistant.confidence import CALIBRATION_FILE, GROUPS, TICKETS, Logistic
from assistant.figures import auroc, expected_calibration_error
from eval.cases import Asked, Case, help_centre_cases, public_cases, public_sets
from eval.frame import Evaluation, find_places
from knowledge.embedding import Embedder
from knowledge.text import tokens

TARGETS = {"first": 0.96, "pair": 0.9}  # precision that an answer, or a choice of two, shall have
STRICT = 0.985  # precision of an answer in strict mode
FOLDS = 5
FEWEST = 100  # cases of a set that weighs in a threshold as much as any other
HELP_CENTRE_COUNTS = 5.0  # a help centre is what this is for: each of its cases counts so often
NAMES = (
    *("best_cosine", "margin", "top_z", "lexical_per_term", "lexical_of_dense_top", "coverage", "agreement"),
    *("nearness", "nearness_lead", "nearness_rise", "lead", "title", "quote", "quote_lead"),
    *("span_coverage", "known", "held", "quoted", "latin", "alone", "terms", "gap", "lexical_gap", "others"),
    *("titled", "headed", "better_elsewhere"),
)
# More of a measure never makes an answer less sure, or of these never surer. A regression without that, on
# measures that say nearly the same, found "the more of the question stands in the title, the less sure" in
# Chinese, where few bases have titles: it refused to answer an article's own title.
FALLING = frozenset({"better_elsewhere"})
EITHER_WAY = frozenset({"terms", "others", "titled"})
TICKET_NAMES = ("cosine", "rise", "coverage")
COMPARED = 24  # tickets beside one, as the assistant compares
TICKET_QUESTIONS = 400

Floats = NDArray[np.float64]


async def measure_tickets(evaluation: Evaluation) -> list[Case]:
    """Compare questions that people asked with one another: of one FAQ entry they are the same matter."""
    chance = random.Random(evaluation.seed)
    queries = [q for q in evaluation.read("stackfaq_en/queries.jsonl.gz") if len(q["rel"]) == 1]
    picked = chance.sample(queries, TICKET_QUESTIONS)
    rows = await evaluation.embed_queries([query["text"] for query in picked])
    words = [tokens(query["text"]) for query in picked]
    cases = []
    for i, query in enumerate(picked):
        others = [j for j in range(len(picked)) if j != i]
        shares = {j: share_of(words[i], picked[j]["text"]) for j in others}
        near = sorted(others, key=lambda j: (-shares[j], j))[:COMPARED]
        cosines = rows[near] @ rows[i]
        for j, cosine in zip(near, cosines, strict=True):
            right = picked[j]["rel"] == query["rel"]
            values = {"cosine": float(cosine), "rise": float(cosine - cosines.mean()), "coverage": shares[j]}
            asked = Asked(query["text"], frozenset(), query["rel"][0])
            cases.append(Case(TICKETS, asked, TICKETS, "en", values, right, right, answerable=right))
    return cases


def learn(cases: Sequence[Case], target: str, *, names: Sequence[str], precision: float) -> dict[str, Any]:
    """Fit on the train half, choose its threshold there, report on the held-out half."""
    train = [case for case in cases if case.train]
    held_out = [case for case in cases if not case.train]
    labels, counts = labels_of(train, target), _counts(train)
    model = fit_monotone(names, rows_of(train, names), labels, counts=counts)
    unseen = _unseen(train, target, names)
    alike = _sets_alike(train)
    threshold = choose_threshold(unseen, labels, precision=precision, counts=alike)
    strict = choose_threshold(unseen, labels, precision=STRICT, counts=alike)
    return {
        "names": list(names),
        "means": _short(model.means),
        "spreads": _short(model.spreads),
        "weights": _short(model.weights),
        "intercept": round(model.intercept, 6),
        "threshold": round(threshold, 4),
        "strict_threshold": round(max(strict, threshold), 4),
        "target_precision": precision,
        "n_train": len(train),
        "held_out": report(chances_of(model, held_out), held_out, target, threshold),
    }


def fit_monotone(
    names: Sequence[str], rows: Floats, labels: Floats, *, counts: Floats, ridge: float = 1.0
) -> Logistic:
    """Fit as ``fit_logistic`` does, with weights whose signs make sense: see FALLING and EITHER_WAY."""
    means, spreads = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    design = np.column_stack([(rows - means) / spreads, np.ones(len(rows))])
    penalty = np.array([ridge] * len(names) + [0.0])

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = design @ weights
        summed = counts @ (np.logaddexp(0, logits) - labels * logits) + (penalty * weights) @ weights / 2
        return float(summed), design.T @ (counts * (expit(logits) - labels)) + penalty * weights

    signs = [(None, None) if n in EITHER_WAY else (None, 0) if n in FALLING else (0, None) for n in names]
    found = optimize.minimize(
        loss,
        np.zeros(len(names) + 1),
        jac=True,
        bounds=[*signs, (None, None)],
        method="L-BFGS-B",
        options={"maxiter": 10_000, "ftol": 1e-12, "gtol": 1e-7},
    )
    return Logistic(tuple(names), means, spreads, found.x[:-1], float(found.x[-1]))


def _unseen(train: Sequence[Case], target: str, names: Sequence[str]) -> Floats:
    """Return the chance of each case, told by a fit that has seen neither it nor its article."""
    fold = np.array(
        [int(hashlib.sha256(c.asked.split_by.encode()).hexdigest(), 16) // 2 % FOLDS for c in train]
    )
    rows, labels, counts = rows_of(train, names), labels_of(train, target), _counts(train)
    told = np.zeros(len(train))
    for number in range(FOLDS):
        out = fold == number
        model = fit_monotone(names, rows[~out], labels[~out], counts=counts[~out])
        told[out] = chances_of(model, [case for case, there in zip(train, out, strict=True) if there])
    return told


def choose_threshold(
    chances: Floats, labels: Floats, *, precision: float, counts: Floats | None = None
) -> float:
    """Return the lowest threshold at which what passes is right with ``precision``; 1 when none is."""
    times = np.ones(len(chances)) if counts is None else counts
    order = np.argsort(-chances)
    right = np.cumsum((times * labels)[order]) / np.cumsum(times[order])
    reaching = np.flatnonzero(right >= precision)
    return float(chances[order][reaching[-1]]) if len(reaching) else 1.0


def report(chances: Floats, cases: Sequence[Case], target: str, threshold: float) -> dict[str, Any]:
    """Measure discrimination, calibration and what the threshold does."""
    labels = labels_of(cases, target)
    passed = chances >= threshold
    possible = np.array([case.answerable for case in cases])
    return {
        "n": len(cases),
        "auroc": round(auroc(chances, labels), 4),
        "ece": round(expected_calibration_error(chances, labels), 4),
        "precision": round(float(labels[passed].mean()) if passed.any() else 0.0, 4),
        "coverage_of_answerable": round(float(passed[possible].mean()), 4),
        "unanswerable_refused": round(float(1 - passed[~possible].mean()), 4),
    }


def chances_of(model: Logistic, cases: Sequence[Case]) -> Floats:
    """Return the model's probability of each case."""
    return np.array([model.probability(case.values) for case in cases])


def rows_of(cases: Sequence[Case], names: Sequence[str]) -> Floats:
    """Return the named values, one row a case."""
    return np.array([[case.values[name] for name in names] for case in cases])


def labels_of(cases: Sequence[Case], target: str) -> Floats:
    """Return 1 where the case has what ``target`` names, else 0."""
    return np.array([float(getattr(case, target)) for case in cases])


def _counts(cases: Sequence[Case]) -> Floats:
    return np.array([HELP_CENTRE_COUNTS if case.set.startswith("help_centre") else 1.0 for case in cases])


def _sets_alike(cases: Sequence[Case]) -> Floats:
    """Return how often each case counts for a threshold: sets of FEWEST cases or more, each alike in sum.

    Else the precision would be that of the largest set, and FAQs and help centres would have less.
    """
    sizes = Counter(case.set for case in cases)
    largest = max(sizes.values())
    return np.array([largest / sizes[case.set] if sizes[case.set] >= FEWEST else 1.0 for case in cases])


async def calibrate(evaluation: Evaluation) -> dict[str, Any]:
    """Measure all sets and return what `calibration.json` holds."""
    cases: list[Case] = []
    sets = []
    for base, asked in public_sets(evaluation):
        found = await public_cases(evaluation, base, asked)
        cases += found
        sets.append({"name": base.name, "articles": len(base.articles), "cases": len(found)})
        sys.stderr.write(f"{base.name}: {len(found)} cases\n")
    ours = [case async for case in help_centre_cases(evaluation)]
    sets.append({"name": "help_centre", "cases": len(ours)})
    tickets = await measure_tickets(evaluation)
    return learn_all([*cases, *ours], tickets, evaluation, sets)


def learn_all(
    cases: Sequence[Case], tickets: Sequence[Case], evaluation: Evaluation, sets: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the whole calibration with its provenance."""
    learned: dict[str, Any] = {
        group: {
            target: learn([c for c in cases if c.group == group], target, names=NAMES, precision=precision)
            for target, precision in TARGETS.items()
        }
        for group in GROUPS
    }
    learned[TICKETS] = {"match": learn(tickets, "first", names=TICKET_NAMES, precision=0.95)}
    name = hashlib.sha256(json.dumps(learned, sort_keys=True).encode()).hexdigest()[:8]
    provenance = {
        "name": f"calibration-{name}",
        "embedding_model": evaluation.embedder.name,
        "seed": evaluation.seed,
        "sets": list(sets),
        "made_by": "python -m eval.calibrate",
    }
    return {"provenance": provenance, **learned}


def _short(numbers: Floats) -> list[float]:
    return [round(float(number), 6) for number in numbers]


async def _run(models: Path) -> dict[str, Any]:
    embedder = Embedder(models_folder=models)
    try:
        await embedder.wait_until_ready()
        return await calibrate(Evaluation(embedder, places=find_places()))
    finally:
        await asyncio.to_thread(embedder.close)


def main() -> None:
    """Calibrate from the command line."""
    parser = argparse.ArgumentParser(prog="python -m eval.calibrate", description="Calibrate the assistant.")
    parser.add_argument("--models", type=Path, default=Path(".data/models"))
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    chosen = parser.parse_args()
    content = asyncio.run(_run(chosen.models))
    chosen.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for group in (*GROUPS, TICKETS):
        for target, learned in content[group].items():
            sys.stdout.write(
                f"{group:10}{target:6}{learned['threshold']:.3f} {json.dumps(learned['held_out'])}\n"
            )


if __name__ == "__main__":
    main()
