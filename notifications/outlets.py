"""The ways out that this house has, and the worker that sends by them."""

import os
import socket
from collections.abc import Mapping
from datetime import datetime

import svcs

from backend.core.clock import Clock
from backend.core.ids import new_id
from backend.core.mail import choose_mailer, domain_of
from backend.core.outbound import OutboundRules
from backend.core.settings import Settings
from backend.core.store import Store
from backend.identity.actors import Actors
from backend.identity.sign_in import TokenPolicy
from notifications.channels.letters import MailMessage
from notifications.channels.mail import MOST_AT_ONCE as MAILS_AT_ONCE
from notifications.channels.mail import MailGateway
from notifications.channels.unsubscribing import MailLinks
from notifications.channels.vapid import VapidKey, read_vapid_key
from notifications.channels.web_push import MOST_AT_ONCE as WEB_PUSHES_AT_ONCE
from notifications.channels.web_push import WebPushGateway
from notifications.channels.webhook_messages import WebhookMessage
from notifications.channels.webhooks import MOST_AT_ONCE as WEBHOOKS_AT_ONCE
from notifications.channels.webhooks import WebhookGateway, adapters_of
from notifications.checking import Leaving
from notifications.documents import NotificationChannel
from notifications.firebase import FirebaseGateway
from notifications.gateways import PushGateway
from notifications.outgoing import mail_of, webhook_of
from notifications.recording import RecordingGateway
from notifications.sending import DeliveryWorker, Outlet, push_outlet

LEAVING = (
    NotificationChannel.PUSH,
    NotificationChannel.WEB_PUSH,
    NotificationChannel.EMAIL,
    NotificationChannel.WEBHOOK,
)


def choose_gateway(settings: Settings, clock: Clock) -> PushGateway:
    """Return Firebase when its credentials are set, else the gateway that records and says so."""
    if settings.google_application_credentials is None:
        return RecordingGateway()
    return FirebaseGateway(settings.google_application_credentials, settings.fcm_base_url, clock=clock)


def mail_outlet(gateway: MailGateway, links: MailLinks) -> Outlet:
    """Return the outlet of e-mail; without a mail server it drops, and says so."""

    def message(leaving: Leaving, now: datetime) -> MailMessage:
        delivery = leaving.delivery
        return mail_of(
            leaving, unsubscribe=links.make(delivery.workspace_id, delivery.user_id, delivery.type)
        )

    absent = "" if gateway.is_ready else "no_mail_server"
    return Outlet(gateway=gateway, message=message, lanes=MAILS_AT_ONCE, absent=absent)


def webhook_outlet(gateway: WebhookGateway) -> Outlet:
    """Return the outlet of webhooks."""

    def message(leaving: Leaving, now: datetime) -> WebhookMessage:
        return webhook_of(leaving)

    return Outlet(gateway=gateway, message=message, lanes=WEBHOOKS_AT_ONCE)


def provide_sending(registry: svcs.Registry) -> None:
    """Register this process's key, gateways and worker. They open nothing before something is due."""
    services = svcs.Container(registry)
    settings, store, actors, tokens = services.get(Settings, Store, Actors, TokenPolicy)
    clock, rules, key = store.clock, OutboundRules.of(settings), read_vapid_key(settings)
    web_push = WebPushGateway(key, rules, clock)
    webhooks = WebhookGateway(adapters_of(settings), rules, clock)
    mail = MailGateway(
        choose_mailer(settings, clock, keeps=MAILS_AT_ONCE), domain_of(settings.mail_from) or "localhost"
    )
    outlets: Mapping[NotificationChannel, Outlet] = {
        NotificationChannel.PUSH: push_outlet(choose_gateway(settings, clock)),
        NotificationChannel.WEB_PUSH: push_outlet(web_push, lanes=WEB_PUSHES_AT_ONCE),
        NotificationChannel.EMAIL: mail_outlet(mail, MailLinks(tokens.key, settings.links_begin_with)),
        NotificationChannel.WEBHOOK: webhook_outlet(webhooks),
    }
    owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
    worker = DeliveryWorker(store, actors, outlets, owner=owner, link=settings.links_begin_with)
    registry.register_value(VapidKey, key)
    registry.register_value(WebhookGateway, webhooks)  # it sends the codes of numbers, too
    registry.register_value(DeliveryWorker, worker, on_registry_close=worker.close)
