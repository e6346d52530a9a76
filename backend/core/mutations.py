"""What the mutations of every kind share: read the input, run one operation in one unit of work."""

from typing import TypeVar

import strawberry

from backend.core.graphql import Deleted, DeleteInput, Info, given, version_of
from backend.core.operations import CreateOperation, DeleteOperation, UpdateOperation
from backend.core.records import Record

R = TypeVar("R", bound=Record)


@strawberry.input(
    description="A new record. `id` may be a UUID made on the phone; `mutationId` makes a repeat harmless."
)
class CreateInput:
    id: strawberry.ID | None = strawberry.UNSET
    mutation_id: str | None = strawberry.UNSET


@strawberry.input(
    description="What to change. With `expectedVersion` a change by somebody else is a Conflict."
)
class UpdateInput:
    id: strawberry.ID
    mutation_id: str | None = strawberry.UNSET
    expected_version: int | None = strawberry.UNSET


async def run_create(info: Info, operation: CreateOperation[R], input: CreateInput) -> R:
    """Create a record from a GraphQL input and commit it."""
    return await info.context.write(
        lambda uow: operation(uow, given(input), id=input.id or None),
        mutation_id=input.mutation_id or None,
        purpose=info.field_name,
    )


async def run_update(info: Info, operation: UpdateOperation[R], input: UpdateInput) -> R:
    """Change a record by a GraphQL input and commit it."""
    return await info.context.write(
        lambda uow: operation(uow, input.id, given(input), expected_version=version_of(input)),
        mutation_id=input.mutation_id or None,
        purpose=info.field_name,
    )


async def run_delete(info: Info, operation: DeleteOperation[Record], input: DeleteInput) -> Deleted:
    """Delete a record and commit that."""
    return Deleted.of(
        await info.context.write(
            lambda uow: operation(uow, input.id, expected_version=version_of(input)),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
    )
