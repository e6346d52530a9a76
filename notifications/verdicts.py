"""Decide from a push vendor's refusal what becomes of the delivery. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from notifications.gateways import Outcome, Verdict

QUOTA_PAUSE = timedelta(seconds=60)
"""How long to wait after a 429 that names no time. Source: FCM, "Best practices when sending at scale"."""

LONGEST_PAUSE = timedelta(days=1)
"""A delivery is given up after a day, so no answer may ask for more."""

_TRANSIENT = frozenset(
    {
        "ABORTED",
        "CANCELLED",
        "DEADLINE_EXCEEDED",  # outcome unknown: the collapse key makes a second one harmless
        "INTERNAL",
        "QUOTA_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",  # our access token was refused; the gateway fetches another
        "UNAVAILABLE",
        "UNKNOWN",  # outcome unknown, as above
    }
)
_OUT_OF_QUOTA = frozenset({"QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"})

_MENDS = {
    "SENDER_ID_MISMATCH": (
        "A device registered with another Firebase project; check that the app's google-services file and"
        " GOOGLE_APPLICATION_CREDENTIALS belong to the same project."
    ),
    "THIRD_PARTY_AUTH_ERROR": (
        "Apple or the browser's push service refused Firebase; renew the APNs key or the web push key in the"
        " Firebase console under Cloud Messaging."
    ),
    "PERMISSION_DENIED": (
        "The service account may not send; enable the Firebase Cloud Messaging API in the Google Cloud"
        " project and give the account the role Firebase Cloud Messaging Admin."
    ),
    "NOT_FOUND": (
        "Firebase does not know the project; check the project_id in the file that"
        " GOOGLE_APPLICATION_CREDENTIALS names."
    ),
}

# "The registration token is not a valid FCM registration token". The code alone would not do: the same
# INVALID_ARGUMENT stands for an oversized payload or a reserved data key, and those are our bugs.
# Source: FCM, "Error codes", second example. The words for an installation id are not documented.
_REGISTRATION = re.compile(r"registration token|installation id", re.IGNORECASE)
_INVALID = re.compile(r"not a valid|invalid", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a message was not taken.

    ``code`` is FCM's own code where there is one (UNREGISTERED), else Google's canonical code (UNAVAILABLE).
    ``retry_after`` is what the answer's Retry-After header asks for.
    """

    code: str
    message: str
    retry_after: timedelta | None = None


def judge(refusal: Refusal) -> Verdict:
    """Return the verdict on a refused message.

    A registration is forgotten only when the vendor says that it is the registration; any doubt keeps it.
    """
    retry_after = refusal.retry_after
    if refusal.code in _OUT_OF_QUOTA and retry_after is None:
        retry_after = QUOTA_PAUSE
    outcome = _outcome(refusal)
    return Verdict(
        outcome=outcome,
        reason=refusal.code,
        detail=refusal.message,
        retry_after=retry_after if outcome is Outcome.RETRY else None,
        mend=_MENDS.get(refusal.code, ""),
    )


def _outcome(refusal: Refusal) -> Outcome:
    if refusal.code in ("UNREGISTERED", "SENDER_ID_MISMATCH"):
        return Outcome.FORGET
    if refusal.code == "INVALID_ARGUMENT" and _names_the_registration(refusal.message):
        return Outcome.FORGET
    if refusal.code in _MENDS:
        return Outcome.ALERT
    return Outcome.RETRY if refusal.code in _TRANSIENT else Outcome.FAILED


def _names_the_registration(message: str) -> bool:
    return bool(_REGISTRATION.search(message) and _INVALID.search(message))


def read_retry_after(header: str | None, *, now: datetime) -> timedelta | None:
    """Return how long a Retry-After header asks to wait; None when it is absent or unreadable.

    It holds whole seconds or an HTTP date; a date that has passed means now, and more than a day is a day.
    Source: RFC 9110, 10.2.3.
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return timedelta(seconds=min(int(header), LONGEST_PAUSE.total_seconds()))
    try:
        moment = parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
    return min(max(moment - now, timedelta(0)), LONGEST_PAUSE)
