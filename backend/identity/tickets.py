"""Tickets: what somebody holds between two halves of a sign-in. Short-lived, for one purpose, used once."""

from datetime import timedelta

from backend.core.clock import Clock
from backend.core.errors import Unauthenticated
from backend.identity.documents import DeviceInfo
from backend.identity.second_factor_documents import SignInTicket, TicketPurpose
from backend.identity.tokens import digest, make_secret

TICKET_LIFE = timedelta(minutes=5)
EXCHANGE_LIFE = timedelta(minutes=1)  # an app comes for it at once. Source: RFC 6749 §4.1.2


async def issue_ticket(
    clock: Clock,
    purpose: TicketPurpose,
    *,
    workspace_id: str,
    user_id: str,
    device: DeviceInfo | None = None,
    life: timedelta = TICKET_LIFE,
    challenge: str = "",
    skips_second_factor: bool = False,
) -> str:
    """Return a new ticket; the store keeps a digest."""
    secret = make_secret()
    ticket = SignInTicket(
        id=digest(secret),
        workspace_id=workspace_id,
        user_id=user_id,
        purpose=purpose,
        device=device or DeviceInfo(),
        challenge=challenge,
        skips_second_factor=skips_second_factor,
        expires_at=clock.now() + life,
    )
    await ticket.insert()
    return secret


async def read_ticket(clock: Clock, ticket: str, purpose: TicketPurpose) -> SignInTicket:
    """Return what a ticket stands for; raise Unauthenticated when it does not count (any more)."""
    found = await SignInTicket.get(digest(ticket))
    if found is None or found.purpose is not purpose or found.expires_at <= clock.now():
        raise _spent()
    return found


async def use_ticket(found: SignInTicket) -> None:
    """Let a ticket count for the last time; raise Unauthenticated when another was quicker."""
    used = await SignInTicket.get_pymongo_collection().delete_one({"_id": found.id})
    if used.deleted_count != 1:
        raise _spent()


def _spent() -> Unauthenticated:
    return Unauthenticated("This ticket has been used or is too old; sign in again from the start.")
