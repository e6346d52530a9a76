"""Suggested replies, similar tickets and summaries in GraphQL."""

import strawberry

from assistant.advice import replies, reply_learning, similar_tickets, summaries
from assistant.advice.reply_types import (
    ConversationSummary,
    ReplyOutcome,
    ReplyRecordInput,
    ReplyRecordResult,
    SimilarTicket,
    SuggestedReply,
)
from assistant.advice.text_rows import TextRows
from backend.core.cost import MODEL_RUN
from backend.core.graphql import Info
from knowledge.search import KnowledgeBase


@strawberry.type
class ReplyQuery:
    @strawberry.field(
        description="Replies an agent may send to a ticket's customer, "
        "likeliest first, each with its source.",
        metadata={"cost": MODEL_RUN},
    )
    async def suggest_replies(
        self, info: Info, ticket_id: strawberry.ID, first: int = 3
    ) -> list[SuggestedReply]:
        knowledge, rows = await info.context.services.aget(KnowledgeBase, TextRows)
        found = await replies.suggest_replies(info.context.uow, knowledge, rows, ticket_id, first=first)
        return [SuggestedReply.of(one) for one in found]

    @strawberry.field(
        description="Tickets that are probably about the same matter, likeliest first.",
        metadata={"cost": MODEL_RUN},
    )
    async def similar_tickets(
        self, info: Info, ticket_id: strawberry.ID, first: int = 5
    ) -> list[SimilarTicket]:
        rows = await info.context.services.aget(TextRows)
        found = await similar_tickets.similar_tickets(info.context.uow, rows, ticket_id, first=first)
        return [SimilarTicket.of(one) for one in found]

    @strawberry.field(
        description="A conversation in some of its own sentences, each with the message it stands in."
    )
    async def conversation_summary(
        self, info: Info, conversation_id: strawberry.ID, first: int = 5, locale: str | None = None
    ) -> ConversationSummary:
        found = await summaries.conversation_summary(
            info.context.uow, conversation_id, locale=locale, first=first
        )
        return ConversationSummary.of(found)


@strawberry.type
class ReplyMutation:
    @strawberry.mutation(description="Say what became of a suggested reply: later suggestions learn from it.")
    async def reply_record(self, info: Info, input: ReplyRecordInput) -> ReplyRecordResult:
        found = await info.context.write(
            lambda uow: reply_learning.record_reply(
                uow,
                ticket_id=input.ticket_id,
                source=input.source,
                source_id=input.source_id,
                verdict=input.verdict,
                suggested=input.suggested or "",
                sent=input.sent or "",
                message_id=input.message_id or None,
            ),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return ReplyOutcome.of(found)
