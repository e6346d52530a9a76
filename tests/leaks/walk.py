"""A walk over the whole schema: every root field is asked by somebody, and every answer is looked through."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from backend.core.field_names import stored_name
from backend.core.records import REGISTRY
from tests.leaks.canaries import token
from tests.leaks.probe import Asker
from tests.leaks.reference import Item
from tests.leaks.shapes import QUERY, SCHEMA, selection_of
from tests.leaks.world import KINDS, World

assert SCHEMA.mutation_type is not None
MUTATION = SCHEMA.mutation_type
# Root fields that the walk does not ask, and why; one that it cannot ask fails the test.
NOT_ASKED: dict[str, str] = {}
# Answers of the language models take a second each: few questions are enough to look through.
SLOW = {"searchKnowledge", "suggestReplies", "nextBestActions", "customerProfile", "similarTickets"}
SLOW |= {"churnPrediction", "lifetimeValue", "winPrediction", "whyFound", "knowledgeReview"}
SAMPLE = 2
WORDS = token(1, 1) + " title body"  # what is searched for; an answer may repeat the question, and no more


def of_field(name: str) -> tuple[str, ...]:
    """Return the kinds whose ids an argument or a root field of that name may mean."""
    stored = stored_name(name.removesuffix("Id").removesuffix("Ids"))
    return tuple(kind for kind in KINDS if kind == stored) or KINDS


def sample_of(asker: Asker, kinds: Sequence[str], rng: random.Random, most: int) -> list[Item]:
    """Return some records of each sort: seen, not seen, and another tenant's."""
    own = [item for item in asker.town.items.values() if item.kind in kinds]
    sorts = (
        [item for item in own if item.id in asker.readable],
        [item for item in own if item.id not in asker.readable],
        [
            item
            for item in asker.world.items.values()
            if item.kind in kinds and item.id not in asker.town.items
        ],
    )
    return [item for sort in sorts for item in rng.sample(sort, min(most, len(sort)))]


def questions(asker: Asker, name: str, rng: random.Random) -> Iterator[str]:
    """Yield ways to ask a root field: with ids and kinds of records of each sort, where it wants any."""
    arguments = QUERY.fields[name].args
    asked = [
        key for key, one in arguments.items() if get_named_type(one.type).name == "ID" and key != "after"
    ]
    if not asked:
        yield call(name, arguments, None, "")
        return
    kinds = of_field(name if asked == ["id"] else asked[0])
    for item in sample_of(asker, kinds, rng, 1 if name in SLOW or len(kinds) > 1 else SAMPLE):
        yield call(name, arguments, item, asker.who.id)


def call(name: str, arguments: dict[str, GraphQLArgument], item: Item | None, user_id: str) -> str:
    """Return a call of a root field: about a record where it wants an id, with whatever else it must have."""
    given = []
    for key, argument in arguments.items():
        wanted = isinstance(argument.type, GraphQLNonNull)
        if wanted or (get_named_type(argument.type).name == "ID" and key != "after" and item):
            given.append(f"{key}: {literal(name, key, argument, item, user_id)}")
        elif key == "first":
            given.append("first: 100")
    return name + (f"({', '.join(given)})" if given else "")


def literal(name: str, key: str, argument: GraphQLArgument, item: Item | None, user_id: str) -> str:
    named = get_named_type(argument.type)
    if isinstance(named, GraphQLEnumType):
        return str(next(iter(named.values)))
    match named.name:
        case "ID":
            return json.dumps(user_id if key == "userId" or item is None else item.id)
        case "String":
            return json.dumps(item.kind if item and key.lower().endswith("kind") else WORDS)
        case "Int" | "Float":
            return "50"
        case "Boolean":
            return "true"
    raise AssertionError(f"Query.{name}({key}: {argument.type}): say in the walk what to ask, or why not")


async def ask_everything(asker: Asker, rng: random.Random) -> None:
    """Ask every root field; look through every answer for what the person must not see."""
    for name, field in QUERY.fields.items():
        if name in NOT_ASKED:
            continue
        chosen = selection_of(field.type, deep=2)
        for question in questions(asker, name, rng):
            body = await asker.person.post(f"{{ {question} {chosen} }}")
            refuse_bugs(asker, question, body)
            asker.scan(question, without_echo(body.get("data")))
            scan_ids(asker, question, body.get("data"))


def without_echo(answer: Any) -> Any:
    """Return an answer without the words of the question, where it repeats them whole or one by one."""
    return json.loads(json.dumps(answer).replace(WORDS, "").replace(json.dumps(token(1, 1)), '""'))


def refuse_bugs(asker: Asker, question: str, body: dict[str, Any]) -> None:
    """Fail on an answer that hides a bug, or a question that the schema does not know."""
    codes = {error.get("extensions", {}).get("code") for error in body.get("errors", ())}
    if codes & {"INTERNAL", "INTERNAL_ERROR", "BAD_QUERY", "COST_LIMIT", "RATE_LIMITED", None}:
        raise AssertionError(f"{asker}: {question}: {body['errors'][:2]}")


