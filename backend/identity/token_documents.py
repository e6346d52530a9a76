"""What the identity room stores of personal access tokens and API keys."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from beanie import Document
from pydantic import Field
from pymongo import IndexModel


class TokenSort(StrEnum):
    """Whose rights a token has: a person's own, or those of a role, under a name of its own."""

    PERSONAL = "pat"
    KEY = "key"


class ApiToken(Document):
    """A token that programs send. The store keeps a digest, and how the token begins, for people to tell it.

    ``user_id`` is whom it acts as: its owner, or the service identity of an API key. Revoked ones stay.
    """

    id: str  # type: ignore[assignment]
    workspace_id: str
    user_id: str
    sort: TokenSort
    name: str
    digest: str
    prefix: str
    scopes: list[str] = Field(default_factory=list)
    created_at: datetime
    created_by: str
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    class Settings:
        name = "api_tokens"
        indexes: ClassVar = [
            IndexModel([("digest", 1)], unique=True),  # global by nature: a token says no workspace
            IndexModel([("workspace_id", 1), ("user_id", 1)]),
            IndexModel([("workspace_id", 1), ("sort", 1)]),
        ]

    def is_over(self, now: datetime) -> bool:
        """Tell whether it no longer counts."""
        return self.revoked_at is not None or self.expires_at <= now
