"""Who wants what over which channel: workspace < team < person. Pure.

The more specific layer wins; within one, the rule for a type beats the one for any type. A layer that says
nothing of a matter leaves it to the next.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from notifications.catalogue import DIGEST, NotificationType, Pace
from notifications.pacing import next_digest
from notifications.rules import QuietHours, first_moment_outside

V = TypeVar("V")

ANY_TYPE = "*"
USUAL = "usual"  # the layer of the house
USUAL_DIGEST = (time(9), time(17))


class Handling(StrEnum):
    """What is done with a type on a channel."""

    OFF = "off"
    AT_ONCE = "at_once"
    DIGEST = "digest"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What a workspace, a team or a person has said. ``name`` is how the log calls it.

    ``handling`` is by (type, channel), ``paces`` by type. ``quiet_hours``: None says nothing,
    ``is_never_quiet`` that there are none.
    """

    name: str
    handling: Mapping[tuple[str, str], Handling] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    quiet_hours: QuietHours | None = None
    is_never_quiet: bool = False
    digest_at: tuple[time, ...] = ()
    paces: Mapping[str, Pace] = field(default_factory=dict)
    is_private: bool | None = None
    ahead: Mapping[str, timedelta] = field(default_factory=dict)

    def handles(self, type: str, channel: str) -> Handling | None:
        """Return what this layer says of a type on a channel."""
        exact = self.handling.get((type, channel))
        if exact is None and type in self.muted and channel != "in_app":
            return Handling.OFF
        return exact or self.handling.get((ANY_TYPE, channel))

    def pace(self, type: str) -> Pace | None:
        return self.paces.get(type) or self.paces.get(ANY_TYPE)


@dataclass(frozen=True)
class Ruling:
    """What is done with a type on a channel, and which layer says so."""

    handling: Handling
    rule: str


@dataclass(frozen=True)
class Wishes:
    """All layers that hold for one person, the most specific first."""

    layers: tuple[Layer, ...]

    def ruling(self, type: NotificationType, channel: str) -> Ruling:
        """Return what is done with ``type`` on ``channel``. What is critical is never gathered."""
        handling, rule = self._first(lambda layer: layer.handles(type.key, channel), usually(type, channel))
        if handling is Handling.DIGEST and (type.critical or channel == "in_app"):
            handling = Handling.AT_ONCE
        return Ruling(handling, rule)

    def quiet_hours(self) -> tuple[QuietHours | None, str]:
        """Return the quiet hours, if there are any, and the layer that says so."""
        for layer in self.layers:
            if layer.is_never_quiet or layer.quiet_hours is not None:
                return (None if layer.is_never_quiet else layer.quiet_hours), layer.name
        return None, USUAL

    def digest_at(self) -> tuple[tuple[time, ...], str]:
        """Return the times of day at which digests leave."""
        return self._first(lambda layer: layer.digest_at or None, USUAL_DIGEST)

    def pace(self, type: NotificationType) -> tuple[Pace, str]:
        """Return how often the person may be interrupted by ``type``."""
        return self._first(lambda layer: layer.pace(type.key), type.pace)

    def is_private(self) -> bool:
        """Tell whether what leaves the house says nothing of what it is about."""
        return self._first(lambda layer: layer.is_private, False)[0]

    def ahead(self, type_key: str, usual: timedelta) -> timedelta:
        """Return how long before (or after) its date a reminder of this type comes."""
        return self._first(lambda layer: layer.ahead.get(type_key), usual)[0]

    def _first(self, says: Callable[[Layer], V | None], otherwise: V) -> tuple[V, str]:
        for layer in self.layers:
            said = says(layer)
            if said is not None:
                return said, layer.name
        return otherwise, USUAL


def usually(type: NotificationType, channel: str) -> Handling:
    """Return what is done where nobody has said anything."""
    if channel == "email":
        return Handling.AT_ONCE if type.by_mail else Handling.OFF
    return Handling.AT_ONCE


def in_order(person: Layer | None, teams: Sequence[Layer], workspace: Layer | None) -> Wishes:
    """Return a person's wishes; of several teams the first (in the person's order) that says something."""
    return Wishes(tuple(layer for layer in (person, *teams, workspace) if layer is not None))


@dataclass(frozen=True)
class Plan:
    """When something may leave at the earliest, when it is given up, and what it waits for by whose rule.

    What ``is_gathered`` leaves with others, in one.
    """

    not_before: datetime
    expires_at: datetime
    reason: str = ""
    rule: str = ""
    is_gathered: bool = False


def plan(
    type: NotificationType,
    ruling: Ruling,
    wishes: Wishes,
    *,
    at: datetime,
    zone: ZoneInfo,
    allowed_at: datetime | None = None,
) -> Plan:
    """Return when to tell what happened at ``at``; ``allowed_at`` is the person's next turn, if they wait."""
    if type.critical:
        return Plan(at, at + type.lives)
    if ruling.handling is Handling.DIGEST:
        times, _ = wishes.digest_at()
        end = _awake(wishes, next_digest(times, after=at, zone=zone), zone)[0]
        return Plan(end, end + DIGEST.lives, "digest", ruling.rule, is_gathered=True)
    if allowed_at is not None and allowed_at > at:
        turn = _awake(wishes, allowed_at, zone)[0]
        return Plan(turn, turn + DIGEST.lives, "throttled", wishes.pace(type)[1], is_gathered=True)
    awake, rule = _awake(wishes, at, zone)
    held = ("quiet_hours", rule) if awake > at else ("", "")
    return Plan(awake, awake + type.lives, *held)


def _awake(wishes: Wishes, at: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    quiet, rule = wishes.quiet_hours()
    return (first_moment_outside(quiet, at=at, zone=zone) if quiet else at), rule
