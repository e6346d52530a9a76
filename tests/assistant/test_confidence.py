"""The confidence: what was learned, what is promised of it, and the arithmetic of learning."""

import json

import numpy as np
import pytest

from assistant.calibrate import auroc, choose_threshold, expected_calibration_error
from assistant.confidence import CALIBRATION_FILE, SpanFeatures, fit_logistic, load_calibration
from knowledge.ranking import Features


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


def test_the_measures_are_those_of_the_books() -> None:
    chances, labels = np.array([0.9, 0.8, 0.7, 0.2]), np.array([1.0, 0.0, 1.0, 0.0])
    assert auroc(chances, labels) == 0.75
    assert choose_threshold(chances, labels, precision=0.9) == 0.9
    assert choose_threshold(chances, labels, precision=0.6) == 0.7
    assert choose_threshold(chances, 1 - labels, precision=0.9) == 1.0
    assert expected_calibration_error(np.array([0.95, 0.95]), np.array([1.0, 0.0])) == pytest.approx(0.45)


def test_the_stored_calibration_keeps_its_promise_on_held_out_questions() -> None:
    content = json.loads(CALIBRATION_FILE.read_text("utf-8"))
    same = content["same"]["first"]
    assert same["held_out"]["n"] > 2_000
    assert same["held_out"]["precision"] >= 0.93
    assert same["held_out"]["coverage_of_answerable"] >= 0.6
    assert same["held_out"]["unanswerable_refused"] >= 0.95
    assert same["held_out"]["ece"] <= 0.05
    assert content["across"]["first"]["held_out"]["precision"] >= 0.9
    assert {one["name"] for one in content["provenance"]["sets"]} == {
        *("tidb_faq_zh", "stackfaq_en", "xquad_zh", "xquad_en")
    }


def test_the_better_found_the_surer() -> None:
    calibration = load_calibration()
    weak = Features(best_cosine=0.80, margin=0.05, top_z=2.0, lexical_per_term=0.3, lexical_of_dense_top=0.2)
    strong = Features(
        best_cosine=0.92,
        margin=1.5,
        top_z=3.5,
        lexical_per_term=1.8,
        lexical_of_dense_top=1.8,
        coverage=0.9,
        agreement=1.0,
    )
    low = calibration.judge(weak, SpanFeatures(coverage=0.2))
    high = calibration.judge(strong, SpanFeatures(coverage=0.8))
    assert low.first < low.threshold < high.threshold + 1e-9 <= high.first + 1e-9
    assert low.first < 0.1
    assert high.first > 0.9
