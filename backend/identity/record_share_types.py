"""Shares of single records as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Any, Self

import strawberry
from strawberry import UNSET

from backend.core.errors import FieldError
from backend.core.errors import InvalidInput as InvalidInputError
from backend.core.graphql import Conflict, Forbidden, InvalidInput, NotFound
from backend.core.records import Record, Share, ShareAccess

strawberry.enum(ShareAccess, description="What sharing gives: to read, or to read and edit.")


@strawberry.input(description="With whom to share: exactly one of a person, a team and a role.")
class ShareWithInput:
    user_id: strawberry.ID | None = UNSET
    team_id: strawberry.ID | None = UNSET
    role_key: str | None = UNSET


@strawberry.input(description="Open one record to somebody; `until` ends it by itself.")
class RecordShareInput:
    kind: str
    id: strawberry.ID
    to: ShareWithInput
    access: ShareAccess = ShareAccess.READ
    until: datetime | None = UNSET
    reason: str = ""
    mutation_id: str | None = UNSET

    def values(self) -> dict[str, Any]:
        """Return what the share says, plain."""
        until = self.until if self.until is not UNSET else None
        return {"to": grantee(self.to), "access": self.access, "until": until, "reason": self.reason}


@strawberry.input(description="Take back what a record's share gave somebody.")
class RecordUnshareInput:
    kind: str
    id: strawberry.ID
    to: ShareWithInput
    mutation_id: str | None = UNSET


@strawberry.type(description="One record, opened to one person, team or role.")
class RecordShare:
    user_id: strawberry.ID | None
    team_id: strawberry.ID | None
    role_key: str | None
    access: ShareAccess
    until: datetime | None
    reason: str
    by: strawberry.ID
    at: datetime | None

    @classmethod
    def of(cls, share: Share) -> Self:
        sort, _, id = share.to.partition(":")
        return cls(
            user_id=strawberry.ID(id) if sort == "u" else None,
            team_id=strawberry.ID(id) if sort == "t" else None,
            role_key=id if sort == "r" else None,
            access=share.access,
            until=share.until,
            reason=share.reason,
            by=strawberry.ID(share.by),
            at=share.at,
        )


@strawberry.type(description="A record and with whom it is shared now.")
class RecordShares:
    id: strawberry.ID
    kind: str
    version: int
    shares: list[RecordShare]

    @classmethod
    def of(cls, record: Record) -> Self:
        shares = [RecordShare.of(share) for share in record.shares]
        return cls(id=strawberry.ID(record.id), kind=record.kind, version=record.version, shares=shares)


def grantee(to: ShareWithInput) -> str:
    """Return whom a share is for as records name it; raise InvalidInput unless exactly one is given."""
    named = {"u": to.user_id, "t": to.team_id, "r": to.role_key}
    given = [f"{sort}:{id}" for sort, id in named.items() if id is not UNSET and id]
    if len(given) != 1:
        raise InvalidInputError(
            FieldError("to", f"names {len(given)} of userId, teamId and roleKey; name exactly one")
        )
    return given[0]


RecordSharesResult = Annotated[
    RecordShares | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("RecordSharesResult")
]
