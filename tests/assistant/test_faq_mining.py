"""What customers keep asking and no article answers becomes a draft, which people decide on."""

from typing import Any

import pytest
import svcs

from assistant.advice.documents import FaqState, FaqSuggestion
from assistant.advice.faq_mining import mine_questions
from assistant.advice.question_groups import group_questions
from assistant.advice.text_rows import TextRows
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.contacts import create_contact
from backend.crm.documents import Contact
from backend.service.conversations import open_conversation
from backend.service.documents import AuthorKind
from backend.service.messages import add_message
from knowledge.documents import Article, ArticleStatus
from knowledge.text import guess_language
from tests.assistant.conftest import Desk
from tests.crew import Crew, Person

FIELDS = (
    "id question answer locale asked people state articleId article { id status title body } dismissedBecause"
)
MINE = f"mutation {{ faqMine {{ {FIELDS} }} }}"
LIST = f"query($state: FaqSuggestionState!) {{ faqSuggestions(state: $state) {{ {FIELDS} }} }}"
APPROVE = f"""mutation($input: FaqSuggestionApproveInput!) {{
    faqSuggestionApprove(input: $input) {{ __typename
    ... on FaqSuggestion {{ {FIELDS} }} ... on Error {{ code message }} }} }}"""
DISMISS = f"""mutation($input: FaqSuggestionDismissInput!) {{
    faqSuggestionDismiss(input: $input) {{ __typename
    ... on FaqSuggestion {{ {FIELDS} }} ... on Error {{ code message }} }} }}"""
PARKING = (
    "Where can I park my car when I visit your office in Hamburg?",
    "Is there a parking place for my car at your Hamburg office?",
    "I visit your office in Hamburg tomorrow, where do I park the car?",
    "Where do visitors park their cars at the Hamburg office?",
)
OTHERS = (
    "Do you sell gift vouchers for a colleague's birthday?",
    "我们公司明年想参观你们的工厂，可以吗？",
    "Which colour does the new catalogue have?",
    "Can somebody sing a song at our jubilee?",
)
ANSWER = "Dear Ada Noor, visitors park for free behind the building, gate 3; please ring the bell there."


async def ask(crew: Crew, body: str, *, name: str, contact_id: str | None = None, answer: str = "") -> str:
    """Let a person open a conversation with a question; return the contact."""
    contact_id = contact_id or new_id()

    async def create(uow: UnitOfWork) -> None:
        if not await uow.find(Contact, {"_id": contact_id}):
            await create_contact(uow, {"full_name": name, "email": f"{contact_id}@x.example"}, id=contact_id)
        talk = await open_conversation(uow, {"contact_id": contact_id})
        await add_message(uow, talk.id, body, author_kind=AuthorKind.CUSTOMER)
        if answer:
            await add_message(
                uow, talk.id, answer, author_kind=AuthorKind.AGENT, author_id=crew.agent.user_id
            )

    await crew.house.store.write(crew.system, create)
    return contact_id


@pytest.fixture
async def curious(desk: Desk, crew: Crew) -> Crew:
    """A workspace without any article, in which four people ask the same; the model is loaded."""
    for place, body in enumerate(PARKING):
        answer = ANSWER if place == 1 else ""
        name = "Ada Noor" if place == 1 else f"Somebody {place}"
        # Who greets and says who they are asks the same.
        await ask(crew, f"Good morning, {name} here. {body}" if place else body, name=name, answer=answer)
    for place, body in enumerate(OTHERS):
        await ask(crew, body, name=f"Other {place}")
    return crew


SOURCES = "{ faqSuggestions { sources { conversationId messageId text at } } }"


async def mine(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.ask(MINE))["faqMine"]
    return found


