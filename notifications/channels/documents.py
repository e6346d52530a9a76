"""What the channels store."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.personal import PersonalClass
from backend.core.records import Record


class EndpointProvider(StrEnum):
    """Who takes a webhook, and so how it is written, signed and answered."""

    SMS = "sms"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    SLACK = "slack"
    STANDARD = "standard"
    """Any server of one's own, by the Standard Webhooks scheme."""


class NotificationEndpoint(Record):
    """Where somebody wants to be told, beside their devices: a chat robot, a number for text messages.

    ``address`` is the webhook that the provider gave out, or a telephone number; ``secret`` signs. Both open
    a channel to somebody, so they are stored sealed and never shown. A dropped one stays without them, for
    people who wonder where their messages are.
    """

    kind: ClassVar[str] = "notification_endpoint"
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "address": PersonalClass.ID_NUMBER,
        "secret": PersonalClass.ID_NUMBER,
    }
    encrypted: ClassVar[frozenset[str]] = frozenset({"address", "secret"})
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (("user", "owner_id"),)
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"owner_id", "team_ids", "host", "code_hash", "code_until", "code_tries", "confirmed_at"}
        | {"dropped_at", "dropped_reason"}
    )

    provider: EndpointProvider
    label: str = Field(default="", max_length=100)
    address: str = Field(max_length=2_000, repr=False)
    secret: str = Field(default="", max_length=500, repr=False)
    host: str = ""
    code_hash: str = Field(default="", repr=False)
    code_until: datetime | None = None
    code_tries: int = 0
    confirmed_at: datetime | None = None
    dropped_at: datetime | None = None
    dropped_reason: str = ""

    @property
    def is_reachable(self) -> bool:
        """Tell whether a message can be addressed to it: a number only once its owner has confirmed it."""
        return bool(self.address) and self.confirmed_at is not None

    class Settings:
        name = "notification_endpoints"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("owner_id", 1)])]
