"""Workspaces, people and teams as GraphQL types and inputs."""

from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import (
    Conflict,
    Deleted,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    shared_fields,
)
from backend.core.mutations import CreateInput, UpdateInput
from backend.identity import documents


@strawberry.type(description="One company's data.")
class Workspace:
    id: strawberry.ID
    name: str
    currency: str
    time_zone: str
    locale: str

    @classmethod
    def of(cls, record: documents.Workspace) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.type(description="People who share records.")
class Team:
    id: strawberry.ID
    version: int
    name: str

    @classmethod
    def of(cls, record: documents.Team) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.type(description="A person who signs in.")
class User:
    id: strawberry.ID
    version: int
    name: str
    email: str
    roles: list[str]
    team_ids: list[strawberry.ID]
    manager_id: strawberry.ID | None
    contact_id: strawberry.ID | None = strawberry.field(
        description="The contact whom a customer of the portal is; null for staff."
    )
    is_active: bool = strawberry.field(description="False while suspended: nobody signs in with it.")
    locale: str
    time_zone: str

    @classmethod
    def of(cls, record: documents.User) -> Self:
        return cls(**{**shared_fields(record, cls), "roles": record.role_keys})


@strawberry.type(description="Somebody was invited, and sets a password by a link that counts for 72 hours.")
class Invitation:
    user: User
    is_mailed: bool = strawberry.field(description="True: the link goes to the address by e-mail.")
    link: str | None = strawberry.field(
        description="Without a mail server, the link: hand it to the person yourself. It is not shown again."
    )


@strawberry.input(description="Whom to invite. A customer of the portal needs `contactId`, staff must not.")
class UserInviteInput(CreateInput):
    email: str
    name: str
    role_keys: list[str]
    team_ids: list[strawberry.ID] | None = UNSET
    manager_id: strawberry.ID | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    locale: str | None = UNSET
    time_zone: str | None = strawberry.field(
        default=UNSET, description="IANA name. Without it, the workspace's."
    )


@strawberry.input(description="What to change about a person. Nobody can raise their own rights.")
class UserUpdateInput(UpdateInput):
    name: str | None = UNSET
    role_keys: list[str] | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    manager_id: strawberry.ID | None = UNSET
    locale: str | None = UNSET
    time_zone: str | None = UNSET


@strawberry.input(description="Which person; `expectedVersion` refuses when somebody changed them.")
class PersonInput(UpdateInput):
    pass


@strawberry.input(description="A new team.")
class TeamCreateInput(CreateInput):
    name: str


@strawberry.input(description="What to change about a team.")
class TeamUpdateInput(UpdateInput):
    name: str | None = UNSET


@strawberry.input(description="Your present password, and the one to take its place.")
class PasswordChangeInput:
    current: str
    new: str


@strawberry.type(description="Your password was changed.")
class PasswordChanged:
    sessions_ended: int = strawberry.field(description="How many of your other sessions were ended for it.")


PasswordChangeResult = Annotated[
    PasswordChanged | InvalidInput | RateLimited, strawberry.union("PasswordChangeResult")
]
UserResult = Annotated[User | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("UserResult")]
InvitationResult = Annotated[
    Invitation | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("InvitationResult")
]
TeamResult = Annotated[Team | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("TeamResult")]
TeamDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("TeamDeleteResult")
]
