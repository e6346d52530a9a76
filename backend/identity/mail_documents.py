"""What the identity room keeps of links by mail: digests of their secrets, and what is still to be sent."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from beanie import Document
from pydantic import Field
from pymongo import IndexModel

from backend.core.expiring import expiring


class Purpose(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"


class OneTimeToken(Document):
    """A link that counts once. The secret itself is nowhere but in the mail."""

    id: str = Field(description="the digest of the secret")  # type: ignore[assignment]
    purpose: Purpose
    workspace_id: str
    user_id: str
    expires_at: datetime

    class Settings:
        name = "one_time_tokens"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("user_id", 1)]),
            expiring("expires_at"),
        ]


class MailDue(Document):
    """A mail that is to be sent. It holds no secret: the link is made when the mail leaves.

    A reset knows only the address that somebody typed, whether or not anybody signs in with it: so the
    request for it does, and shows, the same for all. Global by nature: a queue, walked by ``due_at``.
    """

    id: str  # type: ignore[assignment]
    purpose: Purpose
    address: str = Field(default="", repr=False)
    workspace_id: str = ""
    user_id: str = ""
    inviter_id: str = ""
    due_at: datetime
    tries: int = 0
    expires_at: datetime

    class Settings:
        name = "mail_due"
        indexes: ClassVar = [
            IndexModel([("due_at", 1)]),
            expiring("expires_at"),
        ]
