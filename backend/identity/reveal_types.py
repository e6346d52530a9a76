"""Revealing masked personal data as GraphQL types and inputs."""

from typing import Annotated, Self

import strawberry

from backend.core.graphql import Conflict, InvalidInput, NotFound, RateLimited
from backend.identity.reveal import Revealed


@strawberry.input(description="Which masked fields of a record to show in clear, and what for.")
class RevealInput:
    kind: str
    id: strawberry.ID
    fields: list[str]
    reason: str = strawberry.field(description="At least 10 characters; it goes into the audit trail.")


@strawberry.type(description="One field in clear.")
class RevealedField:
    name: str
    values: list[str] = strawberry.field(
        description="One text; several of a list; of an address each filled part as `name: text`."
    )


@strawberry.type(description="Fields of one record in clear.")
class RevealedFields:
    id: strawberry.ID
    kind: str
    fields: list[RevealedField]

    @classmethod
    def of(cls, input: RevealInput, found: Revealed) -> Self:
        fields = [RevealedField(name=name, values=values) for name, values in found]
        return cls(id=input.id, kind=input.kind, fields=fields)


RevealResult = Annotated[
    RevealedFields | InvalidInput | NotFound | RateLimited | Conflict, strawberry.union("RevealResult")
]
