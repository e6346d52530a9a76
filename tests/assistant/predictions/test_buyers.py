"""BG/NBD and Gamma-Gamma: the paper's table, known values, and the laws that any fit must keep."""

import csv
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.predictions.buyers import BuyerModel, Buying, buying_of, fit_buyers
from assistant.predictions.lifetime import LifetimeModel, draw_futures
from assistant.predictions.spending import Spending, SpendingModel, fit_spending

WEEKS = 39.0


@pytest.fixture(scope="module")
def cdnow() -> list[Buying]:
    given = os.environ.get("RAPPORT_EVAL_DATA")
    folder = Path(given) if given else Path(__file__).parents[4] / "shared" / "data"
    file = folder / "cdnow_customers_summary.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not there; docs/evaluation.md says where it comes from")
    with file.open() as lines:
        return [
            Buying(int(row["frequency"]), float(row["recency"]), float(row["T"]))
            for row in csv.DictReader(lines)
        ]


@pytest.mark.data
def test_the_papers_table_is_reproduced(cdnow: list[Buying]) -> None:
    model = fit_buyers(cdnow)
    assert (round(model.r, 3), round(model.alpha, 3)) == (0.243, 4.414)
    assert (round(model.a, 3), round(model.b, 3)) == (0.793, 2.426)
    assert round(model.log_likelihood, 1) == -9582.4
    assert (model.n, model.n_again) == (2357, 946)
    # Fader, Hardie and Lee's own example: customer 1, over the next 39 weeks.
    assert round(model.expected_purchases(Buying(2, 30.43, 38.86), WEEKS), 3) == 1.226
    futures = draw_futures(model, Buying(2, 30.43, 38.86), WEEKS)
    assert futures.mean() == pytest.approx(1.226, abs=4 * futures.std() / np.sqrt(len(futures)))


def test_parameters_are_found_again_in_drawn_customers() -> None:
    rng, customers = np.random.default_rng(7), []
    for _ in range(3_000):
        rate, leaves, at, moments = rng.gamma(0.8, 1 / 6), rng.beta(1.0, 3.0), 0.0, []
        while (at := at + rng.exponential(1 / rate)) <= 78:
            moments.append(at)
            if rng.random() < leaves:
                break
        customers.append(Buying(len(moments), moments[-1] if moments else 0.0, 78.0))
    model = fit_buyers(customers)
    assert model.r == pytest.approx(0.8, rel=0.15)
    assert model.alpha == pytest.approx(6.0, rel=0.2)
    assert model.a / (model.a + model.b) == pytest.approx(0.25, abs=0.05)


@given(
    again=st.integers(0, 40),
    recency=st.floats(0.1, 100),
    waited=st.floats(0, 100),
    longer=st.floats(0.1, 100),
    weeks=st.floats(1, 200),
)
@settings(max_examples=60, deadline=None)
def test_who_waits_longer_is_less_alive_and_buys_less(
    again: int, recency: float, waited: float, longer: float, weeks: float
) -> None:
    model = BuyerModel(0.243, 4.414, 0.793, 2.426, -9582.4, 2357, 946)
    since = recency if again else 0.0
    soon, late = Buying(again, since, recency + waited), Buying(again, since, recency + waited + longer)
    assert 0 <= model.alive(late) <= model.alive(soon) <= 1
    assert 0 <= model.expected_purchases(late, weeks) <= model.expected_purchases(soon, weeks) + 1e-9
    assert model.expected_purchases(soon, weeks) <= model.expected_purchases(soon, 2 * weeks) + 1e-9


def test_purchases_of_one_day_are_one() -> None:
    first = datetime(2026, 1, 1, 9, tzinfo=UTC)
    moments = [first, first + timedelta(hours=3), first + timedelta(weeks=2), first + timedelta(weeks=4)]
    assert buying_of(moments, until=first + timedelta(weeks=10)) == Buying(2, 4.0, 10.0)
    # A clock that is behind the last purchase makes no negative time.
    assert buying_of(moments, until=first) == Buying(2, 4.0, 4.0)


def test_gamma_gamma_is_found_again_and_lies_between_the_own_and_the_common_mean() -> None:
    rng, spenders = np.random.default_rng(3), []
    for _ in range(2_000):
        rate, x = rng.gamma(4.0, 1 / 15.0), int(rng.integers(2, 12))
        spenders.append(Spending(x, float(rng.gamma(6.0, 1 / rate, x).mean())))
    model = fit_spending(spenders)
    # p and γ are told apart by little; what they say together, and how alike customers are, is certain.
    assert model.q == pytest.approx(4.0, rel=0.2)
    common = model.p * model.gamma / (model.q - 1)
    assert common == pytest.approx(6 * 15 / 3, rel=0.05)
    for own in (common / 5, common * 5):
        few, many = (model.expected(Spending(x, own)) for x in (1, 50))
        assert abs(many - own) < abs(few - own)
        assert min(own, common) <= few <= max(own, common)


def test_money_scales_with_its_unit() -> None:
    spenders = [Spending(2 + n % 3, 10.0 + n) for n in range(30)]
    cents = [Spending(one.purchases, 100 * one.mean) for one in spenders]
    small, large = fit_spending(spenders), fit_spending(cents)
    assert large.expected(cents[4]) == pytest.approx(100 * small.expected(spenders[4]), rel=1e-3)


def test_a_lifetime_says_what_is_missing_until_there_is_enough() -> None:
    buyings = [Buying(n % 4, 10.0 * (n % 4 > 0), 50.0) for n in range(60)]
    spending = SpendingModel(6.0, 4.0, 15.0, 40)
    model = LifetimeModel(fit_buyers(buyings), spending)
    found = model.value(buyings[3], Spending(3, 25.0), weeks=52)
    assert found.enough
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high
    again = model.value(buyings[3], Spending(3, 25.0), weeks=52)
    assert again == found  # drawn with a seed of its own: the same question, the same answer
    few = LifetimeModel(fit_buyers(buyings[:20]), spending).value(buyings[3], Spending(3, 25.0), weeks=52)
    assert (few.value, few.n, few.needed, few.enough) == (None, 20, 30, False)
    nobody_again = LifetimeModel(fit_buyers([Buying(0, 0.0, 50.0)] * 40), spending)
    assert nobody_again.value(buyings[0], Spending(1, 25.0), weeks=52).n == 0
    penniless = LifetimeModel(fit_buyers(buyings), None).value(buyings[3], Spending(3, 25.0), weeks=52)
    assert (penniless.value, penniless.n, penniless.needed) == (None, 0, 10)
