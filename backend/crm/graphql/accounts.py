"""The accounts of the crm room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.crm import accounts, documents
from backend.crm.account_types import (
    Account,
    AccountCreateInput,
    AccountDeleteResult,
    AccountFilter,
    AccountOrder,
    AccountResult,
    AccountUpdateInput,
)


@strawberry.type
class AccountQuery:
    @strawberry.field(description="One account; null with a NOT_FOUND error when it is not visible to you.")
    async def account(self, info: Info, id: strawberry.ID) -> Account | None:
        return Account.of(await info.context.uow.access(documents.Account, id))

    @strawberry.field(
        description="The accounts that you may see; latest change first unless filtered or ordered."
    )
    async def accounts(
        self,
        info: Info,
        filter: AccountFilter | None = None,
        order_by: list[AccountOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Account]:
        return await listed(
            info,
            documents.Account,
            Account.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class AccountMutation:
    @strawberry.mutation(description="Create an account.")
    async def account_create(self, info: Info, input: AccountCreateInput) -> AccountResult:
        return Account.of(await run_create(info, accounts.create_account, input))

    @strawberry.mutation(description="Change an account.")
    async def account_update(self, info: Info, input: AccountUpdateInput) -> AccountResult:
        return Account.of(await run_update(info, accounts.update_account, input))

    @strawberry.mutation(description="Delete an account.")
    async def account_delete(self, info: Info, input: DeleteInput) -> AccountDeleteResult:
        return await run_delete(info, accounts.delete_account, input)
