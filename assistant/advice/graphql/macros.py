"""Macros in GraphQL."""

import strawberry

from assistant.advice import documents, macros
from assistant.advice.macro_types import (
    Macro,
    MacroCreateInput,
    MacroDecideInput,
    MacroDeleteResult,
    MacroFilter,
    MacroOrder,
    MacroResult,
    MacroUpdateInput,
)
from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info, version_of
from backend.core.mutations import run_create, run_delete, run_update


@strawberry.type
class MacroQuery:
    @strawberry.field(description="One macro; null with a NOT_FOUND error when it is not visible to you.")
    async def macro(self, info: Info, id: strawberry.ID) -> Macro | None:
        return Macro.of(await info.context.uow.access(documents.Macro, id))

    @strawberry.field(
        description="The macros that you may see; latest change first unless filtered or ordered."
    )
    async def macros(
        self,
        info: Info,
        filter: MacroFilter | None = None,
        order_by: list[MacroOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Macro]:
        return await listed(
            info,
            documents.Macro,
            Macro.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class MacroMutation:
    @strawberry.mutation(description="Create a macro: a draft, until it is approved.")
    async def macro_create(self, info: Info, input: MacroCreateInput) -> MacroResult:
        return Macro.of(await run_create(info, macros.create_macro, input))

    @strawberry.mutation(description="Change a macro; with other words it is a draft again.")
    async def macro_update(self, info: Info, input: MacroUpdateInput) -> MacroResult:
        return Macro.of(await run_update(info, macros.update_macro, input))

    @strawberry.mutation(description="Delete a macro.")
    async def macro_delete(self, info: Info, input: DeleteInput) -> MacroDeleteResult:
        return await run_delete(info, macros.delete_macro, input)

    @strawberry.mutation(description="Let a macro be suggested, if your role may approve macros.")
    async def macro_approve(self, info: Info, input: MacroDecideInput) -> MacroResult:
        return Macro.of(
            await info.context.write(
                lambda uow: macros.approve_macro(uow, input.id, expected_version=version_of(input)),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )

    @strawberry.mutation(description="Suggest a macro no more.")
    async def macro_retire(self, info: Info, input: MacroDecideInput) -> MacroResult:
        return Macro.of(
            await info.context.write(
                lambda uow: macros.retire_macro(uow, input.id, expected_version=version_of(input)),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )
