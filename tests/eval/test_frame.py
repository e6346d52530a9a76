"""The evaluation's frame: what is skipped, kept, compared, drawn."""

import gzip
import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from eval.__main__ import find_sections, run_section
from eval.frame import Evaluation, Missing, Outcome, Row, Section
from eval.pictures import coverage_and_risk, draw_coverage_risk
from eval.report import read_previous, read_results, show_table, take_in, write_results
from eval.sections.retrieval import measure
from knowledge.embedding import Embedder, Reading


class CountingEmbedder(Embedder):
    """Knows rows without a model: the length of a text and 1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(models_folder=folder)
        self.asked: list[str] = []

    @property
    def name(self) -> str:
        return "counting"

    async def wait_until_ready(self) -> None:
        return

    async def read_titles(self, texts: Sequence[str]) -> list[Reading]:
        self.asked += texts
        return [
            Reading(np.array([len(text), 1], np.float32), np.ones((len(text), 2), np.float16))
            for text in texts
        ]


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    (tmp_path / "data" / "faq").mkdir(parents=True)
    with gzip.open(tmp_path / "data" / "faq" / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"text": "多久"}\n{"text": "when"}\n')
    places = [tmp_path / "elsewhere", tmp_path / "data"]
    return Evaluation(CountingEmbedder(tmp_path), places=places, cache=tmp_path / "cache")


def test_the_sections_have_names_of_their_own_and_can_be_chosen() -> None:
    names = [section.name for section in find_sections()]
    assert len(names) == len(set(names))
    assert [s.name for s in find_sections(["stackFAQ"])] == ["stackfaq en"]
    assert {s.claim for s in find_sections(["a1"])} == {"A1"}


def test_data_is_found_in_any_place_and_missed_by_name(evaluation: Evaluation) -> None:
    assert [row["text"] for row in evaluation.read("faq/rows.jsonl.gz")] == ["多久", "when"]
    with pytest.raises(Missing, match=r"^xquad is not in .*elsewhere or .*data$"):
        evaluation.find("xquad")


async def test_a_section_without_its_data_is_skipped_with_a_word(evaluation: Evaluation) -> None:
    async def run(_: Evaluation) -> Outcome:
        raise AssertionError("it must not run")

    console = Console(file=StringIO(), width=400)
    section = Section(claim="A9", name="nowhere", run=run, needs=("faq", "nowhere_zh"))
    assert await run_section(console, evaluation, section) is None
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "A9 nowhere: skipped, nowhere_zh is not in" in said
    assert "RAPPORT_EVAL_DATA" in said


async def test_a_list_of_texts_is_read_once_also_in_the_next_run(evaluation: Evaluation) -> None:
    rows = await evaluation.embed_queries(["a", "bb", "a"])
    assert rows.tolist() == [[1, 1], [2, 1], [1, 1]]
    again = Evaluation(evaluation.embedder, places=evaluation.places, cache=evaluation._cache)
    readings = await again.read_queries(["a", "bb", "a"])
    assert [reading.row.tolist() for reading in readings] == rows.tolist()
    assert [reading.tokens.shape for reading in readings] == [(1, 2), (2, 2), (1, 2)]
    assert evaluation.embedder.asked == ["a", "bb", "a"]  # type: ignore[attr-defined]
    assert await again.read_queries([]) == []


def test_quick_takes_every_nth(evaluation: Evaluation) -> None:
    assert evaluation.some(range(10), 3) == list(range(10))
    evaluation.quick = True
    assert evaluation.some(range(10), 3) == [0, 4, 8]
    assert evaluation.some([], 3) == []


def test_a_figure_is_held_against_target_and_floor_as_it_is_printed() -> None:
    assert Row(claim="precision", figure=0.9496, target=0.95, floor=0.95).met
    assert not Row(claim="precision", figure=0.9494, target=0.95).met
    assert not Row(claim="precision", figure=0.9494, floor=0.95).stands
    assert Row(claim="error", figure=0.05, target=0.05, floor=0.05, at_most=True).met
    assert not Row(claim="error", figure=0.051, floor=0.05, at_most=True).stands
    assert Row(claim="n", figure=1).met is None
    assert Row(claim="n", figure=1).stands


def test_results_are_merged_kept_per_version_and_shown_beside_the_last(tmp_path: Path) -> None:
    async def run(_: Evaluation) -> Outcome:
        raise NotImplementedError

    older = tmp_path / "versions" / "0.0.9.json"
    older.parent.mkdir()
    rows = [{"claim": "MRR@10", "figure": 0.5}]
    older.write_text(json.dumps({"sections": {"one": {"claim": "A1", "rows": rows}}}))
    results = read_results(tmp_path / "results.json")
    one, two = (Section(claim="A1", name=name, run=run) for name in ("one", "two"))
    outcome = Outcome(rows=[Row(claim="MRR@10", figure=0.61234, target=0.6, reference="0.55 (lab)", n=7)])
    take_in(results, two, outcome, model="m", quick=False)
    write_results(results, folder=tmp_path)
    results = read_results(tmp_path / "results.json")
    take_in(results, one, outcome, model="m", quick=False)
    write_results(results, folder=tmp_path)
    kept = read_results(tmp_path / "results.json")
    assert list(kept["sections"]) == ["one", "two"]
    assert kept["sections"]["one"]["rows"][0]["figure"] == 0.612
    assert (tmp_path / "versions" / f"{kept['version']}.json").read_text() == (
        tmp_path / "results.json"
    ).read_text()
    assert read_previous(tmp_path) == {("one", "MRR@10"): 0.5}
    console = Console(file=StringIO(), width=200)
    show_table(console, kept, read_previous(tmp_path))
    (line, other) = [line for line in console.file.getvalue().splitlines() if "MRR@10" in line]  # type: ignore[attr-defined]
    assert [cell.strip() for cell in line.split("│")[1:-1]] == [
        *("A1", "one", "MRR@10", "7", "0.612", "≥ 0.6", "0.5", "0.55 (lab)")
    ]
    assert "two" in other


def test_measures_of_ranks() -> None:
    found = measure([[1], [2], [], [4, 5]], [1, 1, 1, 2])
    assert found.mrr_10 == pytest.approx((1 + 1 / 2 + 0 + 1 / 4) / 4)
    assert (found.recall_1, found.recall_5, found.n) == (0.25, 0.75, 4)
    last = (1 / np.log2(5) + 1 / np.log2(6)) / (1 + 1 / np.log2(3))
    assert found.ndcg_10 == pytest.approx((1 + 1 / np.log2(3) + 0 + last) / 4)


def test_risk_falls_on_equal_confidences_together() -> None:
    coverage, risk = coverage_and_risk([(0.9, True), (0.5, False), (0.5, True), (0.1, False)])
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])


def test_the_picture_of_the_same_curve_is_the_same_file(tmp_path: Path) -> None:
    curves = {"zh": [(0.9, True), (0.4, False)], "en": [(0.8, True), (0.2, True)]}
    for name in ("first.svg", "second.svg"):
        draw_coverage_risk("answers", curves, tmp_path / name)
    drawn = (tmp_path / "first.svg").read_text(encoding="utf-8")
    assert drawn == (tmp_path / "second.svg").read_text(encoding="utf-8")
    assert all(words in drawn for words in ("zh (n=2)", "en (n=2)", "coverage: share of questions answered"))
