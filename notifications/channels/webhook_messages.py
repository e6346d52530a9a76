"""What leaves towards a webhook, and how one provider writes, signs and answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from notifications.gateways import Outcome, Verdict
from notifications.verdicts import read_retry_after

LONGEST_DETAIL = 300  # characters of an answer that are kept for whoever looks into it


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMessage:
    """One message for one endpoint. ``key`` is the same in every try, for receivers that look for repeats."""

    provider: str
    key: str
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)
    title: str = ""
    body: str = field(default="", repr=False)
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return title and body as they read below each other."""
        return "\n".join(part for part in (self.title, self.body) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A POST as the provider wants it."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the status, the headers by lower-case name, and the body as JSON or as text."""

    status: int
    headers: Mapping[str, str]
    text: str
    fields: Mapping[str, object]


class WebhookAdapter(Protocol):
    """How one provider's webhooks are written, signed, and answered. Pure: it calls nobody."""

    def request(self, message: WebhookMessage, *, at: datetime) -> SignedRequest:
        """Return the signed request; ``at`` is now, which some signatures cover."""
        ...

    def verdict(self, answer: Answer, *, at: datetime) -> Verdict:
        """Return what the answer means. Never raises for what a provider answers."""
        ...


def verdict_by_status(answer: Answer, *, at: datetime) -> Verdict:
    """Return what the status alone means, as most of the web has it.

    Source: RFC 9110, 15.4-15.6; RFC 6585, 4.
    """
    status, reason = answer.status, f"HTTP_{answer.status}"
    if 200 <= status < 300:
        return Verdict(outcome=Outcome.SENT, reason="SENT")
    if status in (404, 410):
        return Verdict(outcome=Outcome.FORGET, reason=reason, detail=answer.text)
    if status in (408, 425, 429) or status >= 500:
        after = read_retry_after(answer.headers.get("retry-after"), now=at)
        return Verdict(outcome=Outcome.RETRY, reason=reason, detail=answer.text, retry_after=after)
    if status in (401, 403):
        mend = "The receiver refused the signature or the sender; check its secret and its lists of senders."
        return Verdict(outcome=Outcome.FAILED, reason=reason, detail=answer.text, mend=mend)
    return Verdict(outcome=Outcome.FAILED, reason=reason, detail=answer.text)  # 3xx: nobody is followed


def verdict_by_code(
    answer: Answer, code: object, *, at: datetime, forget: frozenset[int], retry: Mapping[int, timedelta]
) -> Verdict:
    """Return what a provider's own error code means, which comes with status 200: 0 is good.

    What is not said to be temporary or an endpoint's end is a message that will never be taken.
    """
    if answer.status != 200 or not isinstance(code, int):
        return verdict_by_status(answer, at=at) if answer.status != 200 else _unknown(answer)
    if code == 0:
        return Verdict(outcome=Outcome.SENT, reason="SENT")
    reason = f"CODE_{code}"
    if code in forget:
        return Verdict(outcome=Outcome.FORGET, reason=reason, detail=answer.text)
    if code in retry:
        return Verdict(outcome=Outcome.RETRY, reason=reason, detail=answer.text, retry_after=retry[code])
    return Verdict(outcome=Outcome.FAILED, reason=reason, detail=answer.text)


def _unknown(answer: Answer) -> Verdict:
    """Return the verdict on a 200 that is not the provider's: a portal or a proxy spoke."""
    return Verdict(outcome=Outcome.RETRY, reason="UNKNOWN", detail=answer.text)
