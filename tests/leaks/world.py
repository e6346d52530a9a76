"""Random worlds: two workspaces of people, rules and canaries, made through the promised interface.

Records are saved by the house, so that they hold what no form would take; roles, rules, territories,
defaults and shares are made by the workspace's admin, half of them before the records and half after.
"""

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

import main
from backend.core.ids import new_id
from backend.core.records import REGISTRY, Record
from backend.core.unit_of_work import UnitOfWork
from backend.house import House, built_in_roles
from backend.identity.people import create_team, create_user, create_workspace
from backend.sales.documents import LocalText, Pipeline, Stage
from backend.sales.rules import StageType
from tests.crew import Crew, Person
from tests.leaks import reference
from tests.leaks.canaries import canary_fields, token
from tests.leaks.conditions import CONDITIONS, camel, shown
from tests.leaks.derived import derive
from tests.leaks.reference import Item, Role, Rule, Territory, Town

SHAREABLE = (
    "account",
    "contact",
    "lead",
    "opportunity",
    "quote",
    "contract",
    "task",
    "activity",
    "ticket",
    "conversation",
)
KINDS: tuple[str, ...] = (
    "account",
    "contact",
    "opportunity",
    "lead",
    "ticket",
    "conversation",
    "task",
    "activity",
)
KINDS += ("quote", "contract", "payment", "message", "article", "attachment", "approval", "macro")
OF_EACH = 12
STAFF, CUSTOMERS, TEAMS = 7, 2, 3
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ACTIONS = ("create", "read", "update", "delete", "assign", "export")


@dataclass
class World:
    """Two workspaces and whoever is signed in there."""

    seed: int
    house: House
    towns: list[Town] = field(default_factory=list)
    crews: list[Crew] = field(default_factory=list)
    items: dict[int, Item] = field(default_factory=dict)

    def item(self, id: str) -> Item | None:
        return next((town.items[id] for town in self.towns if id in town.items), None)


async def make_world(house: House, http: httpx.AsyncClient, seed: int) -> World:
    world, rng = World(seed, house), random.Random(seed)
    for _ in range(2):
        await _Builder(world, rng, http).build()
    await house.relay.settle()
    await derive(world)
    return world


