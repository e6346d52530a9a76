"""The assistant's GraphQL face. Refusals are top-level errors with a code."""

import strawberry

from assistant import advice, replies, turn
from assistant.advice_types import CustomerProfile, NextAction
from assistant.answer_types import Answer, AskInput, SuggestedReply
from assistant.conversations import start_conversation
from backend.core.cost import MODEL_RUN
from backend.core.graphql import Info
from backend.service.conversation_types import Conversation  # before Channel: it describes the enum
from backend.service.documents import Channel
from knowledge.search import KnowledgeBase
from knowledge.sentence_rows import SentenceRows


@strawberry.input(description="A new conversation of yours.")
class StartConversationInput:
    channel: Channel = Channel.WEBCHAT
    subject: str | None = None
    mutation_id: str | None = None


@strawberry.type
class AssistantQuery:
    @strawberry.field(
        description="Replies an agent may send to a ticket's customer, "
        "likeliest first, each with its source.",
        metadata={"cost": MODEL_RUN},
    )
    async def suggest_replies(
        self, info: Info, ticket_id: strawberry.ID, first: int = 3
    ) -> list[SuggestedReply]:
        knowledge, rows = await info.context.services.aget(KnowledgeBase, SentenceRows)
        found = await replies.suggest_replies(info.context.uow, knowledge, rows, ticket_id, first=first)
        return [SuggestedReply.of(one) for one in found]

    @strawberry.field(
        description="What to do next about an account, contact, opportunity or ticket, worth most first."
    )
    async def next_best_actions(
        self, info: Info, subject_id: strawberry.ID, first: int = 5
    ) -> list[NextAction]:
        found = await advice.next_best_actions(info.context.uow, subject_id, first=first)
        return [NextAction.of(one) for one in found]

    @strawberry.field(
        description="The profile of an account or contact; null with a NOT_FOUND error if unseen."
    )
    async def customer_profile(self, info: Info, id: strawberry.ID) -> CustomerProfile | None:
        return CustomerProfile.of(await advice.customer_profile(info.context.uow, id))


@strawberry.type
class AssistantMutation:
    @strawberry.mutation(description="Start a conversation in which to `ask`.")
    async def start_conversation(self, info: Info, input: StartConversationInput) -> Conversation:
        return Conversation.of(
            await info.context.write(
                lambda uow: start_conversation(uow, channel=input.channel, subject=input.subject or ""),
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(
        description="Ask the assistant. It quotes an article that you may read, asks back, "
        "or hands the conversation to people and names the ticket.",
        metadata={"cost": MODEL_RUN},
    )
    async def ask(self, info: Info, input: AskInput) -> Answer:
        context = info.context
        return Answer.of(
            await turn.ask(
                context.store,
                await context.services.aget(KnowledgeBase),
                context.actor,
                conversation_id=input.conversation_id,
                text=input.text,
                mutation_id=input.mutation_id or None,
            )
        )
