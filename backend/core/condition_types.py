"""Conditions over a record's fields as GraphQL inputs and types."""

from collections.abc import Mapping
from typing import Any, Self

import strawberry

from backend.core import conditions
from backend.core.conditions import Operator
from backend.core.field_names import shown_name, stored_name

strawberry.enum(Operator, name="ConditionOperator", description="How a condition compares a field.")


@strawberry.input(
    description="One comparison (`field`, `operator`, `values`), or a group of conditions: `all`, `any` or "
    "`none` of them must hold. What stands beside each other must hold together."
)
class ConditionInput:
    field: str = strawberry.field(default="", description="A field of the kind; `billingAddress.country`.")
    operator: Operator = Operator.EQ
    values: list[str] = strawberry.field(
        default_factory=list, description="As text: `CUSTOMER` is `customer`, times are RFC 3339."
    )
    all: list["ConditionInput"] = strawberry.field(default_factory=list)
    any: list["ConditionInput"] = strawberry.field(default_factory=list)
    none: list["ConditionInput"] = strawberry.field(default_factory=list)


@strawberry.type(description="One comparison, or a group of conditions.")
class Condition:
    field: str
    operator: Operator
    values: list[str]
    all: list["Condition"]
    any: list["Condition"]
    none: list["Condition"]

    @classmethod
    def of(cls, condition: conditions.Condition) -> Self:
        return cls(
            field=shown_name(condition.field),
            operator=condition.operator,
            values=condition.values,
            all=[cls.of(one) for one in condition.all],
            any=[cls.of(one) for one in condition.any],
            none=[cls.of(one) for one in condition.none],
        )


def with_stored_names(condition: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a condition from input with its fields named as the store names them."""
    if condition is None:
        return None
    groups = {
        name: [with_stored_names(one) for one in condition.get(name) or ()] for name in ("all", "any", "none")
    }
    return {**condition, "field": stored_name(condition.get("field") or ""), **groups}
