"""The channels of this process, as services."""

import svcs

from backend.core.outbound import OutboundRules
from backend.core.settings import Settings
from backend.core.store import Store
from notifications.channels.vapid import VapidKey, read_vapid_key
from notifications.channels.web_push import WebPushGateway
from notifications.channels.webhooks import WebhookGateway, adapters_of


def provide_channels(registry: svcs.Registry) -> None:
    """Register key and gateways. They open nothing before something is sent."""
    settings, store = svcs.Container(registry).get(Settings, Store)
    rules, key = OutboundRules.of(settings), read_vapid_key(settings)
    web_push = WebPushGateway(key, rules, store.clock)
    webhooks = WebhookGateway(adapters_of(settings), rules, store.clock)
    registry.register_value(VapidKey, key)
    registry.register_value(WebPushGateway, web_push, on_registry_close=web_push.close)
    registry.register_value(WebhookGateway, webhooks, on_registry_close=webhooks.close)
