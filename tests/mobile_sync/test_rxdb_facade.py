"""The facade: names that RxDB's query builders make, and schemas that its collections take."""

from dataclasses import replace

import pytest
from graphql import GraphQLObjectType

import main
from backend.core.sync import shown
from backend.crm.synced import ACCOUNTS
from mobile_sync.module import make_module
from mobile_sync.rxdb_schemas import rxdb_schemas
from tests.schema import whole_schema


def test_every_declared_collection_has_its_three_fields() -> None:
    schema = whole_schema()
    roots = {"pull": schema.query_type, "push": schema.mutation_type, "stream": schema.subscription_type}
    names = [collection.name for module in main.MODULES for collection in module.synced]
    assert {"account", "sync_rejection"} <= set(names)
    for verb, root in roots.items():
        assert isinstance(root, GraphQLObjectType)
        for name in names:
            x = "".join(part.title() for part in name.split("_"))
            arguments = {key: str(found.type) for key, found in root.fields[f"{verb}{x}"].args.items()}
            assert (
                arguments
                == {
                    "pull": {"limit": "Int!", "checkpoint": f"{x}InputCheckpoint"},
                    "push": {f"{x[0].lower()}{x[1:]}PushRow": f"[{x}InputPushRow]"},
                    "stream": {"headers": f"{x}InputHeaders"},
                }[verb]
            )


def test_a_schema_declares_what_the_phone_stores() -> None:
    schema = rxdb_schemas([ACCOUNTS])["account"]
    assert (schema["primaryKey"], schema["required"]) == ("id", ["id", "name"])
    assert schema["properties"]["id"] == {"type": "string", "maxLength": 36}
    assert schema["properties"]["name"] == {"type": "string"}
    assert schema["properties"]["annualRevenue"] == {"type": ["string", "null"]}
    assert schema["properties"]["employees"] == {"type": ["integer", "null"]}


def test_a_collection_that_a_phone_could_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="column revision of account is a property of every RxDB document"):
        make_module([replace(ACCOUNTS, fields=(*ACCOUNTS.fields, shown("revision")))])
    with pytest.raises(ValueError, match="two rooms declare the synced collections account"):
        make_module([ACCOUNTS, ACCOUNTS])
