"""Pull: from a phone's place in the feed, the next page of what its reader may see.

The records are the feed (docs/adr/0003): each carries the number of its last change and the scopes that
see it. A page walks them in closed windows of numbers up to W, the newest commit when it began, so that
nothing that commits meanwhile is missed; it ends only between two commits, and only the last page is
shorter than asked. What left a scope comes from the departures, what was deleted as its tombstone.

A reader whose teams or role changed is walked again from 0, through what was gained and lost alone: in
proportion to what arrives and leaves; one whose field rules changed, through all that it reads. To come:
departures in pages.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from backend.core.access import EVERYONE, Actor
from backend.core.errors import FieldError, InvalidInput
from backend.core.hot_feed import HotRow
from backend.core.reading import Reader, scopes_of
from backend.core.sync import SyncedCollection
from mobile_sync.cursor import Cursor, adapted, check_still_valid, first_cursor
from mobile_sync.lines import Names, names_of, row_from, shape_of
from mobile_sync.rows import NIL_ID, Row, field_set, tombstone
from mobile_sync.seen import lines_as_seen

MOST_ROWS = 1_000
STRETCH = 1_000  # an idle cursor may fall this many commits behind before an empty page moves it
GROWTH = 4  # how much wider the next window is when records are sparse


class Change(NamedTuple):
    """What a phone must know of one record: ``line`` as its reader sees it, None when it must go.

    Of one that goes ``is_deleted`` tells whether it was deleted or left the reader's sight; ``version`` is
    the commit up to which all this holds. See ``mobile_sync.lines``.
    """

    collection: SyncedCollection
    id: str
    version: int
    line: bytes | None = None
    is_deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows in feed order and the place after them."""

    rows: list[Row]
    cursor: Cursor
    at_end: bool


