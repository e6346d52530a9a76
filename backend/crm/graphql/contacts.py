"""The contacts of the crm room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.crm import contacts, documents
from backend.crm.contact_types import (
    Contact,
    ContactCreateInput,
    ContactDeleteResult,
    ContactFilter,
    ContactOrder,
    ContactResult,
    ContactUpdateInput,
)


@strawberry.type
class ContactQuery:
    @strawberry.field(description="One contact; null with a NOT_FOUND error when it is not visible to you.")
    async def contact(self, info: Info, id: strawberry.ID) -> Contact | None:
        return Contact.of(await info.context.uow.access(documents.Contact, id))

    @strawberry.field(
        description="The contacts that you may see; latest change first unless filtered or ordered."
    )
    async def contacts(
        self,
        info: Info,
        filter: ContactFilter | None = None,
        order_by: list[ContactOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Contact]:
        return await listed(
            info,
            documents.Contact,
            Contact.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class ContactMutation:
    @strawberry.mutation(description="Create a contact.")
    async def contact_create(self, info: Info, input: ContactCreateInput) -> ContactResult:
        return Contact.of(await run_create(info, contacts.create_contact, input))

    @strawberry.mutation(description="Change a contact.")
    async def contact_update(self, info: Info, input: ContactUpdateInput) -> ContactResult:
        return Contact.of(await run_update(info, contacts.update_contact, input))

    @strawberry.mutation(description="Delete a contact.")
    async def contact_delete(self, info: Info, input: DeleteInput) -> ContactDeleteResult:
        return await run_delete(info, contacts.delete_contact, input)
