"""What somebody sees of a kind, by every way at once; and the mutations of sharing in short."""

from datetime import datetime
from typing import Any

import svcs

from backend.core.ids import new_id
from backend.crm.synced import ACCOUNTS
from backend.identity.share_endings import end_due_shares
from tests.crew import Crew, Person
from tests.mobile_sync.wire import WirePhone

REFUSAL = "... on Error { code message } ... on InvalidInput { fields { field message } }"


async def make_account(person: Person, name: str = "Acme", **fields: Any) -> str:
    """Create an account that no team shares; return its id."""
    made = await person.do("accountCreate", {"id": new_id(), "name": name, "teamIds": [], **fields})
    assert made["__typename"] == "Account", made
    return str(made["id"])


async def accounts_of(person: Person) -> set[str]:
    """Return the ids of the accounts that somebody sees: listed, filtered and one by one, which agree."""
    query = """{ accounts(first: 100) { nodes { id } }
        filtered: accounts(first: 100, filter: {name: {startsWith: ""}}) { nodes { id } } }"""
    answer = await person.ask(query)
    listed = {node["id"] for node in answer["accounts"]["nodes"]}
    assert listed == {node["id"] for node in answer["filtered"]["nodes"]}
    for id in listed:
        one = await person.ask("query($id: ID!) { account(id: $id) { id } }", id=id)
        assert one == {"account": {"id": id}}
    return listed


async def is_hidden(person: Person, id: str) -> bool:
    """Tell whether an account is, to somebody, as if it did not exist."""
    answer = await person.post("query($id: ID!) { account(id: $id) { id } }", id=id)
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    return answer["data"] == {"account": None} and codes == ["NOT_FOUND"]


def phone_of(person: Person) -> WirePhone:
    return WirePhone(person, ACCOUNTS)


async def mutate(person: Person, field: str, input: dict[str, Any], chosen: str) -> dict[str, Any]:
    """Run a mutation whose input is named after it; return the union member."""
    type_name = f"{field[0].upper()}{field[1:]}Input"
    query = f"mutation($input: {type_name}!) {{ {field}(input: $input) {{ __typename {chosen} {REFUSAL} }} }}"
    found: dict[str, Any] = (await person.ask(query, input=input))[field]
    return found


async def share(person: Person, id: str, to: dict[str, str], *, kind: str = "account", **also: Any) -> Any:
    if isinstance(also.get("until"), datetime):
        also["until"] = also["until"].isoformat()
    chosen = "... on RecordShares { version shares { userId teamId roleKey access until reason by } }"
    return await mutate(person, "recordShare", {"kind": kind, "id": id, "to": to, **also}, chosen)


async def unshare(person: Person, id: str, to: dict[str, str], *, kind: str = "account") -> Any:
    chosen = "... on RecordShares { shares { userId teamId roleKey } }"
    return await mutate(person, "recordUnshare", {"kind": kind, "id": id, "to": to}, chosen)


async def end_shares(crew: Crew) -> None:
    """Do what the house does every 30 seconds."""
    async with svcs.Container(crew.house.registry) as services:
        await end_due_shares(services)


async def make_rule(crew: Crew, **fields: Any) -> dict[str, Any]:
    """Create a sharing rule of accounts as the admin, and let the house restamp."""
    rule = {"name": "A rule", "objectKind": "account", **fields}
    chosen = "... on SharingRule { id version revision isActive }"
    made = await mutate(crew.admin, "sharingRuleCreate", rule, chosen)
    await crew.house.relay.settle()
    return made


async def change_rule(crew: Crew, id: str, *, settle: bool = True, **fields: Any) -> dict[str, Any]:
    chosen = "... on SharingRule { id version revision isActive }"
    made = await mutate(crew.admin, "sharingRuleUpdate", {"id": id, **fields}, chosen)
    if settle:
        await crew.house.relay.settle()
    return made
