"""What the phones' room stores."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from beanie import Document

from backend.core.expiring import expiring
from backend.core.personal import PersonalClass
from backend.core.records import Record


class SyncRejection(Record):
    """A pushed row that was refused, or a column of it that lost a conflict. Its author alone sees it.

    ``lost`` holds the values that did not go through, as JSON text by column of the phone.
    """

    kind: ClassVar[str] = "sync_rejection"
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"collection_name", "record_id", "reason", "message", "lost"}
    )
    personal: ClassVar[Mapping[str, PersonalClass]] = {"lost": PersonalClass.TEXT}
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (
        ("user", "owner_id"),
        ("@collection_name", "record_id"),
    )
    encrypted: ClassVar[frozenset[str]] = frozenset({"lost"})  # it may be somebody's number that was lost

    collection_name: str
    record_id: str
    reason: str
    message: str
    lost: str = "{}"

    class Settings:
        name = "sync_rejections"


class SyncPlace(Document):
    """What a server must know of phones that stand at one place: no record, and nobody else's matter.

    ``owner`` is a digest of workspace and person; ``cursors`` as ``places.py`` writes them. Phones of one
    person that read in the same scopes share it, so that a usual pull writes nothing.
    """

    id: str  # type: ignore[assignment]  # owner and mark
    workspace_id: str
    epoch: int
    cursors: dict[str, dict[str, Any]]
    settled: bool = True  # no first sync or back-fill is under way
    expires_at: datetime

    class Settings:
        name = "sync_places"
        indexes: ClassVar = [expiring("expires_at")]
