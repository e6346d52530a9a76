"""The phone's place in the feed: an opaque signed text, and how it changes when its reader does.

Pure: no database, no web. The text is a JWT of an audience of its own, so it never passes for an
access token. It names its owner, so it is worth nothing to anybody else.
"""

import hashlib
from dataclasses import dataclass, replace

import jwt

from backend.core.access import EVERYONE
from backend.core.errors import CheckpointExpired, FieldError, InvalidInput
from backend.core.ledger import FeedEnd

ALGORITHM = "HS256"
AUDIENCE = "rapport-cursor"
FORMAT = 1

Scopes = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """What one phone has of one kind.

    Everything up to ``seq`` was sent. ``since`` is where the phone's present walk began: what was deleted
    or had left before it, the phone does not hold. Below ``since`` only ``gained`` scopes are new to it;
    ``lost`` scopes are walked to find what must leave it. ``fields`` tells the columns that its rows
    have, and the field rules that they were made under, from others.
    """

    epoch: int
    seq: int
    since: int
    scopes: Scopes
    gained: Scopes = ()
    lost: Scopes = ()
    fields: str = ""


def first_cursor(*, epoch: int, newest: int, scopes: Scopes, fields: str = "") -> Cursor:
    """Return the place of a phone that has nothing."""
    return Cursor(epoch=epoch, seq=0, since=newest, scopes=scopes, gained=scopes, fields=fields)


def adapted(cursor: Cursor, scopes: Scopes, fields: str = "") -> Cursor:
    """Return the place of a phone whose reader now reads ``fields`` of what is in ``scopes``.

    Unchanged when they are the ones it had. Otherwise the walk starts again at 0: up to here only through
    what was gained (back-fill) and lost (purge), beyond here through everything.
    """
    if scopes == cursor.scopes and fields == cursor.fields:
        return cursor
    now, before = set(scopes), set(cursor.scopes)
    gained = set() if EVERYONE in before else now - before
    if fields != cursor.fields:
        gained = now  # the phone holds other fields of every record
    if cursor.seq < cursor.since:  # an earlier back-fill had not ended
        gained |= now if EVERYONE in cursor.gained else set(cursor.gained) & now
    lost = set() if EVERYONE in now else (before | set(cursor.lost)) - now
    return replace(
        cursor,
        fields=fields,
        seq=0,
        since=max(cursor.since, cursor.seq),
        scopes=scopes,
        gained=tuple(sorted(gained)),
        lost=tuple(sorted(lost)),
    )


def owner_mark(workspace_id: str, user_id: str, kind: str) -> str:
    """Return what ties a cursor to one reader of one kind."""
    return hashlib.sha256(f"{workspace_id}|{user_id}|{kind}".encode()).hexdigest()[:24]


def write_cursor(cursor: Cursor, key: str, *, owner: str) -> str:
    """Return ``cursor`` as the text that phones keep."""
    body = {
        "aud": AUDIENCE,
        "v": FORMAT,
        "own": owner,
        "e": cursor.epoch,
        "s": cursor.seq,
        "f": cursor.since,
        "sc": cursor.scopes,
        "g": cursor.gained,
        "l": cursor.lost,
        "m": cursor.fields,
    }
    return jwt.encode(body, key, algorithm=ALGORITHM)


def read_cursor(text: str, key: str, *, owner: str) -> Cursor:
    """Return the place that ``text`` names; raise InvalidInput for one that is not this reader's own."""
    try:
        body = jwt.decode(
            text, key, algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": ["aud", "own"]}
        )
    except jwt.PyJWTError:
        raise _refused("is not a cursor of this server, or was changed on the way") from None
    if body["own"] != owner:
        raise _refused("belongs to another person, workspace or collection")
    if body["v"] != FORMAT:
        raise CheckpointExpired(
            "This cursor is of an older format; empty the collection and pull it without a checkpoint."
        )
    return Cursor(
        epoch=body["e"],
        seq=body["s"],
        since=body["f"],
        scopes=tuple(body["sc"]),
        gained=tuple(body["g"]),
        fields=body.get("m", ""),
        lost=tuple(body["l"]),
    )


def check_still_valid(cursor: Cursor, end: FeedEnd) -> None:
    """Raise CheckpointExpired for a cursor from before a restore, or older than what was deleted is known."""
    if max(cursor.seq, cursor.since) < end.oldest:
        raise CheckpointExpired(
            "This cursor is too old: what was deleted since is not known any more. Empty the collection and "
            "pull it without a checkpoint."
        )
    if cursor.epoch != end.epoch or cursor.seq > end.newest:
        raise CheckpointExpired(
            "The server was restored from a backup since this cursor; empty the collection and pull it "
            "without a checkpoint."
        )


def _refused(cause: str) -> InvalidInput:
    return InvalidInput(
        FieldError("checkpoint.cursor", f"{cause}; send the last one unchanged, or none to start again")
    )
