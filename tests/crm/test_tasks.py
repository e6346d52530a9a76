"""Tasks over GraphQL: the promised interface and its rules."""

from backend.core.ids import new_id
from backend.crm.tasks import create_task
from tests.crew import Crew

FIELDS = "id version status priority dueAt completedAt assigneeId opportunityId"
ONE = "query($id: ID!) { task(id: $id) { status assigneeId } }"


async def test_a_task_is_created_listed_by_due_time_completed_and_reopened(crew: Crew) -> None:
    opportunity_id = new_id()
    late = {"title": "寄合同", "dueAt": "2027-03-02T09:00:00+08:00", "opportunityId": opportunity_id}
    made = await crew.rep.do("taskCreate", late, FIELDS)
    assert made == {
        "__typename": "Task",
        "id": made["id"],
        "version": made["version"],
        "status": "TODO",
        "priority": "NORMAL",
        "dueAt": "2027-03-02T01:00:00+00:00",
        "completedAt": None,
        "assigneeId": crew.rep.user_id,
        "opportunityId": opportunity_id,
    }
    soon = await crew.rep.do("taskCreate", {"title": "Call", "dueAt": "2027-03-01T09:00:00Z"})
    listed = await crew.rep.ask(
        "query($me: ID!) { tasks(filter: {assigneeId: {eq: $me}, status: {eq: TODO}}) { nodes { id } } }",
        me=crew.rep.user_id,
    )
    assert listed == {"tasks": {"nodes": [{"id": soon["id"]}, {"id": made["id"]}]}}
    done = await crew.rep.ask(
        """mutation($id: ID!) { taskComplete(input: {id: $id}) { ... on Task { status completedAt } } }""",
        id=made["id"],
    )
    assert done["taskComplete"]["status"] == "DONE"
    assert done["taskComplete"]["completedAt"] is not None
    again = await crew.rep.do("taskUpdate", {"id": made["id"], "status": "IN_PROGRESS"}, FIELDS)
    assert (again["status"], again["completedAt"]) == ("IN_PROGRESS", None)
    assert (await crew.rep.do("taskDelete", {"id": soon["id"]}))["__typename"] == "Deleted"


async def test_whoever_is_to_do_it_sees_it_and_nobody_else_does(crew: Crew) -> None:
    task = await crew.rep.do("taskCreate", {"title": "Send a sample", "assigneeId": crew.agent.user_id})
    assert (await crew.agent.ask(ONE, id=task["id"]))["task"]["assigneeId"] == crew.agent.user_id
    done = await crew.agent.do("taskUpdate", {"id": task["id"], "status": "DONE"}, "status")
    assert done == {"__typename": "Task", "status": "DONE"}
    for mutation, data in (("taskUpdate", {"status": "CANCELLED"}), ("taskDelete", {})):
        refused = await crew.stranger.do(mutation, {"id": task["id"], **data})
        assert refused["__typename"] == "NotFound"
    assert (await crew.rep.ask(ONE, id=task["id"]))["task"]["status"] == "DONE"
    assert (await crew.stranger.post(ONE, id=task["id"]))["data"] == {"task": None}


async def test_what_the_house_makes_is_nobodys_to_do_until_it_names_somebody(crew: Crew) -> None:
    nobodys = await crew.house.store.write(crew.system, lambda uow: create_task(uow, {"title": "Review"}))
    assert (nobodys.owner_id, nobodys.assignee_id) == ("system", None)
    fields = {"title": "Call back", "owner_id": crew.rep.user_id}
    theirs = await crew.house.store.write(crew.system, lambda uow: create_task(uow, fields))
    assert theirs.assignee_id == crew.rep.user_id


async def test_a_time_without_a_zone_is_refused(crew: Crew) -> None:
    refused = await crew.rep.do("taskCreate", {"title": "When?", "dueAt": "2027-03-01T09:00:00"})
    assert refused["__typename"] == "InvalidInput"
    assert refused["message"] == "due_at is not right: input should have timezone info"
    assert await crew.rep.ask("{ tasks { nodes { id } } }") == {"tasks": {"nodes": []}}
