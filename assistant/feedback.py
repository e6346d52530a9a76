"""What people say of answers: thumbs of who asked, reviews of ours. Each is one row to learn from."""

from assistant.documents import Answer, Feedback, Review
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation
from backend.service.messages import add_message
from backend.service.rules import LONGEST_MESSAGE

MOST_ANSWERS = 100


async def rate_answer(uow: UnitOfWork, id: str, *, helpful: bool) -> Answer:
    """Note whether an answer helped who asked; their last word counts.

    Raise NotFound for an answer that the actor may not see, Forbidden for somebody else's.
    """
    answer = await uow.access(Answer, id)
    if answer.created_by != uow.actor.user_id:
        raise Forbidden("rate", Answer.kind)
    (whole,) = await uow.entailed(Answer, {"_id": answer.id})
    whole.feedback = Feedback(helpful=helpful, by=uow.actor.user_id, at=uow.at)
    uow.entail(whole)
    uow.note("assistant.rated", kind=Answer.kind, id=answer.id, details={"helpful": helpful})
    return whole


async def review_answer(
    uow: UnitOfWork, id: str, *, right: bool, text: str = "", send: bool = False
) -> Answer:
    """Note what one of ours finds of an answer and what it should have been; ``send`` that to the customer.

    Raise Forbidden for customers and for who may not answer in the conversation, InvalidInput for a text that
    is too long or missing where it is to be sent.
    """
    answer = await uow.access(Answer, id)
    if uow.actor.is_customer:
        raise Forbidden("review", Answer.kind)
    await uow.access(Conversation, answer.conversation_id, action="update")
    text = text.strip()
    if len(text) > LONGEST_MESSAGE:
        raise InvalidInput(FieldError("text", f"has {len(text)} characters and may have {LONGEST_MESSAGE}"))
    if send and not text:
        raise InvalidInput(FieldError("text", "is empty; write what is to be sent, or do not send it"))
    (whole,) = await uow.entailed(Answer, {"_id": answer.id})
    whole.review = Review(right=right, text=text, by=uow.actor.user_id, at=uow.at)
    uow.entail(whole)
    details = {"right": right, "edited": bool(text), "sent": send}
    uow.note("assistant.reviewed", kind=Answer.kind, id=answer.id, details=details)
    if send:
        await add_message(uow, answer.conversation_id, text)
    return whole


async def find_answers(uow: UnitOfWork, conversation_id: str) -> list[Answer]:
    """Return a conversation's turns that the actor may read, oldest first; NotFound for an unseen one."""
    await uow.access(Conversation, conversation_id)
    where = {"conversation_id": conversation_id}
    found = await uow.find(Answer, where, sort=[("created_at", -1)], limit=MOST_ANSWERS)
    return list(reversed(found))
