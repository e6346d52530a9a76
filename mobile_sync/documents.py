"""What the phones' room stores."""

from collections.abc import Mapping
from typing import ClassVar

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
