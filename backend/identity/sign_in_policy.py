"""How the people of a workspace must sign in."""

from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Workspace
from backend.identity.scopes import require_session


async def require_second_factor(uow: UnitOfWork, *, wanted: bool) -> Workspace:
    """Ask staff for a second factor, or no longer: from each one's next sign-in or refresh on."""
    require_session(uow.actor)
    workspace = await uow.access(Workspace, uow.actor.workspace_id, action="update")
    workspace.require_second_factor = wanted
    uow.save(workspace)
    return workspace
