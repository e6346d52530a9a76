"""Root fields of the workspace, its people and teams."""

from collections.abc import Awaitable, Callable
from functools import partial

import strawberry

from backend.core.connections import Connection, page
from backend.core.graphql import DeleteInput, Info, given, version_of
from backend.core.mutations import UpdateInput, run_create, run_delete, run_update
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity import credentials, documents, people, teams
from backend.identity.actors import Actors
from backend.identity.mail_documents import Purpose
from backend.identity.outbox import Outbox
from backend.identity.people_types import (
    Invitation,
    InvitationResult,
    PasswordChanged,
    PasswordChangeInput,
    PasswordChangeResult,
    PersonInput,
    Team,
    TeamCreateInput,
    TeamDeleteResult,
    TeamResult,
    TeamUpdateInput,
    User,
    UserInviteInput,
    UserResult,
    UserUpdateInput,
    Workspace,
)
from backend.identity.policies import RoleBook
from backend.identity.session_keeping import end_sessions_of_suspended


async def _roles(info: Info) -> RoleBook:
    actors = await info.context.services.aget(Actors)
    return await actors.roles(info.context.actor.workspace_id)


async def _run(
    info: Info, input: UpdateInput, operation: Callable[[UnitOfWork], Awaitable[documents.User]]
) -> documents.User:
    return await info.context.write(operation, mutation_id=input.mutation_id or None, purpose=info.field_name)


async def _invited(info: Info, user: documents.User) -> Invitation:
    """Without a mail server the link goes to who invites; with one it goes by mail and to nobody else."""
    outbox = await info.context.services.aget(Outbox)
    link = None if outbox.is_ready else await outbox.link(Purpose.INVITATION, user)
    return Invitation(user=User.of(user), is_mailed=outbox.is_ready, link=link)


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


@strawberry.type
class PeopleMutation:
    @strawberry.mutation(description="Invite somebody: they get a link to choose a password, for 72 hours.")
    async def user_invite(self, info: Info, input: UserInviteInput) -> InvitationResult:
        roles = await _roles(info)
        return await _invited(info, await run_create(info, partial(people.invite_user, roles=roles), input))

    @strawberry.mutation(description="Send another link to somebody who has not chosen a password yet.")
    async def user_invite_again(self, info: Info, input: PersonInput) -> InvitationResult:
        version = version_of(input)
        user = await _run(
            info, input, lambda uow: people.invite_again(uow, input.id, expected_version=version)
        )
        return await _invited(info, user)

    @strawberry.mutation(description="Change a person, their roles, teams or manager.")
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserResult:
        roles = await _roles(info)
        return User.of(await run_update(info, partial(people.update_user, roles=roles), input))

    @strawberry.mutation(description="Let somebody sign in no more; their sessions end at once.")
    async def user_suspend(self, info: Info, input: PersonInput) -> UserResult:
        roles, version = await _roles(info), version_of(input)
        user = await _run(
            info, input, lambda uow: people.suspend_user(uow, input.id, expected_version=version, roles=roles)
        )
        await end_sessions_of_suspended(*await info.context.services.aget(Store, Actors), user)
        return User.of(user)

    @strawberry.mutation(description="Let a suspended person sign in again.")
    async def user_reactivate(self, info: Info, input: PersonInput) -> UserResult:
        roles, version = await _roles(info), version_of(input)
        return User.of(
            await _run(
                info,
                input,
                lambda uow: people.reactivate_user(uow, input.id, expected_version=version, roles=roles),
            )
        )

    @strawberry.mutation(description="Lift the lock that too many failed sign-ins put on an address.")
    async def user_unlock(self, info: Info, id: strawberry.ID) -> UserResult:
        return User.of(await credentials.unlock_user(info.context.store, info.context.uow, id))

    @strawberry.mutation(description="Change your password; your other sessions end.")
    async def password_change(self, info: Info, input: PasswordChangeInput) -> PasswordChangeResult:
        store, actors = await info.context.services.aget(Store, Actors)
        ended = await credentials.change_password(store, info.context.actor, **given(input))
        for id in ended:
            actors.forget(id)
        return PasswordChanged(sessions_ended=len(ended))

    @strawberry.mutation(description="Create a team.")
    async def team_create(self, info: Info, input: TeamCreateInput) -> TeamResult:
        return Team.of(await run_create(info, teams.create_team, input))

    @strawberry.mutation(description="Change a team.")
    async def team_update(self, info: Info, input: TeamUpdateInput) -> TeamResult:
        return Team.of(await run_update(info, teams.update_team, input))

    @strawberry.mutation(description="Delete a team that nobody is in any more.")
    async def team_delete(self, info: Info, input: DeleteInput) -> TeamDeleteResult:
        return await run_delete(info, teams.delete_team, input)
