"""The hot end of the feed: the newest rows of each kind, in the forms in which phones were sent them.

Most pulls ask for what many others ask for, too: the last changes. A feed of a kind keeps rows by version,
knows of each scope which stretches of versions it holds whole, and asks the store for the rest only. Before
it answers it takes note of every change up to the newest commit: what has moved on is forgotten first, so
it never shows a record in a state, or to a reader, that it has left (docs/adr/0015).

Who may see a row is decided anew for each reader, from its acl; what was made for one set of field rules
is given only to readers under the same.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backend.core.access import EVERYONE, Actor
from backend.core.field_rules import Mask, veil
from backend.core.hot_stretches import Stretches
from backend.core.records import Record, Share

MOST_ROWS = 50_000
MOST_BYTES = 64 * 2**20  # of the rows' forms; with ids and acls they take about twice as much
FARTHEST_BEHIND = 2_000  # commits: to catch up on more costs more than to begin anew
FEW = 64  # rows: as many are read by id, more as a window
AROUND_A_ROW = 400  # bytes of a row beside its forms, roughly

Form = Callable[[Record], bytes]
ReadIds = Callable[[type[Record], Sequence[str]], Awaitable[list[Record]]]


class ReadWindow(Protocol):
    """``Reader.feed_window``."""

    def __call__(
        self, workspace_id: str, record: type[Record], scopes: Sequence[str], *, after: int, until: int | None
    ) -> Awaitable[list[Record]]: ...


@dataclass(eq=False, slots=True)
class HotRow:
    """One record in one version: ``forms`` is how it looks, by what it is made for."""

    id: str
    version: int
    acl: Sequence[str]
    shares: Sequence[Share]  # those that end by themselves, else none
    is_deleted: bool
    forms: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def weight(self) -> int:
        return AROUND_A_ROW + sum(map(len, self.forms.values()))


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What rows are made for: ``form`` named ``name``, under the field rules ``mask``."""

    name: str
    form: Form
    mask: Mask

    @property
    def key(self) -> tuple[str, str]:
        return (self.name, self.mask.signature)

    def of(self, record: Record) -> bytes:
        """Return the record's form; the veil is put over the very object."""
        veil(record, self.mask)
        return self.form(record)


class _Feed:
    """The rows of one kind in one workspace. ``known`` is the commit up to which it has heard of changes."""

    def __init__(self, epoch: int, newest: int) -> None:
        self.epoch, self.known = epoch, newest
        self.lock = asyncio.Lock()
        self.held: dict[str, Stretches] = {}
        self.rows: dict[str, HotRow] = {}
        self.weight = 0
        self._ordered: list[HotRow] | None = []

    def between(self, after: int, until: int) -> list[HotRow]:
        """Return the rows with ``after < version <= until``, in the order of the feed."""
        if self._ordered is None:
            self._ordered = sorted(self.rows.values(), key=_place)
        low, high = _bisect(self._ordered, after), _bisect(self._ordered, until)
        return self._ordered[low:high]

    def gaps(self, scopes: Iterable[str], after: int, until: int) -> list[tuple[str, int, int]]:
        """Return which stretches of which scopes must be read to know the window whole."""
        everyones = self.held.get(EVERYONE, NOTHING_HELD).missing(after, until)
        return [
            (scope, *gap)
            for scope in scopes
            for wide in everyones
            for gap in self.held.get(scope, NOTHING_HELD).missing(*wide)
        ]

    def put(self, row: HotRow) -> None:
        self.drop(row.id)
        self.rows[row.id] = row
        self.weight += row.weight()
        if self._ordered and _place(self._ordered[-1]) < _place(row):
            self._ordered.append(row)  # as a rule: the newest change
        else:
            self._ordered = None

    def drop(self, id: str) -> None:
        row = self.rows.pop(id, None)
        if row is not None:
            self.weight -= row.weight()
            self._ordered = None

    def hold(self, scope: str, after: int, until: int) -> None:
        """Note that every row of ``scope`` in this stretch is here."""
        self.held.setdefault(scope, Stretches()).add(after, until)

    def add_form(self, row: HotRow, key: tuple[str, str], form: bytes) -> None:
        row.forms[key] = form
        self.weight += len(form)

    def drop_oldest(self, count: int) -> None:
        """Forget at least ``count`` rows, the oldest, whole commits."""
        ordered = self.between(-1, self.known)
        last = ordered[min(count, len(ordered)) - 1].version
        for row in ordered:
            if row.version > last:
                break
            self.drop(row.id)
        for stretches in self.held.values():
            stretches.cut(last)


