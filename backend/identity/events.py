"""What the identity room announces beside plain created, updated and deleted."""

from backend.core.events import DomainEvent


class WorkspaceCreated(DomainEvent):
    """A workspace opened; rooms furnish it with what every workspace has."""


class UserInvited(DomainEvent):
    """Somebody is to get a link to set a first password; ``by`` is the name of who invites."""

    by: str = ""


class UserSuspended(DomainEvent):
    """Somebody may not sign in any more, for now or for good."""


class SessionEnded(DomainEvent):
    """A session counts no more; ``wipe``: its device is to erase what it keeps."""

    session_id: str
    user_id: str
    wipe: bool = False


class StampsMoved(DomainEvent):
    """A sharing rule or territory holds for other records of ``kinds`` now."""

    kinds: tuple[str, ...] = ()


class RecordShared(DomainEvent):
    """A record was opened to somebody: ``to`` is ``u:<user>``, ``t:<team>`` or ``r:<role>``."""

    to: str
    edit: bool = False


class RecordUnshared(DomainEvent):
    """What a record's share gave somebody is over: taken back, or ended by its date."""

    to: str
