"""Notifications, devices and preferences as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, shared_fields
from notifications import documents
from notifications.documents import Platform, RegistrationKind
from notifications.wording import Wording

strawberry.enum(
    RegistrationKind,
    description="A Firebase installation id, the older registration token, or a browser's subscription.",
)
strawberry.enum(Platform)


@strawberry.type(description="One line of your inbox, in your language.")
class Notification:
    id: strawberry.ID
    version: int
    created_at: datetime
    type: str
    subject_kind: str
    subject_id: str
    title: str
    body: str
    read_at: datetime | None

    @classmethod
    def of(cls, record: documents.Notification) -> Self:
        return cls(**shared_fields(record, cls))

    def cover(self, wording: Wording) -> None:
        self.title, self.body = wording.title, wording.body


@strawberry.type(description="A new line has come: enough to show a hint; ask `notifications` for the rest.")
class NotificationArrival:
    id: strawberry.ID
    type: str
    subject_kind: str
    subject_id: str
    title: str

    @classmethod
    def of(cls, record: documents.Notification) -> Self:
        return cls(**shared_fields(record, cls))

    def cover(self, wording: Wording) -> None:
        self.title = wording.title


@strawberry.type(description="One app on one device that your pushes go to. Its registration is never shown.")
class Device:
    id: strawberry.ID
    version: int
    platform: Platform
    app_version: str
    registered_at: datetime | None
    refresh_at: datetime | None = strawberry.field(
        description="When the app should register again, though nothing has changed; null while unreachable."
    )
    stale_at: datetime | None = strawberry.field(
        description="From then on a push may not reach it, and it is not woken to sync."
    )
    is_reachable: bool

    @classmethod
    def of(cls, record: documents.Device) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.input
class NotificationReadInput:
    id: strawberry.ID
    mutation_id: str | None = UNSET


@strawberry.input(description="What the push SDK on the device reports. Send it at each sign-in and change.")
class DeviceRegisterInput:
    kind: RegistrationKind
    value: str
    platform: Platform
    app_version: str = ""
    mutation_id: str | None = UNSET


@strawberry.input
class DeviceRemoveInput:
    id: strawberry.ID
    mutation_id: str | None = UNSET


@strawberry.type(description="How many lines were marked as read, and how many are left: then ask again.")
class NotificationsRead:
    marked: int
    left: int


@strawberry.input
class TestNotificationInput:
    mutation_id: str | None = UNSET


NotificationResult = Annotated[
    Notification | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("NotificationResult")
]
DeviceResult = Annotated[
    Device | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("DeviceResult")
]
DeviceRemoveResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("DeviceRemoveResult")
]