class HotFeeds:
    """The hot feeds of one process, within ``most_rows`` and ``most_bytes`` together."""

    def __init__(
        self,
        read_window: ReadWindow,
        read_ids: ReadIds,
        *,
        most_rows: int = MOST_ROWS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._read_window, self._read_ids = read_window, read_ids
        self._most_rows, self._most_bytes = most_rows, most_bytes
        self._feeds: OrderedDict[tuple[str, str], _Feed] = OrderedDict()

    @property
    def size(self) -> tuple[int, int]:
        """Return how many rows are held, and their weight in bytes."""
        feeds = self._feeds.values()
        return sum(len(feed.rows) for feed in feeds), sum(feed.weight for feed in feeds)

    def forget(self, workspace_id: str) -> None:
        """Read a workspace's rows afresh: who sees what, or under which keys it is sealed, has changed."""
        for key in [key for key in self._feeds if key[0] == workspace_id]:
            del self._feeds[key]

    async def window(
        self,
        actor: Actor,
        record: type[Record],
        shape: Shape,
        scopes: Sequence[str],
        *,
        after: int,
        until: int,
        end: tuple[int, int],
    ) -> list[HotRow]:
        """Return the rows of ``scopes`` with ``after < version <= until``, each in ``shape`` or deleted.

        In the order of the feed. ``end`` is the feed's, epoch and newest commit, as the caller found it.
        Scopes may be ones that the reader has lost: what of it may be shown is the caller's to decide.
        """
        feed = self._feed(actor.workspace_id, record.kind, *end)
        if feed is None:  # somebody who began before a restore
            rows = await self._read_window(actor.workspace_id, record, scopes, after=after, until=until)
            return [_row(one, shape) for one in rows]
        reads = feed.known < end[1] or bool(feed.gaps(scopes, after, until))
        if reads:
            async with feed.lock:
                await self._catch_up(feed, actor.workspace_id, record, shape, end[1])
                await self._fill(feed, actor.workspace_id, record, shape, scopes, after, until)
                found = _in_scopes(feed.between(after, until), scopes)
        else:
            found = _in_scopes(feed.between(after, until), scopes)
        lacking = [row for row in found if not row.is_deleted and shape.key not in row.forms]
        if lacking:
            async with feed.lock:
                await self._form(feed, actor.workspace_id, record, shape, scopes, lacking)
            found = [row for row in found if row.is_deleted or shape.key in row.forms]
        if reads or lacking:
            self._shrink()  # what was found is in hand, whether it stays or not
        return found

    def _feed(self, workspace_id: str, kind: str, epoch: int, newest: int) -> _Feed | None:
        key = (workspace_id, kind)
        feed = self._feeds.get(key)
        if feed is not None and epoch < feed.epoch:
            return None
        if feed is None or epoch > feed.epoch or newest - feed.known > FARTHEST_BEHIND:
            feed = self._feeds[key] = _Feed(epoch, newest)
        self._feeds.move_to_end(key)
        return feed

    async def _catch_up(
        self, feed: _Feed, workspace_id: str, record: type[Record], shape: Shape, newest: int
    ) -> None:
        """Take note of everything that changed up to ``newest``; what has changed even since is forgotten.

        Without an upper end: a record may have left somebody's sight below ``newest`` and have changed
        again above it.
        """
        if feed.known >= newest:
            return
        after = feed.known
        for one in await self._read_window(workspace_id, record, (EVERYONE,), after=after, until=None):
            if one.version <= newest:
                feed.put(_row(one, shape))
            else:
                feed.drop(one.id)
        feed.hold(EVERYONE, after, newest)
        feed.known = newest

    async def _fill(
        self,
        feed: _Feed,
        workspace_id: str,
        record: type[Record],
        shape: Shape,
        scopes: Sequence[str],
        after: int,
        until: int,
    ) -> None:
        gaps = feed.gaps(scopes, after, until)
        read = await asyncio.gather(
            *(
                self._read_window(workspace_id, record, (scope,), after=low, until=high)
                for scope, low, high in gaps
            )
        )
        for (scope, low, high), records in zip(gaps, read, strict=True):
            for one in records:
                known = feed.rows.get(one.id)
                if known is None or known.version != one.version:
                    feed.put(_row(one, shape))
            feed.hold(scope, low, high)

    async def _form(
        self,
        feed: _Feed,
        workspace_id: str,
        record: type[Record],
        shape: Shape,
        scopes: Sequence[str],
        lacking: list[HotRow],
    ) -> None:
        """Make forms for other field rules; a record that has moved on meanwhile gets none."""
        if len(lacking) <= FEW:
            found = await self._read_ids(record, [row.id for row in lacking])
        else:
            low, high = lacking[0].version - 1, lacking[-1].version
            found = await self._read_window(workspace_id, record, scopes, after=low, until=high)
        records = {one.id: one for one in found}
        for row in lacking:
            one = records.get(row.id)
            if one is None or one.version != row.version:
                continue  # moved on; the next catching up meets it
            form = shape.of(one)
            if feed.rows.get(row.id) is row and shape.key not in row.forms:
                feed.add_form(row, shape.key, form)
            else:
                row.forms[shape.key] = form  # let go of meanwhile: for this answer alone

    def _shrink(self) -> None:
        """Let go of what was not asked for longest: whole feeds, then the oldest rows of the last one."""
        rows, weight = self.size
        while rows > self._most_rows or weight > self._most_bytes:
            key, feed = next(iter(self._feeds.items()))
            if len(self._feeds) > 1:
                del self._feeds[key]
            elif not feed.rows:
                return
            else:
                feed.drop_oldest(max(rows - self._most_rows, len(feed.rows) // 10, 1))
            rows, weight = self.size


NOTHING_HELD = Stretches()


def _row(record: Record, shape: Shape) -> HotRow:
    ending = [share for share in record.shares if share.until is not None]
    row = HotRow(
        id=record.id,
        version=record.version,
        acl=tuple(record.acl),
        shares=record.shares if ending else (),
        is_deleted=record.deleted_at is not None,
    )
    if not row.is_deleted:
        row.forms[shape.key] = shape.of(record)
    return row


def _in_scopes(rows: list[HotRow], scopes: Sequence[str]) -> list[HotRow]:
    if EVERYONE in scopes:
        return rows
    wanted = frozenset(scopes)
    return [row for row in rows if not wanted.isdisjoint(row.acl)]


def _place(row: HotRow) -> tuple[int, str]:
    return (row.version, row.id)


def _bisect(rows: list[HotRow], version: int) -> int:
    """Return how many of ``rows`` have at most ``version``."""
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if rows[middle].version <= version:
            low = middle + 1
        else:
            high = middle
    return low
