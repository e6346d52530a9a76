"""What the audit trail hears of signing in.

Failures are noted beside the request: an address that somebody has must not take longer to refuse than one
that nobody has. Of an address that nobody has there is a log line, without the address.
"""

import structlog

from backend.core.access import Actor, system_actor
from backend.core.store import Store
from backend.identity.documents import Credential, Session, User

log = structlog.get_logger()


async def note_signed_in(store: Store, session: Session, user: User, *, method: str) -> None:
    """Note a new session, in the name of its user."""
    actor = Actor(
        workspace_id=session.workspace_id,
        user_id=user.id,
        session_id=session.id,
        contact_id=user.contact_id,
    )
    details = {
        "method": method,
        "session_id": session.id,
        "platform": session.device.platform,
        "app_version": session.device.app_version,
    }
    await store.note(actor, "sign_in.succeeded", kind="user", id=session.user_id, details=details)


def note_sign_in_failed(store: Store, email: str, *, reason: str) -> None:
    """Note a wrong pair; ``email`` is folded."""
    store.note_soon(_note_refusal(store, "sign_in.failed", email, reason))


def note_locked_out(store: Store, email: str, *, reason: str) -> None:
    """Note that an address must wait; ``email`` is folded."""
    store.note_soon(_note_refusal(store, "sign_in.locked_out", email, reason))


async def note_code_refused(store: Store, workspace_id: str, user_id: str) -> None:
    """Note a wrong code of the second factor; the password was right."""
    details = {"reason": "wrong code of the second factor"}
    await store.note(system_actor(workspace_id), "sign_in.failed", kind="user", id=user_id, details=details)


async def _note_refusal(store: Store, action: str, email: str, reason: str) -> None:
    credential = await Credential.get(email)
    log.info(action, reason=reason, known=credential is not None)
    if credential is not None:  # by the house: whoever it was has not shown to be the user
        user_id, house = credential.user_id, system_actor(credential.workspace_id)
        await store.note(house, action, kind="user", id=user_id, details={"reason": reason})
