"""What advice forgets when a person is erased: everything that was derived from them.

The erasure itself has replaced the words in every record that names whose they are; here the records that
were made of a person, and now say nothing, go.
"""

from datetime import timedelta

import svcs

from assistant.advice.documents import CustomerProfile, FaqState, FaqSuggestion, Recommendation
from assistant.advice.due_profiles import note_due
from assistant.advice.profiles import forget_profile
from assistant.advice.similar_tickets import is_erased
from assistant.advice.text_rows import TextRows
from backend.core.access import system_actor
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Contact


async def on_person_erased(delivery: Delivery, services: svcs.Container) -> None:
    """Forget a person: profile, recommendations, drafts of articles, rows of their words.

    What is known of their account is computed anew, and its past, which told of them, goes.
    """
    store, rows = await services.aget(Store, TextRows)
    entry = delivery.entry
    rows.forget()
    contact = await store.reader.get(Contact, entry.record_id)
    account_id = contact.account_id if contact is not None else None

    async def forget(uow: UnitOfWork) -> None:
        await _forget_profiles(uow, entry.record_id, account_id)
        await _forget_recommendations(uow, entry.record_id)
        await _forget_drafts(uow)

    await store.write(system_actor(entry.workspace_id), forget)
    if account_id is not None:
        await note_due(store, entry.workspace_id, account_id, within=timedelta(0))


async def _forget_profiles(uow: UnitOfWork, contact_id: str, account_id: str | None) -> None:
    for kept in await uow.entailed(CustomerProfile, {"contact_id": contact_id}):
        forget_profile(uow, kept)
    if account_id is None:
        return
    for kept in await uow.entailed(CustomerProfile, {"subject_id": account_id}):
        kept.facts, kept.history = [], []
        uow.entail(kept)


async def _forget_recommendations(uow: UnitOfWork, contact_id: str) -> None:
    about = {"$or": [{"contact_id": contact_id}, {"about_id": contact_id}, {"subject_id": contact_id}]}
    for one in await uow.entailed(Recommendation, about):
        one.factors, one.similar_cases, one.note, one.thing = [], [], "", ""
        uow.delete(one)


async def _forget_drafts(uow: UnitOfWork) -> None:
    """Delete open drafts whose question was erased; one that lost its answer only stays without."""
    for one in await uow.entailed(FaqSuggestion, {"state": FaqState.OPEN.value}):
        if is_erased(one.question):
            one.question, one.answer, one.message_ids = "", "", []
            uow.delete(one)
        elif is_erased(one.answer):
            one.answer, one.answer_message_id, one.answered_in_id = "", None, None
            uow.entail(one)
