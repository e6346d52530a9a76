"""Affinities, groups and who leaves: found where they are, refused where there is too little."""

import random

import numpy as np
import pytest

from assistant.predictions.affinity import find_affinities
from assistant.predictions.groups import Customer, group_customers
from assistant.predictions.leaving import Row, fit_leaving


def test_what_goes_together_is_found_with_its_counts() -> None:
    baskets = [{"probe", "gateway"}] * 20 + [{"probe", "cable"}] * 10 + [{"cable", "case"}] * 10
    found = find_affinities(baskets)
    assert (found.n, found.enough) == (40, True)
    best = found.rules[0]
    assert (best.given, best.thing) == ("gateway", "probe")
    assert (best.together, best.with_given, best.confidence) == (20, 20, 1.0)
    assert best.lift == pytest.approx(1 / (30 / 40))
    assert best.low < 1.0
    assert best.high == pytest.approx(1.0)
    assert ("probe", "cable") not in {(rule.given, rule.thing) for rule in found.rules}  # no more than chance
    assert [rule.thing for rule in found.for_customer({"gateway"})] == ["probe"]
    assert found.for_customer({"gateway", "probe", "case", "cable"}) == []


def test_too_few_customers_have_no_affinities() -> None:
    few = find_affinities([{"a", "b"}] * 29 + [{"a"}] * 500)
    assert (few.n, few.rules, few.enough) == (29, (), False)
    assert find_affinities([]).n == 0


def test_groups_are_those_that_were_made_whatever_the_order() -> None:
    rng = random.Random(5)
    good = [
        Customer(f"g{n}", rng.uniform(1, 20), rng.uniform(8, 12), rng.uniform(9e5, 1e6)) for n in range(15)
    ]
    lost = [Customer(f"l{n}", rng.uniform(600, 900), 1.0, rng.uniform(800, 1200)) for n in range(15)]
    found = group_customers([*good, *lost])
    assert len(found.groups) == 2
    assert found.silhouette > 0.8
    assert set(found.groups[0].members) == {one.id for one in good}  # worth most first
    assert set(found.groups[1].members) == {one.id for one in lost}
    mixed = [*good, *lost]
    rng.shuffle(mixed)
    assert group_customers(mixed) == found


def test_too_few_or_all_alike_make_no_story() -> None:
    same = [Customer(f"c{n}", 10.0, 2.0, 100.0) for n in range(20)]
    assert group_customers(same[:11]).groups == ()
    assert group_customers(same).silhouette <= 0
    assert group_customers([]).n == 0


def test_who_leaves_is_learned_with_what_it_hangs_on() -> None:
    rng = np.random.default_rng(2)
    rows: list[Row] = []
    left = []
    for _ in range(1_500):
        quiet, plan = float(rng.uniform(0, 100)), str(rng.choice(["month", "year"]))
        chance = 0.1 + 0.5 * (quiet > 50) + 0.3 * (plan == "month")
        rows.append({"quiet": quiet, "plan": plan})
        left.append(bool(rng.random() < chance))
    model = fit_leaving(rows, left)
    assert model is not None
    likely: Row = {"quiet": 90.0, "plan": "month"}
    unlikely: Row = {"quiet": 5.0, "plan": "year"}
    assert model.estimate(likely).value == pytest.approx(0.9, abs=0.07)
    assert model.estimate(unlikely).value == pytest.approx(0.1, abs=0.07)
    factors = model.factors(likely)
    assert set(factors) == {"quiet", "plan"}
    assert factors["quiet"] > factors["plan"] > 0
    # What was never seen is no reason.
    assert 0 < float(model.chances([{"quiet": 1e9, "plan": "never"}])[0]) < 1


def test_too_few_who_left_teach_nothing() -> None:
    rows = [{"quiet": float(n)} for n in range(300)]
    assert fit_leaving(rows, [n < 49 for n in range(300)]) is None
    assert fit_leaving(rows, [n < 50 for n in range(300)]) is not None
