"""The chat's GraphQL face, for its customer and for the people who answer."""

from collections.abc import AsyncGenerator

import strawberry

from assistant.chat import types
from assistant.chat.reading import read_chat
from assistant.chat.switchboard import Switchboard
from backend.core.graphql import Info

READING = 20  # points: the conversation, two hundred messages, their answers


@strawberry.type
class ChatQuery:
    @strawberry.field(
        description="A conversation as its customer sees it; null with a NOT_FOUND error if unseen.",
        metadata={"cost": READING},
    )
    async def chat(self, info: Info, conversation_id: strawberry.ID) -> types.Chat | None:
        return types.Chat.of(await read_chat(info.context.uow, conversation_id))


@strawberry.type
class ChatMutation:
    @strawberry.mutation(
        description="Tell the others in a conversation that you type, every few seconds; it is not stored."
    )
    async def chat_typing(self, info: Info, conversation_id: strawberry.ID) -> bool:
        switchboard = await info.context.services.aget(Switchboard)
        await switchboard.note_typing(info.context.uow, conversation_id)
        return True


@strawberry.type
class ChatSubscription:
    @strawberry.subscription(
        description="What happens in a conversation from now on, until you sign out: hints without words."
    )
    async def chat_events(
        self, info: Info, conversation_id: strawberry.ID
    ) -> AsyncGenerator[types.ChatEvent, None]:
        switchboard = await info.context.services.aget(Switchboard)
        async for event in switchboard.hear(info.context.actor, conversation_id):
            yield types.ChatEvent.of(event)
