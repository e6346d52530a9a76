"""Chat keys in the identity room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, page
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.identity import chat_keys as operations
from backend.identity import visitor_documents as documents
from backend.identity.chat_key_types import (
    ChatKey,
    ChatKeyCreateInput,
    ChatKeyDeleteResult,
    ChatKeyResult,
    ChatKeyUpdateInput,
)


@strawberry.type
class ChatKeyQuery:
    @strawberry.field(description="The web sites on which anybody may chat; for admins.")
    async def chat_keys(self, info: Info, first: int = 50, after: str | None = None) -> Connection[ChatKey]:
        return await page(
            info.context.uow, documents.ChatKey, ChatKey.of, where={}, order=[], first=first, after=after
        )


@strawberry.type
class ChatKeyMutation:
    @strawberry.mutation(description="Let visitors of a web site chat; for admins.")
    async def chat_key_create(self, info: Info, input: ChatKeyCreateInput) -> ChatKeyResult:
        return ChatKey.of(await run_create(info, operations.create_chat_key, input))

    @strawberry.mutation(description="Change a chat key; for admins.")
    async def chat_key_update(self, info: Info, input: ChatKeyUpdateInput) -> ChatKeyResult:
        return ChatKey.of(await run_update(info, operations.update_chat_key, input))

    @strawberry.mutation(description="Let nobody chat by a key any more; for admins.")
    async def chat_key_delete(self, info: Info, input: DeleteInput) -> ChatKeyDeleteResult:
        return await run_delete(info, operations.delete_chat_key, input)
