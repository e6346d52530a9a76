"""Who hears of a customer whom the assistant handed over: somebody always, and by night what cannot wait."""

from functools import partial

from backend.core.events import RecordUpdated
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from backend.identity.events import UserSuspended
from backend.service.conversations import update_conversation
from backend.service.documents import Ticket, TicketPriority
from backend.service.hand_off import hand_off_to_ticket
from tests.crew import Crew, Person
from tests.notifications.pushing import PostOffice, register
from tests.notifications.test_planning import around_now, prefer

INBOX = "{ notifications(first: 10) { nodes { id type subjectId title } } }"
URGENT, USUAL, WROTE = "handed_off_urgently", "handed_off", "message_received"


async def told(person: Person) -> list[str]:
    """Return the types of a person's lines, oldest first."""
    nodes = (await person.ask(INBOX))["notifications"]["nodes"]
    return [node["type"] for node in reversed(nodes)]


async def talk_of(crew: Crew, subject: str = "Fridge") -> str:
    return str((await crew.customer.do("conversationCreate", {"subject": subject}))["id"])


async def hand_over(crew: Crew, conversation_id: str, *, urgently: bool = False) -> Ticket:
    async def write(uow: UnitOfWork) -> Ticket:
        return await hand_off_to_ticket(
            uow,
            conversation_id,
            reason="goods_in_danger" if urgently else "low_confidence",
            subject="Fridge",
            priority=TicketPriority.URGENT if urgently else None,
        )

    ticket = await crew.house.store.write(crew.customer.actor, write)
    assert isinstance(ticket, Ticket)
    return ticket


async def say(person: Person, conversation_id: str, body: str) -> None:
    said = await person.do("messageCreate", {"conversationId": conversation_id, "body": body})
    assert said["__typename"] == "Message"


async def test_by_night_an_urgent_hand_over_rings_and_any_other_waits(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.agent, value)
    await prefer(crew.agent, quietHours=around_now(hours=3))
    await hand_over(crew, await talk_of(crew))
    await post.send()
    assert await told(crew.agent) == [USUAL]
    assert post.received(value) == []
    await hand_over(crew, await talk_of(crew), urgently=True)
    await post.send()
    assert await told(crew.agent) == [USUAL, URGENT]
    [received] = post.received(value)
    assert received.message["data"]["type"] == URGENT
    assert received.message["notification"]["title"] == "Urgent, a customer is waiting: Fridge"
    assert await told(crew.rep) == await told(crew.customer) == []


async def test_a_waiting_ticket_that_becomes_urgent_tells_its_assignee_and_who_may_come_instead(
    crew: Crew, post: PostOffice
) -> None:
    conversation_id = await talk_of(crew)
    ticket = await hand_over(crew, conversation_id)
    await post.plan()  # while nobody is assigned: later nobody else is told of it
    given = {"id": ticket.id, "assigneeId": crew.manager.user_id}
    assert (await crew.admin.do("ticketUpdate", given))["__typename"] == "Ticket"
    await hand_over(crew, conversation_id, urgently=True)
    await post.plan()
    assert await told(crew.manager) == ["ticket_assigned", URGENT]
    assert await told(crew.agent) == [USUAL, URGENT]


async def test_an_urgent_one_rings_again_until_a_person_is_there(crew: Crew, post: PostOffice) -> None:
    conversation_id = await talk_of(crew)
    for times in (1, 2):
        await hand_over(crew, conversation_id, urgently=True)
        await post.plan()
        assert await told(crew.agent) == [URGENT] * times
    await hand_over(crew, conversation_id)  # what is not urgent by itself rings for nobody
    await say(crew.agent, conversation_id, "I am here. Is the door closed?")
    await hand_over(crew, conversation_id, urgently=True)
    await post.plan()
    assert await told(crew.agent) == [URGENT] * 2


async def test_of_a_team_that_everybody_left_all_agents_are_told_and_without_agents_the_admins(
    crew: Crew, post: PostOffice
) -> None:
    async def let_west_have(uow: UnitOfWork, id: str) -> None:
        await update_conversation(uow, id, {"team_id": crew.teams["west"]})

    async def suspend(uow: UnitOfWork, id: str) -> None:
        user = await uow.access(User, id, action="update")
        user.is_active = False
        uow.save(user, RecordUpdated(fields=("is_active",)), UserSuspended())

    first, second = await talk_of(crew), await talk_of(crew)
    for conversation_id in (first, second):
        await crew.house.store.write(crew.system, partial(let_west_have, id=conversation_id))
    for person in (crew.stranger, crew.manager):  # all of that team
        await crew.house.store.write(crew.system, partial(suspend, id=person.user_id))
    await hand_over(crew, first)
    await post.plan()
    assert await told(crew.agent) == [USUAL]
    await crew.house.store.write(crew.system, partial(suspend, id=crew.agent.user_id))
    await hand_over(crew, second)
    await post.plan()
    assert await told(crew.admin) == [USUAL]


async def test_who_writes_on_while_they_wait_is_heard(crew: Crew, post: PostOffice) -> None:
    conversation_id = await talk_of(crew)
    await say(crew.customer, conversation_id, "Is somebody there?")
    await hand_over(crew, conversation_id)
    await post.plan()
    assert await told(crew.agent) == [USUAL], "the message with which it is handed over is not told twice"
    await say(crew.customer, conversation_id, "It is still warm.")
    await post.plan()
    assert await told(crew.agent) == [USUAL, WROTE]
    assert await told(crew.admin) == []


async def test_who_has_answered_hears_the_reply_although_nobody_was_assigned(
    crew: Crew, post: PostOffice
) -> None:
    conversation_id = await talk_of(crew)
    await hand_over(crew, conversation_id)
    await say(crew.manager, conversation_id, "What does the display say?")
    await say(crew.customer, conversation_id, "14 degrees.")
    await post.plan()
    assert await told(crew.manager) == [WROTE]
    assert await told(crew.agent) == [USUAL]
