"""Who may see and do what, once more: slowly, obviously, and without a line of the compiler's.

Written from the words of the design and of the stored documents. Everything is looked up anew for every
question: nothing is compiled, stamped or kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from backend.core.records import Record

LEVELS = ("none", "own", "team", "subordinates", "all")
SIGHTS = ("hidden", "masked", "read", "edit")
CUSTOMERS_READ = ("public", "customers")
SNAPSHOTS = ("snapshot", "snapshot_hash", "decided_hash")  # of an approval
OFFERED = {"name", "opportunity_id", "account_id", "contact_id", "currency", "lines", "net_total"} | {
    *("tax_total", "gross_total", "valid_until", "terms")
}
FOLLOWERS = ("attachment", "approval")  # of records of any kind
STAFF_READS = (*CUSTOMERS_READ, "internal")


@dataclass(frozen=True)
class Person:
    """Somebody who signs in; a customer has a contact."""

    id: str
    role_keys: tuple[str, ...]
    team_ids: frozenset[str] = frozenset()
    manager_id: str | None = None
    contact_id: str | None = None


@dataclass
class Role:
    """Levels by kind and action, sights by kind and field, sights of other fields by kind; ``*`` is any."""

    levels: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    other_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A sharing rule."""

    kind: str
    owned_by: tuple[str, ...]
    condition: Mapping[str, Any] | None
    share_with: tuple[str, ...]
    access: str


@dataclass(frozen=True)
class Territory:
    id: str
    parent_id: str | None
    rules: tuple[tuple[str, Mapping[str, Any] | None], ...]
    member_ids: tuple[str, ...]
    access: str