def scan_ids(asker: Asker, path: str, answer: Any) -> None:
    """Look for objects with the id of a record that the person does not see, however deep.

    But for what tells a phone to forget a record: whoever held it knows its id, and it says nothing else.
    """
    if isinstance(answer, list):
        for one in answer:
            scan_ids(asker, path, one)
    elif isinstance(answer, dict):
        item = asker.world.item(str(answer.get("id")))
        if item is not None and not (answer.get("_deleted") is True or "x" in answer):
            asker.found.probes += 1
            if item.id not in asker.readable:
                asker.leak(path, item, "id", "(an object with its id is in the answer)")
        for one in answer.values():
            scan_ids(asker, path, one)


def types_reached(deep: int = 4) -> set[str]:
    """Return the object types that the walks' selections reach, from every root."""
    found: set[str] = set()

    def reach(type_: Any, left: int) -> None:
        named = get_named_type(type_)
        for one in getattr(named, "types", (named,)):
            if not is_leaf_type(one) and left:
                found.add(one.name)
                for field in one.fields.values():
                    reach(field.type, left - 1)

    for root in (QUERY, MUTATION, SCHEMA.subscription_type):
        assert root is not None
        for field in root.fields.values():
            reach(field.type, deep)
    return found


def object_types() -> set[str]:
    roots = {root.name for root in (QUERY, MUTATION, SCHEMA.subscription_type) if root}
    return {
        name
        for name, one in SCHEMA.type_map.items()
        if isinstance(one, GraphQLObjectType) and not name.startswith("__") and name not in roots
    }


# ── mutations: on what is not seen they change nothing and tell nothing ──────────────────────────


# What the house computes anew by itself, some time after what it follows from has changed.
COMPUTED = {"customer_profile"}


async def state_of(world: World, ids: set[str] | None, workspace_id: str) -> dict[str, tuple[Any, ...]]:
    """Return version, change and readers of a workspace's records (of ``ids`` alone, when given)."""
    found = {}
    for kind, record in REGISTRY.items():
        if kind in COMPUTED:
            continue
        rows = record.get_pymongo_collection().find({"workspace_id": workspace_id})
        for row in await rows.to_list():
            if ids is None or row["_id"] in ids:
                found[f"{kind} {row['_id']}"] = (
                    row["version"],
                    row["updated_at"],
                    row["deleted_at"],
                    row["acl"],
                )
    return found


async def mutate_everything(asker: Asker, targets: list[Item], user_id: str) -> None:
    """Run every mutation with ids of ``targets``, none of which the person sees; look through the answers."""
    for name, field in MUTATION.fields.items():
        kinds = [kind for kind in KINDS if name.lower().removeprefix("push").startswith(kind)] or KINDS
        of_kind = [item for item in targets if item.kind in kinds]
        for item in of_kind[:1] if len(kinds) == 1 else of_kind[:1] + of_kind[-1:]:
            given = [
                f"{key}: {text}"
                for key, argument in field.args.items()
                if (text := input_literal(f"{name}.{key}", key, argument, item, user_id)) is not None
            ]
            call = name + (f"({', '.join(given)})" if given else "")
            body = await asker.person.post(f"mutation {{ {call} {selection_of(field.type, deep=1)} }}")
            refuse_bugs(asker, call, body)
            asker.scan(call, body.get("data"))


def input_literal(
    path: str, key: str, argument: GraphQLArgument | GraphQLInputField, item: Item, user_id: str
) -> str | None:
    """Return a value: of everything that is wanted, of every id, and of whole inputs; None of the rest."""
    wanted = isinstance(argument.type, GraphQLNonNull)
    named = get_named_type(argument.type)
    several = isinstance(getattr(argument.type, "of_type", argument.type), GraphQLList) or isinstance(
        argument.type, GraphQLList
    )
    text: str | None = None
    if isinstance(named, GraphQLInputObjectType):
        if wanted or path.count(".") == 1 or key == "newDocumentState":
            parts = [
                f"{one}: {value}"
                for one, inner in named.fields.items()
                if (value := input_literal(f"{path}.{one}", one, inner, item, user_id)) is not None
            ]
            text = "{" + ", ".join(parts) + "}"
    elif is_id(named.name, key):
        text = json.dumps(
            user_id
            if stored_name(key).startswith(("user", "manager", "member", "owner", "assignee"))
            else item.id
        )
    elif wanted:
        text = wanted_literal(path, key, named, item)
    return f"[{text}]" if several and text is not None else text


def is_id(type_name: str, key: str) -> bool:
    return key != "mutationId" and (type_name == "ID" or key == "id" or key.endswith("Id"))


def wanted_literal(path: str, key: str, named: Any, item: Item) -> str:
    if isinstance(named, GraphQLEnumType):
        return str(next(iter(named.values)))
    texts = {"String": item.kind if key.lower().endswith("kind") else "abcdefghijkl", "Decimal": "1"}
    texts |= {"DateTime": "2031-01-01T00:00:00Z", "Date": "2031-01-01", "JSON": "{}"}
    plain = {"Int": "7", "Float": "7", "Boolean": "false"}
    if named.name in plain:
        return plain[named.name]
    if named.name in texts:
        return json.dumps(texts[named.name])
    raise AssertionError(f"Mutation.{path}: say in the walk what to give for {named.name}")
