"""Operations on chat keys, and which origins they let in."""

import time
from urllib.parse import urlsplit

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.identity.oidc_tokens import LOOPBACK
from backend.identity.visitor_documents import ChatKey

REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 2_000
THIS_MACHINE = (*LOOPBACK, "localhost")  # whose pages are being written


async def create_chat_key(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> ChatKey:
    """Let visitors of a web site chat. Raise InvalidInput for an origin that is none."""
    key = await new_record(uow, ChatKey, fields, id=id)
    key.origins = [origin_of(one) for one in key.origins]
    uow.save(key)
    return key


async def update_chat_key(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> ChatKey:
    """Change a chat key; whoever came by it is let in, or not, from then on."""
    key = await uow.access(ChatKey, id, action="update", expected_version=expected_version)
    set_fields(key, fields)
    key.origins = [origin_of(one) for one in key.origins]
    uow.save(key)
    return key


async def delete_chat_key(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> ChatKey:
    """Let nobody chat by this key any more; what was said stays."""
    key = await uow.access(ChatKey, id, action="delete", expected_version=expected_version)
    uow.delete(key)
    return key


def origin_of(text: str) -> str:
    """Return the origin of a page as browsers write it; raise InvalidInput for what is none.

    Only https, or http on this very machine: on an open line anybody could change the page.
    Source: HTML, section 7.1.1; RFC 6454.
    """
    parts = urlsplit(text.strip().rstrip("/"))
    try:
        port = parts.port
    except ValueError:
        port = -1
    plain = not (parts.path or parts.query or parts.fragment or parts.username) and parts.hostname
    confidential = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
    if not plain or port == -1 or "*" in text or not confidential:
        raise InvalidInput(
            FieldError("origins", f"hold {text!r}, no origin of a page; write https://www.example.com")
        )
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


class ChatOrigins:
    """Which pages hold a chat of any workspace here: what a browser asks before anybody is known."""

    def __init__(self) -> None:
        self._remembered: dict[str, tuple[bool, float]] = {}

    async def knows(self, origin: str) -> bool:
        """Tell whether an active chat key names this origin; what was found counts for five seconds."""
        known = self._remembered.get(origin)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        found = await ChatKey.find_one({"origins": origin, "is_active": True, "deleted_at": None})
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[origin] = (found is not None, time.monotonic() + REMEMBERED_SECONDS)
        return found is not None


async def open_at_own_page(id: str = "") -> ChatKey | None:
    """Return the chat key ``id`` if it is open at ``/chat``; without an id the only one that is, or None."""
    where = {"on_own_page": True, "is_active": True, "deleted_at": None} | ({"_id": id} if id else {})
    found = await ChatKey.find(where).limit(2).to_list()
    return found[0] if len(found) == 1 else None