@dataclass
class Item:
    """A record, its number among all, and with whom it is shared: (to, access, until)."""

    number: int
    record: Record
    shares: list[tuple[str, str, datetime | None]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.record.kind

    @property
    def id(self) -> str:
        return self.record.id


@dataclass
class Town:
    """One workspace as it was made."""

    id: str
    people: dict[str, Person] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    territories: list[Territory] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """The answers for one workspace, at one moment."""

    town: Town
    always_shown: Mapping[str, frozenset[str]]
    now: datetime

    # ── records ──────────────────────────────────────────────────────────────────────────────────

    def may(self, person: Person, action: str, item: Item) -> bool:
        """Tell whether a person may do something with a record; whoever does anything must read it."""
        if item.id not in self.town.items:
            return False  # another tenant's does not exist
        if action != "read" and not self.may(person, "read", item):
            return False
        level = self.level(person, item.kind, action)
        if level == "none":
            return False
        if item.kind in FOLLOWERS:
            return self._may_with_target(person, action, item)
        return self.reaches(person, level, item) or self.is_opened(person, action, item)

    def level(self, person: Person, kind: str, action: str) -> str:
        """Return the highest level that any role of a person gives."""
        given = [role_part(role.levels, kind).get(action, "none") for role in self._roles(person)]
        return max(given, key=LEVELS.index, default="none")

    def reaches(self, person: Person, level: str, item: Item) -> bool:
        """Tell whether a level of a person holds for a record by what belongs to whom."""
        if person.contact_id is not None:
            return self._is_the_customers(person, item)
        if level == "all":
            return True
        people, teams = self._belongs_to(item)
        if person.id in people or self._is_published_for(STAFF_READS, item):
            return True
        if LEVELS.index(level) >= LEVELS.index("team") and person.team_ids & teams:
            return True
        return level == "subordinates" and any(self._is_below(other, person.id) for other in people)

    def is_opened(self, person: Person, action: str, item: Item) -> bool:
        """Tell whether a record is open to a person beyond their level: to read and update, never more."""
        if person.contact_id is not None or action not in ("read", "update"):
            return False
        parent = self._parent(item)
        if parent is not None:
            return self.is_opened(person, action, parent)
        wanted = ("edit",) if action == "update" else ("read", "edit")
        return any(access in wanted for access in self._openings(person, item))

    def _openings(self, person: Person, item: Item) -> Iterator[str]:
        if not type(item.record).shareable:
            return
        groups = self._groups(person.id)
        if self.level(person, item.kind, "read") != "none":
            yield self.town.defaults.get(item.kind, "private")
        for to, access, until in item.shares:
            if to in groups and (until is None or until > self.now):
                yield access
        for rule in self.town.rules:
            if rule.kind == item.kind and groups & set(rule.share_with) and self._rule_holds(rule, item):
                yield rule.access
        for territory in self.town.territories:
            if person.id in self._working_in(territory) and any(
                kind == item.kind and holds(condition, item.record) for kind, condition in territory.rules
            ):
                yield territory.access

    def _rule_holds(self, rule: Rule, item: Item) -> bool:
        owned = not rule.owned_by or bool(set(rule.owned_by) & self._groups(item.record.owner_id))
        return owned and holds(rule.condition, item.record)

    def _working_in(self, territory: Territory) -> set[str]:
        """Return who works in a territory or in one above it."""
        found = set(territory.member_ids)
        for above in self.town.territories:
            if above.id == territory.parent_id:
                found |= self._working_in(above)
        return found

    def _groups(self, user_id: str | None) -> set[str]:
        person = self.town.people.get(user_id or "")
        if person is None:
            return set()
        return {
            f"u:{person.id}",
            *(f"t:{team}" for team in person.team_ids),
            *(f"r:{key}" for key in person.role_keys),
        }

    def _belongs_to(self, item: Item) -> tuple[set[str], frozenset[str]]:
        """Return the people and the teams that a record belongs to; a child's are its parent's."""
        parent = self._parent(item)
        if parent is not None:
            theirs, teams = self._belongs_to(parent)
            if item.kind == "payment" and item.record.owner_id:  # who is to see to it that it comes in
                theirs |= {item.record.owner_id}
            return theirs, teams | frozenset(item.record.team_ids if item.kind == "payment" else ())
        record = item.record
        if item.kind in ("ticket", "conversation"):
            people = (record.owner_id, getattr(record, "assignee_id", None), self._account_owner(record))
            team = getattr(record, "team_id", None)
            return {one for one in people if one}, frozenset([team] if team else [])
        assignee = getattr(record, "assignee_id", None) if item.kind == "task" else None
        return {one for one in (record.owner_id, assignee) if one}, frozenset(record.team_ids)

    def _account_owner(self, record: Record) -> str | None:
        account = self.town.items.get(getattr(record, "account_id", None) or "")
        return account.record.owner_id if account else None

    def _parent(self, item: Item) -> Item | None:
        names = {"message": "conversation_id", "answer": "conversation_id", "attachment": "target_id"}
        names |= {"approval": "subject_id", "payment": "contract_id"}
        return self.town.items[getattr(item.record, names[item.kind])] if item.kind in names else None

    def _may_with_target(self, person: Person, action: str, item: Item) -> bool:
        parent = self._parent(item)
        assert parent is not None
        return self.may(person, "read" if action == "read" else "update", parent)

    def _is_the_customers(self, person: Person, item: Item) -> bool:
        if item.kind in ("message", "answer"):
            internal = getattr(item.record, "direction", None) == "internal"
            parent = self._parent(item)
            staff_only = getattr(item.record, "for_staff", False)
            return (
                parent is not None
                and not internal
                and not staff_only
                and self._is_the_customers(person, parent)
            )
        if item.kind in FOLLOWERS:
            parent = self._parent(item)
            return parent is not None and self._is_the_customers(person, parent)
        if item.kind == "payment":
            parent = self._parent(item)
            return parent is not None and self._is_the_customers(person, parent)
        if item.kind == "contract":
            record: Any = item.record
            is_theirs = record.contact_id == person.contact_id
            return is_theirs and record.signed_at is not None and record.status != "void"
        if item.kind in ("ticket", "conversation"):
            return getattr(item.record, "contact_id", None) == person.contact_id
        if item.kind == "user":
            return item.id == person.id
        return self._is_published_for(CUSTOMERS_READ, item)

    def _is_published_for(self, audiences: tuple[str, ...], item: Item) -> bool:
        if item.kind != "article":
            return False
        record: Any = item.record
        return record.status == "published" and record.visibility in audiences

    def _is_below(self, user_id: str, manager_id: str) -> bool:
        person = self.town.people.get(user_id)
        if person is None or person.manager_id is None:
            return False
        return person.manager_id == manager_id or self._is_below(person.manager_id, manager_id)

    def _roles(self, person: Person) -> list[Role]:
        return [self.town.roles[key] for key in person.role_keys]

    # ── fields ───────────────────────────────────────────────────────────────────────────────────

    def sight(self, person: Person, kind: str, name: str) -> str:
        """Return how much of a field a person sees, of records of a kind that they read."""
        if kind == "approval" and name in SNAPSHOTS and self._is_half_blind(person, "quote"):
            return "hidden"
        shown = self.always_shown.get(kind)
        if shown is None:
            return "edit"
        given = [self._sight_in(role, kind, name) for role in self._roles(person) if reads(role, kind)]
        best = max(given, key=SIGHTS.index, default="edit")
        if name in shown:
            return max(best, "read", key=SIGHTS.index)
        return best

    def _is_half_blind(self, person: Person, kind: str) -> bool:
        """Tell whether a person does not see all that is approved of a kind: quotes are all there is here."""
        return any(self.sight(person, kind, name) in ("hidden", "masked") for name in OFFERED)

    def _sight_in(self, role: Role, kind: str, name: str) -> str:
        named = {**role.fields.get("*", {}), **role.fields.get(kind, {})}
        return named.get(name, role.other_fields.get(kind, role.other_fields.get("*", "edit")))


def role_part(levels: Mapping[str, Mapping[str, str]], kind: str) -> Mapping[str, str]:
    """Return what a role says of a kind: what it says of that kind beats what it says of any."""
    return levels[kind] if kind in levels else levels.get("*", {})


def reads(role: Role, kind: str) -> bool:
    """Tell whether a role reads a kind at all; of what it does not read it opens no field."""
    return role_part(role.levels, kind).get("read", "none") != "none"


# ── conditions ───────────────────────────────────────────────────────────────────────────────────


def holds(condition: Mapping[str, Any] | None, record: Record) -> bool:
    """Tell whether a record meets a condition: a comparison, and groups ``all``, ``any``, ``none``."""
    if condition is None:
        return True
    groups = {
        name: [holds(one, record) for one in condition.get(name, ())] for name in ("all", "any", "none")
    }
    together = all(groups["all"]) and (not groups["any"] or any(groups["any"])) and not any(groups["none"])
    return together and (not condition.get("field") or _compares(condition, record))


def _compares(condition: Mapping[str, Any], record: Record) -> bool:
    held: Any = record
    for name in condition["field"].split("."):
        held = getattr(held, name, None)
    values = [_like(value, held) for value in condition.get("values", ())]
    plain = held.value if isinstance(held, Enum) else held
    match condition["operator"]:
        case "eq" | "in":
            return plain in values
        case "ne" | "not_in":
            return plain not in values
        case "is_null":
            return (plain is None) == (not values or values[0] == "true")
        case "contains":
            return plain is not None and values[0].lower() in plain.lower()
        case "starts_with":
            return plain is not None and plain.lower().startswith(values[0].lower())
    if plain is None:
        return False
    compared = {"lt": plain < values[0], "lte": plain <= values[0]}
    compared |= {"gt": plain > values[0], "gte": plain >= values[0]}
    return bool(compared[condition["operator"]])


def _like(value: str, held: Any) -> Any:
    """Return a condition's text as a value of the field's type."""
    if isinstance(held, bool):
        return value == "true"
    if isinstance(held, int | Decimal):
        return type(held)(value)
    return datetime.fromisoformat(value) if isinstance(held, datetime) else value
