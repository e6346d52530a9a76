"""One workspace with its phones, in which a history happens: every step in the house and in the oracle."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from backend.core.access import Level
from backend.core.feed_audit import audit_feed
from backend.core.field_rules import FieldAccess
from backend.core.fields import Fields
from backend.core.ids import derived_id
from backend.core.ledger import LEDGER, SEQUENCES
from backend.core.unit_of_work import UnitOfWork
from backend.crm.synced import ACCOUNTS, CONTACTS
from backend.house import House
from backend.identity.documents import Role, User
from mobile_sync.rejections import REJECTIONS
from mobile_sync.rows import row_of
from mobile_sync.wording import camel
from tests.crew import Crew, Person
from tests.identity.seeing import share, unshare
from tests.mobile_sync.wire import WirePhone
from tests.sync_proof.history import AHEAD, PEOPLE, PHONES, Step
from tests.sync_proof.native_wire_phone import NativeWirePhone
from tests.sync_proof.oracle import RULES, Broken, Oracle, Someone
from tests.sync_proof.phone import COLUMNS, Edit, Fault, Key, Phone, Row, columns
from tests.sync_proof.rxdb_wire_phone import RxdbWirePhone
from tests.sync_proof.watermelon_wire_phone import WatermelonWirePhone

COLLECTIONS = {collection.name: collection for collection in (ACCOUNTS, CONTACTS)}
ROLES = ("rep", "narrow", "boss")
TEAMS = ((), ("east",), ("west",), ("east", "west"))
VALUES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("name", "fullName"), ("Acme", "江南鲜达", "Lakeside")),
    **dict.fromkeys(("tier", "title"), ("", "A", "B", "C")),
    "industry": ("food", "steel", ""),
    "phone": ("+861381234560" + "8", "+861381234561" + "8", ""),
    "email": ("", "wang@acme.example", "li@acme.example"),
    "employees": (None, 5, 50),
}

MakePhone = Callable[[str, Person, int], Phone]


def rxdb_wire_phone(name: str, person: Person, number: int) -> Phone:
    return RxdbWirePhone(name, person, COLLECTIONS, AHEAD[number % len(AHEAD)])


def native_wire_phone(name: str, person: Person, number: int) -> Phone:
    return NativeWirePhone(name, person, list(COLLECTIONS))


def watermelon_wire_phone(name: str, person: Person, number: int) -> Phone:
    return WatermelonWirePhone(name, person, COLLECTIONS)


@dataclass
class World:
    """A workspace, its three people with their eight phones, and the model of it.

    ``doors`` are ways into the house; ``restart`` goes over to the next, of a process that knows nothing.
    """

    seed: int
    crew: Crew
    houses: Sequence[House]
    doors: Sequence[httpx.AsyncClient]
    oracle: Oracle
    phones: list[Phone] = field(default_factory=list)
    made: int = 0
    edits: int = 0

    @classmethod
    async def open(
        cls,
        seed: int,
        houses: Sequence[House],
        doors: Sequence[httpx.AsyncClient],
        kinds: Sequence[MakePhone],
    ) -> "World":
        """Hire the people and hand out the phones; ``kinds`` take turns."""
        crew = await Crew.hire(houses[0], doors[0], ("admin", *PEOPLE))
        teams = {"rep": ("east",), "colleague": ("east",), "stranger": ("west",)}
        people = {
            crew.people[name].user_id: Someone(frozenset(crew.teams[team] for team in teams[name]))
            for name in PEOPLE
        }
        world = cls(seed, crew, list(houses), list(doors), Oracle(people))
        await world._make_roles()
        for number in range(PHONES):
            person = crew.people[PEOPLE[number % len(PEOPLE)]]
            world.phones.append(
                kinds[(number + number // len(PEOPLE)) % len(kinds)](f"phone {number}", person, number)
            )
        return world

    async def _make_roles(self) -> None:
        async def make(uow: UnitOfWork) -> None:
            reach = {"read": Level.TEAM, "create": Level.OWN, "update": Level.TEAM, "delete": Level.OWN}
            whole = dict.fromkeys(("read", "update", "delete"), Level.ALL) | {"create": Level.OWN}
            for key, levels, rule in (("narrow", reach, RULES[0]), ("boss", whole, {})):
                given = {kind: dict(levels) for kind in COLLECTIONS}
                uow.save(Role(key=key, name=key, levels=given, fields=_field_rules(rule)))

        await self.house.store.write(self.crew.system, make)

    @property
    def house(self) -> House:
        return self.crew.house

    # ── running ──────────────────────────────────────────────────────────────────────────────────

    async def run(self, steps: Sequence[Step]) -> None:
        """Let everything happen, bring all phones in sync; raise Broken where a promise is."""
        for number, step in enumerate(steps):
            try:
                await getattr(self, f"_{step.deed}")(step)
            except Broken as broken:
                raise Broken(f"step {number} ({step}): {broken}") from None
        await self._end()

    async def _end(self) -> None:
        for phone in self.phones:
            await self._send(phone, Fault.NONE)
        for phone in self.phones:
            await self._pull_whole(phone)
        for name in PEOPLE:
            await self._check_rejections(self.crew.people[name])
        await self._check_commits()
        if wrong := await audit_feed(self.house.store, self.crew.workspace_id):
            raise Broken(f"the feed's auditor finds {wrong[:3]}")

    # ── a person with a phone ────────────────────────────────────────────────────────────────────

    async def _create(self, step: Step) -> None:
        collection = list(COLLECTIONS)[step.pick % 3 == 2]
        self.made += 1
        # Of every run's own, and in the order of their making: what is picked depends on the seed alone.
        key = (collection, f"{self.made:08x}{derived_id('history', self.crew.workspace_id)[8:]}")
        heading, other = list(COLUMNS[collection])[:2]
        values = {heading: _value(heading, step.value), other: _value(other, step.pick)}
        self.phones[step.phone].create(key, values)

    async def _change(self, step: Step) -> None:
        phone = self.phones[step.phone]
        if (key := _chosen(phone.held(), step.pick)) is not None:
            names = list(COLUMNS[key[0]])
            name = names[step.value % len(names)]
            phone.change(key, {name: _value(name, step.value // len(names))})

    async def _toggle(self, step: Step) -> None:
        """There, back, and there again, pushed each time: three edits, of which two say the same."""
        phone = self.phones[step.phone]
        if (key := _chosen(phone.held(), step.pick)) is not None:
            name = list(COLUMNS[key[0]])[1]
            before = phone.held()[key][name]
            for value in ("D", before, "D"):
                if key in phone.held():
                    phone.change(key, {name: value})
                    await self._send(phone, Fault.NONE)

    async def _spoil(self, step: Step) -> None:
        phone = self.phones[step.phone]
        if (key := _chosen(phone.held(), step.pick)) is not None:
            phone.change(key, {"employees": -3} if key[0] == "account" else {"fullName": ""})

    async def _delete(self, step: Step) -> None:
        phone = self.phones[step.phone]
        if (key := _chosen(phone.held(), step.pick)) is not None:
            phone.delete(key)

    # ── the network, and what befalls phones ─────────────────────────────────────────────────────

    async def _push(self, step: Step) -> None:
        await self._send(self.phones[step.phone], step.fault)

    async def _race(self, step: Step) -> None:
        """Two phones push at the same moment."""
        one, other = self.phones[step.phone], self.phones[(step.phone + 1 + step.pick) % PHONES]
        if one is not other:
            arrived = await asyncio.gather(one.push(Fault.NONE), other.push(step.fault))
            await self._judge(arrived)

    async def _send(self, phone: Phone, fault: Fault) -> None:
        arrived = await phone.push(fault)
        await self._judge([arrived])
        if fault is not Fault.LOST:
            self._check_held(phone, {edit.key for edit in arrived} - phone.waiting(), "after its push")

    async def _judge(self, arrived: Sequence[list[Edit]]) -> None:
        self.edits += sum(map(len, arrived))
        for key in self.oracle.expect(arrived):
            self.oracle.observe(key, await self._stored(key))

    async def _replay(self, step: Step) -> None:
        await self._judge([await self.phones[step.phone].replay()])

    async def _relaunch(self, step: Step) -> None:
        self.phones[step.phone].relaunch()

    async def _pull(self, step: Step) -> None:
        await self._pull_whole(self.phones[step.phone])

    async def _pull_and_die(self, step: Step) -> None:
        phone = self.phones[step.phone]
        came = await phone.pull(size=2, pages=1 + step.pick % 3, dies_after=step.value % 3)
        self._check_sent(phone, came)
        phone.relaunch()

    async def _pull_whole(self, phone: Phone) -> None:
        self._check_sent(phone, await phone.pull())
        must, has, waiting = self.oracle.visible(phone.person.user_id), phone.held(), phone.waiting()
        missing = sorted(must.keys() - has.keys() - waiting)
        foreign = sorted(has.keys() - must.keys() - waiting)
        if missing or foreign:
            raise Broken(f"{phone.name} after its pull lacks {missing} and keeps {foreign}")
        self._check_held(phone, must.keys() - waiting, "after its pull")

    # ── the others, on the server ────────────────────────────────────────────────────────────────

    async def _share(self, step: Step) -> None:
        if (key := self._living(step.pick)) is not None:
            to, name = self._sharee(step.value)
            access = ("read", "edit")[step.phone % 2]
            await share(self.crew.admin, key[1], to, kind=key[0], access=access.upper())
            (shares,) = {thing.shares for thing in self.oracle.things[key]}
            kept = {one for one in shares if one[0] != name}
            self._reshare(key, frozenset(kept | {(name, access)}))

    async def _unshare(self, step: Step) -> None:
        if (key := self._living(step.pick)) is not None:
            (shares,) = {thing.shares for thing in self.oracle.things[key]}
            if shares:
                name, access = sorted(shares)[step.value % len(shares)]
                side = "userId" if name.startswith("u:") else "teamId"
                await unshare(self.crew.admin, key[1], {side: name[2:]}, kind=key[0])
                self._reshare(key, shares - {(name, access)})

    def _reshare(self, key: Key, shares: frozenset[tuple[str, str]]) -> None:
        """Note who has it now: that was the record's last change, by an admin, of none of its columns."""
        by = self.crew.admin.user_id
        self.oracle.amend(key, shares=shares, last_by=by, last_columns=frozenset())

    def _sharee(self, value: int) -> tuple[dict[str, str], str]:
        if value % 2:
            team = self.crew.teams[("east", "west")[value // 2 % 2]]
            return {"teamId": team}, f"t:{team}"
        user = self.crew.people[PEOPLE[value // 2 % len(PEOPLE)]].user_id
        return {"userId": user}, f"u:{user}"

    async def _owner(self, step: Step) -> None:
        owner = self.crew.people[PEOPLE[step.value % len(PEOPLE)]].user_id
        await self._update(step.pick, {"ownerId": owner}, {}, owner=owner)

    async def _record_teams(self, step: Step) -> None:
        teams = [self.crew.teams[name] for name in TEAMS[step.value % len(TEAMS)]]
        await self._update(step.pick, {"teamIds": teams}, {}, teams=frozenset(teams))

    async def _edit(self, step: Step) -> None:
        if (key := self._living(step.pick)) is not None:
            names = list(COLUMNS[key[0]])
            name = names[step.value % len(names)]
            value = _value(name, step.value // len(names))
            await self._update(step.pick, {name: value}, {name: value})

    async def _update(self, pick: int, input: Fields, values: Row, **also: Any) -> None:
        if (key := self._living(pick)) is not None:
            done = await self.crew.admin.do(f"{key[0]}Update", {"id": key[1], **input})
            assert done["__typename"] == key[0].title(), done
            self.oracle.alter(key, self.crew.admin.user_id, values, **also)

    async def _remove(self, step: Step) -> None:
        if (key := self._living(step.pick)) is not None:
            await self.crew.admin.do(f"{key[0]}Delete", {"id": key[1]})
            self.oracle.amend(key, alive=False)

    async def _teams(self, step: Step) -> None:
        teams = [self.crew.teams[name] for name in TEAMS[step.value % len(TEAMS)]]
        user = await self._change_user(step, team_ids=teams)
        self.oracle.people[user].teams = frozenset(teams)

    async def _role(self, step: Step) -> None:
        role = ROLES[step.value % len(ROLES)]
        user = await self._change_user(step, role_keys=[role])
        self.oracle.people[user].role = role

    async def _change_user(self, step: Step, **fields: Any) -> str:
        id = self.crew.people[PEOPLE[step.pick % len(PEOPLE)]].user_id

        async def change(uow: UnitOfWork) -> None:
            user = await uow.access(User, id, action="update")
            for name, value in fields.items():
                setattr(user, name, value)
            uow.save(user)

        await self.house.store.write(self.crew.system, change)
        return id

    async def _rule(self, step: Step) -> None:
        """Switch which fields the narrow role keeps back."""
        self.oracle.rule = step.value % len(RULES)
        rules = _field_rules(RULES[self.oracle.rule])

        async def change(uow: UnitOfWork) -> None:
            (found,) = await uow.find(Role, {"key": "narrow"})
            role = await uow.access(Role, found.id, action="update")
            role.fields = rules
            uow.save(role)

        await self.house.store.write(self.crew.system, change)

    async def _restore(self, step: Step) -> None:
        """Come back from a backup of this very moment: every phone must start again."""
        counters = self.house.store.database[SEQUENCES]
        await counters.update_one({"_id": self.crew.workspace_id}, {"$inc": {"epoch": 1}})

    async def _restart(self, step: Step) -> None:
        """Go over to an API process that knows nothing of this workspace; each is new once."""
        if len(self.doors) > 1:
            self.doors, self.houses = self.doors[1:], self.houses[1:]
            self.crew.house = self.houses[0]
            for person in self.crew.people.values():
                person.http = self.doors[0]

    # ── what must hold ───────────────────────────────────────────────────────────────────────────

    def _living(self, pick: int) -> Key | None:
        alive = [key for key, things in self.oracle.things.items() if all(one.alive for one in things)]
        return _chosen(alive, pick)

    async def _stored(self, key: Key) -> Row | None:
        collection = COLLECTIONS[key[0]]
        record = await self.house.store.reader.get(collection.record, key[1])
        if record is None or record.deleted_at:
            return None
        return columns(key[0], {camel(name): value for name, value in row_of(collection, record).items()})

    def _check_sent(self, phone: Phone, came: list[tuple[Key, Row | None]]) -> None:
        """No row is sent that its reader may not see, nor a column of it."""
        visible = self.oracle.visible(phone.person.user_id)
        for key, row in came:
            if row is not None and columns(key[0], row) != visible.get(key):
                raise Broken(f"{phone.name} was sent {row} of {key}; it may see {visible.get(key)}")

    def _check_held(self, phone: Phone, keys: set[Key], when: str) -> None:
        held, visible = phone.held(), self.oracle.visible(phone.person.user_id)
        for key in keys:
            if held.get(key) != visible.get(key):
                raise Broken(f"{phone.name} {when} holds {held.get(key)} of {key}, not {visible.get(key)}")

    async def _check_rejections(self, person: Person) -> None:
        """Whatever did not go through is kept for its author, and nothing else."""
        box = WirePhone(person, REJECTIONS)
        await box.pull()
        kept: dict[str, set[tuple[str, Any]]] = {}
        for row in box.rows.values():
            known = COLUMNS[row["collectionName"]]
            lost = {name: value for name, value in json.loads(row["lost"]).items() if name in known}
            lost = {name: known[name] if value is None else value for name, value in lost.items()}
            kept.setdefault(row["recordId"], set()).update(_told(lost.items()))
        for key in {*self.oracle.things, *self.oracle.unmade}:
            allowed = [thing.lost for thing in self.oracle.things.get(key, ())]
            allowed = allowed or [frozenset(self.oracle.unmade[key])]
            wanted = [_told((n, v) for user, n, v in lost if user == person.user_id) for lost in allowed]
            if kept.get(key[1], set()) not in wanted:
                raise Broken(f"of {key} {kept.get(key[1])} is kept as not gone through; it must be {wanted}")

    async def _check_commits(self) -> None:
        """Every edit was applied once: the ledger has as many commits of each record as the model."""
        counts: dict[str, int] = {}
        rows = self.house.store.database[LEDGER].find({"workspace_id": self.crew.workspace_id})
        async for row in rows:
            for commit in row["commits"]:
                for id in {entry["id"] for entry in commit["entries"]}:
                    counts[id] = counts.get(id, 0) + 1
        for key, things in self.oracle.things.items():
            allowed = {thing.commits for thing in things}
            if counts.get(key[1], 0) not in allowed:
                raise Broken(f"{key} was committed {counts.get(key[1], 0)} times; it must be {allowed}")


def _field_rules(rule: dict[str, dict[str, set[str]]]) -> dict[str, dict[str, FieldAccess]]:
    return {
        kind: {name: FieldAccess(how) for how, names in by_how.items() for name in names}
        for kind, by_how in rule.items()
    }


def _told(lost: Iterable[tuple[str, Any]]) -> set[tuple[str, Any]]:
    """Return lost values without headings that were left empty: some protocols tell them, some do not."""
    return {(name, value) for name, value in lost if (name, value) not in (("name", ""), ("fullName", ""))}


def _value(name: str, number: int) -> Any:
    return VALUES[name][number % len(VALUES[name])]


def _chosen(keys: Any, pick: int) -> Key | None:
    found: list[Key] = sorted(keys)
    return found[pick % len(found)] if found else None
