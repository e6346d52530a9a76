"""Consent in the crm room's GraphQL face."""

import strawberry

from backend.core.errors import FieldError, InvalidInput
from backend.core.graphql import Info
from backend.core.unit_of_work import UnitOfWork
from backend.crm import consents, documents
from backend.crm.consent import ConsentChannel, Purpose
from backend.crm.consent_types import (
    ConsentGiveInput,
    ConsentResult,
    ConsentWithdrawInput,
    ContactConsents,
    ContactPermission,
)


@strawberry.type
class ConsentQuery:
    @strawberry.field(description="What you said about being reached, if you are a customer; null for staff.")
    async def my_consents(self, info: Info) -> ContactConsents | None:
        actor = info.context.actor
        if actor.contact_id is None:
            return None
        speaker = consents.recorder_of_consent(actor, actor.contact_id)
        unit = info.context.store.unit_of_work(speaker)
        return ContactConsents.of(await unit.access(documents.Contact, actor.contact_id))

    @strawberry.field(description="Whether a contact whom you may see may be reached now, and why.")
    async def contact_permission(
        self, info: Info, contact_id: strawberry.ID, purpose: Purpose, channel: ConsentChannel
    ) -> ContactPermission:
        contact = await info.context.uow.access(documents.Contact, contact_id)
        return ContactPermission.of(
            await consents.find_permission(info.context.uow, contact.id, purpose, channel)
        )


@strawberry.type
class ConsentMutation:
    @strawberry.mutation(description="Record that a contact agreed to be reached for a purpose.")
    async def consent_give(self, info: Info, input: ConsentGiveInput) -> ConsentResult:
        contact_id = _whose(info, input.contact_id)

        async def give(uow: UnitOfWork) -> documents.Contact:
            return await consents.give_consent(
                uow,
                contact_id,
                input.purpose,
                input.channel,
                basis=input.basis,
                source=input.source,
                text_version=input.text_version,
            )

        speaker = consents.recorder_of_consent(info.context.actor, contact_id)
        return ContactConsents.of(
            await info.context.store.write(
                speaker, give, mutation_id=input.mutation_id or None, purpose=info.field_name
            )
        )

    @strawberry.mutation(description="Record that a contact withdrew their consent, or objects.")
    async def consent_withdraw(self, info: Info, input: ConsentWithdrawInput) -> ConsentResult:
        contact_id = _whose(info, input.contact_id)

        async def withdraw(uow: UnitOfWork) -> documents.Contact:
            return await consents.withdraw_consent(
                uow, contact_id, input.purpose, input.channel, source=input.source
            )

        speaker = consents.recorder_of_consent(info.context.actor, contact_id)
        return ContactConsents.of(
            await info.context.store.write(
                speaker, withdraw, mutation_id=input.mutation_id or None, purpose=info.field_name
            )
        )


def _whose(info: Info, contact_id: str | None) -> str:
    """Return the contact that is meant: for a customer who names nobody, themselves."""
    found = contact_id or info.context.actor.contact_id
    if not found:
        raise InvalidInput(FieldError("contact_id", "is missing; say whose consent it is"))
    return str(found)
