"""The notifications room's page."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
import svcs

from backend.core.access import Level, grant
from backend.core.alerts import Telling
from backend.core.events import AccessChanged, RecordCreated, RecordDeleted, RecordUpdated
from backend.core.jobs import Job
from backend.core.module import Module
from backend.core.store import Store
from backend.identity.actors import Actors
from backend.identity.events import SessionEnded
from notifications.channels.documents import NotificationEndpoint
from notifications.channels.unsubscribing import router as unsubscribing
from notifications.devices import drop_stale_devices, on_session_ended
from notifications.documents import (
    Delivery,
    Device,
    DueDate,
    Notification,
    NotificationPolicy,
    NotificationPreference,
    NotificationTemplate,
    SyncPing,
    TurnBucket,
)
from notifications.events import NotificationRaised, NotificationRead
from notifications.graphql import MUTATIONS, QUERIES, SUBSCRIPTIONS
from notifications.occasions import listeners
from notifications.outlets import provide_sending
from notifications.pings import Pinger
from notifications.planning import on_notification_raised
from notifications.queue_figures import LOOK_EVERY, QueueFigures, look_at_queue, tell_status
from notifications.queueing import drop_expired
from notifications.reminders import Reminders
from notifications.resending import on_readers_changed
from notifications.retracting import on_notification_read
from notifications.sending import DeliveryWorker
from notifications.synced import NOTIFICATIONS

log = structlog.get_logger(__name__)

TICK = timedelta(seconds=5)
LOOK_FOR_DUE = timedelta(seconds=30)

# Everybody's own, admins included: an inbox and a device concern nobody else.
MINE = grant(read=Level.OWN, create=Level.OWN, update=Level.OWN, delete=Level.OWN)
KINDS = {record.kind: MINE for record in (Notification, Device, NotificationPreference, NotificationEndpoint)}
ALL, TEAM = Level.ALL, Level.TEAM
POLICY, WORDS = NotificationPolicy.kind, NotificationTemplate.kind
SET = grant(read=ALL, create=ALL, update=ALL)
ROLES = {
    "admin": KINDS | {POLICY: SET, WORDS: SET},
    "manager": KINDS | {POLICY: grant(read=ALL, create=TEAM, update=TEAM)},
    "rep": KINDS | {POLICY: grant(read=ALL)},
    "agent": KINDS | {POLICY: grant(read=ALL)},
    "customer": KINDS,
}


def provide(registry: svcs.Registry) -> None:
    """Register what sends, and the pinger. They open nothing before something is due."""
    store, actors = svcs.Container(registry).get(Store, Actors)
    provide_sending(registry)
    registry.register_value(QueueFigures, QueueFigures())
    registry.register_value(Pinger, Pinger(store, actors))


async def wake_worker(services: svcs.Container) -> None:
    """Let the worker look for what has come due: retries, ends of quiet hours, leases of the dead."""
    (await services.aget(DeliveryWorker)).wake()


async def wake_phones(services: svcs.Container) -> None:
    """Wake phones that lack something, and the worker for them."""
    if await (await services.aget(Pinger)).look():
        (await services.aget(DeliveryWorker)).wake()


async def give_up_late_ones(services: svcs.Container) -> None:
    """Give up on what has outlived its use, before a worker takes it in hand."""
    store = await services.aget(Store)
    if dropped := await drop_expired(now=store.clock.now()):
        log.info("deliveries_expired", count=dropped)


def make_module(telling: Sequence[Telling]) -> Module:
    """Return the room that tells people what the other rooms declare."""
    reminders = Reminders([reminder for one in telling for reminder in one.reminders])

    async def remind(services: svcs.Container) -> None:
        await reminders.tell_what_is_due(services)

    def provide_all(registry: svcs.Registry) -> None:
        provide(registry)
        registry.register_value(Reminders, reminders)

    return Module(
        name="notifications",
        documents=(
            Notification,
            Device,
            NotificationPreference,
            NotificationPolicy,
            NotificationTemplate,
            NotificationEndpoint,
        ),
        other_documents=(Delivery, TurnBucket, DueDate, SyncPing),
        queries=QUERIES,
        mutations=MUTATIONS,
        subscriptions=SUBSCRIPTIONS,
        routes=(unsubscribing,),
        listens={
            **listeners(telling),
            "notifications.devices": (on_session_ended, (SessionEnded,)),
            "notifications.plan": (on_notification_raised, (NotificationRaised,)),
            "notifications.readers": (on_readers_changed, (AccessChanged, RecordUpdated, RecordDeleted)),
            "notifications.read": (on_notification_read, (NotificationRead,)),
            "notifications.dates": (reminders.on_changed, (RecordCreated, RecordUpdated, RecordDeleted)),
        },
        jobs=(
            Job(name="notifications.deliver", every=TICK, run=wake_worker),
            Job(name="notifications.sync_pings", every=TICK, run=wake_phones),
            Job(name="notifications.remind", every=LOOK_FOR_DUE, run=remind),
            Job(name="notifications.stale_devices", every=timedelta(days=1), run=drop_stale_devices),
            Job(name="notifications.figures", every=LOOK_EVERY, run=look_at_queue),
            Job(name="notifications.expire", every=timedelta(minutes=1), run=give_up_late_ones),
        ),
        roles=ROLES,
        synced=(NOTIFICATIONS,),
        provide=provide_all,
        status=tell_status,
    )
