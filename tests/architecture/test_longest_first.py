"""The suite's longest files come first, and the order of the tests in a file stays."""

import os
from pathlib import Path

import pytest

from tests.longest_first import ORDER, put_longest_first


def test_what_is_named_as_long_is_there(repository: Path) -> None:
    assert [name for name in ORDER if not (repository / name).is_file()] == []
    assert len(set(ORDER)) == len(ORDER)


class _Named(pytest.Item):
    """A test of which nothing but its name matters."""

    def runtest(self) -> None:
        raise AssertionError("never run")


def test_the_longest_come_first_and_files_stay_whole(request: pytest.FixtureRequest) -> None:
    long, longer = ORDER[1], ORDER[0]
    given = ["tests/a.py::b", "tests/a.py::a", f"{long}::c", "tests/b.py::a", f"{longer}::b", f"{longer}::a"]
    items: list[pytest.Item] = [_Named.from_parent(request.session, name=name, nodeid=name) for name in given]
    put_longest_first(items)
    assert [item.nodeid for item in items] == [
        *(f"{longer}::b", f"{longer}::a", f"{long}::c"),
        *("tests/a.py::b", "tests/a.py::a", "tests/b.py::a"),
    ]


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process alone keeps the given order")
def test_the_suite_itself_is_in_that_order(request: pytest.FixtureRequest) -> None:
    files = [item.nodeid.partition("::")[0] for item in request.session.items]
    ranks = [ORDER.index(name) if name in ORDER else len(ORDER) for name in files]
    assert ranks == sorted(ranks)


def test_make_test_keeps_the_order(repository: Path) -> None:
    run = (repository / "Makefile").read_text(encoding="utf-8")
    assert "--dist loadfile --no-loadscope-reorder" in run
