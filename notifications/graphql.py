"""The notifications room's GraphQL face."""

from collections.abc import AsyncIterator

import strawberry

from backend.core.connections import Connection, Direction, page
from backend.core.errors import FieldError, InvalidInput
from backend.core.graphql import Deleted, Info, given
from backend.core.ids import new_id
from backend.identity.actors import Actors
from notifications import devices, documents, inbox, preferences
from notifications.graphql_types import (
    Device,
    DeviceRegisterInput,
    DeviceRemoveInput,
    DeviceRemoveResult,
    DeviceResult,
    Notification,
    NotificationArrival,
    NotificationPreferences,
    NotificationPreferencesResult,
    NotificationPreferencesSetInput,
    NotificationReadInput,
    NotificationResult,
    TestNotificationInput,
)


@strawberry.type
class NotificationQuery:
    @strawberry.field(description="Your inbox, newest first.")
    async def notifications(
        self, info: Info, first: int = 50, after: str | None = None, unread_only: bool = False
    ) -> Connection[Notification]:
        return await page(
            info.context.uow,
            documents.Notification,
            Notification.of,
            where=inbox.lines_of(info.context.actor.user_id, unread_only=unread_only),
            order=[("created_at", Direction.DESC)],
            first=first,
            after=after,
        )

    @strawberry.field(description="How many lines of your inbox you have not read.")
    async def unread_count(self, info: Info) -> int:
        return await inbox.count_unread(info.context.uow)

    @strawberry.field(description="What you want to be told, and when.")
    async def notification_preferences(self, info: Info) -> NotificationPreferences:
        uow = info.context.uow
        return NotificationPreferences.of(await preferences.preferences_of(uow, uow.actor.user_id))


@strawberry.type
class NotificationMutation:
    @strawberry.mutation(description="Mark a line of your inbox as read; its pushes that wait are withdrawn.")
    async def notification_read(self, info: Info, input: NotificationReadInput) -> NotificationResult:
        return Notification.of(
            await info.context.write(
                lambda uow: inbox.mark_notification_read(uow, input.id),
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(description="Send yourself a notification, to see that they arrive.")
    async def test_notification(
        self, info: Info, input: TestNotificationInput | None = None
    ) -> NotificationResult:
        mutation_id = (input.mutation_id or None) if input else None
        key = new_id()
        return Notification.of(
            await info.context.write(
                lambda uow: inbox.notify_as_a_test(uow, key),
                mutation_id=mutation_id,
            )
        )

    @strawberry.mutation(
        description="Let pushes of this sign-in reach a device. Whoever held the registration loses it."
    )
    async def device_register(self, info: Info, input: DeviceRegisterInput) -> DeviceResult:
        fields = given(input)
        if input.kind is documents.RegistrationKind.WEB_PUSH:
            raise InvalidInput(FieldError("kind", "is a browser's; let it subscribe by webPushSubscribe"))
        fields["registration_kind"] = fields.pop("kind")
        return Device.of(
            await info.context.store.write(
                devices.registrar_for(info.context.actor),
                lambda uow: devices.register_device(uow, fields),
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(description="Stop pushes to a device of yours.")
    async def device_remove(self, info: Info, input: DeviceRemoveInput) -> DeviceRemoveResult:
        return Deleted.of(
            await info.context.write(
                lambda uow: devices.drop_device(uow, input.id, reason="removed"),
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(description="Set what you want to be told, and when.")
    async def notification_preferences_set(
        self, info: Info, input: NotificationPreferencesSetInput
    ) -> NotificationPreferencesResult:
        return NotificationPreferences.of(
            await info.context.write(
                lambda uow: preferences.set_preferences(uow, given(input)),
                mutation_id=input.mutation_id or None,
            )
        )


@strawberry.type
class NotificationSubscription:
    @strawberry.subscription(
        description="Each line that comes into your inbox from now on, until you sign out."
    )
    async def notification_arrived(self, info: Info) -> AsyncIterator[NotificationArrival]:
        context = info.context
        actors = await context.services.aget(Actors)
        async for line in inbox.watch_inbox(context.store, actors, actor=context.actor):
            yield NotificationArrival.of(line)
