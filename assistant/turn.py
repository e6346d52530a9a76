"""One turn: a question is looked up with the asker's rights, decided, and stored with its answer at once."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from assistant.answering import Answering
from assistant.calibration_runs import adjustment_of
from assistant.confidence import load_calibration
from assistant.decide import (
    Judging,
    Verdict,
    answer_chosen,
    decide,
    decide_without_search,
    prefer,
)
from assistant.documents import Answer, Decision, Reason
from assistant.drafting import Draft, draft_answer
from assistant.memory import TURNS_REMEMBERED, chosen_article, complete, was_asked_back
from assistant.own_contracts import look_up_contracts, look_up_payments
from assistant.own_records import OwnFacts, look_up_tickets
from assistant.policy import AnswerMode, AssistantPolicy, find_policy
from assistant.steps import Notice, Step, unheard
from assistant.turn_record import Turn, save_turn
from assistant.understand import Intent, Understood, is_named, is_question, understand
from assistant.withheld import without_addresses
from backend.core.access import Actor
from backend.core.errors import FieldError, Forbidden, InvalidInput, Unavailable
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation
from backend.service.rules import LONGEST_MESSAGE, ConversationState
from knowledge.edition import Edition
from knowledge.search import KnowledgeBase, SearchResult
from knowledge.text import Language

log = structlog.get_logger(__name__)

INDEX_PATIENCE = timedelta(seconds=30)  # a person would rather wait than be told that there is no answer
ARTICLES_LOOKED_AT = 8  # as calibrated; also for translations of what the other language answers
TOO_LITTLE = (Reason.LOW_CONFIDENCE, Reason.NOTHING_FOUND, Reason.FOUND_IN_ARTICLE)  # for one word
OTHER: dict[Language, Language] = {"zh": "en", "en": "zh"}


async def ask(
    answering: Answering,
    actor: Actor,
    *,
    conversation_id: str,
    text: str,
    mutation_id: str | None = None,
    notice: Notice = unheard,
) -> Answer:
    """Answer ``text`` in a conversation of the actor; question, answer and ticket are one commit.

    The same ``mutation_id`` again returns the first answer and stores nothing. ``notice`` is told each step
    as it begins. Raise InvalidInput for a text that is blank or too long, NotFound for a conversation that
    the actor may not see.
    """
    question = check_question(text)
    store = answering.store
    uow = store.unit_of_work(actor)
    conversation = await uow.access(Conversation, conversation_id, action="update")
    if not uow.may(Answer.kind, "create"):
        raise Forbidden("create", Answer.kind)
    turn = await _work_out(answering, uow, conversation, question, notice)
    stored = await store.write(actor, lambda unit: save_turn(unit, turn), mutation_id=mutation_id)
    if not isinstance(stored, Answer):
        raise InvalidInput(
            FieldError("mutation_id", "was used for something else before; make a new one for each question")
        )
    return stored


def check_question(text: str) -> str:
    """Return the question without surrounding space; raise InvalidInput when it is blank or too long."""
    question = text.strip()
    if not any(character.isalnum() for character in question):
        raise InvalidInput(FieldError("text", "says nothing; write your question in words, then send it"))
    if len(question) > LONGEST_MESSAGE:
        raise InvalidInput(
            FieldError(
                "text",
                f"has {len(question)} characters and may have {LONGEST_MESSAGE}; ask in fewer words",
            )
        )
    return question


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A question with what the turn knows before it looks anything up."""

    uow: UnitOfWork
    conversation: Conversation
    policy: AssistantPolicy
    question: str
    understood: Understood
    earlier: tuple[Answer, ...]
    judging: Judging


OWN_RECORDS = {
    Intent.OWN_TICKETS: look_up_tickets,
    Intent.OWN_CONTRACTS: look_up_contracts,
    Intent.OWN_PAYMENTS: look_up_payments,
}
"""What is looked up of the asker's own records, by what the message wants."""


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """What looking up gave."""

    verdict: Verdict
    found: tuple[SearchResult, ...] = ()
    facts: OwnFacts | None = None
    asked_as: str = ""


