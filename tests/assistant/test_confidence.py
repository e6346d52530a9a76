"""The confidence: what was learned, what is promised of it, and the arithmetic of learning."""

import json

import numpy as np
import pytest

from assistant.confidence import CALIBRATION_FILE, GROUPS, fit_logistic, load_calibration
from assistant.figures import auroc, brier, coverage_and_risk, expected_calibration_error, log_loss
from assistant.measuring import FoundText, measure_words, values_of
from eval.calibrate import EITHER_WAY, FALLING, choose_threshold, fit_monotone
from knowledge.ranking import Features
from knowledge.text import tokens


def test_a_regression_finds_the_coefficients_that_made_the_data() -> None:
    made = np.random.default_rng(7)
    rows = made.normal(size=(20_000, 2)) * [1.0, 3.0] + [0.5, -1.0]
    chance = 1 / (1 + np.exp(-(2.0 * rows[:, 0] - 0.5 * rows[:, 1] - 1.0)))
    labels = (made.random(20_000) < chance).astype(float)
    model = fit_logistic(("a", "b"), rows, labels)
    assert model.weights / model.spreads == pytest.approx([2.0, -0.5], abs=0.15)
    assert model.probability({"a": 0.5, "b": 0.0}) == pytest.approx(0.5, abs=0.02)
    with pytest.raises(KeyError):
        model.probability({"a": 1.0})


def test_a_regression_with_signs_gives_a_measure_that_says_the_same_no_say_rather_than_a_wrong_one() -> None:
    made = np.random.default_rng(11)
    truth = made.normal(size=4_000)
    rows = np.column_stack([truth, truth + made.normal(size=4_000) * 0.3, made.normal(size=4_000)])
    labels = (made.random(4_000) < 1 / (1 + np.exp(-(3 * rows[:, 0] - 1.5 * rows[:, 1])))).astype(float)
    names = ("lead", "title", "better_elsewhere")
    assert fit_logistic(names, rows, labels).weights[1] < -1
    model = fit_monotone(names, rows, labels, counts=np.ones(4_000))
    assert model.weights[0] > 1
    assert model.weights[1] == 0
    assert -0.2 <= model.weights[2] <= 0
    free = fit_monotone(("lead", "quote", "terms"), rows[:, [0, 2, 2]], labels, counts=np.ones(4_000))
    learned = fit_logistic(("lead", "quote", "terms"), rows[:, [0, 2, 2]], labels)
    assert free.weights[0] == pytest.approx(learned.weights[0], abs=0.05)


def test_the_measures_are_those_of_the_books() -> None:
    chances, labels = np.array([0.9, 0.8, 0.7, 0.2]), np.array([1.0, 0.0, 1.0, 0.0])
    assert auroc(chances, labels) == 0.75
    assert choose_threshold(chances, labels, precision=0.9) == 0.9
    assert choose_threshold(chances, labels, precision=0.6) == 0.7
    assert choose_threshold(chances, 1 - labels, precision=0.9) == 1.0
    assert expected_calibration_error(np.array([0.95, 0.95]), np.array([1.0, 0.0])) == pytest.approx(0.45)

    assert brier(chances, labels) == pytest.approx((0.01 + 0.64 + 0.09 + 0.04) / 4)
    assert log_loss(np.array([0.5, 0.25]), np.array([1.0, 0.0])) == pytest.approx(0.4904, abs=1e-4)
    curve = np.array(coverage_and_risk(chances, labels))
    assert curve == pytest.approx(np.array([[0.25, 0.0], [0.5, 0.5], [0.75, 1 / 3], [1.0, 0.5]]))


def test_a_row_that_counts_twice_is_a_row_that_is_there_twice() -> None:
    made = np.random.default_rng(3)
    rows, labels = made.normal(size=(60, 2)), (made.random(60) < 0.5).astype(float)
    once = fit_logistic(("a", "b"), rows, labels, counts=np.array([2.0] * 10 + [1.0] * 50))
    twice = fit_logistic(("a", "b"), np.vstack([rows[:10], rows]), np.concatenate([labels[:10], labels]))
    one, other = ({"a": x, "b": -x} for x in (0.7, 0.7))
    assert once.probability(one) == pytest.approx(twice.probability(other), abs=0.01)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("target", ["first", "pair"])
