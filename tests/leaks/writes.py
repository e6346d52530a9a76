"""What may be changed, filtered and ordered by: tried, and compared with the reference."""

import re
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_named_type,
    is_required_input_field,
)

from backend.core.field_names import stored_name
from tests.leaks.probe import Asker
from tests.leaks.reference import Item
from tests.leaks.shapes import QUERY, SCHEMA, shape_of

ELSEWHEN = 999_999  # no record is at this version: a permitted change is a conflict, and changes nothing
AT_ONCE = 25
NOBODYS = "noSuchField"


async def changes(asker: Asker, items: list[Item]) -> None:
    """Try to update and to delete records; compare the refusals with what the reference says."""
    assert SCHEMA.mutation_type is not None
    tried = [
        (item, action, f"{shape_of(item.kind).single}{action.capitalize()}")
        for item in items
        for action in ("update", "delete")
    ]
    tried = [one for one in tried if one[2] in SCHEMA.mutation_type.fields]
    for start in range(0, len(tried), AT_ONCE):
        part = tried[start : start + AT_ONCE]
        calls = [
            f"a{place}: {field}(input: {change_of(item, field)}) {{ __typename }}"
            for place, (item, _, field) in enumerate(part)
        ]
        data = await asker.person.ask("mutation { " + " ".join(calls) + " }")
        for place, (item, action, field) in enumerate(part):
            asker.found.probes += 1
            said, wanted = data[f"a{place}"]["__typename"], verdict(asker, item, action)
            if said != wanted:
                found = asker.found.leaks if said == "Conflict" else asker.found.hidden
                found.append(f"{asker}: {field} of {item.kind} {item.number} is {said}, not {wanted}")


def change_of(item: Item, field: str) -> str:
    """Return the input of a change of a record at a version that it never had, with what the input needs."""
    assert SCHEMA.mutation_type is not None
    named = get_named_type(SCHEMA.mutation_type.fields[field].args["input"].type)
    assert isinstance(named, GraphQLInputObjectType)
    needed = [name for name, one in named.fields.items() if is_required_input_field(one) and name != "id"]
    more = "".join(f', {name}: "something"' for name in needed)
    return f'{{id: "{item.id}", expectedVersion: {ELSEWHEN}{more}}}'


def verdict(asker: Asker, item: Item, action: str) -> str:
    if item.id not in asker.readable:
        return "NotFound"
    return "Conflict" if asker.reference.may(asker.who, action, item) else "Forbidden"


async def comparisons(asker: Asker, kind: str) -> None:
    """Filter and order by every field: by what is not seen in clear as by what does not exist."""
    shape = shape_of(kind)
    if asker.who.contact_id is not None or not shape.hideable:
        return
    if asker.reference.level(asker.who, kind, "read") == "none":
        return  # of a kind that somebody reads nothing of, no field is theirs to see or not
    for argument, names in (("filter", filters(kind)), ("orderBy", orders(kind))):
        unknown = await refusal(asker, shape.several, argument, f"{{{NOBODYS}: {{eq: 1}}}}")
        for name, text in names.items():
            seen = asker.reference.sight(asker.who, kind, stored_name(name)) in ("read", "edit")
            refused = await refusal(asker, shape.several, argument, text)
            asker.found.probes += 1
            if seen and refused:
                asker.found.hidden.append(f"{asker}: {shape.several} refuses {argument} {text}: {refused}")
            elif not seen and not refused:
                asker.found.leaks.append(f"{asker}: {shape.several} takes {argument} {text}")
            elif not seen and argument == "filter" and refused != unknown:
                asker.found.leaks.append(f"{asker}: {refused} tells that there is {name}, {unknown} does not")


async def refusal(asker: Asker, several: str, argument: str, text: str) -> str:
    """Return code and words with which a list refuses an argument, whatever its name; or nothing."""
    body = await asker.person.post(f"{{ {several}({argument}: {text}, first: 1) {{ nodes {{ id }} }} }}")
    errors: list[dict[str, Any]] = body.get("errors", [])
    if not errors:
        return ""
    name = re.findall(r"\w+", text)[0]
    said = errors[0]["message"].replace(f"'{name}'", f"'{NOBODYS}'")
    return f"{errors[0]['extensions']['code']}: {said}"


def filters(kind: str) -> dict[str, str]:
    """Return a filter by each field that a list of the kind can be filtered by."""
    named = get_named_type(QUERY.fields[shape_of(kind).several].args["filter"].type)
    assert isinstance(named, GraphQLInputObjectType)
    found = {}
    for name, field in named.fields.items():
        comparison = get_named_type(field.type)
        if comparison is named or not isinstance(comparison, GraphQLInputObjectType):
            continue
        if "isNull" in comparison.fields:
            found[name] = f"{{{name}: {{isNull: false}}}}"
            continue
        value = get_named_type(comparison.fields["eq"].type)
        text = next(iter(value.values)) if isinstance(value, GraphQLEnumType) else "true"
        found[name] = f"{{{name}: {{eq: {text}}}}}"
    return found


def orders(kind: str) -> dict[str, str]:
    """Return an order by each field that a list of the kind can be ordered by."""
    named = get_named_type(QUERY.fields[shape_of(kind).several].args["orderBy"].type)
    assert isinstance(named, GraphQLInputObjectType)
    field = get_named_type(named.fields["field"].type)
    assert isinstance(field, GraphQLEnumType)
    return {value.lower(): f"[{{field: {value}}}]" for value in field.values}
