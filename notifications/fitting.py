"""Cut what is too long for a vendor, never inside of what a reader sees as one character. Pure."""

from collections.abc import Mapping
from dataclasses import replace

import regex

from notifications.gateways import PushMessage

PUSH_BYTES = 4_096
"""Of notification and data together. Source: FCM, "About FCM messages"; APNs allows as much."""

FRAME_BYTES = 296
"""What surrounds title, body and data in a push at its longest: names, tags, JSON's own signs."""

ELLIPSIS = "…"
_GRAPHEME = regex.compile(r"\X")


def fitted(text: str, most_bytes: int) -> str:
    """Return ``text``, or its beginning with an ellipsis, in at most ``most_bytes`` bytes of UTF-8.

    Cuts between grapheme clusters (Unicode UAX 29): an emoji of a family or a letter with its accents stays
    whole or goes. Less than the ellipsis needs leaves nothing.
    """
    if len(text.encode()) <= most_bytes:
        return text
    room, kept = most_bytes - len(ELLIPSIS.encode()), 0
    if room < 0:
        return ""
    for found in _GRAPHEME.finditer(text):
        size = len(found.group().encode())
        if size > room:
            break
        room, kept = room - size, found.end()
    return text[:kept].rstrip() + ELLIPSIS


def fitted_push(message: PushMessage, most_bytes: int = PUSH_BYTES) -> PushMessage:
    """Return ``message`` with its words cut so that a vendor takes it; ids are never cut.

    The title keeps up to half of the room, the body has the rest.
    """
    room = most_bytes - FRAME_BYTES - _size_of(message.data) - 2 * _size(message.collapse_key)
    if _size(message.title) + _size(message.body) <= room:
        return message
    title = fitted(message.title, max(room // 2, room - _size(message.body)))
    return replace(message, title=title, body=fitted(message.body, max(room - _size(title), 0)))


def _size_of(data: Mapping[str, str]) -> int:
    return sum(_size(name) + _size(value) + 6 for name, value in data.items())


def _size(text: str) -> int:
    """Return how many bytes a text takes in JSON, where quotes, backslashes and controls grow."""
    grown = sum(text.count(sign) for sign in '"\\\n\r\t')
    controls = sum(5 for sign in text if sign < " " and sign not in "\n\r\t")
    return len(text.encode()) + grown + controls
