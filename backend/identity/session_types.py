"""Sessions as GraphQL types."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from backend.core.graphql import Forbidden, InvalidInput, NotFound
from backend.identity import documents


@strawberry.type(description="One sign-in on one device, that still counts.")
class Session:
    id: strawberry.ID
    device: str = strawberry.field(description="What the device called itself at sign-in.")
    platform: str
    app_version: str
    created_at: datetime
    last_seen_at: datetime = strawberry.field(description="When it last got new tokens.")
    expires_at: datetime = strawberry.field(description="When it ends, unless it gets new tokens before.")
    current: bool = strawberry.field(description="True for the one that asks.")

    @classmethod
    def of(cls, session: documents.Session, *, current_id: str) -> Self:
        return cls(
            id=strawberry.ID(session.id),
            device=session.device.name,
            platform=session.device.platform,
            app_version=session.device.app_version,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
            current=session.id == current_id,
        )


@strawberry.type(description="These sessions have ended: their tokens count no more.")
class SessionsRevoked:
    ids: list[strawberry.ID]
    wipe: bool = strawberry.field(
        description="True: at their next call the devices are told (401, `WIPE`) to erase what they keep."
    )


SessionsRevokedResult = Annotated[
    SessionsRevoked | NotFound | Forbidden | InvalidInput, strawberry.union("SessionsRevokedResult")
]
