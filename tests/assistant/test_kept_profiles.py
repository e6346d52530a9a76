"""Profiles that the house keeps: computed from events, versioned, shown by evidence, gone with the person."""

from datetime import timedelta
from typing import Any

import svcs

from assistant.advice.documents import CustomerProfile, FaqSuggestion, Recommendation, ReplyOutcome
from assistant.advice.due_profiles import DueProfile, compute_due_profiles
from assistant.documents import Answer
from backend.core.unit_of_work import UnitOfWork
from tests.assistant.conftest import ASK
from tests.assistant.test_advice import Past, past
from tests.assistant.test_recommendations import RECOMMEND
from tests.crew import Crew, Person
from tests.crm.privacy_story import live, remains
from tests.crm.test_privacy_erasure import erase

__all__ = ["past"]  # a fixture

HISTORY = """query($id: ID!) { customerProfileHistory(id: $id) { subjectId number computedAt
    facts { key label value unit since evidenceCount }
    versions { number facts { key value } } } }"""
PROFILE = "query($id: ID!) { customerProfile(id: $id) { facts { key value } risks { key } } }"


async def compute(crew: Crew) -> int:
    """Let listeners hear everything, then run the job for this workspace until nothing is due."""
    await crew.house.relay.settle()
    done = 0
    async with svcs.Container(crew.house.registry) as services:
        far = crew.house.store.clock.now() + timedelta(days=20_000)
        while n := await compute_due_profiles(services, workspace_id=crew.workspace_id, until=far):
            done += n
    return done


async def history(person: Person, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await person.ask(HISTORY, id=id))["customerProfileHistory"]
    return found


async def test_a_profile_is_computed_from_events_and_keeps_what_it_said_before(past: Past) -> None:
    manager = past.crew.manager
    assert await history(manager, past.account) is None
    assert await compute(past.crew) >= 1
    first = await history(manager, past.account)
    facts = {fact["key"]: fact for fact in first["facts"]}
    assert (first["number"], first["versions"]) == (1, [])
    assert (facts["open_pipeline"]["value"], facts["open_pipeline"]["unit"]) == ("100000", "CNY")
    assert facts["open_pipeline"]["label"] == "Open pipeline (CNY)"
    assert facts["key_people"]["value"] == past.contact  # an id: names are not kept
    assert facts["no_contact"]["label"] == "No contact for 90 days; usual is every 30 days."
    assert await compute(past.crew) == 0

    won = {"id": past.deal, "stage": "won", "amount": "120000"}
    assert (await manager.do("opportunityUpdate", won))["__typename"] == "Opportunity"
    assert await compute(past.crew) >= 1
    second = await history(manager, past.account)
    now = {fact["key"]: fact for fact in second["facts"]}
    assert second["number"] == 2
    assert "open_pipeline" not in now
    assert (now["won_value"]["value"], now["won_value"]["since"]) == ("210000", 2)
    assert now["lifecycle"]["since"] == 1
    (before,) = second["versions"]
    assert before["number"] == 1
    said = {fact["key"]: fact["value"] for fact in before["facts"]}
    assert (said["open_pipeline"], said["won_value"]) == ("100000", "90000")


async def test_a_contract_and_its_payments_make_a_profile_due(past: Past) -> None:
    """A payment that falls overdue is told by the clock's job alone: the profile has to learn of it."""
    crew = past.crew
    await compute(crew)
    fields = {"name": "Cold rooms", "accountId": past.account, "start": "2026-01-01", "end": "2026-12-31"}
    made = await crew.manager.do("contractCreate", fields)
    assert made["__typename"] == "Contract"
    assert await compute(crew) >= 1
    planned = {"contractId": made["id"], "due": "2026-06-01", "amount": "90.00", "name": "First"}
    assert (await crew.manager.do("paymentCreate", planned))["__typename"] == "Payment"
    assert await compute(crew) >= 1
    assert await compute(crew) == 0


async def test_each_reader_gets_the_facts_whose_evidence_is_theirs(past: Past) -> None:
    crew = past.crew
    await compute(crew)
    rep = {fact["key"] for fact in (await history(crew.rep, past.account))["facts"]}
    assert {"open_pipeline", "lifecycle", "preferred_channel"} <= rep
    assert "frequency" not in rep  # counted over customers whom a rep does not all see
    agent = {fact["key"] for fact in (await history(crew.agent, past.account))["facts"]}
    assert {"lifecycle", "preferred_channel", "key_people"} <= agent
    assert {"open_pipeline", "won_value", "frequency", "monetary", "recency_days"}.isdisjoint(agent)
    for person, code in ((crew.stranger, "NOT_FOUND"), (crew.customer, "FORBIDDEN")):
        refused = await person.post(HISTORY, id=past.account)
        assert refused["errors"][0]["extensions"]["code"] in (code, "NOT_FOUND")
    # A deal that goes to another team takes the facts that rest on it along.
    moved = {"id": past.deal, "ownerId": crew.stranger.user_id, "teamIds": [crew.teams["west"]]}
    assert (await crew.manager.do("opportunityUpdate", moved))["__typename"] == "Opportunity"
    left = {fact["key"] for fact in (await history(crew.rep, past.account))["facts"]}
    assert "open_pipeline" not in left


