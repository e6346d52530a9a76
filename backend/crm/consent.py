"""Consent: what a person allows to be done with their data, and by which channel. Pure.

A contact's ``consents`` are a history that is only added to: a withdrawal is stamped on the entry that it
ends, and what was never given but is objected to becomes an entry of its own that ended as it began.
Source: GDPR articles 6, 7 and 21; PIPL articles 13–16.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from backend.core.clock import Moment
from backend.core.records import Part


class Purpose(StrEnum):
    """What for."""

    SERVICE = "service"
    MARKETING = "marketing"
    ANALYTICS = "analytics"
    PROFILING = "profiling"


class ConsentChannel(StrEnum):
    """By which way. ``any`` is all of them, and what has no way of its own, such as the chat in an app."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    PUSH = "push"
    WECHAT = "wechat"
    WHATSAPP = "whatsapp"
    POST = "post"
    ANY = "any"


class Basis(StrEnum):
    """Why it is lawful."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"
    LEGAL_OBLIGATION = "legal_obligation"


class Consent(Part):
    """One entry of the history. ``text_version`` names the wording that the person agreed to."""

    purpose: Purpose
    channel: ConsentChannel = ConsentChannel.ANY
    basis: Basis = Basis.CONSENT
    at: Moment
    source: str = Field(default="", max_length=200)
    text_version: str = Field(default="", max_length=60)
    withdrawn_at: Moment | None = None

    def covers(self, purpose: Purpose, channel: ConsentChannel) -> bool:
        return self.purpose is purpose and self.channel in (channel, ConsentChannel.ANY)

    def stands(self, at: datetime) -> bool:
        return self.at <= at and (self.withdrawn_at is None or self.withdrawn_at > at)


class Addressee(Protocol):
    """What the rule looks at of a contact."""

    @property
    def consents(self) -> list[Consent]: ...
    @property
    def do_not_call(self) -> bool: ...
    @property
    def erased_at(self) -> datetime | None: ...


class ConsentReason(StrEnum):
    """Why somebody may be written to, or not."""

    GIVEN = "given"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    NOT_GIVEN = "not_given"
    WITHDRAWN = "withdrawn"
    DO_NOT_CALL = "do_not_call"
    ERASED = "erased"


@dataclass(frozen=True)
class Permission:
    """Whether a contact may be reached for a purpose by a channel, and why."""

    allowed: bool
    reason: ConsentReason


def may_contact(contact: Addressee, purpose: Purpose, channel: ConsentChannel, at: datetime) -> Permission:
    """Decide whether ``contact`` may be reached at ``at``.

    What was said last about the channel, or about all of them, counts. Where nothing was said, service
    rests on the contract and everything else on a consent that is missing. A legal obligation outlasts an
    objection; ``do_not_call`` outweighs every consent to calls.
    """
    if contact.erased_at is not None:
        return Permission(False, ConsentReason.ERASED)
    if channel is ConsentChannel.PHONE and contact.do_not_call:
        return Permission(False, ConsentReason.DO_NOT_CALL)
    said = [one for one in contact.consents if one.covers(purpose, channel) and one.at <= at]
    if any(one.basis is Basis.LEGAL_OBLIGATION and one.stands(at) for one in said):
        return Permission(True, ConsentReason.LEGAL_OBLIGATION)
    if not said:
        service = purpose is Purpose.SERVICE
        return Permission(service, ConsentReason.CONTRACT if service else ConsentReason.NOT_GIVEN)
    given = _last_given(said, at)
    taken = max(
        (one.withdrawn_at for one in said if one.withdrawn_at and one.withdrawn_at <= at), default=None
    )
    if given is not None and (taken is None or given > taken):
        return Permission(True, ConsentReason.GIVEN)
    return Permission(False, ConsentReason.WITHDRAWN)


def _last_given(said: Sequence[Consent], at: datetime) -> datetime | None:
    return max((one.at for one in said if one.stands(at)), default=None)


def with_withdrawn(
    history: Sequence[Consent], purpose: Purpose, channel: ConsentChannel, at: datetime, *, source: str = ""
) -> list[Consent]:
    """Return the history after a withdrawal, or an objection where nothing was given.

    ``any`` ends what stands for every channel; one channel ends what stands for that channel, and a
    consent for all of them goes on for the others. Withdrawn again, nothing changes.
    """
    ended = [
        one.model_copy(update={"withdrawn_at": at})
        if one.purpose is purpose
        and one.basis is not Basis.LEGAL_OBLIGATION
        and one.stands(at)
        and (channel is ConsentChannel.ANY or one.channel is channel)
        else one
        for one in history
    ]
    if _is_closed(ended, purpose, channel, at):
        return ended
    objection = Consent(
        purpose=purpose,
        channel=channel,
        basis=Basis.CONTRACT if purpose is Purpose.SERVICE else Basis.CONSENT,
        at=at,
        source=source,
        withdrawn_at=at,
    )
    return [*ended, objection]


def _is_closed(history: Sequence[Consent], purpose: Purpose, channel: ConsentChannel, at: datetime) -> bool:
    """Tell whether the last word about exactly this channel, or about all, is a withdrawal."""
    said = [one for one in history if one.covers(purpose, channel)]
    taken = max((one.withdrawn_at for one in said if one.withdrawn_at), default=None)
    given = _last_given(said, at)
    return taken is not None and (given is None or taken >= given)