def test_no_stored_weight_holds_a_good_sign_against_an_answer(group: str, target: str) -> None:
    learned = json.loads(CALIBRATION_FILE.read_text("utf-8"))[group][target]
    for name, weight in zip(learned["names"], learned["weights"], strict=True):
        assert name in EITHER_WAY or (weight <= 0 if name in FALLING else weight >= 0), name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_stored_calibration_keeps_its_promise_on_held_out_questions(language: str) -> None:
    content = json.loads(CALIBRATION_FILE.read_text("utf-8"))
    held_out = content[f"same_{language}"]["first"]["held_out"]
    assert held_out["n"] > 1_000
    assert held_out["precision"] >= 0.95
    assert held_out["coverage_of_answerable"] >= 0.6
    assert held_out["unanswerable_refused"] >= 0.95
    assert held_out["ece"] <= 0.05
    across = content[f"across_{language}"]["first"]
    assert across["held_out"]["precision"] >= 0.9
    assert across["held_out"]["unanswerable_refused"] >= 0.95
    assert across["threshold"] <= across["strict_threshold"] <= 1
    assert {one["name"] for one in content["provenance"]["sets"]} == {
        *("tidb_faq_zh", "stackfaq_en", "xquad_zh", "xquad_en", "help_centre")
    }


def found(*texts: str) -> list[FoundText]:
    return [FoundText.of(text, dense=0.9 - n / 50, lexical=9.0 - n) for n, text in enumerate(texts)]


def test_a_word_that_nothing_found_has_is_measured() -> None:
    near = found("Ways to pay: bank transfer and card", "Invoices and VAT")
    asked = measure_words(
        tokens("Can I pay with PayPal?"), near, "Ways to pay: bank transfer and card", "Ways to pay"
    )
    assert (asked["known"], asked["held"], asked["latin"]) == (0.5, 0.5, 0.5)
    known = measure_words(tokens("Can I pay by card?"), near, "Ways to pay: bank transfer and card", "")
    assert (known["known"], known["held"], known["alone"]) == (1.0, 1.0, 1.0)
    assert known["gap"] == pytest.approx(0.02)
    alone = measure_words(tokens("pay"), near[:1], "", "")
    assert alone["gap"] == pytest.approx(0.2)
    assert (alone["others"], alone["quoted"]) == (0.7, 0.0)
    assert (asked["titled"], asked["headed"]) == (1.0, 0.5)
    assert (known["titled"], known["headed"]) == (0.0, 0.0)
    assert measure_words([], near, "", "") == measure_words(tokens("pay"), [], "", "") == {}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_better_found_the_surer(language: str) -> None:
    calibration = load_calibration()
    weak = Features(
        best_cosine=0.80,
        margin=0.05,
        top_z=2.0,
        lexical_per_term=0.3,
        lexical_of_dense_top=0.2,
        nearness=0.35,
        quote=0.80,
    )
    strong = Features(
        best_cosine=0.92,
        nearness=0.7,
        nearness_lead=0.2,
        nearness_rise=0.25,
        lead=1.5,
        title=2.0,
        quote=0.92,
        quote_lead=0.06,
        margin=2.5,
        top_z=3.5,
        lexical_per_term=1.8,
        lexical_of_dense_top=1.8,
        coverage=0.9,
        agreement=1.0,
    )
    asked = "guarantee period glycol bottle"
    poor = measure_words(
        tokens(asked), found("Set up the gateway", "Ways to pay"), "Set up", "Set up the gateway"
    )
    rich = measure_words(
        tokens(asked), found(f"The {asked} is long", "Ways to pay"), f"The {asked} is long", "The guarantee"
    )
    judge = calibration.judge
    spoken = "zh" if language == "zh" else "en"
    low = judge(values_of(weak, poor), spoken, same_language=True)  # type: ignore[arg-type]
    high = judge(values_of(strong, rich), spoken, same_language=True)  # type: ignore[arg-type]
    strict = judge(values_of(strong, rich), spoken, same_language=True, strict=True)  # type: ignore[arg-type]
    assert low.first < low.threshold <= strict.threshold
    assert low.first < 0.1
    assert high.first > 0.9
