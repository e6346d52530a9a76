"""Operations on workspaces, users and teams."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.events import RecordCreated
from backend.core.fields import Fields, new_record
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Credential, Team, User, Workspace
from backend.identity.events import WorkspaceCreated
from backend.identity.passwords import hash_password
from backend.identity.sign_in import folded

SHORTEST_PASSWORD = 10


async def create_workspace(uow: UnitOfWork, fields: Fields) -> Workspace:
    """Create the workspace whose id is the actor's workspace id."""
    workspace = await new_record(uow, Workspace, fields, id=uow.actor.workspace_id)
    uow.save(workspace, RecordCreated(), WorkspaceCreated())
    return workspace


async def create_team(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Team:
    """Create a team."""
    team = await new_record(uow, Team, fields, id=id)
    uow.save(team)
    return team


async def create_user(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> User:
    """Create a person; a password comes with ``set_password``. Raise InvalidInput for a taken address."""
    user = await new_record(uow, User, fields, id=id)
    if "@" not in user.email:
        raise InvalidInput(FieldError("email", "is not an address; write it as name@company.example"))
    taken = await Credential.get(folded(user.email))
    if taken is not None and taken.user_id != user.id:
        raise InvalidInput(FieldError("email", "is in use; choose another address, or sign in with this one"))
    user.email = folded(user.email)
    user.owner_id = user.id
    uow.save(user)
    return user


async def set_password(user: User, password: str) -> None:
    """Let ``user`` sign in with ``password``. Raise InvalidInput for a short one."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(
            FieldError("password", f"is too short; use at least {SHORTEST_PASSWORD} characters")
        )
    credential = Credential(
        id=user.email,
        workspace_id=user.workspace_id,
        user_id=user.id,
        password_hash=await hash_password(password),
    )
    await credential.save()
