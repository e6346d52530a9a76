"""Root fields of the workspace, its people and teams."""

import strawberry

from backend.core.connections import Connection, page
from backend.core.graphql import Info
from backend.identity import documents
from backend.identity.people_types import Team, User, Workspace


@strawberry.type
class PeopleQuery:
    @strawberry.field(description="Who is signed in.")
    async def me(self, info: Info) -> User:
        return User.of(await info.context.uow.access(documents.User, info.context.actor.user_id))

    @strawberry.field(description="The workspace of who is signed in.")
    async def workspace(self, info: Info) -> Workspace:
        uow = info.context.uow
        return Workspace.of(await uow.access(documents.Workspace, info.context.actor.workspace_id))

    @strawberry.field(description="The people of the workspace, as far as they are visible to you.")
    async def users(self, info: Info, first: int = 50, after: str | None = None) -> Connection[User]:
        return await page(
            info.context.uow, documents.User, User.of, where={}, order=[], first=first, after=after
        )

    @strawberry.field(description="The teams of the workspace.")
    async def teams(self, info: Info, first: int = 50, after: str | None = None) -> Connection[Team]:
        return await page(
            info.context.uow, documents.Team, Team.of, where={}, order=[], first=first, after=after
        )
