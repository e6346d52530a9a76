"""Privacy rights in the crm room's GraphQL face."""

import strawberry

from backend.core.graphql import Info
from backend.crm.privacy.documents import Erasure
from backend.crm.privacy.erasures import begin_erasure, run_erasure
from backend.crm.privacy.export_links import make_link
from backend.crm.privacy.exports import check_export, exporter
from backend.crm.privacy.holds import hold_of, set_legal_hold
from backend.crm.privacy_types import (
    LegalHold,
    LegalHoldResult,
    LegalHoldSetInput,
    PersonEraseInput,
    PersonEraseResult,
    PersonErasure,
    PersonExport,
    PersonExportResult,
)
from backend.identity.sign_in import TokenPolicy


@strawberry.type
class PrivacyQuery:
    @strawberry.field(description="The erasure of a person; null with a NOT_FOUND error when there is none.")
    async def person_erasure(self, info: Info, id: strawberry.ID) -> PersonErasure | None:
        return PersonErasure.of(await info.context.uow.access(Erasure, id))


@strawberry.type
class PrivacyMutation:
    @strawberry.mutation(
        description="Erase a person for good: what identifies them and all they wrote, in every record, with "
        "their sign-in and files. Amounts, counts and dates stay. There is no way back."
    )
    async def person_erase(self, info: Info, input: PersonEraseInput) -> PersonEraseResult:
        erasure = await info.context.write(
            lambda uow: begin_erasure(uow, input.contact_id, reason=input.reason, confirm=input.confirm),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return PersonErasure.of(
            await run_erasure(info.context.store, info.context.actor.workspace_id, erasure.id)
        )

    @strawberry.mutation(
        description="Make a link to everything about a contact: `person.json` and files, in a zip."
    )
    async def person_export(self, info: Info, contact_id: strawberry.ID) -> PersonExportResult:
        return await _linked(info, contact_id)

    @strawberry.mutation(description="Make a link to everything about yourself, for customers.")
    async def my_data_export(self, info: Info) -> PersonExportResult:
        return await _linked(info, info.context.actor.contact_id or info.context.actor.user_id)

    @strawberry.mutation(description="Put a contact or ticket under legal hold, or release it.")
    async def legal_hold_set(self, info: Info, input: LegalHoldSetInput) -> LegalHoldResult:
        held = await info.context.write(
            lambda uow: set_legal_hold(uow, input.kind, input.id, input.reason),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return LegalHold(
            kind=held.kind, id=strawberry.ID(held.id), version=held.version, reason=hold_of(held)
        )


async def _linked(info: Info, contact_id: str) -> PersonExport:
    """Return a link to the export of a contact, when the caller may have it."""
    actor, store = exporter(info.context.actor, contact_id), info.context.store
    await store.write(actor, lambda uow: check_export(uow, contact_id, noted_as="person.export_linked"))
    link = make_link(actor, contact_id, now=store.clock.now())
    return PersonExport.of(link, (await info.context.services.aget(TokenPolicy)).key)
