"""What happened elsewhere in the house, and who is told about it: as the rooms declare it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.alerts import Alert, Mentioning, Telling, heading_of
from backend.core.events import DomainEvent, RecordUpdated
from backend.core.module import Listener
from backend.core.records import Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from notifications.catalogue import CATALOGUE, DEVICE_TAKEN
from notifications.events import DeviceTaken
from notifications.inbox import notify
from notifications.mentions import excerpt, mentioned_in
from notifications.telling import Occasion, Teller

OLDEST = timedelta(days=14)
"""What happened longer ago is nobody's news: a listener that is new to a house reads its whole ledger."""


def listeners(telling: Sequence[Telling]) -> dict[str, tuple[Listener, Sequence[type[DomainEvent]]]]:
    """Return what raises notifications, by lasting names, as the rooms declare it."""
    alerts = [alert for one in telling for alert in one.alerts]
    mentioning = [found for one in telling for found in one.mentioning]
    unknown = sorted({alert.type for alert in alerts} - CATALOGUE.keys())
    if unknown:
        raise ValueError(f"no type of notification is called {', '.join(unknown)}; see catalogue.py")
    events = tuple(dict.fromkeys(alert.event for alert in alerts))
    written = tuple(dict.fromkeys(one.written for one in mentioning))
    return {
        "notifications.inbox": (partial(on_occasion, alerts), events),
        "notifications.mentions": (partial(on_written, mentioning), (*written, RecordUpdated)),
        "notifications.device_taken": (on_device_taken, (DeviceTaken,)),
    }


async def on_occasion(alerts: Sequence[Alert], handed: relay.Delivery, services: svcs.Container) -> None:
    """Tell whom it concerns. Handed over twice, it tells once."""
    for alert in alerts:
        if alert.event is type(handed.event) and (
            alert.record_id is not None or handed.entry.kind == alert.about.kind
        ):
            await _raise(alert, handed, services)


async def _raise(alert: Alert, handed: relay.Delivery, services: svcs.Container) -> None:
    entry, event = handed.entry, handed.event
    store, actors = await services.aget(Store, Actors)
    if store.clock.now() - entry.at > OLDEST:
        return
    teller = Teller(store, actors)
    record_id = alert.record_id(event) if alert.record_id else entry.record_id
    uow = teller.house(entry.workspace_id)
    record = await uow.find_one(alert.about, {"_id": record_id})
    if record is None or not alert.when(event, record):
        return
    occasion = Occasion(
        workspace_id=entry.workspace_id,
        type=alert.type,
        about=alert.about,
        record_id=record_id,
        key=entry.key,
        at=entry.at,
        by=entry.actor_id,
    )
    by = await teller.name_of(entry.workspace_id, entry.actor_id)

    def words(seen: Record) -> Mapping[str, Any]:
        return {"subject": alert.heading(seen), "by": by, **alert.words(event, seen)}

    for user_id in dict.fromkeys(await alert.tells(uow, event, record)):
        if user_id:
            await teller.tell(occasion, user_id, words, is_moot=alert.is_moot)


async def on_written(
    mentioning: Sequence[Mentioning], handed: relay.Delivery, services: svcs.Container
) -> None:
    """Tell who is mentioned in a text: once a record, however often it is written anew."""
    entry = handed.entry
    found = [one for one in mentioning if one.about.kind == entry.kind]
    if not found or not _touches(found[0], handed.event):
        return
    store, actors = await services.aget(Store, Actors)
    if store.clock.now() - entry.at > OLDEST:
        return
    teller, one = Teller(store, actors), found[0]
    uow = teller.house(entry.workspace_id)
    record = await uow.find_one(one.about, {"_id": entry.record_id})
    if record is None or not one.when(record):
        return
    text = "\n".join(str(getattr(record, name)) for name in one.texts)
    people = mentioned_in(text)
    if not people:
        return
    occasion = Occasion(
        workspace_id=entry.workspace_id,
        type="mentioned",
        about=one.about,
        record_id=entry.record_id,
        key=f"mention|{entry.kind}|{entry.record_id}",
        at=entry.at,
        by=entry.actor_id,
    )
    by = await teller.name_of(entry.workspace_id, entry.actor_id)

    def words(seen: Record) -> Mapping[str, Any]:
        said = "\n".join(str(getattr(seen, name) or "") for name in one.texts)
        return {"subject": heading_of(seen) or excerpt(said), "by": by}

    for user_id in people:
        await teller.tell(occasion, user_id, words)


def _touches(one: Mentioning, event: DomainEvent) -> bool:
    if not isinstance(event, RecordUpdated):
        return isinstance(event, one.written)
    return not set(one.texts).isdisjoint(event.fields)


async def on_device_taken(handed: relay.Delivery, services: svcs.Container) -> None:
    """Tell whose device it was that somebody else signed in on it."""
    event, entry = handed.event, handed.entry
    assert isinstance(event, DeviceTaken)
    store = await services.aget(Store)

    async def write(uow: UnitOfWork) -> Record | None:
        words = {"platform": PLATFORMS.get(event.platform, event.platform)}
        return await notify(uow, DEVICE_TAKEN, recipient_id=event.former_owner_id, key=entry.key, words=words)

    await store.write(system_actor(entry.workspace_id), write)


PLATFORMS = {"android": "Android", "ios": "iOS", "web": "web"}
