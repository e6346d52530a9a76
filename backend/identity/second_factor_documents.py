"""What the identity room stores of second factors. None of it is a record: nobody reads it back."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from beanie import Document
from pydantic import Field

from backend.core.expiring import expiring
from backend.identity.documents import DeviceInfo


class SecondFactor(Document):
    """The authenticator app of one user (the id is the user's), and the recovery codes that still count.

    Until ``confirmed_at`` is set it is only begun and asks nothing of anybody. ``last_step`` is the time
    step of the last code that was used: no code of it or before counts again.
    """

    id: str  # type: ignore[assignment]
    workspace_id: str
    sealed_secret: str
    confirmed_at: datetime | None = None
    last_step: int = 0
    recovery_digests: list[str] = Field(default_factory=list)

    class Settings:
        name = "second_factors"


class TicketPurpose(StrEnum):
    """The one thing a ticket is good for."""

    SECOND_FACTOR = "second_factor"
    ENROLMENT = "enrolment"
    PROVIDER_SIGN_IN = "provider_sign_in"


class SignInTicket(Document):
    """Half a sign-in: somebody proved the first half, and has minutes for the second. The id is a digest."""

    id: str  # type: ignore[assignment]
    workspace_id: str
    user_id: str
    purpose: TicketPurpose
    device: DeviceInfo = Field(default_factory=DeviceInfo)
    challenge: str = ""  # who redeems it must know what this is the S256 hash of
    skips_second_factor: bool = False
    expires_at: datetime

    class Settings:
        name = "sign_in_tickets"
        indexes: ClassVar = [expiring("expires_at")]
