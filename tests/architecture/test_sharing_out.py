"""The longest files of the suite come first, and what needs the model stays in one process."""

from pathlib import Path

import pytest

from tests.sharing_out import (
    LONGEST_FIRST,
    WITH_A_DEMO_HOUSE,
    WITH_THE_MODEL,
    part_of,
    put_longest_first,
)


def test_what_is_named_as_long_is_there(repository: Path) -> None:
    assert [name for name in LONGEST_FIRST if not (repository / name).exists()] == []


def test_the_longest_come_first_and_files_stay_whole(request: pytest.FixtureRequest) -> None:
    items = list(request.session.items)
    before: dict[str, list[str]] = {}
    for item in items:
        before.setdefault(item.nodeid.partition("::")[0], []).append(item.nodeid)
    put_longest_first(items)
    after: dict[str, list[str]] = {}
    last = ""
    for item in items:
        file = item.nodeid.partition("::")[0]
        assert file == last or file not in after, f"{file} is torn in two"
        after.setdefault(file, []).append(item.nodeid)
        last = file
    assert after == before


@pytest.mark.parametrize("together", [WITH_THE_MODEL, WITH_A_DEMO_HOUSE])
def test_what_needs_the_same_costly_thing_is_one_part(together: tuple[str, ...]) -> None:
    assert len({part_of(f"{room}test_{name}.py") for room in together for name in "ab"}) == 1


def test_other_files_are_each_their_own_part() -> None:
    assert part_of("tests/sales/test_quotes.py") == "tests/sales/test_quotes.py"
