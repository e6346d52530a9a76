"""The conversations and messages of the service room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.service import conversations, documents, messages
from backend.service.conversation_types import (
    SAID_ORDER,
    Conversation,
    ConversationCreateInput,
    ConversationDeleteResult,
    ConversationFilter,
    ConversationOrder,
    ConversationResult,
    ConversationUpdateInput,
    Message,
    MessageCreateInput,
    MessageDeleteResult,
    MessageFilter,
    MessageOrder,
    MessageResult,
    MessageUpdateInput,
)


@strawberry.type
class ConversationQuery:
    @strawberry.field(
        description="One conversation; null with a NOT_FOUND error when it is not visible to you."
    )
    async def conversation(self, info: Info, id: strawberry.ID) -> Conversation | None:
        return Conversation.of(await info.context.uow.access(documents.Conversation, id))

    @strawberry.field(description="The conversations that you may see; latest change first unless ordered.")
    async def conversations(
        self,
        info: Info,
        filter: ConversationFilter | None = None,
        order_by: list[ConversationOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Conversation]:
        return await listed(
            info,
            documents.Conversation,
            Conversation.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )

    @strawberry.field(description="One message; null with a NOT_FOUND error when it is not visible to you.")
    async def message(self, info: Info, id: strawberry.ID) -> Message | None:
        return Message.of(await info.context.uow.access(documents.Message, id))

    @strawberry.field(
        description="The messages that you may see. What a filter finds comes oldest first unless ordered."
    )
    async def messages(
        self,
        info: Info,
        filter: MessageFilter | None = None,
        order_by: list[MessageOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Message]:
        return await listed(
            info,
            documents.Message,
            Message.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
            usual_order=SAID_ORDER,
        )


@strawberry.type
class ConversationMutation:
    @strawberry.mutation(description="Open a conversation with a customer, or as one.")
    async def conversation_create(self, info: Info, input: ConversationCreateInput) -> ConversationResult:
        return Conversation.of(await run_create(info, conversations.open_conversation, input))

    @strawberry.mutation(description="Change a conversation; its messages follow whom it may be read by.")
    async def conversation_update(self, info: Info, input: ConversationUpdateInput) -> ConversationResult:
        return Conversation.of(await run_update(info, conversations.update_conversation, input))

    @strawberry.mutation(description="Delete a conversation with its messages.")
    async def conversation_delete(self, info: Info, input: DeleteInput) -> ConversationDeleteResult:
        return await run_delete(info, conversations.delete_conversation, input)

    @strawberry.mutation(description="Say something in a conversation.")
    async def message_create(self, info: Info, input: MessageCreateInput) -> MessageResult:
        return Message.of(await run_create(info, messages.create_message, input))

    @strawberry.mutation(description="Rewrite an internal note of your own.")
    async def message_update(self, info: Info, input: MessageUpdateInput) -> MessageResult:
        return Message.of(await run_update(info, messages.update_message, input))

    @strawberry.mutation(description="Delete a message.")
    async def message_delete(self, info: Info, input: DeleteInput) -> MessageDeleteResult:
        return await run_delete(info, messages.delete_message, input)