async def test_a_profile_hears_how_a_customer_sounds_and_when_they_write(crew: Crew) -> None:
    contact = await crew.manager.do("contactCreate", {"id": crew.contact_id, "fullName": "Gao Zhiyuan"})
    talk = await crew.agent.do("conversationCreate", {"contactId": contact["id"]}, "id")
    for body in (
        "Thank you, the delivery was great.",
        "Everything works, very helpful!",
        "太慢了，还是没有解决，非常失望。",
        "This is unacceptable, I want to complain.",
        "The gateway is broken again, terrible.",
    ):
        await crew.customer.do("messageCreate", {"conversationId": talk["id"], "body": body}, "id")
    found = (await crew.agent.ask(PROFILE, id=contact["id"]))["customerProfile"]
    facts = {fact["key"]: fact["value"] for fact in found["facts"]}
    assert facts["sentiment_trend"] == "worse"
    assert facts["preferred_hour"].endswith("(5/5)")
    await compute(crew)
    kept = {fact["key"]: fact for fact in (await history(crew.agent, contact["id"]))["facts"]}
    assert (kept["sentiment_trend"]["value"], kept["sentiment_trend"]["evidenceCount"]) == ("worse", 5)
    # A rep who reads the contact, and none of its messages, is told nothing of how they sound.
    rep = {fact["key"] for fact in (await history(crew.rep, contact["id"]))["facts"]}
    assert {"sentiment_trend", "preferred_hour"}.isdisjoint(rep)


async def test_what_the_assistant_was_asked_and_said_goes_with_the_person(crew: Crew) -> None:
    story = await live(crew)
    review = "mutation($input: AnswerReviewInput!) { answerReview(input: $input) { id } }"
    given = {"conversationId": story.ids["conversation"], "text": f"A human, please. {story.secret}"}
    said = (await crew.customer.ask(ASK, input=given))["ask"]
    assert said["decision"] == "HANDED_OFF"
    later = {"conversationId": story.ids["conversation"], "text": f"{story.name}, {story.spaced}: T-1?"}
    assert (await crew.customer.ask(ASK, input=later))["ask"]["id"] != said["id"]
    found = {"id": said["id"], "right": False, "text": f"Dear {story.name}, I call {story.spaced}."}
    assert (await crew.agent.ask(review, input=found))["answerReview"] == {"id": said["id"]}
    await crew.house.relay.settle()
    assert [one for one in await remains(crew, story) if one.startswith("answers ")]

    assert (await erase(crew.manager, story))["state"] == "DONE"
    await compute(crew)
    assert await remains(crew, story) == []
    unit = crew.house.store.unit_of_work(crew.system)
    kept = await unit.find(Answer, {"conversation_id": story.ids["conversation"]})
    assert len(kept) == 2  # how often people take over is still counted
    assert {(one.decision, one.reason) for one in kept} <= {
        ("handed_off", "customer_asked_for_human"),
        ("handed_off", "person_answers"),
        ("clarified", "no_such_record"),
    }
    assert [one.review for one in kept] == [None, None]
    query = f'{{ answers(conversationId: "{story.ids["conversation"]}") {{ text }} }}'
    assert story.family not in str((await crew.agent.ask(query))["answers"])


async def test_everything_derived_goes_with_the_person(crew: Crew) -> None:
    story = await live(crew)
    await crew.house.relay.settle()
    await crew.manager.ask(RECOMMEND, id=story.contact_id)
    ticket, talk = story.ids["ticket"], story.ids["conversation"]
    message = story.ids["message"]

    async def derive(uow: UnitOfWork) -> None:
        uow.save(
            FaqSuggestion(
                question=f"How does {story.name} pay?",
                answer=f"Dear {story.name}, by invoice.",
                message_ids=[message],
                question_message_id=message,
                conversation_id=talk,
                answered_in_id=talk,
                asked=3,
                people=3,
            )
        )
        uow.save(
            Recommendation(
                owner_id=crew.manager.user_id,
                action="call",
                about_kind="ticket",
                about_id=ticket,
                subject_id=story.contact_id,
                contact_id=story.contact_id,
                value="10",
                currency="EUR",
                probability="0.5",
                low="0.1",
                high="0.9",
                n=3,
                cost="1",
                factors=[],
                expires_at=uow.at,
                note=f"{story.name} prefers mornings",
            )
        )

    await crew.house.store.write(crew.system, derive)
    await compute(crew)
    unit = crew.house.store.unit_of_work(crew.system)
    assert await unit.count(CustomerProfile, {"contact_id": story.contact_id}) == 1
    assert await unit.count(Recommendation, {"contact_id": story.contact_id}) >= 1

    assert (await erase(crew.manager, story))["state"] == "DONE"
    await compute(crew)
    unit = crew.house.store.unit_of_work(crew.system)
    for kind in (CustomerProfile, Recommendation, FaqSuggestion):
        assert await unit.count(kind) == 0, kind
    assert await remains(crew, story) == []
    dead = await unit.find_deleted(CustomerProfile, {"contact_id": story.contact_id})
    assert [(one.facts, one.history) for one in dead] == [([], [])]
    gone = await unit.find_deleted(FaqSuggestion, {})
    assert [(one.question, one.answer, one.message_ids) for one in gone] == [("", "", [])]
    assert await unit.count(ReplyOutcome) == 0
    # And it does not come back: what is computed after is about nobody.
    assert await compute(crew) == 0
    assert await DueProfile.find({"workspace_id": crew.workspace_id}).count() == 0
