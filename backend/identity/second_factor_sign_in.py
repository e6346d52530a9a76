"""From a ticket and a code to a session."""

from dataclasses import dataclass

from backend.core.access import Actor
from backend.core.errors import RateLimited, Unauthenticated
from backend.core.store import Store
from backend.identity.documents import User
from backend.identity.second_factor import (
    Enrolment,
    begin_second_factor,
    check_code,
    confirm_second_factor,
)
from backend.identity.second_factor_documents import SignInTicket, TicketPurpose
from backend.identity.sign_in import SignedIn, TokenPolicy, start_session
from backend.identity.sign_in_audit import note_code_refused
from backend.identity.tickets import read_ticket, use_ticket


@dataclass(frozen=True)
class Enrolled:
    """A session, and the recovery codes that its user must keep: shown once."""

    signed_in: SignedIn
    recovery_codes: list[str]


async def give_second_factor(policy: TokenPolicy, store: Store, *, ticket: str, code: str) -> SignedIn:
    """Start the session that a right password and this code make.

    Raise Unauthenticated for a ticket or code that does not count, RateLimited after too many of them.
    """
    held = await read_ticket(store.clock, ticket, TicketPurpose.SECOND_FACTOR)
    try:
        await check_code(store.clock, policy.key, held.user_id, code)
    except (Unauthenticated, RateLimited):
        await note_code_refused(store, held.workspace_id, held.user_id)
        raise
    return await _start(policy, store, held)


async def begin_enrolment(policy: TokenPolicy, store: Store, *, ticket: str) -> Enrolment:
    """Return what the authenticator app needs; the ticket stays good for the confirmation."""
    held = await read_ticket(store.clock, ticket, TicketPurpose.ENROLMENT)
    user = await store.reader.get(User, held.user_id)
    if user is None or user.deleted_at or not user.is_active:
        raise Unauthenticated("This account is not active any more; ask an admin of the workspace.")
    return await begin_second_factor(store, policy.key, user)


async def confirm_enrolment(policy: TokenPolicy, store: Store, *, ticket: str, code: str) -> Enrolled:
    """Turn the second factor on by a first code, and start the session."""
    held = await read_ticket(store.clock, ticket, TicketPurpose.ENROLMENT)
    actor = Actor(workspace_id=held.workspace_id, user_id=held.user_id)  # of no rights yet: for the audit
    codes = await confirm_second_factor(store, policy.key, actor, code)
    return Enrolled(await _start(policy, store, held), codes)


async def _start(policy: TokenPolicy, store: Store, held: SignInTicket) -> SignedIn:
    await use_ticket(held)
    method = "second factor"
    return await start_session(policy, store, held.workspace_id, held.user_id, held.device, method=method)
