"""What the access rules cost: the same page of 100 out of 100,000 accounts, with all rules on and with none.

``rep`` has a role with field rules, teams, sharing rules, territories and shares; ``open`` a role that reads
everything. Both read over GraphQL in one process, in turns, so that the machine's moods meet both alike.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from statistics import median

import httpx

import main
from backend.app import create_app
from backend.core.access import Level
from backend.core.conditions import Condition
from backend.core.field_rules import FieldAccess
from backend.core.fields import new_record
from backend.core.records import Record, Share
from backend.core.settings import Settings
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.house import House, open_house
from backend.identity.documents import Role, User
from backend.identity.sharing_documents import ShareTarget, SharingRule, Territory, TerritoryRule
from bench.figures import AtMost, Figure, Section
from bench.stage import Stage
from tests.crew import Crew, Person

ACCOUNTS = 100_000
PER_COMMIT = 10  # as many as a busy workspace writes together
TOGETHER = 16  # commits under way at once, for one transaction
OWNERS = 12
PAGES = 40
WARM_UP = 4
Make = Callable[[UnitOfWork], Awaitable[None]]

INDUSTRIES = ("retail", "machines", "food", "energy")
COUNTRIES = ("CN", "DE", "KE", "BR")

PAGE = """query($a: String) { accounts(first: 100, after: $a) {
    edges { node { id name type lifecycle ownerId updatedAt email phone hiddenFields } }
    pageInfo { hasNextPage endCursor } } }"""


async def measure(stage: Stage) -> list[Figure]:
    settings = Settings(data_dir=stage.folder(), database_sync=False, demo=False)
    async with open_house(main.MODULES, settings, working=False) as house:
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://rapport.test") as http:
            crew = await Crew.hire(house, http)
            await _make_rules(house, crew)
            stage.say(f"writing {ACCOUNTS:,} accounts")
            await _fill(house, crew, ACCOUNTS)
            return await _compare(crew)


async def _compare(crew: Crew) -> list[Figure]:
    seconds: dict[str, list[float]] = {"rules": [], "open": []}
    for turn in range(WARM_UP + PAGES):
        for name, person in (("rules", crew.rep), ("open", crew.manager)):
            taken = await _page(person)
            if turn >= WARM_UP:
                seconds[name].append(taken)
    rules, free = (median(seconds[name]) * 1_000 for name in ("rules", "open"))
    return [
        Figure(name="page with all rules p50", ours=rules, unit="ms"),
        Figure(name="page with no rules p50", ours=free, unit="ms"),
        Figure(name="with rules to without", ours=rules / free, target=AtMost(1.5)),
    ]


async def _page(person: Person) -> float:
    start = time.perf_counter()
    found = await person.ask(PAGE)
    taken = time.perf_counter() - start
    assert len(found["accounts"]["edges"]) == 100
    return taken


async def _make_rules(house: House, crew: Crew) -> None:
    """Give the rep everything that can widen or narrow what it sees."""

    async def make(uow: UnitOfWork) -> None:
        levels = {"read": Level.SUBORDINATES, "update": Level.TEAM, "create": Level.OWN}
        fields = {"tax_id": FieldAccess.HIDDEN, "annual_revenue": FieldAccess.HIDDEN}
        role = {"key": "seller", "name": "Seller", "levels": {"account": levels}}
        masked = {"account": fields | {"email": FieldAccess.MASKED, "phone": FieldAccess.MASKED}}
        await _save(uow, Role, {**role, "fields": masked})
        for industry in INDUSTRIES[:2]:
            condition = Condition(field="industry", values=[industry])
            given = {"share_with": [f"t:{crew.teams['east']}"], "object_kind": "account"}
            await _save(uow, SharingRule, {**given, "name": industry, "condition": condition})
        rule = TerritoryRule(
            object_kind="account", condition=Condition(field="billing_address.country", values=["CN"])
        )
        await _save(uow, Territory, {"name": "China", "rules": [rule], "member_ids": [crew.rep.user_id]})
        await _save(uow, ShareTarget, {"grantee": f"u:{crew.rep.user_id}", "kinds": ["account"]})
        rep = await uow.access(User, crew.rep.user_id, action="update")
        rep.role_keys = ["seller"]
        uow.save(rep)

    await house.store.write(crew.system, make)


async def _save(uow: UnitOfWork, kind: type[Record], fields: dict[str, object]) -> None:
    uow.save(await new_record(uow, kind, {**fields, "owner_id": None}))


async def _fill(house: House, crew: Crew, accounts: int) -> None:
    """Make the accounts: a twelfth is the rep's own, a third its team's, rules and shares hold for others."""
    chosen = random.Random(7)
    owners = [crew.rep.user_id, *(f"owner-{n}" for n in range(OWNERS - 1))]
    for first in range(0, accounts, PER_COMMIT * TOGETHER):
        starts = range(first, min(first + PER_COMMIT * TOGETHER, accounts), PER_COMMIT)
        batches = [_batch(crew, chosen, owners, start) for start in starts]
        await asyncio.gather(*(house.store.write(crew.system, batch) for batch in batches))


def _batch(crew: Crew, chosen: random.Random, owners: list[str], start: int) -> Make:
    rows = [
        {
            "name": f"Account {start + n}",
            "owner_id": chosen.choice(owners),
            "team_ids": [crew.teams[chosen.choice(["east", "west", "support"])]],
            "industry": chosen.choice(INDUSTRIES),
            "billing_address": {"country": chosen.choice(COUNTRIES)},
            "email": f"office{start + n}@company.example",
            "phone": "+862154321000",
        }
        for n in range(PER_COMMIT)
    ]
    shared = [chosen.random() < 0.02 for _ in rows]

    async def make(uow: UnitOfWork) -> None:
        for row, is_shared in zip(rows, shared, strict=True):
            account = await new_record(uow, Account, row)
            if is_shared:
                account.shares = [Share(to=f"u:{crew.rep.user_id}")]
            uow.save(account)

    return make


SECTION = Section(
    name="permissions",
    about="a page of 100 out of 100,000 accounts, with and without rules",
    minutes=2,
    run=measure,
)
