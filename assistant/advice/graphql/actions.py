"""Next actions, recommendations and profiles in GraphQL."""

import strawberry

from assistant.advice import desk, documents, next_actions, profiles, recommendations
from assistant.advice.action_types import (
    NextAction,
    Recommendation,
    RecommendationAcceptInput,
    RecommendationResult,
    RecommendationSkipInput,
    RecommendationSnoozeInput,
    pointers_of,
)
from assistant.advice.documents import RecommendationState
from assistant.advice.pointers import readable_pointers
from assistant.advice.profile_types import CustomerProfile, ProfileHistory
from backend.core.graphql import Info
from knowledge.text import Language, language_of_locale


def language_of(info: Info) -> Language:
    return language_of_locale(info.context.actor.locale)


async def _shown(info: Info, found: list[documents.Recommendation]) -> list[Recommendation]:
    readable = await readable_pointers(info.context.uow, pointers_of(found))
    return [Recommendation.of(one, readable, language_of(info)) for one in found if one.about_id in readable]


@strawberry.type
class ActionQuery:
    @strawberry.field(
        description="What to do next about an account, contact, opportunity or ticket, worth most first; "
        "without one, over all that is yours: tickets assigned to you, and deals, contracts, payments and "
        "accounts that you own."
    )
    async def next_best_actions(
        self, info: Info, subject_id: strawberry.ID | None = None, first: int = 5
    ) -> list[NextAction]:
        uow = info.context.uow
        if subject_id is None:
            found = await desk.desk_actions(uow, first=first)
        else:
            found = await next_actions.next_best_actions(uow, subject_id, first=first)
        return [NextAction.of(one, language_of(info)) for one in found]

    @strawberry.field(
        description="What was recommended to you, worth most first, as far as you still see what it is about."
    )
    async def recommendations(
        self, info: Info, states: list[RecommendationState] | None = None, first: int = 20
    ) -> list[Recommendation]:
        wanted = states if states is not None else [RecommendationState.PROPOSED]
        found = await recommendations.find_recommendations(info.context.uow, states=wanted, first=first)
        return await _shown(info, found)

    @strawberry.field(
        description="The profile of an account or contact; null with a NOT_FOUND error if unseen."
    )
    async def customer_profile(self, info: Info, id: strawberry.ID) -> CustomerProfile | None:
        return CustomerProfile.of(await profiles.customer_profile(info.context.uow, id))

    @strawberry.field(description="The kept versions of a customer's profile; null while none was computed.")
    async def customer_profile_history(self, info: Info, id: strawberry.ID) -> ProfileHistory | None:
        kept = await profiles.profile_history(info.context.uow, id)
        return ProfileHistory.of(kept, language_of(info)) if kept is not None else None


@strawberry.type
class ActionMutation:
    @strawberry.mutation(
        description="Keep the next best actions about a customer as recommendations to you; again, they are "
        "brought up to date."
    )
    async def recommend(self, info: Info, subject_id: strawberry.ID, first: int = 5) -> list[Recommendation]:
        found = await info.context.write(lambda uow: recommendations.recommend(uow, subject_id, first=first))
        return await _shown(info, found)

    @strawberry.mutation(description="Take a recommendation: makes a task.")
    async def recommendation_accept(
        self, info: Info, input: RecommendationAcceptInput
    ) -> RecommendationResult:
        found = await info.context.write(
            lambda uow: recommendations.accept_recommendation(
                uow,
                input.id,
                due_at=input.due_at,
                assignee_id=input.assignee_id,
                title=input.title or "",
            ),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return (await _shown(info, [found]))[0]

    @strawberry.mutation(description="Turn a recommendation down, with the reason.")
    async def recommendation_skip(self, info: Info, input: RecommendationSkipInput) -> RecommendationResult:
        found = await info.context.write(
            lambda uow: recommendations.skip_recommendation(
                uow, input.id, reason=input.reason, note=input.note or ""
            ),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return (await _shown(info, [found]))[0]

    @strawberry.mutation(description="Put a recommendation off until a moment within a year.")
    async def recommendation_snooze(
        self, info: Info, input: RecommendationSnoozeInput
    ) -> RecommendationResult:
        found = await info.context.write(
            lambda uow: recommendations.snooze_recommendation(uow, input.id, until=input.until),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return (await _shown(info, [found]))[0]
