"""What the crm room announces beside plain created, updated and deleted."""

from datetime import datetime

from backend.core.events import DomainEvent


class TaskAssigned(DomainEvent):
    """A task went to somebody; not announced when people give one to themselves."""

    assignee_id: str


class PersonErased(DomainEvent):
    """The person behind a contact is erased; rooms that derived something about them forget it, too."""


class ActivityLogged(DomainEvent):
    """Something happened with an account, or is now known to have happened at another time."""

    account_id: str
    at: datetime
