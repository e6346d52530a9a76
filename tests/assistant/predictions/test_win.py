"""Win probability: learned only with enough, calibrated, and the sum of what its factors say."""

import random
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.predictions.estimates import wilson
from assistant.predictions.fair_shares import fair_shares
from assistant.predictions.win import LEAST_OF_EACH, WinCase, WinModel, fit_steps, fit_win_model, sigmoid

RATES = {"discovery": 0.2, "proposal": 0.5, "negotiation": 0.8}
SHIFTS = {"fair": 0.15, "web": -0.15}


def cases(n: int, *, seed: int = 1) -> list[WinCase]:
    rng, found = random.Random(seed), []
    for place in range(n):
        stage, source = rng.choice(sorted(RATES)), rng.choice(sorted(SHIFTS))
        won = rng.random() < RATES[stage] + SHIFTS[source]
        # `twin` says the same again: naive Bayes counts it twice, calibration must take that back.
        found.append(WinCase(f"d{place}", stage, {"source": source, "twin": source}, won))
    return found


@pytest.fixture(scope="module")
def model() -> WinModel:
    found = fit_win_model(cases(4_000))
    assert found is not None
    return found


def test_too_few_of_either_are_not_learned_from() -> None:
    won = [WinCase(f"w{n}", "proposal", {}, True) for n in range(200)]
    lost = [WinCase(f"l{n}", "proposal", {}, False) for n in range(LEAST_OF_EACH)]
    assert fit_win_model([*won, *lost[:-1]]) is None
    assert fit_win_model([*won, *lost]) is not None
    # Many stages of few deals are few deals.
    many = [WinCase(f"l{n % 10}", f"s{n}", {}, False) for n in range(500)]
    assert fit_win_model([*won, *many]) is None


def test_the_probability_is_that_of_the_world_although_a_factor_is_told_twice(model: WinModel) -> None:
    for stage, rate in RATES.items():
        for source, shift in SHIFTS.items():
            found = model.estimate(stage, {"source": source, "twin": source})
            assert found.value == pytest.approx(rate + shift, abs=0.07)
            assert None not in (found.value, found.low, found.high)
            assert (found.low or 0) <= (found.value or 0) <= (found.high or 1)
            assert found.n == 4_000


def test_what_nobody_has_seen_is_judged_by_the_rest(model: WinModel) -> None:
    known = model.estimate("proposal", {"source": "fair", "twin": "fair"})
    strange = model.estimate("no such stage", {"source": "letter 😀", "twin": ""})
    assert 0 < (strange.value or 0) < 1
    assert known.value != strange.value


@given(
    stage=st.sampled_from([*RATES, "other"]),
    source=st.sampled_from([*SHIFTS, "other"]),
    twin=st.sampled_from([*SHIFTS, "other"]),
)
def test_factors_sum_to_the_probability(model: WinModel, stage: str, source: str, twin: str) -> None:
    levels = {"source": source, "twin": twin}
    factors = model.factors(stage, levels)
    total = model.base + sum(factor.share for factor in factors)
    assert total == pytest.approx(model.estimate(stage, levels).value, abs=1e-12)
    assert all(0 <= factor.won <= factor.n for factor in factors)


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=2, max_size=60))
def test_steps_never_fall_and_keep_the_mean(pairs: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in pairs])
    good = np.array([float(won) for _, won in pairs])
    steps = fit_steps(scores, good, np.ones(len(pairs)))
    asked = np.linspace(-6, 6, 50)
    rates = [steps.rate(float(one)) for one in asked]
    assert rates == sorted(rates)
    assert sum(rate * n for rate, n in zip(steps.rates, steps.n, strict=True)) == pytest.approx(good.sum())


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(-3, 3), max_size=6), st.floats(-3, 3))
@settings(max_examples=50)
def test_fair_shares_sum_to_the_whole_and_are_blind_to_order(parts: dict[str, float], base: float) -> None:
    def result(some: frozenset[str]) -> float:
        return sigmoid(base + sum(parts[name] for name in sorted(some)))

    names = sorted(parts)
    shares = fair_shares(names, result)
    assert sum(shares.values()) == pytest.approx(result(frozenset(names)) - result(frozenset()), abs=1e-9)
    backwards = fair_shares(names[::-1], result)
    assert all(backwards[name] == pytest.approx(share, abs=1e-9) for name, share in shares.items())
    assert all(shares[name] == pytest.approx(0, abs=1e-12) for name, part in parts.items() if part == 0)


def test_an_interval_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.602, 0.914)
    for n in range(1, 60):
        for good in range(n + 1):
            low, high = wilson(good, n)
            assert 0 <= low <= good / n <= high <= 1
    assert sigmoid(-800) == 0.0
    assert sigmoid(log(3)) == pytest.approx(0.75)
