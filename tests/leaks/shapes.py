"""How GraphQL shows each kind, as read off the schema: what is asked for, and what must come back."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from graphql import GraphQLNonNull, GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument
from pydantic import BaseModel

from backend.core.field_names import stored_name
from backend.core.records import ENVELOPE, REGISTRY
from tests.schema import whole_schema

SCHEMA = whole_schema()
assert SCHEMA.query_type is not None
QUERY = SCHEMA.query_type
# GraphQL names that say something else than the record's field of that name.
OTHERWISE = {("article", "version")}


@dataclass(frozen=True)
class Shape:
    """One kind in GraphQL: fields by what they are, each by its name in the store."""

    kind: str
    type: GraphQLObjectType
    single: str
    several: str
    fields: dict[str, str]  # stored name → GraphQL name
    related: dict[str, tuple[str, str]]  # GraphQL name → (the stored field with its id, its kind)
    row: dict[str, str]  # stored name → column on phones; empty when the kind is not on phones

    @property
    def hideable(self) -> frozenset[str]:
        """Return what a rule may hide: what GraphQL can leave out and the kind can be without."""
        if "hiddenFields" not in self.type.fields:
            return frozenset()
        model = REGISTRY[self.kind].model_fields
        kept = {"owner_id", *ENVELOPE, *REGISTRY[self.kind].always_shown}
        kept |= {name for name, field in model.items() if field.is_required()}
        nullable = {
            name
            for name, shown in self.fields.items()
            if not isinstance(self.type.fields[shown].type, GraphQLNonNull)
        }
        return frozenset(nullable - kept)

    @property
    def always_shown(self) -> frozenset[str]:
        return frozenset(REGISTRY[self.kind].model_fields) - self.hideable

    def selection(self) -> str:
        """Return a selection of all that can be asked for without an argument, and one step beyond."""
        return selection_of(self.type, deep=1)


@cache
def shape_of(kind: str) -> Shape:
    pascal = "".join(part.capitalize() for part in kind.split("_"))
    type_ = SCHEMA.type_map[pascal]
    assert isinstance(type_, GraphQLObjectType)
    model = REGISTRY[kind].model_fields
    fields = {stored_name(name): name for name in type_.fields if stored_name(name) in model}
    related = {
        name: (f"{name}_id", stored_name(get_named_type(field.type).name))
        for name, field in type_.fields.items()
        if f"{name}_id" in model
    }
    row_type = SCHEMA.type_map.get(f"{pascal}Row")
    columns = row_type.fields if isinstance(row_type, GraphQLObjectType) else {}
    row = {stored_name(name): name for name in columns if stored_name(name) in model}
    several = next(
        name for name, one in QUERY.fields.items() if get_named_type(one.type).name == f"{pascal}Connection"
    )
    return Shape(kind, type_, pascal[0].lower() + pascal[1:], several, fields, related, row)


def selection_of(type_: Any, *, deep: int) -> str:
    """Return a selection of every field without a required argument, ``deep`` objects below the first."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    members = getattr(named, "types", None)
    if members is not None:
        parts = " ".join(f"... on {one.name} {_member(one, members, deep)}" for one in members)
        return f"{{ __typename {parts} }}"
    return _fields_of(named, deep, {})


def _member(member: Any, members: Any, deep: int) -> str:
    """Return the selection of a union's member; what differs under one name gets names of its own."""
    types: dict[str, set[str]] = {}
    for one in members:
        for name, field in one.fields.items():
            types.setdefault(name, set()).add(str(field.type))
    aliases = {name: f"{member.name}_{name}: " for name, found in types.items() if len(found) > 1}
    return _fields_of(member, deep, aliases)


def _fields_of(named: Any, deep: int, aliases: dict[str, str]) -> str:
    chosen = ["__typename"]
    for name, field in named.fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(get_named_type(field.type)):
            chosen.append(aliases.get(name, "") + name)
        elif deep or is_part(get_named_type(field.type)):
            chosen.append(f"{aliases.get(name, '')}{name} {selection_of(field.type, deep=deep - 1)}")
    return "{ " + " ".join(chosen) + " }"


def is_part(named: Any) -> bool:
    """Tell whether a type is a piece of what holds it: it has no id of its own, and only leaves."""
    fields = getattr(named, "fields", {})
    return (
        bool(fields)
        and "id" not in fields
        and all(is_leaf_type(get_named_type(field.type)) for field in fields.values())
    )


def shown(value: Any) -> Any:
    """Return a record's value as GraphQL writes it."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, BaseModel):
        parts = {name: getattr(value, name) for name in type(value).model_fields}
        return {_camel(name): shown(part) for name, part in parts.items()}
    if isinstance(value, list):
        return [shown(one) for one in value]
    return plain(value)


def plain(value: Any) -> Any:
    """Return a record's value as a phone's row has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [plain(one) for one in value] if isinstance(value, list) else value


def read(value: Any, like: Any) -> Any:
    """Return an answer's value so that it compares to what ``shown`` or ``plain`` gave."""
    if isinstance(value, dict):
        known = like if isinstance(like, dict) else {}
        return {name: read(one, known.get(name)) for name, one in value.items() if name != "__typename"}
    if isinstance(value, list):
        known_rows = like if isinstance(like, list) and len(like) == len(value) else [None] * len(value)
        return [read(one, row) for one, row in zip(value, known_rows, strict=True)]
    if isinstance(value, str) and isinstance(like, date):
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if isinstance(like, datetime) else moment.date()
    return value


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
