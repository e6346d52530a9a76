"""Retention rules in the crm room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.crm.privacy import documents, retention
from backend.crm.retention_types import (
    RetentionPreview,
    RetentionRule,
    RetentionRuleCreateInput,
    RetentionRuleDeleteResult,
    RetentionRuleResult,
    RetentionRuleUpdateInput,
)


@strawberry.type
class RetentionQuery:
    @strawberry.field(description="The retention rules that you may see; latest change first.")
    async def retention_rules(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[RetentionRule]:
        return await listed(
            info,
            documents.RetentionRule,
            RetentionRule.of,
            filter=None,
            order_by=None,
            first=first,
            after=after,
        )

    @strawberry.field(description="What a rule would do now: a dry run that changes nothing.")
    async def retention_preview(self, info: Info, id: strawberry.ID) -> RetentionPreview | None:
        found = await retention.preview_retention(info.context.store, info.context.actor, id)
        ids = [strawberry.ID(one) for one in found.ids]
        return RetentionPreview(count=found.count, held=found.held, ids=ids)


@strawberry.type
class RetentionMutation:
    @strawberry.mutation(description="Create a retention rule.")
    async def retention_rule_create(self, info: Info, input: RetentionRuleCreateInput) -> RetentionRuleResult:
        return RetentionRule.of(await run_create(info, retention.create_retention_rule, input))

    @strawberry.mutation(description="Change a retention rule.")
    async def retention_rule_update(self, info: Info, input: RetentionRuleUpdateInput) -> RetentionRuleResult:
        return RetentionRule.of(await run_update(info, retention.update_retention_rule, input))

    @strawberry.mutation(description="Delete a retention rule; what it did stays done.")
    async def retention_rule_delete(self, info: Info, input: DeleteInput) -> RetentionRuleDeleteResult:
        return await run_delete(info, retention.delete_retention_rule, input)