async def _work_out(
    answering: Answering, uow: UnitOfWork, conversation: Conversation, question: str, notice: Notice
) -> Turn:
    """Understand, look up, decide and draft: everything slow, before the unit that writes."""
    started = time.perf_counter()
    notice(Step.UNDERSTANDING)
    understood = understand(question)
    policy, adjustment, earlier = await asyncio.gather(
        find_policy(uow), adjustment_of(uow), _earlier_turns(uow, conversation)
    )
    asked = _Asked(
        uow=uow,
        conversation=conversation,
        policy=policy,
        question=question,
        understood=understood,
        earlier=earlier,
        judging=Judging(load_calibration(), uow.at, adjustment, strict=policy.mode is AnswerMode.STRICT),
    )
    at_once = decide_without_search(
        understood,
        is_customer=uow.actor.is_customer,
        state=conversation.state,
        people_first=policy.human_first and policy.opening_hours.is_open(uow.at),
    )
    if at_once is not None:
        looked = _Looked(verdict=at_once)
    else:
        notice(Step.SEARCHING)
        looked = await _look_up(answering.knowledge, asked)
    notice(Step.WRITING)
    draft = await _draft(answering, asked, looked)
    return Turn(
        answer_id=new_id(),
        conversation_id=conversation.id,
        question=question,
        asked_as=looked.asked_as if looked.asked_as != question else "",
        understood=understood,
        policy=policy,
        verdict=looked.verdict,
        found=looked.found,
        facts=looked.facts,
        draft=draft,
        adjustment=adjustment.name,
        asked_before=tuple(turn.question for turn in reversed(asked.earlier)),
        latency_ms=round((time.perf_counter() - started) * 1000),
    )


async def _earlier_turns(uow: UnitOfWork, conversation: Conversation) -> tuple[Answer, ...]:
    """Return the asker's own last turns of this conversation, latest first: never anybody else's."""
    where = {
        "conversation_id": conversation.id,
        "created_by": uow.actor.user_id,
        "for_staff": not uow.actor.is_customer,
    }
    return tuple(await uow.find(Answer, where, sort=[("created_at", -1)], limit=TURNS_REMEMBERED))


async def _look_up(knowledge: KnowledgeBase, asked: _Asked) -> _Looked:
    facts = None
    if tool := OWN_RECORDS.get(asked.understood.intent):
        facts = await tool(asked.uow, asked.conversation, asked.understood)
        if facts.facts:
            return _Looked(verdict=Verdict(Decision.ANSWERED, Reason.FOUND_IN_RECORDS, 1.0), facts=facts)
        if facts.missing:
            return _Looked(verdict=Verdict(Decision.CLARIFIED, Reason.NO_SUCH_RECORD), facts=facts)
    edition = await _edition(knowledge, asked.uow.actor.workspace_id)
    looked = await _look_up_chosen(knowledge, edition, asked)
    looked = looked or await _look_up_articles(knowledge, edition, asked)
    if facts is not None and looked.verdict.decision is not Decision.ANSWERED:
        return _Looked(verdict=Verdict(Decision.ANSWERED, Reason.FOUND_IN_RECORDS, 1.0), facts=facts)
    return looked


async def _edition(knowledge: KnowledgeBase, workspace_id: str) -> Edition:
    """Return what to look the question up in; without a model its words are searched, and people answer."""
    try:
        # The first seconds of a process, or of a new help centre, are worth a wait: words alone guess.
        return await knowledge.wait_until_whole(workspace_id, patience=INDEX_PATIENCE)
    except Unavailable as error:
        log.warning("assistant.searches_by_words", workspace=workspace_id, cause=str(error))
        return await knowledge.library.edition(workspace_id)


async def _look_up_chosen(knowledge: KnowledgeBase, edition: Edition, asked: _Asked) -> _Looked | None:
    """Answer from the article that the asker picks of the two asked about; None when none is picked."""
    chosen = chosen_article(asked.question, asked.earlier)
    if chosen is None:
        return None
    before = asked.earlier[0]
    question = before.asked_as or before.question
    locale = next(one.locale for one in before.evidence if one.article_id == chosen)
    found = await knowledge.search(
        asked.uow, question, locale=locale, first=ARTICLES_LOOKED_AT, edition=edition
    )
    verdict = answer_chosen(chosen, found, before.confidence, now=asked.uow.at)
    return _Looked(verdict=verdict, found=(found,), asked_as=question) if verdict else None


async def _look_up_articles(knowledge: KnowledgeBase, edition: Edition, asked: _Asked) -> _Looked:
    """Search in the asker's language, and in the other one when that does not answer.

    A single word is not looked up in the other one: its asker is asked for more of them.
    """
    question = complete(asked.question, asked.earlier)
    language, wanted = asked.understood.language, without_addresses(question)

    async def search(locale: Language) -> SearchResult:
        return await knowledge.search(
            asked.uow, wanted, locale=locale, first=ARTICLES_LOOKED_AT, edition=edition
        )

    home = await search(language)
    verdict = decide(home.read_as, home, asked.judging, may_answer=not asked.understood.is_vague)
    found: tuple[SearchResult, ...] = (home,)
    may_look_abroad = asked.policy.mode is not AnswerMode.STRICT and not asked.understood.is_vague
    if verdict.decision is not Decision.ANSWERED and may_look_abroad:
        abroad = await search(OTHER[language])
        verdict = prefer(
            verdict,
            decide(abroad.read_as, abroad, asked.judging),
            at_home=home,
            found_abroad=abroad,
            now=asked.uow.at,
        )
        found = (home, abroad)
    asked_as = question if home.read_as == wanted.strip() else home.read_as
    return _Looked(verdict=_ask_back_once(verdict, asked), found=found, asked_as=asked_as)


def _ask_back_once(verdict: Verdict, asked: _Asked) -> Verdict:
    """Ask for more words where there are too few to look up; who was asked back before gets a person.

    One word is answered by no article, however near one comes: nothing was learned about such questions. Two
    articles are offered where one's title has the word. Who waits for a person is asked nothing back, unless
    they ask.
    """
    offers = verdict.quotations if verdict.reason is Reason.TWO_CANDIDATES else ()
    vague = asked.understood.is_vague and verdict.reason in (*TOO_LITTLE, Reason.TWO_CANDIDATES)
    if vague and any(is_named(asked.question, one.hit.title) for one in offers):
        vague = False
    about = set() if vague else {one.hit.article_id for one in offers}
    again = was_asked_back(asked.earlier, offers=about)
    waits = asked.conversation.state is ConversationState.WAITING_HUMAN and not is_question(asked.question)
    if vague and not again and not waits:
        return replace(verdict, decision=Decision.CLARIFIED, reason=Reason.ASKED_TO_REPHRASE, quotations=())
    if vague or ((again or waits) and verdict.decision is Decision.CLARIFIED):
        return replace(verdict, decision=Decision.ABSTAINED, reason=Reason.LOW_CONFIDENCE, quotations=())
    return verdict


async def _draft(answering: Answering, asked: _Asked, looked: _Looked) -> Draft | None:
    """Let the language model say it, where the workspace wants that and there is something to say."""
    if answering.writer is None or asked.policy.mode is not AnswerMode.GENERATED:
        return None
    if looked.verdict.decision is not Decision.ANSWERED or not looked.verdict.quotations:
        return None
    return await draft_answer(
        answering.store,
        answering.writer,
        asked.uow,
        asked.conversation,
        question=looked.asked_as or asked.question,
        language=asked.understood.language,
        quotations=looked.verdict.quotations,
        monthly_tokens=asked.policy.monthly_tokens,
    )
