"""The workspace, its people and teams, of the identity room's GraphQL face."""

from typing import Self

import strawberry

from backend.core.connections import Connection, page
from backend.core.graphql import Info
from backend.identity.documents import Team as TeamDocument
from backend.identity.documents import User as UserDocument
from backend.identity.documents import Workspace as WorkspaceDocument


@strawberry.type(description="One company's data.")
class Workspace:
    id: strawberry.ID
    name: str
    currency: str
    time_zone: str
    locale: str

    @classmethod
    def of(cls, record: WorkspaceDocument) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            name=record.name,
            currency=record.currency,
            time_zone=record.time_zone,
            locale=record.locale,
        )


@strawberry.type(description="People who share records.")
class Team:
    id: strawberry.ID
    name: str

    @classmethod
    def of(cls, record: TeamDocument) -> Self:
        return cls(id=strawberry.ID(record.id), name=record.name)


@strawberry.type(description="A person who signs in.")
class User:
    id: strawberry.ID
    name: str
    email: str
    roles: list[str]
    team_ids: list[strawberry.ID]
    locale: str
    time_zone: str

    @classmethod
    def of(cls, record: UserDocument) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            name=record.name,
            email=record.email,
            roles=record.role_keys,
            team_ids=[strawberry.ID(id) for id in record.team_ids],
            locale=record.locale,
            time_zone=record.time_zone,
        )


@strawberry.type
class IdentityQuery:
    @strawberry.field(description="Who is signed in.")
    async def me(self, info: Info) -> User:
        return User.of(await info.context.uow.access(UserDocument, info.context.actor.user_id))

    @strawberry.field(description="The workspace of who is signed in.")
    async def workspace(self, info: Info) -> Workspace:
        return Workspace.of(await info.context.uow.access(WorkspaceDocument, info.context.actor.workspace_id))

    @strawberry.field(description="The people of the workspace, as far as they are visible to you.")
    async def users(self, info: Info, first: int = 50, after: str | None = None) -> Connection[User]:
        return await page(
            info.context.uow, UserDocument, User.of, where={}, order=[], first=first, after=after
        )

    @strawberry.field(description="The teams of the workspace.")
    async def teams(self, info: Info, first: int = 50, after: str | None = None) -> Connection[Team]:
        return await page(
            info.context.uow, TeamDocument, Team.of, where={}, order=[], first=first, after=after
        )
