"""The house's error family: every expected refusal, with its cause and its mend.

A code is what clients branch on, a message is for people. Each error is mapped once, at the edge
(GraphQL union members or ``extensions.code``, HTTP status); operations just raise.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar


class CRMError(Exception):
    """An expected failure."""

    code: ClassVar[str] = "INTERNAL"
    http_status: ClassVar[int] = 500

    def extensions(self) -> dict[str, Any]:
        """Return what a client may branch on, JSON-ready."""
        return {"code": self.code}


class Unauthenticated(CRMError):
    """Nobody is signed in, or the token no longer counts."""

    code = "UNAUTHENTICATED"
    http_status = 401


class Wiped(Unauthenticated):
    """The session was ended with an order to its device: erase what you keep of this workspace."""

    code = "WIPE"

    def __init__(self) -> None:
        super().__init__(
            "This session was ended, and its device is to forget the workspace: erase the local data, "
            "then sign in again."
        )


class NotFound(CRMError):
    """The record does not exist, or this actor may not know that it does."""

    code = "NOT_FOUND"
    http_status = 404

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"No {kind} with id {id!r} is visible to you; check the id, or ask for access.")
        self.kind, self.id = kind, id

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "kind": self.kind, "id": self.id}


class Forbidden(CRMError):
    """The actor may see the record or kind, but may not do this."""

    code = "FORBIDDEN"
    http_status = 403

    def __init__(self, action: str, kind: str) -> None:
        super().__init__(
            f"Your role does not allow you to {action} this {kind}; ask an admin of the workspace for it."
        )
        self.action, self.kind = action, kind


class Conflict(CRMError):
    """Somebody else changed the record since the caller read it.

    ``fields`` are the names that changed after the caller's version; ``current`` is the record now.
    """

    code = "CONFLICT"
    http_status = 409

    def __init__(
        self, message: str, *, current_version: int, fields: tuple[str, ...] = (), current: Any = None
    ) -> None:
        super().__init__(message)
        self.current_version, self.fields, self.current = current_version, fields, current

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "currentVersion": self.current_version, "fields": list(self.fields)}


@dataclass(frozen=True)
class FieldError:
    """One field and what is wrong with it, as a sentence that goes on from the field's name."""

    field: str
    message: str


class InvalidInput(CRMError):
    """The input breaks a rule; ``errors`` name each field."""

    code = "INVALID_INPUT"
    http_status = 422

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{e.field} {e.message}" for e in errors))
        self.errors = errors

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "fields": [{"field": e.field, "message": e.message} for e in self.errors]}


class UnknownField(CRMError):
    """The query names a field that does not exist, for this caller."""

    code = "BAD_QUERY"
    http_status = 400

    def __init__(self, *, type_name: str, field: str) -> None:
        super().__init__(f"Field '{field}' is not defined by type '{type_name}'.")


class DuplicateFound(CRMError):
    """Records like this one exist; ``candidates`` are their ids."""

    code = "DUPLICATE_FOUND"
    http_status = 409

    def __init__(self, kind: str, candidates: tuple[str, ...]) -> None:
        super().__init__(f"This {kind} seems to exist already; open a candidate, or acknowledge duplicates.")
        self.kind, self.candidates = kind, candidates

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "candidates": list(self.candidates)}


class ApprovalRequired(CRMError):
    """Somebody must approve the record before this may be done; ``request`` is the approval it waits for."""

    code = "APPROVAL_REQUIRED"
    http_status = 422

    def __init__(self, message: str, *, request: str | None = None) -> None:
        super().__init__(message)
        self.request = request

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "request": self.request}


class RateLimited(CRMError):
    """Too many tries; ``retry_after`` says when the next one counts."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "retryAfter": self.retry_after.total_seconds()}


class CheckpointExpired(CRMError):
    """The phone's cursor is older than what the server keeps: it must start again."""

    code = "CHECKPOINT_EXPIRED"
    http_status = 410


class CannotOpen(CRMError):
    """A sealed value does not open here: its key is missing, or it is not what was sealed."""

    code = "CANNOT_OPEN"
    http_status = 500


class BadRequest(CRMError):
    """The request is not of the form that is read here: no JSON, no query, another content type."""

    code = "BAD_REQUEST"

    def __init__(self, message: str, http_status: int = 400) -> None:
        super().__init__(message)
        self.http_status = http_status  # type: ignore[misc]  # as the GraphQL library says


class Unavailable(CRMError):
    """Something we need is away for the moment: the only family worth a retry."""

    code = "UNAVAILABLE"
    http_status = 503

    def __init__(self, message: str, *, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "retryAfter": self.retry_after.total_seconds()}
