"""Erasing a person: nothing of them is left anywhere, and nothing else is lost."""

from typing import Any

import httpx
import pytest

from backend.core.records import REGISTRY
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Contact
from backend.crm.privacy.documents import Erasure, ErasureState
from backend.crm.privacy.erasures import begin_erasure, run_erasure
from backend.crm.privacy.pseudonyms import ERASED_TEXT, pseudonym_of
from backend.crm.privacy.relations import ties_of
from backend.identity.credentials import set_password
from backend.identity.documents import Credential, Session
from tests.crew import Crew, Person
from tests.crm.filing import bytes_kept
from tests.crm.privacy_story import Story, live, remains

PASSWORD = "a long pass phrase of hers 7"
ERASURE = "id contactId reason state counts { kind count } finishedAt"
HOLD = """mutation($input: LegalHoldSetInput!) { legalHoldSet(input: $input) { __typename
    ... on LegalHold { kind id reason } ... on Error { code message } } }"""
CONTACT = """query($id: ID!) { contact(id: $id) { fullName givenName email otherEmails phone title source
    description address { street city } isActive erasedAt version consents { purpose } } }"""


async def erase(person: Person, story: Story, **changes: Any) -> dict[str, Any]:
    query = f"""mutation($input: PersonEraseInput!) {{ personErase(input: $input) {{ __typename
        ... on PersonErasure {{ {ERASURE} }} ... on Error {{ code message }} }} }}"""
    given = {"contactId": story.contact_id, "reason": "asked by letter", "confirm": story.name, **changes}
    found: dict[str, Any] = (await person.ask(query, input=given))["personErase"]
    return found


async def test_nothing_of_an_erased_person_is_left_and_all_that_is_counted_stays(crew: Crew) -> None:
    story = await live(crew)
    gao = await crew.manager.do("contactCreate", {"fullName": "Gao Zhiyuan", "email": "gao@x.example"})
    task = await crew.manager.do("taskCreate", {"title": "Call Gao", "contactId": gao["id"]})
    assert len(await remains(crew, story)) > 10  # the search finds what there is
    pseudonym = pseudonym_of(story.contact_id)
    done = await erase(crew.manager, story, reason=f"{story.name} asked by letter")
    assert (done["state"], done["reason"]) == ("DONE", f"{pseudonym} asked by letter")
    touched = {one["kind"]: one["count"] for one in done["counts"]}
    assert touched == {
        "activity": 1,
        "approval": 1,
        "attachment": 1,
        "contact": 1,
        "contract": 1,
        "conversation": 1,
        "message": 3,
        "notification": 3,  # of a ticket, of the quote to approve, of the reply to the agent who had answered
        "opportunity": 1,
        "payment": 1,
        "quote": 1,
        "task": 1,
        "ticket": 1,
        "user": 1,
    }
    await crew.house.relay.settle()
    assert await remains(crew, story) == []
    assert set((await bytes_kept(crew)).values()) == {0}

    found = (await crew.manager.ask(CONTACT, id=story.contact_id))["contact"]
    assert found["erasedAt"] is not None
    assert found | {"erasedAt": None, "version": 0} == {
        "fullName": pseudonym,
        "givenName": "",
        "email": "",
        "otherEmails": [],
        "phone": "",
        "title": "",
        "source": "fair 2026",
        "description": ERASED_TEXT,
        "address": {"street": "", "city": ""},
        "isActive": False,
        "erasedAt": None,
        "version": 0,
        "consents": [],
    }
    query = """query($deal: ID!, $talk: ID!, $ticket: ID!, $gao: ID!, $task: ID!) {
        opportunity(id: $deal) { name amount stage } ticket(id: $ticket) { number subject status }
        conversation(id: $talk) { messages(first: 10) { nodes { body direction } } }
        contact(id: $gao) { id version } task(id: $task) { version title } }"""
    ids = {"deal": story.ids["opportunity"], "talk": story.ids["conversation"], "ticket": story.ids["ticket"]}
    kept = await crew.manager.ask(query, gao=gao["id"], task=task["id"], **ids)
    assert kept["opportunity"]["name"] == f"500 units, {pseudonym}, {pseudonym}"
    assert kept["opportunity"]["amount"] == "1200.50"
    assert (kept["ticket"]["number"], kept["ticket"]["subject"]) == ("T-000001", ERASED_TEXT)
    said = kept["conversation"]["messages"]["nodes"]
    assert [(one["body"], one["direction"]) for one in said] == [
        (ERASED_TEXT, "INBOUND"),
        (ERASED_TEXT, "OUTBOUND"),
    ]
    # What was agreed and what came in for it is kept.
    money = await crew.admin.ask(
        "{ contracts { nodes { value number } } payments { nodes { amount receivedTotal status } } }"
    )
    assert money == {
        "contracts": {"nodes": [{"value": "2400.75", "number": "C-000001"}]},
        "payments": {"nodes": [{"amount": "1200.25", "receivedTotal": "200.25", "status": "OVERDUE"}]},
    }
    # What was to be approved is no longer what was asked for: it is drafted and asked for anew.
    asked = (await crew.admin.ask("{ approvals { nodes { id status snapshotHash } } }"))["approvals"]["nodes"]
    assert [one["status"] for one in asked] == ["PENDING"]
    decide = """mutation($input: ApprovalDecideInput!) { approvalDecide(input: $input) { __typename
        ... on Conflict { fields } } }"""
    given = {
        "id": asked[0]["id"],
        "decision": "APPROVED",
        "snapshotHash": asked[0]["snapshotHash"],
    }
    answer = (await crew.admin.ask(decide, input=given))["approvalDecide"]
    assert answer == {"__typename": "Conflict", "fields": []}
    # Of who has nothing to do with it, nothing moved.
    assert kept["contact"] == {"id": gao["id"], "version": gao["version"]}
    assert kept["task"] == {"version": task["version"], "title": "Call Gao"}


