"""What the notifications room stores."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from beanie import Document
from pydantic import BaseModel, Field, StringConstraints, model_validator
from pymongo import IndexModel

from backend.core.clock import Moment
from backend.core.expiring import expiring
from backend.core.personal import PersonalClass
from backend.core.records import Part, Record
from notifications.choosing import Handling

WALL_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"


class NotificationChannel(StrEnum):
    """A way to reach somebody. The inbox is one of them; the others leave the house."""

    PUSH = "push"
    WEB_PUSH = "web_push"
    IN_APP = "in_app"
    EMAIL = "email"
    WEBHOOK = "webhook"


class RegistrationKind(StrEnum):
    """How an app on a device is known: an installation id, the older token, or a browser's subscription."""

    FID = "fid"
    TOKEN = "token"
    WEB_PUSH = "web_push"


class Platform(StrEnum):
    ANDROID = "android"
    IOS = "ios"
    WEB = "web"


REFRESHED_EVERY = timedelta(weeks=1)
FRESH_FOR = timedelta(days=30)
"""Source: FCM, "Manage registration tokens": one not seen for a month is stale, and likely of an idle app."""


class Device(Record):
    """One app on one device, as a push vendor knows it. Its owner is who signed in there last.

    The id is derived from the workspace and the registration, so there is one record of each: who registers
    it takes it over. A dropped one stays, without its ``value``, and comes back when it registers again.
    """

    kind: ClassVar[str] = "device"
    personal: ClassVar[Mapping[str, PersonalClass]] = {"value": PersonalClass.ID_NUMBER}
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (("user", "owner_id"),)
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"session_id", "registered_at", "dropped_at", "dropped_reason"}
    )

    session_id: str = ""
    registration_kind: RegistrationKind
    value: str = Field(max_length=4_096, repr=False)
    platform: Platform
    app_version: str = Field(default="", max_length=100)
    registered_at: datetime | None = None
    dropped_at: datetime | None = None
    dropped_reason: str = ""

    @property
    def is_reachable(self) -> bool:
        """Tell whether a push can be addressed to it."""
        return bool(self.value)

    @property
    def refresh_at(self) -> datetime | None:
        """Return when the app should register again, though nothing may have changed."""
        return self.registered_at + REFRESHED_EVERY if self.registered_at and self.value else None

    @property
    def stale_at(self) -> datetime | None:
        """Return from when on a push may not reach it any more."""
        return self.registered_at + FRESH_FOR if self.registered_at and self.value else None

    @property
    def channel(self) -> NotificationChannel:
        """Return the channel by which it is reached."""
        is_browser = self.registration_kind.value == NotificationChannel.WEB_PUSH.value
        return NotificationChannel.WEB_PUSH if is_browser else NotificationChannel.PUSH

    class Settings:
        name = "devices"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("owner_id", 1)])]


class Notification(Record):
    """One line in somebody's inbox; ``owner_id`` is the recipient, and nobody else may read it.

    The id is derived from the occasion and the recipient: an occasion tells nobody twice. ``words`` are the
    values that filled its templates, for what is put together later (a letter, a digest). One that is not
    listed is not in the inbox: its recipient wants it over other channels only. ``is_covered`` is how it was
    when its subject's readers changed last: phones are sent it anew by it, and nothing is shown by it.
    """

    kind: ClassVar[str] = "notification"
    retells: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "title": PersonalClass.TEXT,
        "body": PersonalClass.TEXT,
        "words": PersonalClass.TEXT,
    }
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (
        ("user", "owner_id"),
        ("@subject_kind", "subject_id"),
    )
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"owner_id", "team_ids", "type", "subject_kind", "subject_id", "title", "body"}
        | {"words", "is_listed", "is_covered"}
    )

    type: str
    subject_kind: str = ""
    subject_id: str = ""
    title: str
    body: str
    words: dict[str, Any] = Field(default_factory=dict)
    is_listed: bool = True
    is_covered: bool = False
    read_at: Moment | None = None

    class Settings:
        name = "notifications"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("owner_id", 1), ("read_at", 1)]),
            IndexModel([("workspace_id", 1), ("subject_id", 1)]),
        ]


