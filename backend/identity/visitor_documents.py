"""What the identity room stores of visitors: people on a web site who chat without signing in."""

from datetime import datetime
from typing import Annotated, ClassVar

from beanie import Document
from pydantic import Field, StringConstraints
from pymongo import IndexModel

from backend.core.expiring import expiring
from backend.core.records import Record

Origin = Annotated[str, StringConstraints(max_length=300)]
Suggestion = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class ChatKey(Record):
    """A web site on which anybody may chat with this workspace. Its id is the public key: no secret.

    ``origins`` are the pages that may embed the chat, as browsers name them; ``on_own_page`` opens the
    chat at ``/chat`` on this server, too, with ``suggestions`` of what to ask.
    """

    kind: ClassVar[str] = "chat_key"
    name: str = Field(min_length=1, max_length=100)
    origins: list[Origin] = Field(default_factory=list, max_length=50)
    on_own_page: bool = True
    suggestions: list[Suggestion] = Field(default_factory=list, max_length=6)
    is_active: bool = True

    class Settings:
        name = "chat_keys"
        indexes: ClassVar = [IndexModel([("origins", 1)])]  # global by nature: a browser asks first


class Visitor(Document):
    """Somebody who chats on a web site and has not said who they are; bound to one conversation.

    The browser holds a secret of its own making, of which only the digest is kept. To conversations a
    visitor is a contact (``id``) of whom there is no record.
    """

    id: str  # type: ignore[assignment]
    workspace_id: str
    key_id: str
    secret_digest: str
    locale: str = "en"
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    class Settings:
        name = "visitors"
        indexes: ClassVar = [
            IndexModel([("secret_digest", 1)], unique=True),  # global by nature: nobody is known yet
            expiring("expires_at"),
        ]