async def test_what_several_people_ask_is_drafted_without_their_names(curious: Crew) -> None:
    (draft,) = await mine(curious.manager)
    assert (draft["asked"], draft["people"], draft["state"]) == (4, 4, "OPEN")
    assert draft["question"] in PARKING
    assert draft["answer"] == ANSWER.replace("Dear Ada Noor, visitors", "Visitors")
    assert draft["locale"] == "en"
    (shown,) = (await curious.manager.ask(SOURCES))["faqSuggestions"]
    asked = [one["text"].partition(" here. ") for one in shown["sources"]]  # as asked, courtesies and all
    assert sorted(matter or whole for whole, _, matter in asked) == sorted(PARKING)
    assert len({one["conversationId"] for one in shown["sources"]}) == 4
    assert [one["id"] for one in await mine(curious.agent)] == [draft["id"]]  # again, nothing new
    await ask(curious, "Where to park the car near the Hamburg office when I visit?", name="A fifth")
    (grown,) = await mine(curious.manager)
    assert (grown["id"], grown["asked"]) == (draft["id"], 5)
    for person in (curious.rep, curious.customer):
        refused = await person.post(MINE)
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await curious.rep.post(LIST, state="OPEN"))["data"]["faqSuggestions"] == []
    assert (await curious.customer.post(LIST, state="OPEN"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_one_person_alone_makes_no_common_question(desk: Desk, crew: Crew) -> None:
    contact = None
    for body in PARKING:
        contact = await ask(crew, body, name="Only One", contact_id=contact)
    for n in range(3):
        await ask(crew, OTHERS[n], name=f"Other {n}")
    assert await mine(crew.manager) == []


async def test_what_an_article_answers_is_not_drafted(desk: Desk) -> None:
    crew = desk.crew
    titles = [file.title for file in desk.files.values() if file.locale == "en"][:1]
    for n in range(3):
        await ask(crew, f"{titles[0]} {'please ' * n}", name=f"Reader {n}")
    async with svcs.Container(crew.house.registry) as services:
        rows = await services.aget(TextRows)
    await mine_questions(crew.house.store, desk.knowledge, rows, crew.workspace_id)
    drafts = await desk.find(FaqSuggestion)
    assert all(titles[0] not in draft.question for draft in drafts)


async def test_an_approved_draft_is_an_article_draft_and_is_decided_once(curious: Crew) -> None:
    (draft,) = await mine(curious.manager)
    for person in (curious.rep, curious.customer):
        refused = (await person.ask(APPROVE, input={"id": draft["id"]}))["faqSuggestionApprove"]
        assert refused["code"] in ("FORBIDDEN", "NOT_FOUND")
    input = {"id": draft["id"], "title": "Parking in Hamburg", "mutationId": new_id()}
    done = (await curious.manager.ask(APPROVE, input=input))["faqSuggestionApprove"]
    assert (done["state"], done["article"]["title"]) == ("APPROVED", "Parking in Hamburg")
    assert done["article"]["body"] == draft["answer"]
    again = (await curious.manager.ask(APPROVE, input=input))["faqSuggestionApprove"]
    assert again["articleId"] == done["articleId"]
    unit = curious.house.store.unit_of_work(curious.system)
    (article,) = await unit.find(Article)
    assert (article.id, article.status) == (
        done["articleId"],
        ArticleStatus.DRAFT,
    )  # publishing is a person's
    twice = (await curious.manager.ask(DISMISS, input={"id": draft["id"]}))["faqSuggestionDismiss"]
    assert twice["code"] == "INVALID_INPUT"
    assert await mine(curious.manager) == []  # decided: not drafted again


async def test_a_dismissed_draft_stays_away(curious: Crew) -> None:
    (draft,) = await mine(curious.manager)
    input = {"id": draft["id"], "because": "We have no office there."}
    done = (await curious.agent.ask(DISMISS, input=input))["faqSuggestionDismiss"]
    assert (done["state"], done["dismissedBecause"]) == ("DISMISSED", "We have no office there.")
    assert await mine(curious.manager) == []
    unit = curious.house.store.unit_of_work(curious.system)
    (kept,) = await unit.find(FaqSuggestion)
    assert (kept.state, kept.decided_by) == (FaqState.DISMISSED, curious.agent.user_id)


async def test_a_draft_without_an_answer_needs_one(desk: Desk, crew: Crew) -> None:
    for place, body in enumerate(PARKING):
        await ask(crew, body, name=f"Somebody {place}")
    (draft,) = await mine(crew.manager)
    assert draft["answer"] == ""
    bare = (await crew.manager.ask(APPROVE, input={"id": draft["id"]}))["faqSuggestionApprove"]
    assert bare["code"] == "INVALID_INPUT"
    given = {"id": draft["id"], "body": "Behind the building."}
    done = (await crew.manager.ask(APPROVE, input=given))["faqSuggestionApprove"]
    assert done["article"]["body"] == "Behind the building."


async def test_the_same_question_in_other_words_is_one_group_and_strangers_stay_apart(desk: Desk) -> None:
    async with svcs.Container(desk.crew.house.registry) as services:
        rows = await services.aget(TextRows)
    texts = [*PARKING, *OTHERS]
    found = await rows.of(texts)
    groups = group_questions(found, [guess_language(text) for text in texts], rows.means)
    assert sorted(groups[0]) == [0, 1, 2, 3]
    assert all(len(group) < 3 for group in groups[1:])
    assert group_questions(found[:1], ["en"], rows.means) == []
