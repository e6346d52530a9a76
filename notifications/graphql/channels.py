"""The channels' GraphQL face: endpoints, and browsers' subscriptions."""

import strawberry

from backend.core.connections import Connection, Direction, page
from backend.core.errors import Unavailable
from backend.core.graphql import Deleted, DeleteInput, Info, given, version_of
from backend.core.ids import new_id
from backend.core.outbound import OutboundRules
from backend.core.settings import Settings
from notifications.channels import documents, endpoints
from notifications.channels.confirming import send_code
from notifications.channels.documents import EndpointProvider
from notifications.channels.subscriptions import PushSubscription
from notifications.channels.vapid import VapidKey
from notifications.channels.webhooks import WebhookGateway
from notifications.devices import register_device, registrar_for
from notifications.documents import Platform, RegistrationKind
from notifications.endpoint_types import (
    NotificationEndpoint,
    NotificationEndpointConfirmInput,
    NotificationEndpointCreateInput,
    NotificationEndpointDeleteResult,
    NotificationEndpointResult,
    WebPushSubscribeInput,
)
from notifications.inbox_types import Device, DeviceResult


@strawberry.type
class ChannelQuery:
    @strawberry.field(
        description="The key that a browser subscribes to Web Push with (`applicationServerKey`)."
    )
    async def web_push_key(self, info: Info) -> str:
        info.context.actor  # noqa: B018  # who is signed in may know
        return (await info.context.services.aget(VapidKey)).public

    @strawberry.field(description="Where you want to be told, beside your devices; newest first.")
    async def notification_endpoints(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[NotificationEndpoint]:
        return await page(
            info.context.uow,
            documents.NotificationEndpoint,
            NotificationEndpoint.of,
            where={"owner_id": info.context.actor.user_id},
            order=[("created_at", Direction.DESC)],
            first=first,
            after=after,
        )


@strawberry.type
class ChannelMutation:
    @strawberry.mutation(
        description="Let pushes of this sign-in reach this browser. Whoever held the subscription loses it."
    )
    async def web_push_subscribe(self, info: Info, input: WebPushSubscribeInput) -> DeviceResult:
        context = info.context
        registrar = registrar_for(context.actor)
        subscription = PushSubscription.checked(input.endpoint, input.p256dh, input.auth)
        rules = OutboundRules.of(await context.services.aget(Settings))
        await endpoints.callable_address(subscription.endpoint, rules, field="endpoint")
        fields = {
            "registration_kind": RegistrationKind.WEB_PUSH,
            "value": subscription.value,
            "platform": Platform.WEB,
            "app_version": input.app_version,
        }
        return Device.of(
            await context.store.write(
                registrar,
                lambda uow: register_device(uow, fields),
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(
        description="Be told in a chat room, by your own server, or (once confirmed) by text message."
    )
    async def notification_endpoint_create(
        self, info: Info, input: NotificationEndpointCreateInput
    ) -> NotificationEndpointResult:
        context = info.context
        settings, gateway = await context.services.aget(Settings, WebhookGateway)
        is_sms, code = input.provider is EndpointProvider.SMS, ""
        if is_sms and not gateway.provides(EndpointProvider.SMS.value):
            raise Unavailable("This server sends no text messages (RAPPORT_SMS_URL). Ask an admin.")
        fields = await endpoints.checked_endpoint(given(input), OutboundRules.of(settings))
        if is_sms:
            await endpoints.count_code(context.actor.user_id, context.store.clock)
            code = endpoints.make_code()
        id = str(input.id) if input.id else new_id()
        added = await context.write(
            lambda uow: endpoints.add_endpoint(uow, fields, code=code, id=id),
            mutation_id=input.mutation_id or None,
        )
        if is_sms:
            await send_code(gateway, added, code, locale=context.actor.locale)
        return NotificationEndpoint.of(added)

    @strawberry.mutation(description="Open a number to messages with the code that was sent there.")
    async def notification_endpoint_confirm(
        self, info: Info, input: NotificationEndpointConfirmInput
    ) -> NotificationEndpointResult:
        confirmed = await info.context.write(
            lambda uow: endpoints.confirm_endpoint(uow, input.id, input.code.strip()),
            mutation_id=input.mutation_id or None,
        )
        if not confirmed.is_reachable:
            raise endpoints.wrong_code()
        return NotificationEndpoint.of(confirmed)

    @strawberry.mutation(description="Be told there no more; what waits to be sent there is dropped.")
    async def notification_endpoint_delete(
        self, info: Info, input: DeleteInput
    ) -> NotificationEndpointDeleteResult:
        return Deleted.of(
            await info.context.write(
                lambda uow: endpoints.remove_endpoint(uow, input.id, expected_version=version_of(input)),
                mutation_id=input.mutation_id or None,
            )
        )