class QuietSpan(Part):
    """Quiet hours as a person sets them: HH:MM in their own time zone."""

    start: str = Field(pattern=WALL_TIME)
    end: str = Field(pattern=WALL_TIME)

    @model_validator(mode="after")
    def refuse_no_span(self) -> Self:
        """Refuse an end at the start: nobody could tell whether that is never or always."""
        if self.start == self.end:
            raise ValueError("the end is the start; set another end, or null for no quiet hours")
        return self

    @property
    def times(self) -> tuple[time, time]:
        """Return start and end as times of day."""
        return time.fromisoformat(self.start), time.fromisoformat(self.end)


class Choice(Part):
    """What is to be done with a type (``*``: any) on a channel."""

    type: str = Field(max_length=100)
    channel: NotificationChannel
    handling: Handling


class Throttle(Part):
    """How often one person is interrupted by a type (``*``: any); more are gathered into one."""

    type: str = Field(max_length=100)
    most: int = Field(ge=1, le=1_000)
    minutes: int = Field(ge=1, le=10_080)


class Ahead(Part):
    """How long before (of an alert: after) its date a reminder of a type comes."""

    type: str = Field(max_length=100)
    minutes: int = Field(ge=0, le=527_040)


WallTime = Annotated[str, StringConstraints(pattern=WALL_TIME)]


class TellingRules(Record):
    """What is said about being told: by a workspace, a team or a person. What is not said is left open."""

    quiet_hours: QuietSpan | None = None
    is_never_quiet: bool = False
    digest_at: list[WallTime] = Field(default_factory=list, max_length=24)
    choices: list[Choice] = Field(default_factory=list, max_length=200)
    throttles: list[Throttle] = Field(default_factory=list, max_length=100)
    ahead: list[Ahead] = Field(default_factory=list, max_length=100)
    is_private: bool | None = None


class NotificationPreference(TellingRules):
    """What one person wants to be told, and when. One a person; the id is derived from theirs."""

    kind: ClassVar[str] = "notification_preference"
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (("user", "owner_id"),)

    muted_types: list[str] = Field(default_factory=list, max_length=200)

    class Settings:
        name = "notification_preferences"


class NotificationPolicy(TellingRules):
    """What a workspace, or with ``team_id`` a team, wants its people to be told. The id is derived."""

    kind: ClassVar[str] = "notification_policy"
    server_owned: ClassVar[frozenset[str]] = frozenset({"owner_id", "team_ids", "team_id"})

    team_id: str = ""

    class Settings:
        name = "notification_policies"


class NotificationTemplate(Record):
    """A workspace's own words for a type in a language; a blank part is the usual one. The id is derived."""

    kind: ClassVar[str] = "notification_template"
    server_owned: ClassVar[frozenset[str]] = frozenset({"owner_id", "team_ids", "type", "locale"})

    type: str
    locale: str
    title: str = ""
    body: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""

    @property
    def parts(self) -> dict[str, str]:
        """Return its templates by part."""
        return {name: getattr(self, name) for name in ("title", "body", "subject", "text", "html")}

    class Settings:
        name = "notification_templates"


KEPT_AFTER_END = timedelta(days=7)
"""How long a delivery is kept for the log once it has expired."""


class DeliverySort(StrEnum):
    """What a delivery does. All but TELL and DIGEST are silent: the person sees nothing of them."""

    TELL = "tell"
    """One notification: ``notification_id``."""
    DIGEST = "digest"
    """The notifications that were gathered for it, in one: those of the rows with its id as ``digest_id``."""
    RETRACT = "retract"
    """Take ``notification_id`` off the screen: it was read elsewhere."""
    SYNC = "sync"
    """Wake the app, so that it pulls; says nothing of any record."""


class DeliveryState(StrEnum):
    """Where a delivery stands. DUE and LEASED ones are still to be sent."""

    DUE = "due"
    LEASED = "leased"
    GATHERED = "gathered"
    """It leaves, or left, with the digest ``digest_id``; never sent by itself."""
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    """The house decided against it: ``reason`` says by which rule."""
    DEAD = "dead"