async def pull_page(
    reader: Reader, actor: Actor, collection: SyncedCollection, given: Cursor | None, *, limit: int
) -> Page:
    """Return the page after ``given`` (None: from the start).

    A page without rows means that there is nothing new; phones then keep the cursor they have. So when it
    must move all the same (the phone has none yet, the reader's scopes changed, or it fell far behind), the
    page brings one tombstone of an id that no record has. Raise InvalidInput for a limit out of range.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidInput(FieldError("limit", f"must be 1 to {MOST_ROWS}; set the pull's batchSize so"))
    end = await reader.feed_end(actor.workspace_id)
    newest = end.newest
    scopes, fields = scopes_of(actor, collection.record), field_set(collection, actor)
    start = given or first_cursor(epoch=end.epoch, newest=newest, scopes=scopes, fields=fields)
    check_still_valid(start, end)
    start = adapted(start, scopes, fields)
    page = await walk(reader, actor, collection, start, newest=newest, limit=limit)
    if page.at_end and page.cursor.lost and (await reader.feed_end(actor.workspace_id)).newest == newest:
        # Nothing was written since: no record of a lost scope can have run ahead of this walk.
        page = replace(page, cursor=replace(page.cursor, lost=()))
    if not page.rows and _must_move(given, page.cursor):
        page.rows.append(tombstone(collection, NIL_ID))
    return page


async def walk(
    reader: Reader, actor: Actor, collection: SyncedCollection, start: Cursor, *, newest: int, limit: int
) -> Page:
    """Return the page from ``start`` (its scopes are the actor's) up to commit ``newest``."""
    found, seq = await changed_records(reader, actor, collection, start, newest=newest, limit=limit)
    changes = await changes_of(reader, actor, collection, start, found, until=seq)
    names = names_of(collection)
    rows = [_row(change, names) for change in changes]
    return Page(rows=rows, cursor=reached(start, seq), at_end=seq >= newest)


async def changed_records(
    reader: Reader,
    actor: Actor,
    collection: SyncedCollection,
    start: Cursor,
    *,
    newest: int,
    limit: int,
    end: int = 0,
) -> tuple[list[HotRow], int]:
    """Return what the phone must know of after ``start``, and up to which commit this is all.

    ``newest`` is where the walk ends; ``end`` the feed's newest commit, where that is further: what has
    changed since ``newest`` is passed over, for it comes later, and must not be shown as it was.

    In feed order, cut between two commits: more than ``limit`` only where one commit holds more. Whoever
    reads must still be asked of each record: lost scopes are looked into as well.
    """
    seq, width = start.seq, limit + limit // 4
    found: list[HotRow] = []
    shape = shape_of(actor, collection)
    while seq < newest and len(found) < limit:
        bound = newest if seq >= start.since else min(start.since, newest)
        scopes = _scopes_at(start, bound)
        if not scopes:
            seq = bound
            continue
        until = min(seq + width, bound)
        known = (start.epoch, max(newest, end))
        window = await reader.hot.window(
            actor, collection.record, shape, scopes, after=seq, until=until, end=known
        )
        found += window if seq >= start.since else _news(window, start)
        seq, width = until, width * GROWTH
    if len(found) > limit:
        last = found[limit - 1].version
        kept = [row for row in found if row.version <= last]
        seq = seq if len(kept) == len(found) else last
        found = kept
    return found, seq


async def changes_of(
    reader: Reader,
    actor: Actor,
    collection: SyncedCollection,
    start: Cursor,
    found: list[HotRow],
    *,
    until: int,
) -> list[Change]:
    """Return ``found`` as ``actor`` sees it now, and what left its sight up to commit ``until``."""
    key, sees = shape_of(actor, collection).key, reader.sees(actor, collection.record)
    held = [row.forms.get(key) if sees(row) else None for row in found]
    lines = await lines_as_seen(reader, actor, collection, held)
    changes = [
        Change(collection=collection, id=row.id, version=row.version, line=line, is_deleted=row.is_deleted)
        for row, line in zip(found, lines, strict=True)
    ]
    sent = {change.id for change in changes}
    departed = await _departed(reader, actor, collection, start, until=until, sent=sent)
    return changes + [Change(collection=collection, id=id, version=until) for id in departed]


def reached(start: Cursor, seq: int) -> Cursor:
    """Return the place of a phone that has everything up to ``seq``."""
    return replace(start, seq=seq, gained=start.gained if seq < start.since else ())


def _scopes_at(cursor: Cursor, until: int) -> tuple[str, ...]:
    """Return the scopes to look into: below the place where the walk began, only what is new to the phone."""
    looked = cursor.gained if until <= cursor.since else cursor.scopes
    return (EVERYONE,) if EVERYONE in looked else tuple(sorted({*looked, *cursor.lost}))


def _news(rows: list[HotRow], cursor: Cursor) -> list[HotRow]:
    """Return which records the phone needs.

    Of what was last changed before its walk began, it never had what was deleted, and has what it reads
    in a scope that it had.
    """
    kept, since = set(cursor.scopes) - set(cursor.gained), cursor.since
    return [
        row
        for row in rows
        if row.version > since or not (row.is_deleted or (kept and not kept.isdisjoint(row.acl)))
    ]


def _row(change: Change, names: Names) -> Row:
    if change.line is None:
        return tombstone(change.collection, change.id)
    return row_from(names, change.line)


async def _departed(
    reader: Reader,
    actor: Actor,
    collection: SyncedCollection,
    start: Cursor,
    *,
    until: int,
    sent: set[str],
) -> list[str]:
    """Return the ids of what left the reader's scopes and is in none of them any more."""
    after = max(start.seq, start.since)
    scopes = sorted({*start.scopes, *start.lost} - {EVERYONE})
    if after >= until or not scopes:
        return []
    kind = collection.record.kind
    ids = await reader.departed(actor.workspace_id, kind, scopes, after=after, until=until) - sent
    visible = await reader.get_many(actor, collection.record, sorted(ids)) if ids else {}
    return sorted(ids - visible.keys())


def _must_move(given: Cursor | None, reached: Cursor) -> bool:
    """Tell whether an empty page must bring the cursor on.

    Always to a phone that has none: what it then creates, and others delete, it would never be told of.
    """
    if given is None:
        return True
    state = (reached.scopes, reached.gained, reached.lost)
    return reached.seq - given.seq > STRETCH or state != (given.scopes, given.gained, given.lost)
