"""The second half of a sign-in: what a proven password is still short of, and how that is made good."""

from typing import Any, ClassVar

from backend.core.clock import Clock
from backend.core.errors import Unauthenticated
from backend.identity.documents import DeviceInfo, User, Workspace
from backend.identity.second_factor import has_second_factor
from backend.identity.second_factor_documents import TicketPurpose
from backend.identity.tickets import issue_ticket


class HalfSignedIn(Unauthenticated):
    """The first half of a sign-in is proven; ``ticket`` lets its holder do the second for 5 minutes."""

    def __init__(self, message: str, *, ticket: str) -> None:
        super().__init__(message)
        self.ticket = ticket

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "ticket": self.ticket}


class SecondFactorRequired(HalfSignedIn):
    """A code of the authenticator app is asked for."""

    code: ClassVar[str] = "SECOND_FACTOR_REQUIRED"


class SecondFactorEnrolmentRequired(HalfSignedIn):
    """The workspace asks staff for a second factor, and this user has none yet."""

    code: ClassVar[str] = "SECOND_FACTOR_ENROLMENT_REQUIRED"


async def demand_second_factor(clock: Clock, workspace_id: str, user_id: str, device: DeviceInfo) -> None:
    """Let a user pass whose first half is enough.

    Raise SecondFactorRequired for one who has a second factor, SecondFactorEnrolmentRequired for one who
    must have it and has none.
    """
    if await has_second_factor(user_id):
        ticket = await issue_ticket(
            clock, TicketPurpose.SECOND_FACTOR, workspace_id=workspace_id, user_id=user_id, device=device
        )
        raise SecondFactorRequired(
            "Give the code that your authenticator app shows: POST /auth/second-factor.", ticket=ticket
        )
    await demand_enrolment(clock, workspace_id, user_id, device)


async def demand_enrolment(clock: Clock, workspace_id: str, user_id: str, device: DeviceInfo) -> None:
    """Raise SecondFactorEnrolmentRequired for staff without what the workspace requires of them."""
    workspace = await Workspace.get(workspace_id)
    if workspace is None or not workspace.require_second_factor or await has_second_factor(user_id):
        return
    user = await User.get(user_id)
    if user is None or user.contact_id is not None:
        return
    ticket = await issue_ticket(
        clock, TicketPurpose.ENROLMENT, workspace_id=workspace_id, user_id=user_id, device=device
    )
    raise SecondFactorEnrolmentRequired(
        "This workspace asks for a second factor: set up an authenticator app, "
        "POST /auth/second-factor/enrol.",
        ticket=ticket,
    )
