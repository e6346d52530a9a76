"""What leaves the house towards a device, and what comes back about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Literal, Protocol, TypeVar

M = TypeVar("M", contravariant=True)

LONGEST_TTL = timedelta(days=28)  # Source: FCM, "Set the lifespan of a message"; longer is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One app on one device, as the push vendor knows it.

    ``fid`` is a Firebase installation id, ``token`` the older registration token, ``web_push`` a browser's
    subscription. The value opens a channel to somebody's device, so it stays out of logs.
    """

    kind: Literal["fid", "token", "web_push"]
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.kind not in ("fid", "token", "web_push"):
            raise ValueError(f"A registration is a 'fid', a 'token' or a 'web_push', not {self.kind!r}.")
        if not self.value:
            raise ValueError("A registration without a value reaches nobody; store the one the app reports.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushMessage:
    """One message for one device.

    Without a title and a body it is silent: the app wakes, the person sees nothing. A later message with the
    same ``collapse_key`` takes the place of an earlier one, so sending twice shows once. ``ttl`` is how long
    the vendor keeps it for a device that is off: 0 to 28 days. Data holds strings only, and ids rather than
    content. Vendors refuse more than 4,096 bytes.
    """

    registration: Registration
    title: str
    body: str
    collapse_key: str
    ttl: timedelta
    data: Mapping[str, str] = field(default_factory=dict)
    priority: Literal["high", "normal"] = "high"

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.ttl <= LONGEST_TTL:
            raise ValueError(f"A push lives between 0 and {LONGEST_TTL.days} days, not {self.ttl}.")
        if not self.collapse_key:
            raise ValueError("A push needs a collapse key, or a second try would show a second time.")
        if self.priority not in ("high", "normal"):
            raise ValueError(f"The priority is 'high' or 'normal', not {self.priority!r}.")
        for name, value in self.data.items():
            if {type(name), type(value)} != {str}:
                raise ValueError(f"Push data holds strings only; write {name!r} as text.")

    @property
    def is_silent(self) -> bool:
        """Tell whether the person sees nothing of it."""
        return not self.title and not self.body


class Outcome(StrEnum):
    """What to do with the delivery after one try."""

    SENT = "sent"
    """The vendor took it."""
    FORGET = "forget"
    """The registration is dead: delete it, and never try it again."""
    RETRY = "retry"
    """Not taken, or nobody knows: try again later with the same collapse key."""
    FAILED = "failed"
    """The message itself is refused and always will be: give up on it, keep the registration."""
    ALERT = "alert"
    """Our set-up is at fault: keep the registration, and show the operator ``Verdict.mend``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The vendor's answer about one message.

    ``reason`` is a code to count and branch on, ``detail`` the vendor's own words for the log.
    ``retry_after`` is the least time to wait before a RETRY, when the vendor named one.
    ``mend`` is not empty exactly when an operator has to act, whatever the outcome; it says what to do.
    """

    outcome: Outcome
    reason: str
    detail: str = ""
    retry_after: timedelta | None = None
    provider_message_id: str | None = None
    mend: str = ""


class Gateway(Protocol[M]):
    """Send over one channel."""

    async def send(self, messages: Sequence[M]) -> Sequence[Verdict]:
        """Try each message once; return one verdict per message, in the same order.

        Never raises for what a vendor or a network does: that is what verdicts are for.
        """
        ...

    async def close(self) -> None:
        """Let go of sockets and threads; the gateway is not used afterwards."""
        ...


PushGateway = Gateway[PushMessage]
"""Send to devices."""
