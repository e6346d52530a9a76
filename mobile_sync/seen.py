"""Rows that say something of other records, as their reader may see those now (``SyncedCollection.as_seen``).

What leaves for a phone passes here last, whole answers at once. Lines that the hot feed holds are taken
apart for it and written anew only where something was changed; what was made so goes into one answer.
"""

from collections.abc import Sequence

from backend.core.access import Actor
from backend.core.reading import Reader
from backend.core.sync import SyncedCollection
from backend.core.unit_of_work import UnitOfWork
from mobile_sync.lines import line_from, names_of, row_from
from mobile_sync.rows import Row


async def show_as_seen(
    reader: Reader, actor: Actor, collection: SyncedCollection, rows: Sequence[Row]
) -> None:
    """Change those of ``rows`` of which ``actor`` may not see all any more, in place."""
    there = [row for row in rows if not row["deleted"]]
    if collection.as_seen is not None and there:
        await collection.as_seen(UnitOfWork(reader, actor, reader.clock.now()), there)


async def lines_as_seen(
    reader: Reader, actor: Actor, collection: SyncedCollection, lines: Sequence[bytes | None]
) -> list[bytes | None]:
    """Return ``lines``, in their order, as ``actor`` may see them; None is what must go and stays so."""
    if collection.as_seen is None:
        return list(lines)
    names = names_of(collection)
    rows = {place: row_from(names, line) for place, line in enumerate(lines) if line is not None}
    before = {place: dict(row) for place, row in rows.items()}
    await show_as_seen(reader, actor, collection, list(rows.values()))
    written = {
        place: line_from(collection, names, row) for place, row in rows.items() if row != before[place]
    }
    return [written.get(place, line) for place, line in enumerate(lines)]
