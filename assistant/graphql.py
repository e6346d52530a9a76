"""The assistant's GraphQL face. Refusals are top-level errors with a code."""

from collections.abc import AsyncGenerator

import strawberry

from assistant import calibration_runs, feedback, freshness, grounds, model_budget, policy, turn
from assistant.answer_types import (
    Answer,
    AnswerEvent,
    AnswerRateInput,
    AnswerReviewInput,
    AskInput,
)
from assistant.answering import Answering
from assistant.conversations import start_conversation
from assistant.grounds_types import AnswerGrounds
from assistant.policy_types import (
    AssistantPolicy,
    AssistantPolicySetInput,
    CalibrationRun,
    ModelUsage,
    policy_fields,
)
from assistant.streaming import stream_answer
from backend.core.cost import MODEL_RUN
from backend.core.graphql import Info, given, version_of
from backend.service.conversation_types import Conversation  # before Channel: it describes the enum
from backend.service.documents import Channel


@strawberry.input(description="A new conversation of yours.")
class StartConversationInput:
    channel: Channel = Channel.WEBCHAT
    subject: str | None = None
    mutation_id: str | None = None


@strawberry.type
class AssistantQuery:
    @strawberry.field(description="The turns of a conversation that you may read, oldest first.")
    async def answers(self, info: Info, conversation_id: strawberry.ID) -> list[Answer]:
        found = await feedback.find_answers(info.context.uow, conversation_id)
        outdated = await freshness.find_outdated(info.context.uow, found)
        return [Answer.of(one, outdated=one.id in outdated) for one in found]

    @strawberry.field(
        description="What an answer was decided on: passages with scores, threshold, models. For staff."
    )
    async def answer_grounds(self, info: Info, id: strawberry.ID) -> AnswerGrounds:
        return AnswerGrounds.of(await grounds.find_grounds(info.context.uow, id))

    @strawberry.field(description="How questions are answered in your workspace. For staff.")
    async def assistant_policy(self, info: Info) -> AssistantPolicy:
        return AssistantPolicy.of(await policy.show_policy(info.context.uow))

    @strawberry.field(
        description="The nightly tries to learn from feedback, latest first, with figures on answers that "
        "were not learned from; the latest `kept` one is in force."
    )
    async def calibration_runs(self, info: Info) -> list[CalibrationRun]:
        return [CalibrationRun.of(one) for one in await calibration_runs.find_runs(info.context.uow)]

    @strawberry.field(description="What the language model was used for, by month, latest first.")
    async def model_usages(self, info: Info) -> list[ModelUsage]:
        return [ModelUsage.of(one) for one in await model_budget.find_usage(info.context.uow)]


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
                await context.services.aget(Answering),
                context.actor,
                conversation_id=input.conversation_id,
                text=input.text,
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(description="Say whether an answer to your question helped; your last word counts.")
    async def answer_rate(self, info: Info, input: AnswerRateInput) -> Answer:
        return Answer.of(
            await info.context.write(
                lambda uow: feedback.rate_answer(uow, input.id, helpful=input.helpful),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )

    @strawberry.mutation(description="Review an answer: the assistant learns from it. For staff.")
    async def answer_review(self, info: Info, input: AnswerReviewInput) -> Answer:
        return Answer.of(
            await info.context.write(
                lambda uow: feedback.review_answer(
                    uow, input.id, right=input.right, text=input.text or "", send=input.send
                ),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )

    @strawberry.mutation(description="Set how questions are answered in your workspace. For admins.")
    async def assistant_policy_set(self, info: Info, input: AssistantPolicySetInput) -> AssistantPolicy:
        return AssistantPolicy.of(
            await info.context.write(
                lambda uow: policy.set_policy(
                    uow, policy_fields(given(input)), expected_version=version_of(input)
                ),
                mutation_id=input.mutation_id or None,
                purpose=info.field_name,
            )
        )


@strawberry.type
class AssistantSubscription:
    @strawberry.subscription(
        description="Ask, and hear the answer as it comes: the steps, the text in pieces, its citations, "
        "the whole. Nothing of it is sent before it is checked and stored; ask again with the same "
        "`mutationId` after a broken connection.",
        metadata={"cost": MODEL_RUN},
    )
    async def answer_stream(self, info: Info, input: AskInput) -> AsyncGenerator[AnswerEvent, None]:
        answering = await info.context.services.aget(Answering)
        async for event in stream_answer(
            answering,
            info.context.actor,
            conversation_id=input.conversation_id,
            text=input.text,
            mutation_id=input.mutation_id or None,
        ):
            yield AnswerEvent.of(event)
