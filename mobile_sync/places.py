"""Where phones are, in a number: the commit that a phone has everything up to, and a mark of the rest.

WatermelonDB keeps one integer and nothing else; the native protocol keeps the same integer, signed. The
rest (scopes, field rules, what is still on its way) is the same for every phone of a person that is up to
date, so it is stored once under a mark derived from it, and a pull writes only when the mark is new
(docs/adr/0009). The mark has 20 bits and the commit 33: together what JavaScript holds exactly.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from pymongo.errors import DuplicateKeyError

from backend.core.access import Actor
from backend.core.clock import Clock
from backend.core.errors import CheckpointExpired, FieldError, InvalidInput
from mobile_sync.cursor import Cursor, owner_mark
from mobile_sync.documents import SyncPlace
from mobile_sync.feed import Place

MARK_BITS = 20
MARKS = (1 << MARK_BITS) - 1
SETTLED_LIFE = timedelta(days=800)  # begun anew at half of it: a phone may stay away for 400 days
WALK_LIFE = timedelta(days=30)  # in the middle of a first sync
MOST_REMEMBERED = 10_000
MOST_SALTS = 1_000

Cursors = Mapping[str, Mapping[str, Any]]


class Places:
    """Keep and find places; ``stored`` are those that this process knows to be stored."""

    def __init__(self, clock: Clock, stored: dict[str, SyncPlace]) -> None:
        self._clock, self._stored = clock, stored

    async def keep(self, actor: Actor, place: Place) -> int:
        """Return the number of ``place`` for phones of ``actor``, stored if it was not."""
        owner, cursors = _owner(actor), _written(place)
        body = orjson.dumps([place.epoch, cursors], option=orjson.OPT_SORT_KEYS)
        for salt in range(MOST_SALTS):
            mark = int.from_bytes(hashlib.sha256(b"%d|" % salt + body).digest()[:4]) & MARKS or 1
            if await self._is_stored(f"{owner}|{mark}", actor, place, cursors):
                return place.seq << MARK_BITS | mark
        raise AssertionError("no mark is free: a person has used up a million of them")

    async def find(self, actor: Actor, number: int) -> Place:
        """Return the place of ``number``; raise CheckpointExpired for one that is not (any more) known."""
        seq, mark = number >> MARK_BITS, number & MARKS
        found = await self._get(f"{_owner(actor)}|{mark}")
        if found is None:
            raise CheckpointExpired(
                "This place is not known here: it is too old, or another person's. Start again without it."
            )
        await self._renew(found)
        return Place(epoch=found.epoch, seq=seq, cursors=_read(found, seq))

    async def _is_stored(self, id: str, actor: Actor, place: Place, cursors: Cursors) -> bool:
        """Store a place unless it is there; False when another one has its id."""
        found = await self._get(id)
        if found is None:
            settled = all(cursor.seq >= cursor.since for cursor in place.cursors.values())
            found = SyncPlace(
                id=id,
                workspace_id=actor.workspace_id,
                epoch=place.epoch,
                cursors={name: dict(cursor) for name, cursor in cursors.items()},
                settled=settled,
                expires_at=self._clock.now() + (SETTLED_LIFE if settled else WALK_LIFE),
            )
            try:
                await found.insert()
            except DuplicateKeyError:  # another process was quicker: with the same place, or its like
                found = await SyncPlace.get(id) or found
            self._remember(found)
        return found.epoch == place.epoch and found.cursors == cursors

    async def _get(self, id: str) -> SyncPlace | None:
        found = self._stored.get(id)
        if found is None or found.expires_at <= self._clock.now():
            found = await SyncPlace.get(id)
            if found is not None:
                self._remember(found)
        return found

    async def _renew(self, found: SyncPlace) -> None:
        """Keep what is used: one write in half a lifetime."""
        now = self._clock.now()
        if found.settled and found.expires_at - now < SETTLED_LIFE / 2:
            found.expires_at = now + SETTLED_LIFE
            await found.save()

    def _remember(self, found: SyncPlace) -> None:
        if len(self._stored) >= MOST_REMEMBERED:
            self._stored.clear()
        self._stored[found.id] = found


def write_number(number: int, key: str, actor: Actor) -> str:
    """Return a place's number as a text that only its owner can use and nobody can change."""
    return f"{number:x}.{_signature(number, key, actor)}"


def read_number(text: str, key: str, actor: Actor) -> int:
    """Return the number in ``text``; raise InvalidInput for one that is not this person's own."""
    digits, _, signature = text.partition(".")
    try:
        number = int(digits, 16)
    except ValueError:
        number = -1
    if number < 0 or not hmac.compare_digest(signature.encode(), _signature(number, key, actor).encode()):
        raise InvalidInput(
            FieldError("cursor", "is not one of this server for you, or was changed; start again without")
        )
    return number


def _signature(number: int, key: str, actor: Actor) -> str:
    said = f"sync-place|{_owner(actor)}|{number}".encode()
    return hmac.new(key.encode(), said, hashlib.sha256).hexdigest()[:24]


def _owner(actor: Actor) -> str:
    return owner_mark(actor.workspace_id, actor.user_id, "*")


def _written(place: Place) -> dict[str, dict[str, Any]]:
    """Return the cursors as they are stored: one that is at the place says nothing of where it is."""
    return {name: _cursor(cursor, place.seq) for name, cursor in sorted(place.cursors.items())}


def _cursor(cursor: Cursor, seq: int) -> dict[str, Any]:
    said: dict[str, Any] = {"sc": list(cursor.scopes)}
    if cursor.seq != seq:
        said |= {"s": cursor.seq, "f": cursor.since, "g": list(cursor.gained)}
    if cursor.lost:
        said["l"] = list(cursor.lost)
    if cursor.fields:
        said["m"] = cursor.fields
    return said


def _read(found: SyncPlace, seq: int) -> dict[str, Cursor]:
    return {
        name: Cursor(
            epoch=found.epoch,
            seq=said.get("s", seq),
            since=said.get("f", seq),
            scopes=tuple(said["sc"]),
            gained=tuple(said.get("g", ())),
            lost=tuple(said.get("l", ())),
            fields=said.get("m", ""),
        )
        for name, said in found.cursors.items()
    }
