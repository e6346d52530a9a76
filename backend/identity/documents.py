"""What the identity room stores."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from beanie import Document
from pydantic import BaseModel, Field
from pymongo import IndexModel

from backend.core.access import Action, Level
from backend.core.expiring import expiring
from backend.core.field_rules import FieldAccess
from backend.core.personal import PersonalClass
from backend.core.records import Record


class Workspace(Record):
    """One company's data. Its id is the ``workspace_id`` of everything in it, itself included."""

    kind: ClassVar[str] = "workspace"
    name: str
    currency: str = "CNY"
    time_zone: str = "Asia/Shanghai"
    locale: str = "zh"
    is_demo: bool = False
    require_second_factor: bool = False  # of staff

    class Settings:
        name = "workspaces"


class User(Record):
    """A person who signs in: staff, or a customer when ``contact_id`` is set."""

    kind: ClassVar[str] = "user"
    shapes_access: ClassVar[bool] = True
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "name": PersonalClass.NAME,
        "email": PersonalClass.EMAIL,
    }
    about_person: ClassVar[str | None] = "contact_id"
    email: str
    name: str
    role_keys: list[str] = Field(default_factory=list)
    manager_id: str | None = None
    contact_id: str | None = None
    locale: str = "en"
    time_zone: str = "UTC"
    is_active: bool = True
    is_service: bool = False  # an API key acts as it; it never signs in

    class Settings:
        name = "users"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("email", 1)], unique=True),
            IndexModel([("workspace_id", 1), ("manager_id", 1)]),  # who is below whom, for each actor
        ]


class Team(Record):
    """People who share records."""

    kind: ClassVar[str] = "team"
    name: str

    class Settings:
        name = "teams"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("name", 1)])]


class Role(Record):
    """A role of the workspace's own; the built-in ones are declared by the rooms (``Module.roles``).

    By kind (``*``: any): a level for each action, how much of each field, and of the fields not named.
    """

    kind: ClassVar[str] = "role"
    shapes_access: ClassVar[bool] = True
    key: str
    name: str
    levels: dict[str, dict[Action, Level]] = Field(default_factory=dict)
    fields: dict[str, dict[str, FieldAccess]] = Field(default_factory=dict)
    other_fields: dict[str, FieldAccess] = Field(default_factory=dict)

    class Settings:
        name = "roles"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("key", 1)], unique=True)]


class Credential(Document):
    """How an e-mail address signs in. Global by nature: who signs in has not said where yet."""

    id: str = Field(description="the address, folded")  # type: ignore[assignment]
    workspace_id: str
    user_id: str
    password_hash: str

    class Settings:
        name = "credentials"


class DeviceInfo(BaseModel):
    """What a phone says about itself at sign-in."""

    name: str = ""
    platform: str = ""
    app_version: str = ""


class Session(Document):
    """One sign-in on one device. ``secret_hash`` belongs to the only refresh token that still counts."""

    id: str  # type: ignore[assignment]
    workspace_id: str
    user_id: str
    device: DeviceInfo = Field(default_factory=DeviceInfo)
    secret_hash: str
    generation: int = 1
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_reason: str = ""
    wipe: bool = False  # once it has ended, its device is told to erase what it keeps
    wiped_at: datetime | None = None  # when the device was first told

    class Settings:
        name = "sessions"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("user_id", 1)]),
            expiring("expires_at"),
        ]


class SessionEnd(Record):
    """That a session has ended, and why: what other rooms and the audit trail hear of it.

    ``owner_id`` is whose session it was; the id is derived from the session's.
    """

    kind: ClassVar[str] = "session_end"

    session_id: str
    reason: str
    wipe: bool = False

    class Settings:
        name = "session_ends"


class SignInTries(Document):
    """Failed sign-ins of one address or one network address, forgotten after a while."""

    id: str  # type: ignore[assignment]
    tries: int = 0
    first_at: datetime
    expires_at: datetime

    class Settings:
        name = "sign_in_tries"
        indexes: ClassVar = [expiring("expires_at")]
