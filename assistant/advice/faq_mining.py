"""Find what customers keep asking and no article answers, and draft it for people to decide on.

A draft is made only of what several people asked: one person's words alone are never a common question.
Their names, addresses and numbers are taken out before anything is kept.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import svcs

from assistant.advice.courtesies import without_greeting, without_opening, without_signature
from assistant.advice.documents import LONGEST_REPLY, FaqState, FaqSuggestion
from assistant.advice.question_groups import MOST_QUESTIONS, group_questions
from assistant.advice.similar_tickets import best_answer, is_erased
from assistant.advice.text_rows import TextRows
from assistant.confidence import load_calibration
from assistant.decide import judge
from backend.core.access import system_actor
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Contact
from backend.crm.privacy.pseudonyms import Eraser, eraser_for
from backend.service.documents import Conversation, Message, MessageDirection
from knowledge.search import KnowledgeBase
from knowledge.text import Language, guess_language, tokens

LOOKED_BACK = timedelta(days=90)
LEAST_ASKED = 3  # times
LEAST_PEOPLE = 3  # who asked
SHORTEST, LONGEST = 3, 600  # tokens and characters of what can be a common question
MOST_DRAFTS = 50  # of one run
SAME = 0.5  # of the messages of a draft: then a group is that draft grown
SOMEBODY = "…"


@dataclass(frozen=True)
class Question:
    """The first thing that a customer said in a conversation."""

    message: Message
    contact_id: str
    language: Language


@dataclass(frozen=True)
class Draft:
    """A group without a good article: ``best_article`` is how sure the best one is to answer."""

    questions: Sequence[Question]
    best_article: float


async def mine_questions(
    store: Store, knowledge: KnowledgeBase, rows: TextRows, workspace_id: str
) -> list[FaqSuggestion]:
    """Draft articles for a workspace; return the drafts that were made or have grown. For the house."""
    house = system_actor(workspace_id)
    uow = store.unit_of_work(house)
    asked = await _questions(uow)
    if len({one.contact_id for one in asked}) < LEAST_PEOPLE:
        return []
    found = await rows.of([without_opening(one.message.body) for one in asked])
    languages = [one.language for one in asked]
    groups = await asyncio.to_thread(group_questions, found, languages, rows.means)
    drafts = []
    for places in groups[:MOST_DRAFTS]:
        some = [asked[place] for place in places]
        if len(some) < LEAST_ASKED or len({one.contact_id for one in some}) < LEAST_PEOPLE:
            continue
        confidence, threshold = await _best_article(uow, knowledge, without_opening(some[0].message.body))
        if confidence < threshold:
            drafts.append(Draft(some, confidence))
    if not drafts:
        return []
    return await store.write(house, lambda unit: _keep(unit, drafts))


async def _questions(uow: UnitOfWork) -> list[Question]:
    """Return the opening words of the conversations of late, of people who are known by a contact."""
    since = {"at": {"$gte": uow.at - LOOKED_BACK}, "direction": MessageDirection.INBOUND.value}
    said = await uow.find(Message, since, sort=[("at", -1)], limit=5 * MOST_QUESTIONS)
    first: dict[str, Message] = {}
    for message in said:  # newest first: what is kept last is the first
        first[message.conversation_id] = message
    talks = await uow.find(Conversation, {"_id": {"$in": list(first)}}) if first else []
    whose = {talk.id: talk.contact_id for talk in talks}
    found = []
    for talk_id, message in first.items():
        contact_id, body = whose.get(talk_id), message.body
        is_short = len(tokens(without_opening(body))) < SHORTEST
        if contact_id and len(body) <= LONGEST and not is_short and not is_erased(body):
            found.append(Question(message, contact_id, guess_language(body)))
    return sorted(found, key=lambda one: one.message.id)[-MOST_QUESTIONS:]


async def _best_article(uow: UnitOfWork, knowledge: KnowledgeBase, question: str) -> tuple[float, float]:
    found = await knowledge.search(uow, question, first=3)
    if not found.hits:
        return 0.0, 1.0
    confidence = judge(found.read_as, found, load_calibration())
    return confidence.first, confidence.threshold


async def _keep(uow: UnitOfWork, drafts: Sequence[Draft]) -> list[FaqSuggestion]:
    known = await uow.entailed(FaqSuggestion, {})
    kept = []
    for draft in drafts:
        ids = sorted(one.message.id for one in draft.questions)
        same = next((one for one in known if _is_same(one, ids)), None)
        if same is None:
            same = await _draft(uow, draft, ids)
        elif same.state is FaqState.OPEN:
            same.message_ids, same.asked = ids, len(ids)
            same.people = len({one.contact_id for one in draft.questions})
        else:
            continue  # people have decided on it
        uow.entail(same)
        kept.append(same)
    return kept


def _is_same(one: FaqSuggestion, ids: Sequence[str]) -> bool:
    shared = len(set(one.message_ids) & set(ids))
    return shared >= SAME * min(len(one.message_ids) or 1, len(ids))


async def _draft(uow: UnitOfWork, draft: Draft, ids: Sequence[str]) -> FaqSuggestion:
    middle = draft.questions[0]
    answer = await _answer(uow, draft)
    asked = without_opening(middle.message.body)
    question = await _without_person(uow, asked, middle.message.conversation_id)
    text = ""
    if answer is not None:
        said = without_signature(without_greeting(answer.body), answer.author_name)
        text = await _without_person(uow, said, answer.conversation_id)
    return FaqSuggestion(
        id=derived_id("faq_suggestion", uow.actor.workspace_id, middle.message.id),
        question=question,
        answer=text[:LONGEST_REPLY],
        locale=middle.language,
        message_ids=list(ids),
        question_message_id=middle.message.id,
        conversation_id=middle.message.conversation_id,
        answered_in_id=answer.conversation_id if answer else None,
        answer_message_id=answer.id if answer else None,
        asked=len(ids),
        people=len({one.contact_id for one in draft.questions}),
        best_article=draft.best_article,
    )


async def _answer(uow: UnitOfWork, draft: Draft) -> Message | None:
    """Return the fullest answer that a person of ours gave to any of the questions, in their language."""
    talks = [one.message.conversation_id for one in draft.questions]
    outbound = {"conversation_id": {"$in": talks}, "direction": MessageDirection.OUTBOUND.value}
    said = await uow.find(Message, outbound)
    own = [one for one in said if guess_language(one.body) == draft.questions[0].language]
    return best_answer(own or said)


async def _without_person(uow: UnitOfWork, text: str, conversation_id: str) -> str:
    """Return a text without the name, addresses and numbers of whose conversation it is from."""
    talk = await uow.find_one(Conversation, {"_id": conversation_id})
    if talk is None or talk.contact_id is None:
        return text
    contacts = await uow.find(Contact, {"_id": talk.contact_id})
    return Eraser(SOMEBODY, eraser_for(talk.contact_id, contacts).pattern).cut(text)


async def mine_everywhere(services: svcs.Container) -> None:
    """Mine every workspace: the job."""
    store, knowledge, rows = await services.aget(Store, KnowledgeBase, TextRows)
    if not knowledge.embedder.ready:
        return  # nobody has asked anything yet: the model is loaded by whoever first needs it
    for workspace_id in await store.workspace_ids():
        await mine_questions(store, knowledge, rows, workspace_id)
