"""Approvals over GraphQL: who may decide, on what they saw, once; and who hears of it."""

from typing import Any

from tests.crew import Crew, Person
from tests.sales.test_quotes import draft, move

APPROVAL = """id status number subjectKind subjectId requestedBy approverIds note snapshotHash snapshot
    decidedBy comment quote { number status }"""


async def submitted(crew: Crew, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a quote of the rep's that is in review, and its request."""
    quote = await draft(crew, **fields)
    asked = await move(crew.rep, "quoteSubmit", quote["id"], note="Please")
    assert asked["status"] == "IN_REVIEW", asked
    [request] = await requests(crew.rep, quote["id"])
    return quote, request


async def requests(person: Person, subject_id: str) -> list[dict[str, Any]]:
    query = f"""query($id: ID!) {{ approvals(filter: {{subjectId: {{eq: $id}}}},
        orderBy: [{{field: REQUESTED_AT}}]) {{ nodes {{ {APPROVAL} }} }} }}"""
    found: list[dict[str, Any]] = (await person.ask(query, id=subject_id))["approvals"]["nodes"]
    return found


async def decide(person: Person, request: dict[str, Any], decision: str, **more: Any) -> dict[str, Any]:
    query = f"""mutation($input: ApprovalDecideInput!) {{ approvalDecide(input: $input) {{ __typename
        ... on Approval {{ {APPROVAL} }} ... on Error {{ code message }}
        ... on Conflict {{ currentVersion fields }} }} }}"""
    given = {"id": request["id"], "decision": decision, "snapshotHash": request["snapshotHash"], **more}
    found: dict[str, Any] = (await person.ask(query, input=given))["approvalDecide"]
    return found


async def status_of(crew: Crew, quote: dict[str, Any]) -> tuple[str, int]:
    query = "query($id: ID!) { quote(id: $id) { status version } }"
    found = (await crew.rep.ask(query, id=quote["id"]))["quote"]
    return found["status"], found["version"]


async def test_a_manager_approves_what_a_rep_asks_for(crew: Crew) -> None:
    quote, request = await submitted(crew)
    assert request == {
        **request,
        "status": "PENDING",
        "number": quote["number"],
        "subjectKind": "quote",
        "subjectId": quote["id"],
        "requestedBy": crew.rep.user_id,
        "approverIds": sorted([crew.manager.user_id, crew.admin.user_id]),
        "note": "Please",
        "quote": {"number": quote["number"], "status": "IN_REVIEW"},
    }
    done = await decide(crew.manager, request, "APPROVED", comment="好的 👍")
    assert (done["status"], done["decidedBy"], done["comment"]) == (
        "APPROVED",
        crew.manager.user_id,
        "好的 👍",
    )
    assert (await status_of(crew, quote))[0] == "APPROVED"
