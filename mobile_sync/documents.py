"""What the phones' room stores."""

from typing import ClassVar

from backend.core.records import Record


class SyncRejection(Record):
    """A pushed row that was refused, or a column of it that lost a conflict. Its author alone sees it.

    ``lost`` holds the values that did not go through, as JSON text by column of the phone.
    """

    kind: ClassVar[str] = "sync_rejection"
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"collection_name", "record_id", "reason", "message", "lost"}
    )

    collection_name: str
    record_id: str
    reason: str
    message: str
    lost: str = "{}"

    class Settings:
        name = "sync_rejections"
