"""What the integrations room stores."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.ids import Reference
from backend.core.personal import PersonalClass
from backend.core.records import Part, Record


class ImportStatus(StrEnum):
    """Where an import stands. The middle three are worked on in the background."""

    ANNOUNCED = "announced"
    UPLOADED = "uploaded"
    MAPPED = "mapped"
    VALIDATING = "validating"
    VALIDATED = "validated"
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


WORKED_ON = (ImportStatus.VALIDATING, ImportStatus.RUNNING, ImportStatus.UNDOING)
TO_BE_MAPPED = (ImportStatus.UPLOADED, ImportStatus.MAPPED, ImportStatus.VALIDATED)
ENDED = (ImportStatus.DONE, ImportStatus.PARTIAL, ImportStatus.FAILED)


class OnMatch(StrEnum):
    """What becomes of a row whose key a record has already."""

    SKIP = "skip"
    UPDATE = "update"
    CREATE = "create"


class MappedColumn(Part):
    """A column of the file and the field that it fills; none: it is left out."""

    column: str
    field: str | None = None


class RowCounts(Part):
    """What became of the rows so far. Each of ``total`` is created, updated, skipped or failed in the end.

    ``warned`` were taken, with a remark. ``undone`` and ``left`` count what was created, after an undo.
    """

    total: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    warned: int = 0
    undone: int = 0
    left: int = 0

    @property
    def ok(self) -> int:
        return self.created + self.updated

    @property
    def taken(self) -> int:
        """Return how many rows were gone through."""
        return self.ok + self.skipped + self.failed


class ImportJob(Record):
    """The import of one file, from its announcement to its end and perhaps its undoing.

    The file is an attachment at it, and goes when the import has ended: it holds other people's data.
    ``dry_run`` is what the rows would have come to; ``undone_rows`` how far an undo is. ``asked_by`` is under
    whose rights the work in the background is done.
    """

    kind: ClassVar[str] = "import_job"
    personal: ClassVar[Mapping[str, PersonalClass]] = {"name": PersonalClass.TEXT}
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {
            *("owner_id", "team_ids", "status", "file_id", "columns", "rows", "dry_run", "undone_rows"),
            *("asked_by", "asked_in", "started_by", "started_at", "finished_at", "reason", "issues"),
            "errors_id",
        }
    )

    name: str = Field(min_length=1, max_length=255)
    target_kind: str
    encoding: str = Field(default="", max_length=40)
    delimiter: str = Field(default="", max_length=1)
    mapping: list[MappedColumn] = Field(default_factory=list)
    match_by: str = ""
    on_match: OnMatch = OnMatch.CREATE
    status: ImportStatus = ImportStatus.ANNOUNCED
    file_id: Reference | None = None
    columns: list[str] = Field(default_factory=list)
    rows: RowCounts = Field(default_factory=RowCounts)
    dry_run: RowCounts | None = None
    undone_rows: int = 0
    asked_by: str = ""  # for the work under way
    asked_in: str = Field(default="", repr=False)  # the session, where it was an API token's
    started_by: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""
    issues: int = 0
    errors_id: Reference | None = None

    def fields_by_column(self) -> dict[str, str]:
        """Return the mapping without the columns that are left out."""
        return {one.column: one.field for one in self.mapping if one.field}

    class Settings:
        name = "import_jobs"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("status", 1)])]


class IssueSort(StrEnum):
    """What an issue came to: its row was not taken, was taken all the same, or its record was not undone."""

    FAILED = "failed"
    WARNED = "warned"
    LEFT = "left"


class ImportIssue(Record):
    """One thing to know of one row: where, what is wrong, and how to mend it; never the row's own values.

    ``line`` is the line of the file at which the row begins; ``record_id`` what an undo left.
    """

    kind: ClassVar[str] = "import_issue"
    follows: ClassVar[tuple[str, str] | None] = ("import_job", "job_id")

    job_id: Reference
    sort: IssueSort
    place: int
    line: int | None = None
    field: str = ""
    message: str
    record_id: str | None = None

    def principals(self) -> list[str]:
        return []

    class Settings:
        name = "import_issues"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("job_id", 1), ("place", 1)])]
