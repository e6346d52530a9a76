"""The timeline over GraphQL, and what accounts learn from it."""

from tests.crew import Crew

TIMELINE = """query($id: ID!) { activities(filter: {accountId: {eq: $id}}) {
    nodes { type at summary contact { fullName } } } }"""
ACCOUNT = "query($id: ID!) { account(id: $id) { lastActivityAt } }"


async def test_the_timeline_comes_newest_first_and_the_account_knows_its_latest(crew: Crew) -> None:
    account = await crew.rep.do("accountCreate", {"name": "江南鲜达"})
    contact = await crew.rep.do("contactCreate", {"fullName": "陆建国", "accountId": account["id"]})
    both = {"accountId": account["id"], "contactId": contact["id"]}
    for type, at in (("CALL", "2026-02-01T08:00:00Z"), ("VISIT", "2026-03-05T02:30:00Z")):
        made = await crew.rep.do("activityCreate", {"type": type, "at": at, "summary": type.lower(), **both})
        assert made["__typename"] == "Activity"
    old = await crew.rep.do("activityCreate", {"type": "NOTE", "at": "2025-01-01T00:00:00Z", **both})
    await crew.rep.do("activityCreate", {"type": "NOTE", "summary": "elsewhere"})
    person = {"fullName": "陆建国"}
    assert (await crew.rep.ask(TIMELINE, id=account["id"]))["activities"]["nodes"] == [
        {"type": "VISIT", "at": "2026-03-05T02:30:00+00:00", "summary": "visit", "contact": person},
        {"type": "CALL", "at": "2026-02-01T08:00:00+00:00", "summary": "call", "contact": person},
        {"type": "NOTE", "at": "2025-01-01T00:00:00+00:00", "summary": "", "contact": person},
    ]
    await crew.house.relay.settle()
    known = await crew.rep.ask(ACCOUNT, id=account["id"])
    assert known == {"account": {"lastActivityAt": "2026-03-05T02:30:00+00:00"}}
    moved = {"id": old["id"], "at": "2026-04-01T00:00:00Z", "direction": "INBOUND"}
    assert (await crew.rep.do("activityUpdate", moved, "at direction")) == {
        "__typename": "Activity",
        "at": "2026-04-01T00:00:00+00:00",
        "direction": "INBOUND",
    }
    await crew.house.relay.settle()
    known = await crew.rep.ask(ACCOUNT, id=account["id"])
    assert known == {"account": {"lastActivityAt": "2026-04-01T00:00:00+00:00"}}
    soon_after = {"type": "EMAIL", "at": "2026-04-01T00:59:00Z", **both}
    await crew.rep.do("activityCreate", soon_after)
    await crew.house.relay.settle()
    known = await crew.rep.ask(ACCOUNT, id=account["id"])
    assert known == {"account": {"lastActivityAt": "2026-04-01T00:00:00+00:00"}}
    assert (await crew.rep.do("activityDelete", {"id": old["id"]}))["__typename"] == "Deleted"
    assert len((await crew.rep.ask(TIMELINE, id=account["id"]))["activities"]["nodes"]) == 3


async def test_a_stranger_neither_sees_nor_changes_and_an_agent_only_reads(crew: Crew) -> None:
    made = await crew.rep.do("activityCreate", {"type": "CALL", "summary": "secret"})
    one = "query($id: ID!) { activity(id: $id) { summary } }"
    for mutation, data in (("activityUpdate", {"summary": "x"}), ("activityDelete", {})):
        assert (await crew.stranger.do(mutation, {"id": made["id"], **data}))["__typename"] == "NotFound"
        assert (await crew.agent.do(mutation, {"id": made["id"], **data}))["__typename"] == "Forbidden"
    assert (await crew.stranger.post(one, id=made["id"]))["data"] == {"activity": None}
    assert await crew.agent.ask(one, id=made["id"]) == {"activity": {"summary": "secret"}}
    assert (await crew.agent.do("activityCreate", {"type": "NOTE"}))["__typename"] == "Forbidden"
