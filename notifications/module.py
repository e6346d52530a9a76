"""The notifications room's page."""

import os
import socket
from datetime import timedelta

import svcs

from backend.core.access import Level, grant
from backend.core.clock import Clock
from backend.core.ids import new_id
from backend.core.jobs import Job
from backend.core.module import Module
from backend.core.settings import Settings
from backend.core.store import Store
from backend.identity.actors import Actors
from backend.identity.events import SessionEnded
from notifications.channels.documents import NotificationEndpoint
from notifications.channels.graphql import ChannelMutation, ChannelQuery
from notifications.channels.provided import provide_channels
from notifications.devices import on_session_ended
from notifications.documents import Delivery, Device, Notification, NotificationPreference
from notifications.events import NotificationRaised
from notifications.firebase import FirebaseGateway
from notifications.gateways import PushGateway
from notifications.graphql import NotificationMutation, NotificationQuery, NotificationSubscription
from notifications.listening import OCCASIONS, on_occasion
from notifications.planning import on_notification_raised
from notifications.recording import RecordingGateway
from notifications.sending import DeliveryWorker
from notifications.synced import NOTIFICATIONS

TICK = timedelta(seconds=5)

# Everybody's own, admins included: an inbox and a device concern nobody else.
MINE = grant(read=Level.OWN, create=Level.OWN, update=Level.OWN, delete=Level.OWN)
KINDS = {record.kind: MINE for record in (Notification, Device, NotificationPreference, NotificationEndpoint)}


def choose_gateway(settings: Settings, clock: Clock) -> PushGateway:
    """Return Firebase when its credentials are set, else the gateway that records and says so."""
    if settings.google_application_credentials is None:
        return RecordingGateway()
    return FirebaseGateway(settings.google_application_credentials, settings.fcm_base_url, clock=clock)


def provide(registry: svcs.Registry) -> None:
    """Register this process's worker. It opens nothing before something is due."""
    settings, store, actors = svcs.Container(registry).get(Settings, Store, Actors)
    worker = DeliveryWorker(
        store,
        actors,
        choose_gateway(settings, store.clock),
        owner=f"{socket.gethostname()}:{os.getpid()}:{new_id()}",
    )
    registry.register_value(DeliveryWorker, worker, on_registry_close=worker.close)
    provide_channels(registry)


async def wake_worker(services: svcs.Container) -> None:
    """Let the worker look for what has come due: retries, ends of quiet hours, leases of the dead."""
    (await services.aget(DeliveryWorker)).wake()


module = Module(
    name="notifications",
    documents=(Notification, Device, NotificationPreference, NotificationEndpoint),
    other_documents=(Delivery,),
    queries=(NotificationQuery, ChannelQuery),
    mutations=(NotificationMutation, ChannelMutation),
    subscriptions=(NotificationSubscription,),
    listens={
        "notifications.inbox": (on_occasion, OCCASIONS),
        "notifications.devices": (on_session_ended, (SessionEnded,)),
        "notifications.plan": (on_notification_raised, (NotificationRaised,)),
    },
    jobs=(Job(name="notifications.deliver", every=TICK, run=wake_worker),),
    roles=dict.fromkeys(("admin", "manager", "rep", "agent", "customer"), KINDS),
    synced=(NOTIFICATIONS,),
    provide=provide,
)