async def test_the_portal_account_ends_and_erased_again_is_the_same_answer(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    story = await live(crew)
    await set_password(await crew.user("customer"), PASSWORD)
    first = await erase(crew.manager, story, mutationId="m-1")
    refused = await http.post("/auth/sign-in", json={"email": story.login, "password": PASSWORD})
    assert refused.status_code == 401
    assert await Credential.find({"user_id": crew.customer.user_id}).to_list() == []
    assert await Session.find({"user_id": crew.customer.user_id}).to_list() == []
    user = await crew.user("customer")
    assert (user.is_active, user.name) == (False, pseudonym_of(story.contact_id))
    answer = await http.post("/graphql", json={"query": "{ me { id } }"}, headers=crew.customer.headers)
    assert "UNAUTHENTICATED" in answer.text

    await crew.house.relay.settle()
    version = await crew.house.store.reader.newest_version(crew.workspace_id)
    assert await erase(crew.manager, story, mutationId="m-1") == first
    assert await erase(crew.admin, story, confirm="whatever") == first
    locked = await crew.manager.do("contactUpdate", {"id": story.contact_id, "fullName": story.name})
    assert locked["message"] == "id belongs to an erased person and is locked; make a new contact instead"
    assert await crew.house.store.reader.newest_version(crew.workspace_id) == version


async def test_who_may_not_erase_and_a_legal_hold_change_nothing(crew: Crew) -> None:
    story = await live(crew)
    hold = {"kind": "ticket", "id": story.ids["ticket"], "reason": "lawsuit 7"}
    held = (await crew.manager.ask(HOLD, input=hold))["legalHoldSet"]
    assert held == {"__typename": "LegalHold", **hold}
    await crew.house.relay.settle()  # no listener's commit comes between
    version = await crew.house.store.reader.newest_version(crew.workspace_id)
    for person, changes, code in (
        (crew.rep, {}, "FORBIDDEN"),
        (crew.agent, {}, "FORBIDDEN"),
        (crew.customer, {}, "FORBIDDEN"),
        (crew.manager, {"confirm": "Somebody Else"}, "INVALID_INPUT"),
        (crew.manager, {"reason": "  "}, "INVALID_INPUT"),
        (crew.manager, {"contactId": crew.manager.user_id}, "NOT_FOUND"),
    ):
        assert (await erase(person, story, **changes))["code"] == code
    refused = await erase(crew.manager, story)
    assert refused["message"] == (
        f"contact_id is under legal hold by ticket {story.ids['ticket']}; release the hold, then erase"
    )
    assert (await crew.agent.ask(HOLD, input=hold))["legalHoldSet"]["code"] == "FORBIDDEN"
    wrong = (await crew.manager.ask(HOLD, input=hold | {"kind": "task"}))["legalHoldSet"]
    assert wrong["message"] == "kind cannot be held; choose one of contact, ticket"
    assert await crew.house.store.reader.newest_version(crew.workspace_id) == version
    await crew.manager.ask(HOLD, input=hold | {"reason": ""})
    assert (await erase(crew.manager, story))["state"] == "DONE"


async def test_an_erasure_that_was_interrupted_goes_on_also_of_a_deleted_contact(crew: Crew) -> None:
    story = await live(crew)
    assert (await crew.manager.do("contactDelete", {"id": story.contact_id}))["__typename"] == "Deleted"
    store, manager = crew.house.store, crew.manager.actor

    async def begin(uow: UnitOfWork) -> Erasure:
        return await begin_erasure(uow, story.contact_id, reason="letter", confirm=story.contact_id)

    erasure = await store.write(manager, begin)
    half = await run_erasure(store, crew.workspace_id, erasure.id, most=0)  # all but the first step
    assert half.state is ErasureState.RUNNING
    assert await remains(crew, story) != []
    whole = await run_erasure(store, crew.workspace_id, erasure.id)
    assert whole.state is ErasureState.DONE
    await crew.house.relay.settle()
    assert await remains(crew, story) == []


TIES = {"contact_id", "conversation_id", "message_id", "subject_id", "record_id", "target_id"}
UNTIED = {
    "share_expiry": "only that a share ends: no words, no person",
}


@pytest.mark.usefixtures("crew")
def test_every_kind_that_could_be_about_a_person_says_so() -> None:
    """A new kind cannot be forgotten: a field that leads to a contact must be declared."""
    silent = [
        name
        for name, record in REGISTRY.items()
        if TIES & set(record.model_fields)
        and record.about_person is None
        and not ties_of(record)
        and name not in UNTIED
    ]
    assert silent == []
    named = [n for n, r in REGISTRY.items() if "contact_id" in r.model_fields and r.about_person is None]
    assert named == []
    for record in REGISTRY.values():
        fields = {*record.model_fields, "id"}
        assert set(record.personal) <= fields
        assert record.about_person is None or record.about_person in fields
        for target, field in ties_of(record):
            assert field in fields
            assert target[1:] in fields if target.startswith("@") else target in REGISTRY
    assert Contact.about_person == "id"
