"""The contracts of the sales room's GraphQL face."""

from functools import partial

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info, given, version_of
from backend.core.mutations import run_create, run_delete, run_update
from backend.identity.actors import Actors
from backend.sales import contract_documents as documents
from backend.sales import contracts
from backend.sales.contract_types import (
    Contract,
    ContractCreateInput,
    ContractDeleteResult,
    ContractFilter,
    ContractOrder,
    ContractRenewInput,
    ContractResult,
    ContractSignInput,
    ContractSubmitInput,
    ContractTerminateInput,
    ContractUpdateInput,
    ContractVoidInput,
)


@strawberry.type
class ContractQuery:
    @strawberry.field(description="One contract; null with a NOT_FOUND error when it is not visible to you.")
    async def contract(self, info: Info, id: strawberry.ID) -> Contract | None:
        return Contract.of(await info.context.uow.access(documents.Contract, id))

    @strawberry.field(
        description="The contracts that you may see; latest change first unless filtered or ordered."
    )
    async def contracts(
        self,
        info: Info,
        filter: ContractFilter | None = None,
        order_by: list[ContractOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Contract]:
        return await listed(
            info,
            documents.Contract,
            Contract.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class ContractMutation:
    @strawberry.mutation(description="Draft a contract under the workspace's next number.")
    async def contract_create(self, info: Info, input: ContractCreateInput) -> ContractResult:
        return Contract.of(await run_create(info, contracts.create_contract, input))

    @strawberry.mutation(description="Change a contract: all of a draft; what was signed stays.")
    async def contract_update(self, info: Info, input: ContractUpdateInput) -> ContractResult:
        return Contract.of(await run_update(info, contracts.update_contract, input))

    @strawberry.mutation(description="Delete a draft, and the payments planned for it.")
    async def contract_delete(self, info: Info, input: DeleteInput) -> ContractDeleteResult:
        return await run_delete(info, contracts.delete_contract, input)

    @strawberry.mutation(description="Ask for a draft to be approved, by those whose role allows it.")
    async def contract_submit(self, info: Info, input: ContractSubmitInput) -> ContractResult:
        submit = partial(contracts.submit_contract, actors=await info.context.services.aget(Actors))
        return Contract.of(await run_update(info, submit, input))

    @strawberry.mutation(description="Sign a draft; it stands at once where its days are.")
    async def contract_sign(self, info: Info, input: ContractSignInput) -> ContractResult:
        return Contract.of(
            await info.context.write(
                lambda uow: contracts.sign_contract(
                    uow, input.id, signed_at=input.signed_at or None, expected_version=version_of(input)
                ),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )

    @strawberry.mutation(description="End a signed contract before its time; what is still owed stays owed.")
    async def contract_terminate(self, info: Info, input: ContractTerminateInput) -> ContractResult:
        return Contract.of(
            await info.context.write(
                lambda uow: contracts.terminate_contract(
                    uow, input.id, input.reason, expected_version=version_of(input)
                ),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )

    @strawberry.mutation(description="Say that a contract never held: nothing of it is owed any more.")
    async def contract_void(self, info: Info, input: ContractVoidInput) -> ContractResult:
        return Contract.of(
            await info.context.write(
                lambda uow: contracts.void_contract(
                    uow, input.id, input.reason, expected_version=version_of(input)
                ),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )

    @strawberry.mutation(
        description="Draft the contract that follows; a second time return the one that follows already."
    )
    async def contract_renew(self, info: Info, input: ContractRenewInput) -> ContractResult:
        return Contract.of(
            await info.context.write(
                lambda uow: contracts.renew_contract(
                    uow, input.id, given(input), expected_version=version_of(input)
                ),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )
