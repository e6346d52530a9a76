"""One turn: a question is looked up with the asker's rights, decided, and stored with its answer at once."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from assistant.answering import Answering
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
from assistant.follow_ups import ask_back_once, picks_in_own_words, readings_of
from assistant.hours_told import speaks_of_hours, tell_hours, tell_now_beside
from assistant.in_context import in_context
from assistant.memory import (
    TURNS_REMEMBERED,
    asked_about,
    chosen_article,
    language_of_choice,
    picks_none,
)
from assistant.opening_hours import OpeningHours, is_there
from assistant.own_contracts import look_up_contracts, look_up_payments
from assistant.own_records import look_up_tickets
from assistant.policy import AnswerMode, AssistantPolicy
from assistant.served import Served, postponed, settle
from assistant.several import MOST_SERVED, questions_in
from assistant.steps import Notice, Step, unheard
from assistant.turn_record import Turn, save_turn
from assistant.understand import Intent, Understood, is_vague, understand
from assistant.withheld import without_addresses
from backend.core.access import Actor
from backend.core.errors import FieldError, Forbidden, InvalidInput, Unavailable
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation
from backend.service.rules import LONGEST_MESSAGE, ConversationState
from knowledge.edition import Edition
from knowledge.search import KnowledgeBase, SearchResult
from knowledge.text import Language

log = structlog.get_logger(__name__)

INDEX_PATIENCE = timedelta(seconds=30)  # a person would rather wait than be told that there is no answer
ARTICLES_LOOKED_AT = 8  # as calibrated; also for translations of what the other language answers
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
    """A question with what the turn knows before it looks anything up.

    ``is_first``: of several in one message only the first may lean on the turns before.
    """

    uow: UnitOfWork
    conversation: Conversation
    policy: AssistantPolicy
    hours: OpeningHours | None
    question: str
    understood: Understood
    earlier: tuple[Answer, ...]
    judging: Judging
    is_first: bool = True

    @property
    def leans_on(self) -> tuple[Answer, ...]:
        """Return the turns that the question may be understood from."""
        return self.earlier if self.is_first else ()


OWN_RECORDS = {
    Intent.OWN_TICKETS: look_up_tickets,
    Intent.OWN_CONTRACTS: look_up_contracts,
    Intent.OWN_PAYMENTS: look_up_payments,
}
"""What is looked up of the asker's own records, by what the message wants."""


async def _work_out(
    answering: Answering, uow: UnitOfWork, conversation: Conversation, question: str, notice: Notice
) -> Turn:
    """Understand, look up, decide and draft: everything slow, before the unit that writes."""
    started = time.perf_counter()
    notice(Step.UNDERSTANDING)
    understood = understand(question)
    in_force, earlier = await asyncio.gather(answering.in_force(uow), _earlier_turns(uow, conversation))
    policy, adjustment = in_force.policy, in_force.adjustment
    language = language_of_choice(question, earlier)
    if language:
        understood = replace(understood, language=language)
    asked = _in_context(
        _Asked(
            uow=uow,
            conversation=conversation,
            policy=policy,
            hours=in_force.hours,
            question=question,
            understood=understood,
            earlier=earlier,
            judging=Judging(load_calibration(), uow.at, adjustment, strict=policy.mode is AnswerMode.STRICT),
        )
    )
    # A title that is picked may hold several questions, and is none.
    several = () if language else questions_in(question)
    each = [_part_of(asked, one, is_first=one == several[0]) for one in several]
    at_once = _at_once(asked) or next(filter(_takes_all, map(_at_once, each)), None)
    if at_once is not None:
        parts = settle([Served(question=question, intent=asked.understood.intent, verdict=at_once)])
    else:
        notice(Step.SEARCHING)
        served = each[:MOST_SERVED] or [asked]
        looked = await asyncio.gather(*(_look_up(answering.knowledge, one) for one in served))
        parts = settle([*looked, *map(postponed, several[MOST_SERVED:])])
    notice(Step.WRITING)
    drafts = await asyncio.gather(*(_draft(answering, asked, part) for part in parts))
    return Turn(
        conversation_id=conversation.id,
        question=question,
        understood=asked.understood,
        hours=in_force.hours,
        parts=tuple(replace(part, draft=draft) for part, draft in zip(parts, drafts, strict=True)),
        adjustment=adjustment.name,
        asked_before=tuple(turn.question for turn in reversed(asked.earlier)),
        latency_ms=round((time.perf_counter() - started) * 1000),
    )


def _part_of(asked: _Asked, question: str, *, is_first: bool) -> _Asked:
    """Return one of several questions, to be looked up as if it had been asked alone."""
    understood = replace(understand(question), language=asked.understood.language)
    return _in_context(replace(asked, question=question, understood=understood, is_first=is_first))


def _in_context(asked: _Asked) -> _Asked:
    """Return what was understood as it is meant after the turns before, and with the hours that are set."""
    meant = in_context(
        asked.understood,
        asked.question,
        asked.leans_on,
        hours=asked.hours,
        at=asked.uow.at,
        waits=asked.conversation.state is ConversationState.WAITING_HUMAN,
    )
    return replace(asked, understood=meant)


def _takes_all(verdict: Verdict | None) -> bool:
    """Tell whether what became of one question becomes of all: danger, the wish for a person."""
    return verdict is not None and verdict.decision is Decision.HANDED_OFF


def _at_once(asked: _Asked) -> Verdict | None:
    return decide_without_search(
        asked.understood,
        is_customer=asked.uow.actor.is_customer,
        state=asked.conversation.state,
        people_first=asked.policy.human_first and is_there(asked.hours, asked.uow.at),
    )


async def _earlier_turns(uow: UnitOfWork, conversation: Conversation) -> tuple[Answer, ...]:
    """Return the asker's own last turns of this conversation, latest first: never anybody else's."""
    where = {
        "conversation_id": conversation.id,
        "created_by": uow.actor.user_id,
        "for_staff": not uow.actor.is_customer,
    }
    return tuple(await uow.find(Answer, where, sort=[("created_at", -1)], limit=TURNS_REMEMBERED))


async def _look_up(knowledge: KnowledgeBase, asked: _Asked) -> Served:
    own = _served(asked, Verdict(Decision.ANSWERED, Reason.FOUND_IN_RECORDS, 1.0))
    facts = None
    if tool := OWN_RECORDS.get(asked.understood.intent):
        facts = await tool(asked.uow, asked.conversation, asked.understood)
        if facts.facts:
            return replace(own, facts=facts)
        if facts.missing:
            return replace(own, verdict=Verdict(Decision.CLARIFIED, Reason.NO_SUCH_RECORD), facts=facts)
    if asked.understood.intent is Intent.OPENING_HOURS:
        return await _look_up_hours(knowledge, asked)
    edition = await _edition(knowledge, asked.uow.actor.workspace_id)
    looked = await _look_up_chosen(knowledge, edition, asked)
    looked = looked or await _look_up_articles(knowledge, edition, asked)
    if facts is not None and looked.verdict.decision is not Decision.ANSWERED:
        return replace(own, facts=facts)
    return looked


async def _look_up_hours(knowledge: KnowledgeBase, asked: _Asked) -> Served:
    """Tell the workspace's hours; of them in general an article that names times of day may say more.

    Of now, a weekday or a holiday only the hours themselves can know.
    """
    wanted, hours = asked.understood.hours, asked.hours
    assert wanted is not None
    assert hours is not None
    language, at = asked.understood.language, asked.uow.at
    if not wanted.days and not wanted.is_of_now:
        edition = await _edition(knowledge, asked.uow.actor.workspace_id)
        looked = await _look_up_articles(knowledge, edition, asked)
        if looked.verdict.decision is Decision.ANSWERED and all(
            speaks_of_hours(one.text) for one in looked.verdict.quotations
        ):
            return replace(looked, facts=tell_now_beside(hours, language, at=at))
    told = _served(asked, Verdict(Decision.ANSWERED, Reason.FOUND_IN_RECORDS, 1.0))
    return replace(told, facts=tell_hours(wanted, hours, language, at=at))


async def _edition(knowledge: KnowledgeBase, workspace_id: str) -> Edition:
    """Return what to look the question up in; without a model its words are searched, and people answer."""
    try:
        # The first seconds of a process, or of a new help centre, are worth a wait: words alone guess.
        return await knowledge.wait_until_whole(workspace_id, patience=INDEX_PATIENCE)
    except Unavailable as error:
        log.warning("assistant.searches_by_words", workspace=workspace_id, cause=str(error))
        return await knowledge.library.edition(workspace_id)


