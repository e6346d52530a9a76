"""What the house derives from a world's records and keeps: profiles, recommendations, drafts of articles, and
lines in people's inboxes.

Their words and figures are the canaries of the records that they were made of, so that the walk sees it
when somebody is shown what rests on a record that is not theirs.
"""

import random
from typing import TYPE_CHECKING, Any

from assistant.advice.documents import FaqSuggestion
from assistant.advice.profiles import recompute_profile
from backend.core.alerts import heading_of
from backend.core.unit_of_work import UnitOfWork
from notifications.documents import Notification
from tests.leaks.reference import Item, Town

if TYPE_CHECKING:
    from tests.leaks.world import World

OF_EACH = 4
TOLD = 3  # people who once were told of a record, whether or not they may read it now
RECOMMEND = "mutation($id: ID!) { recommend(subjectId: $id, first: 20) { id } }"


async def derive(world: "World") -> None:
    """Let the house compute profiles and drafts in each workspace, and everybody ask for advice to keep."""
    rng = random.Random(world.seed)
    for town, crew in zip(world.towns, world.crews, strict=True):
        store = world.house.store
        for kind in ("account", "contact"):
            for item in _some(town, kind, rng):
                await store.write(crew.system, lambda uow, id=item.id: recompute_profile(uow, id))  # type: ignore[misc]
        messages = _some(town, "message", rng)
        await store.write(crew.system, lambda uow, some=messages: _draft(uow, some))  # type: ignore[misc]
        told = [(item, rng.sample(sorted(crew.people), TOLD)) for item in town.items.values()]
        await store.write(crew.system, lambda uow, told=told: _tell(uow, told))  # type: ignore[misc]
        for person in crew.people.values():
            for item in _some(town, "account", rng)[:2]:
                await person.post(RECOMMEND, id=item.id)


def _some(town: Town, kind: str, rng: random.Random) -> list[Item]:
    return rng.sample([item for item in town.items.values() if item.kind == kind], OF_EACH)


async def _tell(uow: UnitOfWork, told: list[tuple[Item, list[str]]]) -> None:
    for item, people in told:
        record: Any = item.record
        heading = heading_of(record) or getattr(record, "body", "")
        for owner_id in people if heading else ():
            uow.save(
                Notification(
                    owner_id=owner_id,
                    type="mentioned",
                    subject_kind=item.kind,
                    subject_id=item.id,
                    title=heading,
                    body=heading,
                    words={"subject": heading},
                )
            )


async def _draft(uow: UnitOfWork, messages: list[Item]) -> None:
    for item in messages:
        record: Any = item.record
        body, talk = record.body, record.conversation_id
        uow.save(
            FaqSuggestion(
                question=body,
                answer=body,
                message_ids=[item.id],
                question_message_id=item.id,
                answer_message_id=item.id,
                conversation_id=talk,
                answered_in_id=talk,
                asked=3,
                people=3,
            )
        )