class _Builder:
    """Makes one workspace of a world."""

    def __init__(self, world: World, rng: random.Random, http: httpx.AsyncClient) -> None:
        self.world, self.rng, self.http = world, rng, http
        self.town = Town(new_id())
        self.crew = Crew(self.town.id, world.house)
        self.teams = [new_id() for _ in range(TEAMS)]
        self.customers: list[str] = []
        self.pipeline_id = new_id()
        self.late: list[Callable[[], Coroutine[Any, Any, None]]] = []

    async def build(self) -> None:
        self.world.towns.append(self.town)
        self.world.crews.append(self.crew)
        await self._hire()
        await self._make_roles()
        await self._give_roles()
        for make in (*[self._make_rule] * 5, self._make_territories, self._set_defaults):
            await make() if self.rng.random() < 0.5 else self.late.append(make)
        for kind in KINDS:
            await self._make_records(kind)
        for make in self.late:
            await make()
        await self._share_records()

    @property
    def staff(self) -> list[str]:
        return [id for id, person in self.town.people.items() if person.contact_id is None]

    # ── people and roles ─────────────────────────────────────────────────────────────────────────

    async def _hire(self) -> None:
        ids = [new_id() for _ in range(STAFF)]
        self.customers = [new_id() for _ in range(CUSTOMERS)]
        people: dict[str, dict[str, Any]] = {}
        for place, id in enumerate(ids):
            teams = self.rng.sample(self.teams, self.rng.randrange(3))
            manager = self.rng.choice([*ids[:place], None]) if place else None
            people[id] = {"role_keys": ["admin"], "team_ids": teams, "manager_id": manager}
        for contact_id in self.customers:
            people[new_id()] = {"role_keys": ["customer"], "contact_id": contact_id}

        async def create(uow: UnitOfWork) -> None:
            await create_workspace(uow, {"name": "World"})
            for place, id in enumerate(self.teams):
                await create_team(uow, {"name": f"Team {place}"}, id=id)
            for id, fields in people.items():
                await create_user(uow, {"email": f"{id}@test.example", "name": "Somebody", **fields}, id=id)
            stages = [
                Stage(key=key, name=LocalText(en=key), order=place, type=StageType(type), probability=10)
                for place, (key, type) in enumerate([("new", "open"), ("won", "won"), ("lost", "lost")])
            ]
            uow.save(Pipeline(id=self.pipeline_id, name=LocalText(en="Sales"), stages=stages))

        await self.world.house.store.write(self.crew.system, create)
        for id, fields in people.items():
            self.crew.people[id] = await self.crew._sign_in(id, self.http)
            self.town.people[id] = reference.Person(
                id=id,
                role_keys=tuple(fields["role_keys"]),
                team_ids=frozenset(fields.get("team_ids", ())),
                manager_id=fields.get("manager_id"),
                contact_id=fields.get("contact_id"),
            )

    async def _make_roles(self) -> None:
        for key, grants in built_in_roles(main.MODULES).items():
            self.town.roles[key] = Role(
                {kind: {**grant.levels} for kind, grant in grants.items()},
                {kind: {**grant.fields} for kind, grant in grants.items()},
            )
        for place in range(4):
            key, role = f"own_{place}", self._random_role()
            self.town.roles[key] = role
            levels = [
                {"kind": kind, "action": action.upper(), "level": level.upper()}
                for kind, actions in role.levels.items()
                for action, level in actions.items()
            ]
            fields = [
                {"kind": kind, "field": camel(name), "access": sight.upper()}
                for kind, sights in role.fields.items()
                for name, sight in sights.items()
            ]
            others = [{"kind": kind, "access": sight.upper()} for kind, sight in role.other_fields.items()]
            input = {"key": key, "name": key, "levels": levels, "fields": fields, "otherFields": others}
            await self._mutate("roleCreate", input)

    def _random_role(self) -> Role:
        rng, everybody = self.rng, {"read": "all"}
        levels: dict[str, dict[str, str]] = dict.fromkeys(("user", "team", "workspace"), everybody)
        if rng.random() < 0.4:
            levels["*"] = {action: rng.choice(reference.LEVELS) for action in ("read", "update")}
        for kind in (*KINDS, "answer"):
            if rng.random() < 0.85:
                levels[kind] = {action: rng.choice(reference.LEVELS) for action in ACTIONS}
        fields, others = {}, {}
        for kind in SHAREABLE:
            if rng.random() < 0.6:
                names = sorted(hideable(REGISTRY[kind]))
                chosen = rng.sample(names, rng.randrange(1, 7))
                fields[kind] = {name: rng.choice(reference.SIGHTS) for name in chosen}
            if rng.random() < 0.15:
                others[kind] = rng.choice(reference.SIGHTS)
        return Role(levels, fields, others)

    async def _give_roles(self) -> None:
        """Give all of ours but the first, who stays admin, their roles, through the admin."""
        for id in self.staff[1:]:
            keys = self.rng.choice([["manager"], ["rep"], ["agent"], [], [], [], []])
            own = self.rng.sample(
                [f"own_{place}" for place in range(4)], self.rng.randrange(0 if keys else 1, 3)
            )
            keys = [*keys, *own]
            await self._mutate("userUpdate", {"id": id, "roleKeys": keys})
            self.town.people[id] = replace_roles(self.town.people[id], keys)

    # ── sharing ──────────────────────────────────────────────────────────────────────────────────

    def _groups(self) -> list[str]:
        rng = self.rng
        found = [f"u:{rng.choice(self.staff)}", f"t:{rng.choice(self.teams)}"]
        found.append(f"r:{rng.choice(['manager', 'rep', 'agent', 'own_0', 'own_1', 'own_2'])}")
        return rng.sample(found, rng.randrange(1, 3))

    def _condition(self, kind: str, chance: float) -> dict[str, Any] | None:
        makers = CONDITIONS.get(kind, [])
        return self.rng.choice(makers)(self.rng) if makers and self.rng.random() < chance else None

    async def _make_rule(self) -> None:
        kind = self.rng.choice(SHAREABLE)
        owned = self._groups() if self.rng.random() < 0.7 else []
        rule = Rule(kind, tuple(owned), self._condition(kind, 0.6), tuple(self._groups()), self._access())
        self.town.rules.append(rule)
        input = {
            "name": "Rule",
            "objectKind": kind,
            "ownedBy": list(rule.owned_by),
            "condition": shown(rule.condition),
        }
        input |= {"shareWith": list(rule.share_with), "access": rule.access.upper()}
        await self._mutate("sharingRuleCreate", input)

    async def _make_territories(self) -> None:
        for place in range(3):
            above = self.rng.choice([None, *(one.id for one in self.town.territories)])
            kinds = self.rng.sample(SHAREABLE, 2)
            rules = tuple((kind, self._condition(kind, 0.9)) for kind in kinds)
            members = tuple(self.rng.sample(self.staff, self.rng.randrange(1, 3)))
            made = Territory(new_id(), above, rules, members, self._access())
            self.town.territories.append(made)
            input: dict[str, Any] = {
                "id": made.id,
                "name": f"Territory {place}",
                "parentId": above,
                "memberIds": list(members),
            }
            input |= {"rules": [{"objectKind": kind, "condition": shown(one)} for kind, one in rules]}
            await self._mutate("territoryCreate", input | {"access": made.access.upper()})

    async def _set_defaults(self) -> None:
        for kind in self.rng.sample(SHAREABLE, 2):
            self.town.defaults[kind] = self.rng.choice(["read", "edit"])
            input = {"kind": kind, "openness": self.town.defaults[kind].upper()}
            await self._mutate("sharingDefaultsSet", input)

    async def _share_records(self) -> None:
        kinds = [item for item in self.town.items.values() if item.kind in SHAREABLE]
        for item in self.rng.sample(kinds, 24):
            to, access = self.rng.choice(self._groups()), self._access()
            until = self.rng.choice([None, datetime(2040, 1, 1, tzinfo=UTC) + timedelta(hours=item.number)])
            names = {"u": "userId", "t": "teamId", "r": "roleKey"}
            input: dict[str, Any] = {"kind": item.kind, "id": item.id, "to": {names[to[0]]: to[2:]}}
            input |= {"access": access.upper(), "until": until and until.isoformat()}
            await self._mutate("recordShare", input)
            if until and self.rng.random() < 0.5:
                until = await self._let_end(until)
            item.shares.append((to, access, until))

    async def _let_end(self, until: datetime) -> datetime:
        """Let time go on beyond the end of a share, while nothing has rewritten what it was of."""
        for kind in KINDS:
            rows = REGISTRY[kind].get_pymongo_collection()
            where = {"workspace_id": self.town.id, "shares.until": until}
            await rows.update_many(where, {"$set": {"shares.0.until": LONG_AGO}})
        return LONG_AGO

    def _access(self) -> str:
        return self.rng.choice(["read", "edit"])

    # ── records ──────────────────────────────────────────────────────────────────────────────────

    async def _make_records(self, kind: str) -> None:
        items = []
        for place in range(OF_EACH):
            number = len(self.world.items)
            given = self._given(kind, place)
            fields = canary_fields(REGISTRY[kind], number, self.rng, given)
            item = Item(number, REGISTRY[kind](**fields))
            self.world.items[number] = self.town.items[item.id] = item
            items.append(item)

        async def save(uow: UnitOfWork) -> None:
            for item in items:
                uow.save(item.record.model_copy(deep=True))

        await self.world.house.store.write(self.crew.system, save)

    def _any(self, kind: str, *, none: float = 0.3) -> str | None:
        ids = [item.id for item in self.town.items.values() if item.kind == kind]
        return None if not ids or self.rng.random() < none else self.rng.choice(ids)

    def _given(self, kind: str, place: int) -> dict[str, Any]:
        rng = self.rng
        given: dict[str, Any] = {"id": new_id(), "owner_id": rng.choice([*self.staff, None])}
        given["team_ids"] = rng.sample(self.teams, rng.choice([0, 0, 1, 2]))
        if kind == "contact" and place < CUSTOMERS:
            given["id"] = self.customers[place]
        for name in ("account", "contact", "opportunity", "contract", "ticket", "conversation"):
            if f"{name}_id" in REGISTRY[kind].model_fields:
                given[f"{name}_id"] = self._any(name)
        if "assignee_id" in REGISTRY[kind].model_fields:
            given["assignee_id"] = rng.choice([*self.staff, None, None])
        return given | getattr(self, f"_given_{kind}", dict)()

    def _given_opportunity(self) -> dict[str, Any]:
        return {"pipeline_id": self.pipeline_id, "stage_type": "open"}

    def _given_quote(self) -> dict[str, Any]:
        return {"number": f"Q-{token(len(self.world.items), 99)}", "expires_at": None}

    def _given_contract(self) -> dict[str, Any]:
        """Some are drafts, which are ours alone; the days of the signed ones never come."""
        is_signed = self.rng.random() < 0.7
        found: dict[str, Any] = {
            "number": f"C-{token(len(self.world.items), 99)}",
            "contact_id": self.rng.choice([*self.customers, self._any("contact")]),
            "status": self.rng.choice(["active", "terminated", "void"]) if is_signed else "draft",
            "notice_days": self.rng.randrange(3650),
        }
        return found if is_signed else found | {"signed_at": None}

    def _given_payment(self) -> dict[str, Any]:
        return {
            "number": f"P-{token(len(self.world.items), 99)}",
            "contract_id": self._any("contract", none=0),
        }

    def _given_approval(self) -> dict[str, Any]:
        number, id = len(self.world.items), self._any("quote", none=0)
        assert id is not None
        return {
            "subject_kind": "quote",
            "subject_id": id,
            "number": self.town.items[id].record.number,
            "requested_by": self.rng.choice(self.staff),
            "approver_ids": [],
            "snapshot_hash": f"{number:064x}",
            "decided_hash": "",
            "status": "pending",
            "owner_id": None,
            "team_ids": [],
        }

    def _given_lead(self) -> dict[str, Any]:
        return {
            "status": self.rng.choice(["open", "working"]),
            "account_id": None,
            "contact_id": None,
            "opportunity_id": None,
        }

    def _given_ticket(self) -> dict[str, Any]:
        return self._matter() | {"number": f"T-{token(len(self.world.items), 99)}"}

    def _given_conversation(self) -> dict[str, Any]:
        return self._matter()

    def _matter(self) -> dict[str, Any]:
        account = self._any("account")
        owner = self.town.items[account].record.owner_id if account else None
        contact = self.rng.choice([*self.customers, self._any("contact")])
        found: dict[str, Any] = {
            "team_ids": [],
            "account_id": account,
            "account_owner_id": owner,
            "contact_id": contact,
        }
        return found | {"team_id": self.rng.choice([*self.teams, None])}

    def _given_message(self) -> dict[str, Any]:
        return {"conversation_id": self._any("conversation", none=0), "owner_id": None, "team_ids": []}

    def _given_article(self) -> dict[str, Any]:
        return {"version_number": 1, "valid_until": None}

    def _given_attachment(self) -> dict[str, Any]:
        kind = self.rng.choice(["account", "contact", "ticket", "opportunity"])
        found: dict[str, Any] = {
            "target_kind": kind,
            "target_id": self._any(kind, none=0),
            "state": "ready",
            "owner_id": None,
        }
        return found | {"team_ids": [], "content_type": "text/plain"}

    async def _mutate(self, field: str, input: dict[str, Any]) -> None:
        admin = self.crew.people[self.staff[0]]
        type_name = f"{field[0].upper()}{field[1:]}Input"
        query = f"""mutation($input: {type_name}!) {{ {field}(input: $input) {{
            __typename ... on Error {{ message }} }} }}"""
        answer = (await admin.ask(query, input=input))[field]
        if "message" in answer:
            raise AssertionError(f"{answer}: {field} {input}")


def hideable(record: type[Record]) -> set[str]:
    """Return the fields that a rule may name, as far as the records of the worlds fill them."""
    from tests.leaks.shapes import shape_of

    return set(shape_of(record.kind).hideable)


def replace_roles(person: reference.Person, keys: list[str]) -> reference.Person:
    return reference.Person(person.id, tuple(keys), person.team_ids, person.manager_id, person.contact_id)


__all__ = ["Person", "World", "make_world"]
