"""Sync pings: wake a phone that is away when there is something for it to pull, within what platforms allow.

A ping says nothing of any record. It goes to a device that has registered within the month, whose session
listens to no stream, has pulled before, and lacks something that it may read. Vendors keep one for a device
that is off, so a device that does not answer is woken more and more seldom.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from backend.core.access import Actor, system_actor
from backend.core.clock import Clock
from backend.core.errors import Unauthenticated
from backend.core.ids import derived_id
from backend.core.presence import Presence, Whereabouts
from backend.core.reading import scopes_of
from backend.core.records import REGISTRY, Record
from backend.core.store import Store
from backend.identity.actors import Actors
from notifications.documents import Delivery, DeliverySort, Device, NotificationChannel, Platform
from notifications.pacing import LONGEST_DEBOUNCE, Woken, wake
from notifications.queueing import add_deliveries, keep_woken, woken_device

log = structlog.get_logger(__name__)

COLLAPSE_KEY = "sync"
LIVES = timedelta(days=7)  # longer, and the person has opened the app themselves
WOKEN_PLATFORMS = (Platform.ANDROID.value, Platform.IOS.value)  # browsers show something for each push


class Pinger:
    """Decides which phones to wake, in this process. ``look`` is harmless when there is nothing new."""

    def __init__(
        self, store: Store, actors: Actors, *, presence: Presence | None = None, clock: Clock | None = None
    ) -> None:
        self._store, self._actors = store, actors
        self._presence, self._clock = presence or store.presence, clock or store.clock
        self._behind = store.bell.follow()  # the workspaces with commits that were not looked at
        # By workspace and device: up to which commit it lacks nothing, and when to look at it again.
        self._clear: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._until: defaultdict[str, dict[str, datetime]] = defaultdict(dict)

    async def look(self) -> int:
        """Wake whom there is to wake; return how many."""
        await self._store.bell.look()
        woken = 0
        for workspace_id in sorted(self._behind | self._due()):
            self._behind.discard(workspace_id)
            try:
                woken += await self._look_at(workspace_id, self._store.bell.newest(workspace_id))
            except BaseException:
                self._behind.add(workspace_id)
                raise
        return woken

    def _due(self) -> set[str]:
        """Return the workspaces in which the time of a device has come; also when the clock was set back."""
        now = self._clock.now()
        return {
            workspace_id
            for workspace_id, times in self._until.items()
            if any(until <= now or until > now + LONGEST_DEBOUNCE for until in times.values())
        }

    async def _look_at(self, workspace_id: str, newest: int) -> int:
        house = self._store.unit_of_work(system_actor(workspace_id))
        devices = await house.find(Device, {"platform": {"$in": WOKEN_PLATFORMS}, "value": {"$ne": ""}})
        self._forget_others(workspace_id, {one.id for one in devices})
        away = [one for one in devices if one.channel is NotificationChannel.PUSH and self._may_be_due(one)]
        now = self._clock.now()
        away = [one for one in away if one.stale_at is None or now < one.stale_at]
        away = [one for one in away if self._clear[workspace_id].get(one.id, 0) < newest]
        if not away:
            return 0
        found = await self._presence.of_sessions([one.session_id for one in away])
        pings = []
        for device in away:
            phone = found.get(device.session_id)
            if phone is not None and not phone.is_listening:
                ping = await self._ping(device, phone, newest)
                pings += [ping] if ping else []
        await add_deliveries(pings)
        return len(pings)

    def _forget_others(self, workspace_id: str, device_ids: Collection[str]) -> None:
        """Forget what was known of devices that are not there any more."""
        for known in (self._clear[workspace_id], self._until[workspace_id]):
            for id in known.keys() - device_ids:
                del known[id]
        if not device_ids:
            del self._clear[workspace_id], self._until[workspace_id]

    def _may_be_due(self, device: Device) -> bool:
        until, now = self._until[device.workspace_id].get(device.id), self._clock.now()
        return until is None or until <= now or until > now + LONGEST_DEBOUNCE

    async def _ping(self, device: Device, phone: Whereabouts, newest: int) -> Delivery | None:
        """Return the ping for a device that is behind, when it may be woken now."""
        now = self._clock.now()
        before = await woken_device(device.id)
        known = Woken(before.at, before.unanswered, before.full_at) if before else None
        has_answered = before is not None and phone.pulled_at > before.at
        at, kept = wake(known, platform=device.platform.value, now=now, has_answered=has_answered)
        if kept is None:
            self._until[device.workspace_id][device.id] = at
            return None
        self._until[device.workspace_id].pop(device.id, None)
        if not await self._lacks_something(device, phone.seqs, newest):
            self._clear[device.workspace_id][device.id] = newest
            return None
        await keep_woken(device.id, device.workspace_id, kept)
        return Delivery(
            id=derived_id("ping", device.id, now.isoformat()),
            workspace_id=device.workspace_id,
            sort=DeliverySort.SYNC,
            channel=NotificationChannel.PUSH,
            type=DeliverySort.SYNC.value,
            user_id=device.owner_id or "",
            device_id=device.id,
            collapse_key=COLLAPSE_KEY,
            priority="normal",
            raised_at=now,
            not_before=now,
            next_at=now,
            expires_at=now + LIVES,
        )

    async def _lacks_something(self, device: Device, seqs: Mapping[str, int], newest: int) -> bool:
        """Tell whether anything that the device's session may read is newer than what it has."""
        try:
            actor = await self._actors.of_session(
                device.workspace_id, device.owner_id or "", session_id=device.session_id
            )
        except Unauthenticated:
            return False
        behind = {kind: seq for kind, seq in seqs.items() if seq < newest and kind in REGISTRY}
        if not behind:
            return False
        changed = await self._store.reader.kinds_changed(
            device.workspace_id, after=min(behind.values()), until=newest
        )
        for kind, seq in behind.items():
            if (changed is None or kind in changed) and await self._has_news(
                actor, REGISTRY[kind], seq, newest
            ):
                return True
        return False

    async def _has_news(self, actor: Actor, record: type[Record], after: int, until: int) -> bool:
        reader = self._store.reader
        news: list[Any] = await reader.by_version(
            actor, record, after=after, until=until, most=1, newest_first=True
        )
        if news:
            return True
        scopes = scopes_of(actor, record)
        return bool(await reader.departed(actor.workspace_id, record.kind, scopes, after=after, until=until))
