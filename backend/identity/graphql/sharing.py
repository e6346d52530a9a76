"""Root fields of sharing rules, territories and defaults."""

from functools import partial

import strawberry

from backend.core.connections import Connection, page
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.identity import sharing_documents, sharing_rules, territories
from backend.identity.role_types import role_book
from backend.identity.sharing_defaults import openness_of_kinds, set_sharing_default
from backend.identity.sharing_types import (
    SharingDefault,
    SharingDefaultResult,
    SharingDefaultsSetInput,
    SharingRule,
    SharingRuleCreateInput,
    SharingRuleDeleteResult,
    SharingRuleResult,
    SharingRuleUpdateInput,
    Territory,
    TerritoryCreateInput,
    TerritoryDeleteResult,
    TerritoryResult,
    TerritoryUpdateInput,
)


@strawberry.type
class SharingQuery:
    @strawberry.field(description="The sharing rules of the workspace, for who may read them.")
    async def sharing_rules(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[SharingRule]:
        record, wrap = sharing_documents.SharingRule, SharingRule.of
        return await page(info.context.uow, record, wrap, where={}, order=[], first=first, after=after)

    @strawberry.field(description="The territories of the workspace, for who may read them.")
    async def territories(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[Territory]:
        record, wrap = sharing_documents.Territory, Territory.of
        return await page(info.context.uow, record, wrap, where={}, order=[], first=first, after=after)

    @strawberry.field(
        description="How open each kind is that can be shared; none for who may not read the defaults."
    )
    async def sharing_defaults(self, info: Info) -> list[SharingDefault]:
        found = await openness_of_kinds(info.context.uow)
        return [SharingDefault(kind=kind, openness=openness) for kind, openness in found.items()]


@strawberry.type
class SharingMutation:
    @strawberry.mutation(description="Create a sharing rule.")
    async def sharing_rule_create(self, info: Info, input: SharingRuleCreateInput) -> SharingRuleResult:
        create = partial(sharing_rules.create_sharing_rule, roles=await role_book(info))
        return SharingRule.of(await run_create(info, create, input))

    @strawberry.mutation(
        description="Change a sharing rule. Whom it is for and whether it is active counts at once; which "
        "records it holds for, as they are rewritten."
    )
    async def sharing_rule_update(self, info: Info, input: SharingRuleUpdateInput) -> SharingRuleResult:
        update = partial(sharing_rules.update_sharing_rule, roles=await role_book(info))
        return SharingRule.of(await run_update(info, update, input))

    @strawberry.mutation(description="Delete a sharing rule: what it gave ends at once.")
    async def sharing_rule_delete(self, info: Info, input: DeleteInput) -> SharingRuleDeleteResult:
        return await run_delete(info, sharing_rules.delete_sharing_rule, input)

    @strawberry.mutation(description="Create a territory.")
    async def territory_create(self, info: Info, input: TerritoryCreateInput) -> TerritoryResult:
        return Territory.of(await run_create(info, territories.create_territory, input))

    @strawberry.mutation(description="Change a territory. Who works in it, and its place, counts at once.")
    async def territory_update(self, info: Info, input: TerritoryUpdateInput) -> TerritoryResult:
        return Territory.of(await run_update(info, territories.update_territory, input))

    @strawberry.mutation(description="Delete a territory with none below it: what it opened closes at once.")
    async def territory_delete(self, info: Info, input: DeleteInput) -> TerritoryDeleteResult:
        return await run_delete(info, territories.delete_territory, input)

    @strawberry.mutation(description="Say how open a kind is to every role of ours that has it at all.")
    async def sharing_defaults_set(self, info: Info, input: SharingDefaultsSetInput) -> SharingDefaultResult:
        await info.context.write(
            lambda uow: set_sharing_default(uow, input.kind, input.openness),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return SharingDefault(kind=input.kind, openness=input.openness)
