"""Lists that walk the feed: what is written anew while they are read is not passed over."""

import pytest

from backend.core.reading import Reader
from backend.house import House
from tests.crew import Crew

LIST = "{ accounts(first: 2) { nodes { name } pageInfo { endCursor hasNextPage } } }"
NEXT = "query($after: String) { accounts(first: 2, after: $after) { nodes { name } } }"


async def names(crew: Crew) -> list[str]:
    return [node["name"] for node in (await crew.rep.ask(LIST))["accounts"]["nodes"]]


async def test_a_record_written_while_the_list_is_read_is_in_it(
    house: House, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await crew.rep.do("accountCreate", {"name": "First"})
    await crew.rep.do("accountCreate", {"name": "Second"})
    assert await names(crew) == ["Second", "First"]
    look = Reader.newest_version

    async def look_and_be_overtaken(reader: Reader, workspace_id: str) -> int:
        newest = await look(reader, workspace_id)
        monkeypatch.undo()
        await crew.rep.do("accountUpdate", {"id": first["id"], "name": "First, renamed"})
        return newest

    monkeypatch.setattr(Reader, "newest_version", look_and_be_overtaken)
    assert await names(crew) == ["First, renamed", "Second"]


async def test_the_next_page_goes_on_below_the_last_row_whatever_is_written(crew: Crew) -> None:
    for name in ("A", "B", "C"):
        await crew.rep.do("accountCreate", {"name": name})
    made = await crew.rep.do("accountCreate", {"name": "D"})
    page = (await crew.rep.ask(LIST))["accounts"]
    assert ([node["name"] for node in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (["D", "C"], True)
    await crew.rep.do("accountUpdate", {"id": made["id"], "name": "D, renamed"})
    after = page["pageInfo"]["endCursor"]
    rest = (await crew.rep.ask(NEXT, after=after))["accounts"]["nodes"]
    assert [node["name"] for node in rest] == ["B", "A"]
