"""Chat keys as GraphQL types and inputs."""

from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound
from backend.core.mutations import CreateInput, UpdateInput
from backend.identity import visitor_documents as documents


@strawberry.type(
    description="A web site on which anybody may chat with this workspace. Its id is what the page names "
    "as `data-key`: public, no secret."
)
class ChatKey:
    id: strawberry.ID
    version: int
    name: str
    origins: list[str]
    on_own_page: bool
    suggestions: list[str]
    is_active: bool

    @classmethod
    def of(cls, record: documents.ChatKey) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            version=record.version,
            name=record.name,
            origins=record.origins,
            on_own_page=record.on_own_page,
            suggestions=record.suggestions,
            is_active=record.is_active,
        )


@strawberry.input
class ChatKeyFields:
    origins: list[str] | None = strawberry.field(
        default=UNSET, description="The pages that may embed the chat, such as `https://www.example.com`."
    )
    on_own_page: bool | None = strawberry.field(
        default=UNSET, description="Whether the chat is open at `/chat` on this server, too."
    )
    suggestions: list[str] | None = strawberry.field(
        default=UNSET, description="What to ask, for an empty chat at `/chat`: up to 6 short questions."
    )
    is_active: bool | None = UNSET


@strawberry.input(description="A new web site whose visitors may chat.")
class ChatKeyCreateInput(ChatKeyFields, CreateInput):
    name: str


@strawberry.input(description="What to change of a chat key.")
class ChatKeyUpdateInput(ChatKeyFields, UpdateInput):
    name: str | None = UNSET


ChatKeyResult = Annotated[
    ChatKey | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ChatKeyResult")
]
ChatKeyDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("ChatKeyDeleteResult")
]
