"""No figure falls below its floor: `make eval-floors` on what a run of the suite has time for.

In a process of its own: the sections open a house, and this one has the suite's.
"""

import pytest

from backend.core.settings import Settings
from eval import __main__ as evaluation
from eval.frame import Evaluation, Outcome, Row, Section, find_places
from tests.own_process import run_module

OWN = ("help centre", "rights")
PUBLIC = ("stackfaq en",)
PATIENCE_S = 400  # some 30 s each on a machine that does nothing else


async def evaluate(settings: Settings, *names: str) -> tuple[int | None, str]:
    """Run sections on samples with their floors; return the exit code and all that was said."""
    return await run_module(
        "eval",
        *(*names, "--quick", "--floors"),
        patience_s=PATIENCE_S,
        RAPPORT_DATA_DIR=str(settings.data_dir),
        MONGODB_URI="",
        COLUMNS="150",
        OMP_NUM_THREADS="1",
    )


async def test_the_projects_own_questions_and_the_probes_of_rights_keep_their_floors(
    settings: Settings,
) -> None:
    code, said = await evaluate(settings, *OWN)
    assert code == 0, said
    assert all(name in said for name in OWN)
    assert "skipped" not in said


async def test_retrieval_keeps_its_floors_where_public_data_is_at_hand(
    settings: Settings,
) -> None:
    if not any((place / "stackfaq_en").is_dir() for place in find_places()):
        pytest.skip("stackfaq_en is not at hand; docs/evaluation.md says where it comes from")
    code, said = await evaluate(settings, *PUBLIC)
    assert code == 0, said
    assert all(name in said for name in PUBLIC)
    assert "skipped" not in said


async def test_a_figure_below_its_floor_fails_the_run_and_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(_: Evaluation) -> Outcome:
        return Outcome(
            rows=[
                Row(claim="kept", figure=0.9, floor=0.9),
                Row(claim="fallen", figure=0.89, floor=0.9),
                Row(claim="too much", figure=1, floor=0, at_most=True),
            ]
        )

    made = Section(claim="A9", name="made up", run=run)
    monkeypatch.setattr(evaluation, "find_sections", lambda wanted: [made])
    monkeypatch.setenv("RAPPORT_DATA_DIR", str(settings.data_dir))
    fallen = await evaluation.run([], seed=1, quick=True, write=False)
    assert fallen == ["made up, fallen: 0.890", "made up, too much: 1.000"]
    assert "made up" in capsys.readouterr().out
