"""Pull: from a phone's place in the feed, the next page of what its reader may see.

The records are the feed (docs/adr/0003): each carries the number of its last change and the scopes that
see it. A page walks them in closed windows of numbers up to W, the newest commit when it began, so that
nothing that commits meanwhile is missed; it ends only between two commits, and only the last page is
shorter than asked. What left a scope comes from the departures, what was deleted as its tombstone.

A reader whose teams or role changed is walked again from 0, through what was gained and lost alone: in
proportion to what arrives and leaves; one whose field rules changed, through all that it reads. To come: a history of scopes (so that a cursor need not carry
them), an explicit answer for a phone that was away for longer than tombstones are kept, departures in
pages, a cache of ready rows.
"""

from dataclasses import dataclass, replace

from backend.core.access import EVERYONE, Actor
from backend.core.errors import FieldError, InvalidInput
from backend.core.reading import Reader, scopes_of
from backend.core.records import Record
from backend.core.sync import SyncedCollection
from mobile_sync.cursor import Cursor, adapted, check_still_valid, first_cursor
from mobile_sync.rows import NIL_ID, Row, row_of, tombstone

MOST_ROWS = 1_000
STRETCH = 1_000  # an idle cursor may fall this many commits behind before an empty page moves it
GROWTH = 4  # how much wider the next window is when records are sparse


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
    must move all the same (the reader's scopes changed, or it fell far behind), the page brings one
    tombstone of an id that no record has. Raise InvalidInput for a limit out of range.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidInput(FieldError("limit", f"must be 1 to {MOST_ROWS}; set the pull's batchSize so"))
    epoch, newest = await reader.feed_end(actor.workspace_id)
    scopes, mask = scopes_of(actor, collection.record), actor.mask(collection.record.kind).signature
    start = given or first_cursor(epoch=epoch, newest=newest, scopes=scopes, mask=mask)
    check_still_valid(start, epoch=epoch, newest=newest)
    start = adapted(start, scopes, mask)
    page = await walk(reader, actor, collection, start, newest=newest, limit=limit)
    if page.at_end and page.cursor.lost and (await reader.feed_end(actor.workspace_id))[1] == newest:
        # Nothing was written since: no record of a lost scope can have run ahead of this walk.
        page = replace(page, cursor=replace(page.cursor, lost=()))
    if not page.rows and _must_move(given, page.cursor):
        page.rows.append(tombstone(collection, NIL_ID))
    return page


async def walk(
    reader: Reader, actor: Actor, collection: SyncedCollection, start: Cursor, *, newest: int, limit: int
) -> Page:
    """Return the page from ``start`` (its scopes are the actor's) up to commit ``newest``."""
    seq, width = start.seq, limit + limit // 4
    found: list[Record] = []
    while seq < newest and len(found) < limit:
        bound = newest if seq >= start.since else start.since
        scopes = _scopes_at(start, bound)
        if not scopes:
            seq = bound
            continue
        until = min(seq + width, bound)
        window = await reader.feed_window(
            actor.workspace_id, collection.record, scopes, after=seq, until=until
        )
        found += [record for record in window if _is_news(record, start)]
        seq, width = until, width * GROWTH
    if len(found) > limit:
        last = found[limit - 1].version
        kept = [record for record in found if record.version <= last]
        seq = seq if len(kept) == len(found) else last
        found = kept
    rows = [_row(reader, actor, collection, record) for record in found]
    rows += await _departed(reader, actor, collection, start, until=seq, sent={row["id"] for row in rows})
    gained = start.gained if seq < start.since else ()
    return Page(rows=rows, cursor=replace(start, seq=seq, gained=gained), at_end=seq >= newest)


def _scopes_at(cursor: Cursor, until: int) -> tuple[str, ...]:
    """Return the scopes to look into: below the place where the walk began, only what is new to the phone."""
    looked = cursor.gained if until <= cursor.since else cursor.scopes
    return (EVERYONE,) if EVERYONE in looked else tuple(sorted({*looked, *cursor.lost}))


def _is_news(record: Record, cursor: Cursor) -> bool:
    """Tell whether the phone needs this record.

    Of what was last changed before its walk began, it never had what was deleted, and has what it reads
    in a scope that it had.
    """
    if record.version > cursor.since:
        return True
    kept = set(cursor.scopes) - set(cursor.gained)
    return not record.deleted_at and kept.isdisjoint(record.acl)


def _row(reader: Reader, actor: Actor, collection: SyncedCollection, record: Record) -> Row:
    seen = None if record.deleted_at else reader.seen(actor, record)
    return row_of(collection, seen) if seen else tombstone(collection, record.id)


async def _departed(
    reader: Reader,
    actor: Actor,
    collection: SyncedCollection,
    start: Cursor,
    *,
    until: int,
    sent: set[str],
) -> list[Row]:
    """Return tombstones for what left the reader's scopes and is in none of them any more."""
    after = max(start.seq, start.since)
    scopes = sorted({*start.scopes, *start.lost} - {EVERYONE})
    if after >= until or not scopes:
        return []
    kind = collection.record.kind
    ids = await reader.departed(actor.workspace_id, kind, scopes, after=after, until=until) - sent
    visible = await reader.get_many(actor, collection.record, sorted(ids)) if ids else {}
    return [tombstone(collection, id) for id in sorted(ids - visible.keys())]


def _must_move(given: Cursor | None, reached: Cursor) -> bool:
    """Tell whether an empty page must bring the cursor on."""
    if given is None:
        return reached.seq > STRETCH
    state = (reached.scopes, reached.gained, reached.lost)
    return reached.seq - given.seq > STRETCH or state != (given.scopes, given.gained, given.lost)
