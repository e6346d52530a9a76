"""Endpoints and browsers' subscriptions as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, shared_fields
from notifications.channels import documents
from notifications.channels.documents import EndpointProvider

strawberry.enum(EndpointProvider, description="Who takes the message; STANDARD is any server of your own.")


@strawberry.type(
    description="Where you want to be told, beside your devices. Its address and its secret are never shown."
)
class NotificationEndpoint:
    id: strawberry.ID
    version: int
    created_at: datetime
    provider: EndpointProvider
    label: str
    host: str
    is_reachable: bool
    confirmed_at: datetime | None
    dropped_at: datetime | None
    dropped_reason: str

    @classmethod
    def of(cls, record: documents.NotificationEndpoint) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.input(
    description="`address` is the webhook, or for SMS a number with its country, which is then sent a code."
)
class NotificationEndpointCreateInput:
    provider: EndpointProvider
    address: str
    secret: str = ""
    label: str = ""
    id: strawberry.ID | None = UNSET
    mutation_id: str | None = UNSET


@strawberry.input(description="The code that came by text message.")
class NotificationEndpointConfirmInput:
    id: strawberry.ID
    code: str
    mutation_id: str | None = UNSET


@strawberry.input(description="What `PushSubscription.toJSON()` tells in the browser.")
class WebPushSubscribeInput:
    endpoint: str
    p256dh: str
    auth: str
    app_version: str = ""
    mutation_id: str | None = UNSET


NotificationEndpointResult = Annotated[
    NotificationEndpoint | InvalidInput | NotFound | Forbidden | Conflict,
    strawberry.union("NotificationEndpointResult"),
]
NotificationEndpointDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("NotificationEndpointDeleteResult")
]
