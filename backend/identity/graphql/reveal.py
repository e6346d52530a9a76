"""The root field that shows masked personal data in clear."""

import strawberry

from backend.core.graphql import Info
from backend.identity.reveal import reveal_fields
from backend.identity.reveal_types import RevealedFields, RevealInput, RevealResult


@strawberry.type
class RevealMutation:
    @strawberry.mutation(
        description="Show masked personal fields in clear. Who looked, at what and why is in the audit trail "
        "before the answer goes out; at most 30 records an hour."
    )
    async def reveal(self, info: Info, input: RevealInput) -> RevealResult:
        found = await info.context.write(
            lambda uow: reveal_fields(uow, input.kind, input.id, input.fields, reason=input.reason)
        )
        return RevealedFields.of(input, found)
