"""From rows to records: a stretch of a file at a time, by the operations that GraphQL and phones run."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.core.access import HOUSE
from backend.core.errors import CRMError, FieldError, InvalidInput
from backend.core.ids import checked_id, derived_id
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.contact_points import folded_email
from backend.crm.home_country import reachable_fields
from backend.integrations.cells import read_cell
from backend.integrations.documents import ImportJob, IssueSort, OnMatch, RowCounts
from backend.integrations.importable import EXTERNAL_ID, EXTERNAL_KEY, IMPORTABLE, REFERENCES
from backend.integrations.tables import LONGEST_CELL, Row


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What there is to know of a row; see ``ImportIssue``."""

    sort: IssueSort
    line: int | None = None
    field: str = ""
    message: str
    record_id: str | None = None


@dataclass
class Taken:
    """What became of a stretch of rows: how many of them were gone through, the counts, the findings."""

    rows: int = 0
    counts: RowCounts = field(default_factory=RowCounts)
    findings: list[Finding] = field(default_factory=list)


@dataclass
class _Reading:
    """A row as it was read: the fields it fills, what is wrong with it, what is to be remarked."""

    row: Row
    fields: dict[str, Any] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)
    remarks: list[FieldError] = field(default_factory=list)
    key: str = ""


@dataclass
class _Stretch:
    """What is known while a stretch is gone through: who has which key, and what it has met itself."""

    known: Mapping[str, list[Record]]
    made: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


class RowTaker:
    """Takes the rows of one import. A ``dry`` one is for units whose work is thrown away."""

    def __init__(self, job: ImportJob, *, zone: str, dry: bool = False) -> None:
        self._job, self._zone, self._dry = job, zone, dry
        self._importable = IMPORTABLE[job.target_kind]
        self._places = [
            (place, name)
            for place, column in enumerate(job.columns)
            if (name := job.fields_by_column().get(column))
        ]
        self._key = "" if job.on_match is OnMatch.CREATE else job.match_by
        self._made: set[str] = set()  # keys of the whole file, for a dry run: no store knows them

    async def take(self, uow: UnitOfWork, rows: Sequence[Row]) -> Taken:
        """Stage what ``rows`` become; end before a row that meets a record which this stretch has touched.

        A row that is refused leaves nothing behind, and hinders no other.
        """
        readings = [self._read(row) for row in rows]
        await self._find_references(uow, readings)
        await asyncio.gather(*(self._settle_points(uow, one) for one in readings))
        stretch = _Stretch(await self._find_known(uow, readings))
        if self._dry:
            stretch.made = self._made
        # Asked for together, they cost one query; the operations then know that their ids are free.
        await asyncio.gather(*(uow.look_up(self._importable.record, self._id(one)) for one in rows))
        taken = Taken()
        for reading in readings:
            if not await self._take_one(uow, reading, stretch, taken):
                break
            taken.rows += 1
        return taken

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def _read(self, row: Row) -> _Reading:
        reading = _Reading(row)
        width, cells = len(self._job.columns), row.cells
        if any(cell.strip() for cell in cells[width:]):
            reading.errors.append(
                FieldError(
                    "",
                    f"has {len(cells)} cells and the header {width}; put what holds the delimiter in quotes",
                )
            )
            return reading
        if len(cells) < width:
            reading.remarks.append(
                FieldError("", f"has {len(cells)} cells of {width}; what is missing was taken for empty")
            )
        for place, name in self._places:
            text = cells[place].strip() if place < len(cells) else ""
            if text:
                self._read_cell(reading, name, text)
        return reading

    def _read_cell(self, reading: _Reading, name: str, text: str) -> None:
        if len(text) > LONGEST_CELL:
            reading.errors.append(FieldError(name, f"is longer than {LONGEST_CELL} characters; shorten it"))
            return
        try:
            value = read_cell(name, self._importable.fields[name], text, zone=self._zone)
        except InvalidInput as error:
            reading.errors += error.errors
            return
        if name == EXTERNAL_ID:
            reading.fields["external_ids"] = {EXTERNAL_KEY: value}
        else:
            reading.fields[name] = _as_choice(self._importable.record, name, value)

    async def _settle_points(self, uow: UnitOfWork, reading: _Reading) -> None:
        """Put addresses and numbers in their stored form, by which they can be compared, and find the key."""
        country = str(reading.fields.get("country") or "")
        try:
            reading.fields = dict(await reachable_fields(uow, reading.fields, country=country))
        except InvalidInput as error:
            reading.errors += error.errors
        if self._key:
            reading.key = _key_in(reading.fields, self._key)

    # ── looking for what is there ────────────────────────────────────────────────────────────────

    async def _find_references(self, uow: UnitOfWork, readings: Sequence[_Reading]) -> None:
        for name, (record, by) in REFERENCES.items():
            naming = [one for one in readings if name in one.fields]
            wanted = {text for one in naming if not _is_id(text := _named(one.fields[name], by))}
            found = await uow.find(record, {by: {"$in": sorted(wanted)}}) if wanted else []
            ids: dict[str, list[str]] = {}
            for held in found:
                ids.setdefault(_named(getattr(held, by), by), []).append(held.id)
            for one in naming:
                text = _named(one.fields[name], by)
                if _is_id(text):
                    continue
                of_that_name = ids.get(text, [])
                if len(of_that_name) == 1:
                    one.fields[name] = of_that_name[0]
                else:
                    del one.fields[name]
                    one.errors.append(_unresolved(name, record.kind, by, many=bool(of_that_name)))

    async def _find_known(self, uow: UnitOfWork, readings: Sequence[_Reading]) -> Mapping[str, list[Record]]:
        """Return the records that the actor sees with the rows' keys."""
        known: dict[str, list[Record]] = {}
        keys = sorted({one.key for one in readings if one.key and not one.errors})
        if not keys:
            return known
        path = f"external_ids.{EXTERNAL_KEY}" if self._key == EXTERNAL_ID else self._key
        for record in await uow.find(self._importable.record, {path: {"$in": keys}}):
            known.setdefault(_key_in(record.__dict__, self._key), []).append(record)
        return known

    # ── taking ───────────────────────────────────────────────────────────────────────────────────

    async def _take_one(self, uow: UnitOfWork, reading: _Reading, stretch: _Stretch, taken: Taken) -> bool:
        """Take one row; False when it must wait for the next stretch."""
        if reading.errors:
            self._fail(taken, reading, reading.errors)
            return True
        if self._key and not reading.key:
            reading.remarks.append(FieldError(self._key, "is empty; the row was compared with nothing"))
        matched = stretch.known.get(reading.key, []) if reading.key else []
        is_met = bool(reading.key) and reading.key in stretch.made
        if not matched and not is_met:
            await self._create(uow, reading, stretch, taken)
        elif self._job.on_match is OnMatch.SKIP:
            taken.counts.skipped += 1
        elif is_met and self._dry:
            taken.counts.updated += 1
        elif is_met or any(one.id in stretch.changed for one in matched):
            return False
        elif len(matched) > 1:
            again = FieldError(
                self._key, f"is that of {len(matched)} records; only one can be updated: join them first"
            )
            self._fail(taken, reading, [again])
        else:
            await self._update(uow, reading, matched[0], stretch, taken)
        return True

    async def _create(self, uow: UnitOfWork, reading: _Reading, stretch: _Stretch, taken: Taken) -> None:
        fields = {"owner_id": None, **reading.fields} if uow.actor.user_id == HOUSE else reading.fields
        try:
            await self._importable.collection.create(uow, fields, self._id(reading.row))
        except CRMError as error:
            self._fail(taken, reading, _errors_of(error))
            return
        if reading.key:
            stretch.made.add(reading.key)
        taken.counts.created += 1
        self._remark(taken, reading)

    async def _update(
        self, uow: UnitOfWork, reading: _Reading, record: Record, stretch: _Stretch, taken: Taken
    ) -> None:
        """Change what is there. Whose it is stays: nobody is to be handed a thousand records by a file."""
        stretch.changed.add(record.id)  # refused, too: what was tried on it must not go with the next row
        fields = dict(reading.fields)
        if fields.pop("owner_id", record.owner_id) != record.owner_id:
            reading.remarks.append(FieldError("owner_id", "was left as it is: an import gives nothing away"))
        if "external_ids" in fields:
            fields["external_ids"] = {**record.external_ids, **fields["external_ids"]}
        try:
            await self._importable.collection.update(uow, record.id, fields)
        except CRMError as error:
            self._fail(taken, reading, _errors_of(error))
            return
        taken.counts.updated += 1
        self._remark(taken, reading)

    def _fail(self, taken: Taken, reading: _Reading, errors: Sequence[FieldError]) -> None:
        taken.counts.failed += 1
        self._note(taken, reading, IssueSort.FAILED, errors)

    def _remark(self, taken: Taken, reading: _Reading) -> None:
        if reading.remarks:
            taken.counts.warned += 1
            self._note(taken, reading, IssueSort.WARNED, reading.remarks)

    def _note(self, taken: Taken, reading: _Reading, sort: IssueSort, found: Sequence[FieldError]) -> None:
        taken.findings += [
            Finding(sort=sort, line=reading.row.line, field=one.field, message=one.message) for one in found
        ]

    def _id(self, row: Row) -> str:
        return row_id(self._job, row.number)


