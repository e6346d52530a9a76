"""docs/coverage.md speaks of every requirement, once, and names only tests that are there."""

import re
from pathlib import Path

GROUPS = {
    "A": 15,
    "B": 12,
    "C": 6,
    "D": 7,
    "E": 12,
    "F": 14,
    "G": 11,
    "H": 6,
    "I": 6,
    "J": 6,
    "K": 5,
    "L": 10,
    "M": 7,
}
STATES = {"yes", "part", "documented", "not yet"}
ROW = re.compile(r"^\| ([A-M]\d+) \| (.+?) \| (.+?) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)


def rows(repository: Path) -> list[tuple[str, ...]]:
    return ROW.findall((repository / "docs" / "coverage.md").read_text(encoding="utf-8"))


def test_every_requirement_stands_there_once(repository: Path) -> None:
    wanted = [f"{group}{number}" for group, most in GROUPS.items() for number in range(1, most + 1)]
    assert len(wanted) == 117
    assert [row[0] for row in rows(repository)] == wanted


def test_each_has_a_state_and_what_is_there_is_shown_by_something(repository: Path) -> None:
    for id, _, state, shown_by, _ in rows(repository):
        assert state in STATES, id
        assert bool(shown_by.strip()) == (state != "not yet"), id
        for path in re.findall(r"tests/[\w/.]+", shown_by):
            assert (repository / path).exists(), f"{id} names {path}"


def test_every_decision_is_listed(repository: Path) -> None:
    folder = repository / "docs" / "adr"
    listed = re.findall(
        r"^\| \[\d{4}\]\((.+?)\)", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
