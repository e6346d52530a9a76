"""Histories: what happens to people, records and phones, made from a seed; and the shortest that still fails.

A step names its subjects by numbers that are reduced to what is there (the third of the records on that
phone), so a history stays one when steps are taken out of it.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.sync_proof.phone import Fault

PHONES = 8
PEOPLE = ("rep", "colleague", "stranger")
LENGTH = (12, 28)  # steps, beside those that begin with something to work on
AHEAD = (timedelta(0), timedelta(days=1), timedelta(days=-1))

# What may happen, and how often. The first are the person's with a phone in hand, then the network's and
# the phone's own mishaps, then what admins and colleagues do on the server, at last the server's own.
DEEDS = {
    "change": 26,
    "create": 9,
    "delete": 4,
    "spoil": 2,
    "toggle": 3,
    "push": 16,
    "pull": 14,
    "pull_and_die": 4,
    "relaunch": 3,
    "replay": 3,
    "race": 5,
    "share": 5,
    "unshare": 4,
    "owner": 4,
    "record_teams": 4,
    "teams": 4,
    "role": 4,
    "rule": 2,
    "edit": 6,
    "remove": 3,
    "restart": 1,
    "restore": 2,
}
FAULTS = {Fault.NONE: 6, Fault.LOST: 4, Fault.TWICE: 2, Fault.REVERSED: 2, Fault.KEPT: 2}


@dataclass(frozen=True)
class Step:
    """One thing that happens; what the numbers mean is the deed's (``World``)."""

    deed: str
    phone: int = 0
    pick: int = 0
    value: int = 0
    fault: Fault = Fault.NONE

    def __str__(self) -> str:
        fault = f" {self.fault.value}" if self.deed in ("push", "race") else ""
        return f"{self.deed}{fault} phone={self.phone} pick={self.pick} value={self.value}"


def make_history(seed: int) -> list[Step]:
    """Return the steps of one history: always the same for one seed."""
    chance = random.Random(seed)
    beginning = [Step("create", phone=n, pick=n, value=n) for n in range(0, PHONES, 2)]
    beginning += [Step("push", phone=n) for n in range(0, PHONES, 2)]
    beginning += [Step("pull", phone=n) for n in range(1, PHONES, 2)]
    return beginning + [_step(chance) for _ in range(chance.randint(*LENGTH))]


def _step(chance: random.Random) -> Step:
    (deed,) = chance.choices(list(DEEDS), list(DEEDS.values()))
    (fault,) = chance.choices(list(FAULTS), list(FAULTS.values()))
    return Step(deed, chance.randrange(PHONES), chance.randrange(64), chance.randrange(64), fault)


Fails = Callable[[Sequence[Step]], Awaitable[bool]]


async def shortest(steps: Sequence[Step], fails: Fails, *, tries: int = 60) -> list[Step]:
    """Return a history that still fails and from which no single step can be left out, within ``tries``.

    Source: A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
    """
    kept, size = list(steps), max(1, len(steps) // 2)
    while tries > 0:
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            tries -= 1
            if len(rest) < len(kept) and await fails(rest):
                kept = rest
                break
        else:
            if size == 1:
                return kept
            size //= 2
            continue
        size = min(size, max(1, len(kept) // 2))
    return kept
