"""What may be done with a contact's consent, and the one gate that every outbound message passes."""

from dataclasses import replace

from backend.core.access import Actor, Level, grant
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.crm.consent import (
    Basis,
    Consent,
    ConsentChannel,
    ConsentReason,
    Permission,
    Purpose,
    may_contact,
    with_withdrawn,
)
from backend.crm.documents import Contact

_THEMSELVES = grant(read=Level.ALL, update=Level.ALL)  # held only by who passed `recorder_of_consent`

MENDS = {
    ConsentReason.WITHDRAWN: "withdrew it; ask them for consent before you write again",
    ConsentReason.NOT_GIVEN: "never consented to it; ask them first, then record it with consentGive",
    ConsentReason.DO_NOT_CALL: "asked not to be called; use another channel",
    ConsentReason.ERASED: "is erased; nobody can be reached there any more",
}


def recorder_of_consent(actor: Actor, contact_id: str) -> Actor:
    """Return ``actor`` with the right to write down what a contact says about consent; nothing more.

    Of ours, whoever may read a contact hears them say it. A customer speaks for themselves, though they
    have no right to contacts, which hold our notes; raise Forbidden when they name somebody else.
    """
    if actor.is_customer and actor.contact_id != contact_id:
        raise Forbidden("update", Contact.kind)
    own = actor.grant(Contact.kind)
    heard = replace(own, levels={**own.levels, "update": own.level("read")})
    return replace(actor, grants={**actor.grants, Contact.kind: _THEMSELVES if actor.is_customer else heard})


async def give_consent(
    uow: UnitOfWork,
    contact_id: str,
    purpose: Purpose,
    channel: ConsentChannel,
    *,
    basis: Basis = Basis.CONSENT,
    source: str = "",
    text_version: str = "",
) -> Contact:
    """Record that a contact agreed, or on which other basis they may be reached.

    Raise InvalidInput when a customer names a basis other than their consent.
    """
    if uow.actor.is_customer and basis is not Basis.CONSENT:
        raise InvalidInput(FieldError("basis", "is yours to give as consent only; leave it out"))
    contact = await uow.access(Contact, contact_id, action="update")
    check_not_erased(contact)
    entry = Consent(
        purpose=purpose,
        channel=channel,
        basis=basis,
        at=uow.at,
        source=source or _source(uow.actor),
        text_version=text_version,
    )
    contact.consents = [*contact.consents, entry]
    uow.save(contact)
    return contact


async def withdraw_consent(
    uow: UnitOfWork, contact_id: str, purpose: Purpose, channel: ConsentChannel, *, source: str = ""
) -> Contact:
    """Record that a contact withdrew their consent, or objects; what was sent before stays lawful."""
    contact = await uow.access(Contact, contact_id, action="update")
    check_not_erased(contact)
    said_by = source or _source(uow.actor)
    contact.consents = with_withdrawn(contact.consents, purpose, channel, uow.at, source=said_by)
    uow.save(contact)
    return contact


def check_not_erased(contact: Contact) -> None:
    """Raise InvalidInput when the person behind ``contact`` is erased: nothing is written there any more."""
    if contact.erased_at is not None:
        raise InvalidInput(
            FieldError("id", "belongs to an erased person and is locked; make a new contact instead")
        )


async def find_permission(
    uow: UnitOfWork, contact_id: str, purpose: Purpose, channel: ConsentChannel
) -> Permission:
    """Return whether a contact may be reached now. The house looks, whatever the actor may see of them."""
    contact = await uow.as_house().look_up(Contact, contact_id)
    if contact is None:  # nobody said anything, for or against
        service = purpose is Purpose.SERVICE
        return Permission(service, ConsentReason.CONTRACT if service else ConsentReason.NOT_GIVEN)
    return may_contact(contact, purpose, channel, uow.at)


async def check_consent(uow: UnitOfWork, contact_id: str, purpose: Purpose, channel: ConsentChannel) -> None:
    """Raise InvalidInput, with the reason, unless a contact may be reached now.

    The one gate: every message to a customer passes here.
    """
    permission = await find_permission(uow, contact_id, purpose, channel)
    if not permission.allowed:
        way = "all channels" if channel is ConsentChannel.ANY else channel.value
        raise InvalidInput(
            FieldError(
                "contact_id",
                f"may not be reached for {purpose.value} by {way}: the person {MENDS[permission.reason]}",
            )
        )


def _source(actor: Actor) -> str:
    return "portal" if actor.is_customer else "staff"
