"""Asking for imports over GraphQL, as the tests do it."""

from typing import Any

from tests.crew import Crew, Person

FIELDS = """id version name kind status reason encoding delimiter matchBy onMatch targetFields
    uploadUrl errorsUrl
    mapping { column field }
    rows { total ok warned failed created updated skipped undone left }
    dryRun { total ok warned failed created updated skipped }
    errors { nodes { sort line field message recordId } }"""


async def ask(person: Person, mutation: str, data: dict[str, Any]) -> dict[str, Any]:
    """Run ``importCreate`` and its like; return the union's member with its ``__typename``."""
    sort = mutation[0].upper() + mutation[1:] if mutation in ("importCreate", "importUpdate") else "Import"
    query = f"""mutation($input: {sort}Input!) {{ {mutation}(input: $input) {{ __typename
        ... on ImportJob {{ {FIELDS} }}
        ... on InvalidInput {{ fields {{ field message }} }}
        ... on Error {{ code message }} }} }}"""
    found: dict[str, Any] = (await person.ask(query, input=data))[mutation]
    return found


async def begun(person: Person, text: str, kind: str = "contact", **more: Any) -> dict[str, Any]:
    """Begin an import of ``text`` and return it."""
    job = await ask(person, "importCreate", {"name": "people.csv", "kind": kind, "text": text, **more})
    assert job["__typename"] == "ImportJob", job
    return job


async def job_of(person: Person, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (
        await person.ask(f"query($id: ID!) {{ importJob(id: $id) {{ {FIELDS} }} }}", id=id)
    )["importJob"]
    return found


async def done(crew: Crew, person: Person, mutation: str, id: str) -> dict[str, Any]:
    """Ask for a dry run, a start or an undo; return the import when that has ended."""
    asked = await ask(person, mutation, {"id": id})
    assert asked["__typename"] == "ImportJob", asked
    await crew.house.relay.settle()
    return await job_of(person, id)


async def names(person: Person, kind: str = "contacts") -> list[str]:
    """Return what the records of a kind are called that somebody sees, sorted."""
    name = "name" if kind in ("accounts", "opportunities") else "fullName"
    found = await person.ask(f"{{ {kind}(first: 100) {{ nodes {{ {name} }} }} }}")
    return sorted(one[name] for one in found[kind]["nodes"])