class Attempt(BaseModel):
    """One try, and what came of it."""

    at: datetime
    outcome: str
    reason: str
    provider_message_id: str | None = None


class Delivery(Document):
    """One notification on its way to one person over one channel, and afterwards the log of that.

    A queue's entry, not a record: no version, no readers, and no words of anybody's. What it says is put
    together from the notification when it leaves (``content.py``). ``device_id`` goes with push and Web Push,
    ``endpoint_id`` with webhooks; e-mail goes to the person's address at the moment of sending.

    ``next_at`` is when a worker may take it: first ``not_before``, then the next try; while it is leased, the
    end of the lease. ``expires_at`` is when it is given up. ``reason`` and ``rule`` say why it waits, or why
    it ended: a code, and whose setting decided (``user``, ``team:<id>``, ``workspace``, ``usual``).
    ``raised_at`` is when it happened that it tells: of what is due, the newest is the most useful.
    """

    id: str  # type: ignore[assignment]  # Beanie's default is ObjectId
    workspace_id: str
    sort: DeliverySort = DeliverySort.TELL
    channel: NotificationChannel = NotificationChannel.PUSH
    type: str = ""
    notification_id: str = ""
    subject_kind: str = ""
    subject_id: str = ""
    user_id: str
    device_id: str = ""
    endpoint_id: str = ""
    digest_id: str = ""
    collapse_key: str
    priority: Literal["high", "normal"] = "high"
    state: DeliveryState = DeliveryState.DUE
    reason: str = ""
    rule: str = ""
    raised_at: datetime
    not_before: datetime
    next_at: datetime
    expires_at: datetime
    lease_owner: str = ""
    attempts: list[Attempt] = Field(default_factory=list)

    class Settings:
        name = "deliveries"
        # Workers serve all workspaces, so the queue's index starts with what is due.
        indexes: ClassVar = [
            IndexModel([("state", 1), ("channel", 1), ("next_at", 1)]),
            IndexModel([("state", 1), ("expires_at", 1)]),
            IndexModel([("workspace_id", 1), ("user_id", 1), ("raised_at", 1)]),
            IndexModel([("workspace_id", 1), ("subject_id", 1)]),
            IndexModel([("user_id", 1), ("collapse_key", 1), ("raised_at", 1)]),
            IndexModel([("notification_id", 1)]),
            IndexModel([("digest_id", 1)]),
            expiring("expires_at", KEPT_AFTER_END),
        ]


class TurnBucket(Document):
    """How many turns somebody has left of being interrupted by a type: when all are there again."""

    id: str  # type: ignore[assignment]  # person and type
    workspace_id: str
    full_at: datetime
    expires_at: datetime

    class Settings:
        name = "notification_turns"
        indexes: ClassVar = [expiring("expires_at")]


class DueDate(Document):
    """When somebody is to be reminded of a record. No record itself: it follows from one, and is made anew.

    ``date`` is the record's own, ``due_at`` when to tell of it: None once it is told, or not to be told.
    ``usual_seconds`` lie between them where nobody wants it otherwise; None: as of all records.
    """

    id: str  # type: ignore[assignment]  # derived: type, record, person
    workspace_id: str
    type: str
    record_id: str
    user_id: str
    date: datetime
    due_at: datetime | None
    usual_seconds: float | None = None
    tries: int = 0

    class Settings:
        name = "notification_due_dates"
        # One job serves all workspaces, so this index starts with what is due.
        indexes: ClassVar = [
            IndexModel([("due_at", 1)]),
            IndexModel([("workspace_id", 1), ("record_id", 1)]),
            IndexModel([("workspace_id", 1), ("user_id", 1)]),
        ]


class SyncPing(Document):
    """When a device was last woken to pull, how often in vain, and what is left of its budget."""

    id: str  # type: ignore[assignment]  # the device's
    workspace_id: str
    at: datetime
    unanswered: int
    full_at: datetime | None = None
    expires_at: datetime

    class Settings:
        name = "sync_pings"
        indexes: ClassVar = [expiring("expires_at")]
