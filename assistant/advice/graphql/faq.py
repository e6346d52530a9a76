"""Drafts of articles from what customers ask, in GraphQL."""

import strawberry

from assistant.advice import faq_mining, faq_suggestions
from assistant.advice.documents import FaqState
from assistant.advice.documents import FaqSuggestion as Stored
from assistant.advice.faq_types import (
    FaqSuggestion,
    FaqSuggestionApproveInput,
    FaqSuggestionDismissInput,
    FaqSuggestionResult,
)
from assistant.advice.text_rows import TextRows
from backend.core.cost import MODEL_RUN
from backend.core.errors import Forbidden
from backend.core.graphql import Info
from knowledge.search import KnowledgeBase


@strawberry.type
class FaqQuery:
    @strawberry.field(
        description="Drafts of articles from what customers keep asking, most asked first; those whose words "
        "you may read."
    )
    async def faq_suggestions(
        self, info: Info, state: FaqState = FaqState.OPEN, first: int = 20
    ) -> list[FaqSuggestion]:
        found = await faq_suggestions.find_faq_suggestions(info.context.uow, state=state, first=first)
        return [FaqSuggestion.of(one) for one in found]


@strawberry.type
class FaqMutation:
    @strawberry.mutation(
        description="Look now for what customers keep asking, rather than with the next run of the job; "
        "returns what is open then.",
        metadata={"cost": 10 * MODEL_RUN},
    )
    async def faq_mine(self, info: Info) -> list[FaqSuggestion]:
        context = info.context
        if context.actor.is_customer or context.actor.level(Stored.kind, "create") != "all":
            raise Forbidden("create", Stored.kind)
        knowledge, rows = await context.services.aget(KnowledgeBase, TextRows)
        await faq_mining.mine_questions(context.store, knowledge, rows, context.actor.workspace_id)
        found = await faq_suggestions.find_faq_suggestions(context.uow, first=20)
        return [FaqSuggestion.of(one) for one in found]

    @strawberry.mutation(description="Make an article draft of a suggestion.")
    async def faq_suggestion_approve(
        self, info: Info, input: FaqSuggestionApproveInput
    ) -> FaqSuggestionResult:
        found = await info.context.write(
            lambda uow: faq_suggestions.approve_faq_suggestion(
                uow,
                input.id,
                title=input.title or "",
                body=input.body or "",
                locale=input.locale or "",
                visibility=input.visibility,
            ),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return FaqSuggestion.of(found)

    @strawberry.mutation(description="Put a suggestion aside; it is not made again.")
    async def faq_suggestion_dismiss(
        self, info: Info, input: FaqSuggestionDismissInput
    ) -> FaqSuggestionResult:
        found = await info.context.write(
            lambda uow: faq_suggestions.dismiss_faq_suggestion(uow, input.id, because=input.because or ""),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return FaqSuggestion.of(found)
