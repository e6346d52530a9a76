"""The inbox and devices over GraphQL."""

from collections.abc import AsyncIterator

import strawberry

from backend.core.connections import Connection, Direction, page
from backend.core.errors import FieldError, InvalidInput
from backend.core.graphql import Deleted, Info, given
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from notifications import devices, documents, inbox
from notifications.covering import cover
from notifications.inbox_types import (
    Device,
    DeviceRegisterInput,
    DeviceRemoveInput,
    DeviceRemoveResult,
    DeviceResult,
    Notification,
    NotificationArrival,
    NotificationReadInput,
    NotificationResult,
    NotificationsRead,
    TestNotificationInput,
)


@strawberry.type
class NotificationQuery:
    @strawberry.field(description="Your inbox, newest first.")
    async def notifications(
        self, info: Info, first: int = 50, after: str | None = None, unread_only: bool = False
    ) -> Connection[Notification]:
        found = await page(
            info.context.uow,
            documents.Notification,
            Notification.of,
            where=inbox.lines_of(info.context.actor.user_id, unread_only=unread_only),
            order=[("created_at", Direction.DESC)],
            first=first,
            after=after,
        )
        await cover(info.context.uow, [edge.node for edge in found.edges])
        return found

    @strawberry.field(description="How many lines of your inbox you have not read.")
    async def unread_count(self, info: Info) -> int:
        return await inbox.count_unread(info.context.uow)

    @strawberry.field(description="Your devices that pushes can reach.")
    async def my_devices(self, info: Info) -> list[Device]:
        mine = {"owner_id": info.context.actor.user_id}
        found = await info.context.uow.find(documents.Device, mine, sort=[("created_at", 1)], limit=100)
        return [Device.of(device) for device in found if device.is_reachable]


@strawberry.type
class NotificationMutation:
    @strawberry.mutation(description="Mark a line of your inbox as read; its pushes that wait are withdrawn.")
    async def notification_read(self, info: Info, input: NotificationReadInput) -> NotificationResult:
        read = await info.context.write(
            lambda uow: inbox.mark_notification_read(uow, input.id),
            mutation_id=input.mutation_id or None,
        )
        return await _shown(info.context.uow, read)

    @strawberry.mutation(description="Mark your lines as read, the newest first, two hundred at a time.")
    async def notification_read_all(self, info: Info) -> NotificationsRead:
        done = await info.context.write(inbox.mark_all_read)
        return NotificationsRead(marked=done.marked, left=done.left)

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


@strawberry.type
class NotificationSubscription:
    @strawberry.subscription(
        description="Each line that comes into your inbox from now on, until you sign out."
    )
    async def notification_arrived(self, info: Info) -> AsyncIterator[NotificationArrival]:
        context = info.context
        actors = await context.services.aget(Actors)
        async for line in inbox.watch_inbox(context.store, actors, actor=context.actor):
            arrival = NotificationArrival.of(line)
            await cover(context.store.unit_of_work(context.actor), [arrival])
            yield arrival


async def _shown(uow: UnitOfWork, line: documents.Notification) -> Notification:
    shown = Notification.of(line)
    await cover(uow, [shown])
    return shown