async def _look_up_chosen(knowledge: KnowledgeBase, edition: Edition, asked: _Asked) -> Served | None:
    """Answer from the article that the asker picks of those asked about; None when they ask something new.

    Who wants none of them gets a person, for the question that was asked first.
    """
    if not asked.earlier:
        return None
    before, question = asked.earlier[0], asked_about(asked.earlier[0])
    if picks_none(asked.question, asked.earlier):
        none = Verdict(Decision.ABSTAINED, Reason.NONE_CHOSEN, before.confidence, before.threshold)
        return replace(_served(asked, none), asked_as=question)
    chosen = chosen_article(asked.question, asked.earlier)
    if chosen is None:
        return None
    return await _quote_chosen(knowledge, edition, asked, chosen, question)


async def _quote_chosen(
    knowledge: KnowledgeBase, edition: Edition, asked: _Asked, article_id: str, question: str
) -> Served | None:
    """Quote one of the articles offered in the last turn; None when it is not current any more."""
    before = asked.earlier[0]
    locale = next(one.locale for one in before.evidence if one.article_id == article_id)
    found = await knowledge.search(
        asked.uow, question, locale=locale, first=ARTICLES_LOOKED_AT, edition=edition, quoting=article_id
    )
    verdict = answer_chosen(article_id, found, before.confidence, now=asked.uow.at)
    return replace(_served(asked, verdict, found), asked_as=question) if verdict else None


async def _look_up_articles(knowledge: KnowledgeBase, edition: Edition, asked: _Asked) -> Served:
    """Look a question up as it may be read after those before it, and ask back where that is left."""
    readings = readings_of(asked.question, asked.leans_on)
    looked = await _look_up_as(knowledge, edition, asked, readings.first)
    if not readings.settles(looked.verdict):
        other = await _look_up_as(knowledge, edition, asked, readings.other)
        looked = other if readings.prefers_other(looked.verdict, other.verdict) else looked
    picked = picks_in_own_words(asked.question, looked.verdict, asked.leans_on, reading=looked.asked_as)
    home = next((one for one in looked.found if picked and picked in one.articles), None)
    if (
        picked
        and home
        and (chosen := answer_chosen(picked, home, looked.verdict.confidence, now=asked.uow.at))
    ):
        return replace(looked, verdict=chosen)
    verdict = ask_back_once(
        looked.verdict,
        asked.question,
        asked.earlier,
        vague=_is_vague(asked, looked.asked_as),
        waits=asked.conversation.state is ConversationState.WAITING_HUMAN,
    )
    return replace(looked, verdict=verdict)


async def _look_up_as(knowledge: KnowledgeBase, edition: Edition, asked: _Asked, question: str) -> Served:
    """Search in the asker's language, and in the other one when that does not answer.

    A single word is not looked up in the other one: its asker is asked for more of them.
    """
    language, wanted = asked.understood.language, without_addresses(question)
    vague = _is_vague(asked, question)

    async def search(locale: Language) -> SearchResult:
        return await knowledge.search(
            asked.uow, wanted, locale=locale, first=ARTICLES_LOOKED_AT, edition=edition
        )

    home = await search(language)
    verdict = decide(home.read_as, home, asked.judging, may_answer=not vague)
    found: tuple[SearchResult, ...] = (home,)
    may_look_abroad = asked.policy.mode is not AnswerMode.STRICT and not vague
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
    return replace(_served(asked, verdict, *found), asked_as=asked_as)


def _is_vague(asked: _Asked, reading: str) -> bool:
    """Tell whether there is too little to look up; "on the ferry?" is enough after a question before."""
    return asked.understood.is_unhelped or is_vague(reading)


def _served(asked: _Asked, verdict: Verdict, *found: SearchResult) -> Served:
    return Served(question=asked.question, intent=asked.understood.intent, verdict=verdict, found=found)


async def _draft(answering: Answering, asked: _Asked, part: Served) -> Draft | None:
    """Let the language model say it, where the workspace wants that and there is something to say."""
    if answering.writer is None or asked.policy.mode is not AnswerMode.GENERATED:
        return None
    if part.verdict.decision is not Decision.ANSWERED or not part.verdict.quotations:
        return None
    return await draft_answer(
        answering.store,
        answering.writer,
        asked.uow,
        asked.conversation,
        question=part.asked_as or part.question,
        language=asked.understood.language,
        quotations=part.verdict.quotations,
        monthly_tokens=asked.policy.monthly_tokens,
    )