def row_id(job: ImportJob, number: int) -> str:
    """Return the id of the record that the row of that number becomes, whenever it is taken."""
    return derived_id("import", job.id, str(number))


def added(one: RowCounts, other: RowCounts) -> RowCounts:
    """Return the sum of two counts."""
    sums = Counter(one.model_dump())
    sums.update(other.model_dump())
    return RowCounts(**sums)


def _errors_of(error: CRMError) -> Sequence[FieldError]:
    return error.errors if isinstance(error, InvalidInput) else (FieldError("", str(error)),)


def _key_in(fields: Mapping[str, Any], key: str) -> str:
    if key == EXTERNAL_ID:
        return str((fields.get("external_ids") or {}).get(EXTERNAL_KEY, ""))
    return str(fields.get(key) or "")


def _as_choice(record: type[Record], name: str, value: Any) -> Any:
    """Return a choice as it is stored: people write “Won back” for ``won_back``."""
    has_choices = hasattr(record.model_fields[name].annotation, "__members__")
    return value.casefold().replace(" ", "_") if has_choices and isinstance(value, str) else value


def _is_id(text: str) -> bool:
    try:
        checked_id(text)
    except InvalidInput:
        return False
    return True


def _named(text: str, by: str) -> str:
    """Return a name in the form in which it is compared."""
    try:
        return folded_email(text) if by == "email" else text
    except InvalidInput:
        return text


def _unresolved(field: str, kind: str, by: str, *, many: bool) -> FieldError:
    what = "e-mail address" if by == "email" else by
    if many:
        return FieldError(field, f"is the {what} of several records of kind {kind}; write the id of one")
    return FieldError(
        field, f"is the {what} of no {kind} that you see; import it first, write its id, or leave it empty"
    )
