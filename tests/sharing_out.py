"""How the suite's files are shared out between the processes that run it (``--dist loadfile``).

xdist begins with the files of many tests, which says nothing of how long they take: the longest wait for
processes that are killed and restarted, and have one test. Here the longest come first. What costs each
process half a minute of its processor is made by one: the model with the index of the help centre, and the
demo house of the browsers.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

WITH_THE_MODEL = ("tests/assistant/", "tests/knowledge/")
WITH_A_DEMO_HOUSE = ("tests/e2e/",)

LONGEST_FIRST = (
    *WITH_THE_MODEL,
    *WITH_A_DEMO_HOUSE,
    "tests/eval/test_floors.py",
    "tests/leaks/test_leaks.py",
    "tests/sync_proof/test_histories.py",
    "tests/fuzz/test_fuzz.py",
    "tests/notifications/test_outage.py",
    "tests/notifications/test_crash.py",
    "tests/sync_proof/test_missed.py",
    "tests/phones/",
)
"""What takes longest, or waits longest for processes of its own; a folder stands for all of its files."""


class SharingOut(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Give a process a file at a time, in the order of collection, or a part of several."""

    def __init__(self, config: pytest.Config, log: Producer | None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # would put the files of many tests first again

    def _split_scope(self, nodeid: str) -> str:
        return part_of(super()._split_scope(nodeid))


def part_of(file: str) -> str:
    """Return what is given to a process as one: the file, or all that needs the same costly thing."""
    for together in (WITH_THE_MODEL, WITH_A_DEMO_HOUSE):
        if file.startswith(together):
            return together[0]
    return file


def put_longest_first(items: list[pytest.Item]) -> None:
    """Sort ``items``; those of one file stay together and in order."""
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    places = (place for place, start in enumerate(LONGEST_FIRST) if nodeid.startswith(start))
    return next(places, len(LONGEST_FIRST))
