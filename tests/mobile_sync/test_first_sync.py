"""A first sync that is killed at any page goes on: at most that page comes twice. And what comes first."""

import pytest

from tests.crew import Crew
from tests.mobile_sync.native_wire import NativePhone
from tests.mobile_sync.test_pull import make_account
from tests.mobile_sync.three_phones import PROTOCOLS, AnyPhone

SIZE = 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("killed_at", [0, 1, 2])
async def test_a_phone_killed_at_a_page_gets_no_more_than_that_page_again(
    crew: Crew, protocol: type[AnyPhone], killed_at: int
) -> None:
    ids = {await make_account(crew.rep, f"Account {number}") for number in range(8)}
    phone = protocol(crew.rep)
    came: list[str] = []
    for _ in range(killed_at):
        came += await phone.page(limit=SIZE)
    # A page arrives, and the phone dies before it has stored it with its place.
    place, rows = vars(phone.wire).copy(), dict(phone.wire.rows)
    lost = await phone.page(limit=SIZE)
    vars(phone.wire).update(place | {"rows": rows})
    # Somebody goes on writing meanwhile.
    first = sorted(ids)[0]
    await crew.rep.do("accountUpdate", {"id": first, "tier": "A"})
    rest = await phone.pull(limit=SIZE)
    assert phone.held().keys() == ids
    assert phone.held()[first]["tier"] == "A"
    assert set(lost) <= {*rest, first}
    twice = [id for id in {*came} if id in rest]
    assert set(twice) <= {first}  # what was stored does not come again, but what changed meanwhile
    assert len(came) + len(rest) <= len(ids) + 1


async def test_what_a_day_needs_first_comes_first_and_parents_before_children(crew: Crew) -> None:
    await crew.settle()
    await crew.rep.do("taskCreate", {"title": "Call"})
    account = await make_account(crew.rep, "Alpha")
    await crew.rep.do("activityCreate", {"type": "NOTE", "accountId": account, "at": "2026-03-01T08:00:00Z"})
    await crew.rep.do("opportunityCreate", {"name": "Deal", "accountId": account})
    phone = NativePhone(crew.rep)
    names = [
        line["c"]
        for line in await phone.pull(collections=["pipeline", "task", "account", "activity", "opportunity"])
    ]
    assert names == ["pipeline", "account", "opportunity", "task", "activity"]
