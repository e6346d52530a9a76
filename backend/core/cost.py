"""What a GraphQL operation costs, told before it runs: scalar 0, object 1, page of n 2 + n.

A page's n multiplies what is asked of each of its records; a write costs ten times an object; a list
without a size counts as ten records, or as one object when it is part of its record. ``@skip`` and
``@include`` are left out of account: the figure is the most that the operation may cost.

A document is analysed once into a plan; with the variables' values the plan gives points.
Source: the scheme is Shopify's and GitHub's (calculated query cost).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_input_object_type,
    is_list_type,
)
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)
from graphql.utilities import value_from_ast_untyped

WRITE = 10
"""Points of one written record: a transaction with its journal, against one read among others."""

MODEL_RUN = 40
"""Points of one run of the embedding model, which a field that asks it declares: as long as a page takes."""

PAGE = 2
UNSIZED = 10
LARGEST_PAGE = 1_000
"""No field gives more records than this at a time; what asks for more is refused by the field itself."""

SIZES = ("first", "limit")


@dataclass(frozen=True, slots=True)
class Size:
    """How many: a number, or a variable's value (a list's length) with a default.

    ``input.rows`` names a list inside a variable.
    """

    number: int
    variable: str = ""

    def of(self, variables: Mapping[str, Any]) -> int:
        value = _found(variables, self.variable) if self.variable else None
        counted = len(value) if isinstance(value, list) else value
        return int(max(0, min(counted, LARGEST_PAGE))) if isinstance(counted, int | float) else self.number


def _found(variables: Mapping[str, Any], path: str) -> Any:
    if path in variables:
        return variables[path]
    head, _, rest = path.partition(".")
    value = variables.get(head)
    return value.get(rest) if rest and isinstance(value, dict) else None


ONE = Size(1)


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """One field of a plan: ``own`` + size × (``each`` + what is asked of each).

    ``choices`` are what may be asked of each, one for each type it may have; the dearest counts.
    ``paths`` lead from the field's value to its records.
    """

    key: str
    own: int
    each: int
    size: Size
    choices: tuple[tuple["Part", ...], ...]
    paths: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Plan:
    """What one operation costs, but for its variables."""

    parts: tuple[Part, ...]
    variables: tuple[str, ...]
    is_bulk: bool
    """True when every field of a mutation takes a list of records."""
    introspects: bool
    _priced: dict[tuple[int, ...], "Price"] = field(default_factory=dict)

    def price(self, variables: Mapping[str, Any]) -> "Price":
        """Return what the operation costs with ``variables``; the same numbers are reckoned once."""
        sizes = tuple([Size(-1, name).of(variables) for name in self.variables])
        found = self._priced.get(sizes)
        if found is None:
            if len(self._priced) >= MOST_PRICES:
                self._priced.clear()
            named = zip(self.variables, sizes, strict=True)
            found = self._priced[sizes] = Price(self.parts, {name: size for name, size in named if size >= 0})
        return found


MOST_PRICES = 64


class Price:
    """What an operation costs: at most (``requested``), and in the end (``actual``)."""

    def __init__(self, parts: tuple[Part, ...], sizes: Mapping[str, int]) -> None:
        self._parts, self._sizes = parts, sizes
        self._of_each: dict[Part, int] = {}
        self._is_paged: dict[Part, bool] = {}
        self.requested = max(1, sum(self._most(part) for part in parts))

    def actual(self, data: object) -> int:
        """Return the cost by the records that came, never more than was requested."""
        return max(1, min(self.requested, self._came(self._parts, data)))

    def _most(self, part: Part) -> int:
        if part not in self._of_each:
            choices = [sum(self._most(inner) for inner in choice) for choice in part.choices]
            self._of_each[part] = max(choices, default=0)
            self._is_paged[part] = any(
                inner.paths or self._is_paged[inner] for choice in part.choices for inner in choice
            )
        return part.own + part.size.of(self._sizes) * (part.each + self._of_each[part])

    def _came(self, parts: Sequence[Part], data: object) -> int:
        if not isinstance(data, dict):
            return 0
        total = 0
        for part in parts:
            value = data.get(part.key)
            items = _items(value, part.paths) if part.paths else ([] if value is None else [value])
            total += part.own
            if self._is_paged[part]:
                total += sum(part.each + self._dearest(part, item) for item in items)
            else:
                total += len(items) * (part.each + self._of_each[part])
        return total

    def _dearest(self, part: Part, item: object) -> int:
        return max((self._came(choice, item) for choice in part.choices), default=0)


def _items(value: object, paths: tuple[tuple[str, ...], ...]) -> Sequence[object]:
    """Return the records of a page, taken by the first path that it has."""
    for path in paths:
        head, *rest = path or ("",)
        found = value.get(head) if head and isinstance(value, dict) else value
        if isinstance(found, list):
            return [one.get(rest[0]) if isinstance(one, dict) else one for one in found] if rest else found
    return []


# ── from a document to its plans ─────────────────────────────────────────────────────────────────


def make_plans(schema: GraphQLSchema, document: DocumentNode) -> dict[str | None, Plan]:
    """Return the plan of each operation of a valid document by name; None names the first."""
    plans: dict[str | None, Plan] = {}
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            plan = _Planner(schema, document, one).plan()
            plans.setdefault(None, plan)
            plans[one.name.value if one.name else None] = plan
    return plans


class _Planner:
    """Makes one plan; a selection met again on the same type is planned once, however fragments nest."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema, self._operation = schema, operation
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._defaults = {
            one.variable.name.value: value_from_ast_untyped(one.default_value)
            for one in operation.variable_definitions or ()
            if one.default_value is not None
        }
        self._planned: dict[tuple[str, tuple[int, ...]], tuple[tuple[Part, ...], ...]] = {}
        self._variables: dict[str, None] = {}
        self._is_bulk: list[bool] = []
        self._introspects = False

    def plan(self) -> Plan:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None  # the document is valid
        parts = self._parts(root, (self._operation.selection_set,))
        is_bulk = bool(self._is_bulk) and all(self._is_bulk)
        return Plan(parts, tuple(self._variables), is_bulk, self._introspects)

    def _parts(self, parent: GraphQLObjectType, selections: tuple[SelectionSetNode, ...]) -> tuple[Part, ...]:
        nodes: dict[str, list[FieldNode]] = {}
        for selection in selections:
            for node in self._fields(parent, selection):
                nodes.setdefault((node.alias or node.name).value, []).append(node)
        found = (self._part(parent, key, same) for key, same in nodes.items())
        return tuple(part for part in found if part is not None)

    def _fields(self, parent: GraphQLObjectType, selection: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selection.selections:
            if isinstance(node, FieldNode):
                yield node
                continue
            part = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(part, FragmentDefinitionNode | InlineFragmentNode)
            condition = part.type_condition
            if condition is None or self._applies(condition.name.value, parent):
                yield from self._fields(parent, part.selection_set)

    def _applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        if condition == parent.name:
            return True
        named = self._schema.get_type(condition)
        abstract = isinstance(named, GraphQLInterfaceType | GraphQLUnionType)
        return abstract and self._schema.is_sub_type(named, parent)  # type: ignore[arg-type]

    def _part(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Part | None:
        name = nodes[0].name.value
        if name.startswith("__"):
            self._introspects |= name != "__typename"
            return Part(key, 0, PAGE, ONE, ()) if name != "__typename" else None
        spec = parent.fields[name]
        selections = tuple(node.selection_set for node in nodes if node.selection_set)
        extra = int(_declared(spec, "cost", 0))
        if parent is self._schema.mutation_type:
            size = self._written(spec, nodes[0])
            return Part(key, extra, WRITE, size, self._write_choices(spec, selections, size))
        size_given = self._size(spec, nodes[0])
        kind = get_named_type(spec.type)
        if not is_composite_type(kind):
            return Part(key, extra, 0, ONE, ()) if extra else None
        if size_given is not None:
            beside, paths, choices = self._page(spec, selections)
            return Part(key, PAGE + extra + beside, 1, size_given, choices, paths)
        choices = self._choices(kind, selections)
        if is_list_type(get_nullable_type(spec.type)) and _is_record(kind):
            return Part(key, PAGE + extra, 1, Size(UNSIZED), choices, ((),))
        return Part(key, extra, 1, ONE, choices)

    def _choices(
        self, kind: GraphQLNamedType, selections: tuple[SelectionSetNode, ...]
    ) -> tuple[tuple[Part, ...], ...]:
        """Return what may be asked of a record: one choice for each type that it may have."""
        key = (kind.name, tuple(id(selection) for selection in selections))
        if key not in self._planned:
            types = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
            found = [self._parts(one, selections) for one in types]  # type: ignore[arg-type]
            self._planned[key] = tuple(choice for choice in found if choice)
        return self._planned[key]

    def _write_choices(
        self, spec: GraphQLField, selections: tuple[SelectionSetNode, ...], size: Size
    ) -> tuple[tuple[Part, ...], ...]:
        """Return what may be asked of what was written; of many rows, no more than the rows themselves."""
        kind = get_named_type(spec.type)
        return self._choices(kind, selections) if size is ONE and is_composite_type(kind) else ()

    def _page(
        self, spec: GraphQLField, selections: tuple[SelectionSetNode, ...]
    ) -> tuple[int, tuple[tuple[str, ...], ...], tuple[tuple[Part, ...], ...]]:
        """Return what is asked beside a page's records (a count), where these are, and what of each.

        ``pageInfo`` and a checkpoint are free: they come with the page.
        """
        kind = get_named_type(spec.type)
        if is_list_type(get_nullable_type(spec.type)) or not isinstance(kind, GraphQLObjectType):
            return 0, ((),), self._choices(kind, selections)
        beside = 0
        paths: list[tuple[str, ...]] = []
        choices: tuple[tuple[Part, ...], ...] = ((),)
        for node in (node for one in selections for node in self._fields(kind, one)):
            inner = kind.fields.get(node.name.value)
            if inner is None or not is_list_type(get_nullable_type(inner.type)):
                beside += int(_declared(inner, "cost", 0)) if inner is not None else 0
                continue
            key = (node.alias or node.name).value
            if node.selection_set is None:  # records as JSON
                paths.append((key,))
                continue
            for tail, of, asked in self._records(get_named_type(inner.type), node.selection_set):
                paths.append((key, *tail))
                more = self._choices(of, (asked,)) or ((),)
                choices = tuple((*one, *another) for one in choices for another in more)
        return beside, tuple(paths) or (("",),), choices

    def _records(
        self, element: GraphQLNamedType, selection: SelectionSetNode
    ) -> Iterator[tuple[tuple[str, ...], GraphQLNamedType, SelectionSetNode]]:
        """Yield the way from a list's element to its record, the record's type and what is asked of it."""
        if not (isinstance(element, GraphQLObjectType) and "node" in element.fields):
            yield (), element, selection
            return
        for node in self._fields(element, selection):
            if node.name.value == "node" and node.selection_set is not None:
                of = get_named_type(element.fields["node"].type)
                yield ((node.alias or node.name).value,), of, node.selection_set

    def _size(self, spec: GraphQLField, node: FieldNode) -> Size | None:
        """Return the size of the page that a field gives; None for a field without pages."""
        name = next((one for one in SIZES if one in spec.args), None)
        if name is None:
            return None
        usual = _usual(spec.args[name])
        given = next((arg.value for arg in node.arguments or () if arg.name.value == name), None)
        return self._given(given, usual)

    def _given(self, value: ValueNode | None, usual: int) -> Size:
        if isinstance(value, IntValueNode):
            return Size(max(0, min(int(value.value), LARGEST_PAGE)))
        if isinstance(value, VariableNode):
            name = value.name.value
            self._variables[name] = None
            default = self._defaults.get(name, usual)
            return Size(default if isinstance(default, int) else usual, name)
        return Size(usual)

    def _written(self, spec: GraphQLField, node: FieldNode) -> Size:
        """Return how many records a mutation writes: the length of its list of records, else one.

        The list is an argument, or what the field names: ``metadata={"rows": "input.rows"}``.
        """
        lists = [name for name, arg in spec.args.items() if _is_list_of_inputs(arg.type)]
        holder, _, inner = str(_declared(spec, "rows", "")).partition(".")
        self._is_bulk.append(bool(lists or inner))
        for argument in node.arguments or ():
            if argument.name.value in lists:
                return self._length(argument.value)
            if inner and argument.name.value == holder:
                return self._length(argument.value, inner)
        return ONE

    def _length(self, value: ValueNode, inner: str = "") -> Size:
        """Return the length of a list, or of the list ``inner`` in an object."""
        if isinstance(value, VariableNode):
            name = f"{value.name.value}.{inner}".rstrip(".")
            self._variables[name] = None
            return Size(1, name)
        if isinstance(value, ObjectValueNode):
            return next((self._length(one.value) for one in value.fields if one.name.value == inner), ONE)
        return Size(len(value.values)) if isinstance(value, ListValueNode) else ONE


def _usual(argument: GraphQLArgument) -> int:
    """Return an argument's default, given as a value (a schema of code) or as a literal (of SDL)."""
    given = argument.default
    literal = given.literal if given is not None else None
    value = value_from_ast_untyped(literal) if literal is not None else argument.default_value
    return value if isinstance(value, int) else UNSIZED


def _declared(spec: GraphQLField, name: str, default: Any) -> Any:
    """Return what the field itself says: ``strawberry.field(metadata={"cost": 20})``."""
    declared = spec.extensions.get("strawberry-definition")
    return (getattr(declared, "metadata", None) or {}).get(name, default)


def _is_record(kind: GraphQLNamedType) -> bool:
    """Say whether elements of a list are records of their own rather than parts of one."""
    return isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and "id" in kind.fields


def _is_list_of_inputs(kind: Any) -> bool:
    return is_list_type(get_nullable_type(kind)) and is_input_object_type(get_named_type(kind))
