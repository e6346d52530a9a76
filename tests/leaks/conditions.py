"""Random conditions of rules and territories, and how GraphQL takes them."""

import random
from collections.abc import Callable, Mapping
from typing import Any


def one(field: str, operator: str, *values: str) -> dict[str, Any]:
    return {"field": field, "operator": operator, "values": list(values)}


CONDITIONS: dict[str, list[Callable[[random.Random], dict[str, Any]]]] = {
    "account": [
        lambda rng: one("type", "in", *rng.sample(["customer", "prospect", "partner", "other"], 2)),
        lambda rng: one("industry", "contains", rng.choice("02468ace")),
        lambda rng: one("annual_revenue", "gt", f"18{rng.randrange(300):06d}00.5"),
        lambda rng: {
            "any": [one("lifecycle", "eq", "customer"), one("tier", "contains", rng.choice("13579"))]
        },
        lambda rng: {
            "none": [one("type", "eq", "customer")],
            "all": [one("source", "starts_with", "SOURCE")],
        },
    ],
    "lead": [
        lambda rng: one("score", "gte", str(rng.randrange(100))),
        lambda rng: one("status", "ne", "open"),
    ],
    "ticket": [lambda rng: one("priority", "in", "high", "urgent"), lambda rng: one("csat", "lt", "3")],
    "task": [
        lambda rng: one("assignee_id", "is_null", "true"),
        lambda rng: one("status", "not_in", "todo", "done"),
    ],
    "contact": [
        lambda rng: one("department", "contains", rng.choice("02468ace")),
        lambda rng: one("do_not_call", "eq", "true"),
    ],
    "opportunity": [lambda rng: one("amount", "lte", f"18{rng.randrange(300):06d}99.5")],
}


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def shown(condition: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a condition as GraphQL takes it."""
    if condition is None:
        return None
    found: dict[str, Any] = {
        name: [shown(part) for part in condition.get(name, ())] for name in ("all", "any", "none")
    }
    if "field" in condition:
        found |= {"field": camel(condition["field"]), "operator": condition["operator"].upper()}
        found["values"] = condition["values"]
    return found
