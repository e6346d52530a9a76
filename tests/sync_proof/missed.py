"""The missed-writes test: does a phone that pulls all the time end with what the store holds?

A cursor on `updatedAt` leaves records stale for ever: a change that commits late carries an early time.
Here many write over real sockets to one or two API processes, single records and three in one commit, while
phones pull; meanwhile an API process and the database are killed. At the end every phone is compared with
the store. ``python -m tests.sync_proof.missed FOLDER`` is the short form that the suite runs: its last line
is what it found, in JSON.
"""

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

import main
from backend.core.database_directory import DatabaseDirectory
from backend.core.ids import new_id
from backend.core.ports import find_free_port
from backend.core.settings import Settings
from backend.crm.documents import Account, Contact
from backend.crm.synced import ACCOUNTS, CONTACTS
from backend.house import House, open_house
from backend.sales.documents import Lead
from backend.sales.synced import LEADS
from tests.core.test_web_hygiene import client_of
from tests.crew import Crew, Person, Refused
from tests.e2e.served import ROOT, environment
from tests.mobile_sync.native_wire import NativePhone
from tests.mobile_sync.wire import WirePhone

WRITERS = 32
RECORDS_OF_A_WRITER = 13  # 416 together, as in the measurements of other servers
AWAY = (httpx.TransportError, Refused, ValueError)  # what befalls a call while something is killed
KINDS = (Account, Contact, Lead)


@dataclass
class Api:
    """A process of the web part, to be killed and started again at the same address."""

    data_dir: Path
    port: int = field(default_factory=find_free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        settings = {
            "RAPPORT_PORT": str(self.port),
            "RAPPORT_PROCESSES": "web",
            "RAPPORT_COST_BUCKET": "1000000000",
        }
        with (self.data_dir / f"api-{self.port}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(ROOT / "main.py"),
                "serve",
                env=environment(self.data_dir, **settings),
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(120), httpx.AsyncClient(base_url=self.base) as http:
            while not await _answers(http):
                assert self.process.returncode is None, Path(log.name).read_text()
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """End it as a crash does: without a word."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Result:
    """What happened, and what the phones lack: ``stale`` and ``never_seen`` records, all phones together."""

    apis: int
    seconds: float = 0.0
    documents: int = 0
    writes: int = 0
    commits_of_three: int = 0
    pulls: int = 0
    failed_calls: int = 0
    lost: int = 0  # acknowledged writes that the store does not hold
    never_seen: int = 0
    stale: int = 0

    def __str__(self) -> str:
        return (
            f"{self.apis} API: {self.documents} records, {self.writes} writes, "
            f"{self.commits_of_three} commits of three, {self.pulls} pulls, "
            f"{self.failed_calls} calls failed in {self.seconds:.0f} s; "
            f"lost {self.lost}, never seen {self.never_seen}, stale {self.stale}"
        )


async def missed_writes(
    data_dir: Path,
    *,
    apis: int,
    writes: int,
    seconds: float = 0.0,
    comes_back: bool = True,
    serves_itself: bool = False,
) -> Result:
    """Run it in three parts, each of ``writes`` and ``seconds`` at least.

    After the first an API process is killed, and started again if it ``comes_back``; after the second the
    database is killed. ``serves_itself``: this process is one API more, which nobody kills.
    """
    settings = Settings(data_dir=data_dir, demo=False)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(main.MODULES, settings, working=False))
        served = await stack.enter_async_context(_serving(data_dir, apis))
        limits = httpx.Limits(max_connections=64)
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=api.base, timeout=20, limits=limits))
            for api in served
        ]
        if serves_itself:
            own = replace(house, settings=settings)
            clients.append(await stack.enter_async_context(client_of(own, cost_bucket=10**9)))
        run = await _Run.begin(house, clients)
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(run.write(number))
            for number in range(len(run.phones)):
                group.create_task(run.pull(number))
            await run.part(writes, seconds)
            await served[-1].kill()
            if comes_back:
                await served[-1].start()
            await run.part(writes, seconds)
            endpoint = DatabaseDirectory(data_dir).read_endpoint()
            assert endpoint is not None
            os.kill(endpoint.pid, signal.SIGKILL)
            await run.part(writes, seconds)
            run.over.set()
        run.result.seconds = time.monotonic() - started
        await run.compare()
    return run.result


@asynccontextmanager
async def _serving(data_dir: Path, count: int) -> AsyncIterator[list[Api]]:
    apis = [Api(data_dir) for _ in range(count)]
    try:
        await asyncio.gather(*(api.start() for api in apis))
        yield apis
    finally:
        await asyncio.gather(*(api.kill() for api in apis if api.process is not None))


@dataclass
class _Run:
    house: House
    crew: Crew
    clients: Sequence[httpx.AsyncClient]
    result: Result
    phones: list[tuple[WirePhone, ...] | NativePhone]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # By turns, whatever became of the last call: an API process may be gone for good.
        self.turns = itertools.cycle(self.clients)

    @classmethod
    async def begin(cls, house: House, clients: Sequence[httpx.AsyncClient]) -> "_Run":
        crew = await Crew.hire(house, clients[0], ("manager", "rep", "colleague"))
        people = [replace(crew.people[name]) for name in ("manager", "rep", "colleague")]
        rxdb = [tuple(WirePhone(one, c) for c in (ACCOUNTS, CONTACTS, LEADS)) for one in people[:2]]
        return cls(house, crew, clients, Result(len(clients)), [*rxdb, NativePhone(people[2])])

    async def part(self, writes: int, seconds: float) -> None:
        """Return when so much more has been written, and so much time has passed."""
        wanted, until = self.result.writes + writes, time.monotonic() + seconds
        while self.result.writes < wanted or time.monotonic() < until:
            await asyncio.sleep(0.05)

    # ── writers ──────────────────────────────────────────────────────────────────────────────────

    async def write(self, number: int) -> None:
        """Write until it is over, to one's own records, one after the other."""
        chance = random.Random(number)
        mine: list[str] = []
        person = replace(self.crew.people[("rep", "colleague")[number % 2]])
        count = 0
        while not self.over.is_set():
            count += 1
            words = f"{number}/{count}"
            if len(mine) < RECORDS_OF_A_WRITER:
                mine.append(new_id())
                await self._call(person, "accountCreate", id=mine[-1], name="Acme", description=words)
            elif chance.random() < 0.1:
                await self._three_in_one_commit(person, words)
                continue
            else:
                await self._call(person, "accountUpdate", id=chance.choice(mine), description=words)

    async def _three_in_one_commit(self, person: Person, words: str) -> None:
        lead = new_id()
        await self._call(person, "leadCreate", id=lead, company="Acme", fullName="Li Wei", description=words)
        await self._call(person, "leadConvert", id=lead, withOpportunity=False)
        self.result.commits_of_three += 1

    async def _call(self, person: Person, mutation: str, **data: Any) -> None:
        """Call until it is answered; by its mutation id a repeat has no effect."""
        data["mutationId"] = new_id()
        while True:
            person.http = next(self.turns)
            try:
                answer = await _do(person, mutation, data)
            except AWAY:
                self.result.failed_calls += 1
                await asyncio.sleep(0.05)
                continue
            assert "version" in answer, answer
            self.result.writes += 1
            if "description" in data:
                self.acknowledged[data["id"]] = data["description"]
            return

    # ── phones ───────────────────────────────────────────────────────────────────────────────────

    async def pull(self, number: int) -> None:
        """Pull until it is over."""
        while not self.over.is_set():
            await self._pull_once(number)

    async def _pull_once(self, number: int) -> bool:
        """Pull from the next API process; False when that is away."""
        phone = self.phones[number]
        http = next(self.turns)
        parts = (phone,) if isinstance(phone, NativePhone) else phone
        try:
            for part in parts:
                part.person.http = http
                await part.pull(limit=100)
        except AWAY:
            self.result.failed_calls += 1
            await asyncio.sleep(0.05)
            return False
        self.result.pulls += 1
        return True

    async def compare(self) -> None:
        """Let every phone pull once more, and count what it lacks."""
        for number in range(len(self.phones)):
            while not await self._pull_once(number):
                pass
        stored: dict[str, int] = {}
        for record in KINDS:
            found = await self.house.store.reader.find(self.crew.system, record, {})
            stored |= {one.id: one.version for one in found}
            words = {one.id: one.description for one in found}
            ours = {id: said for id, said in self.acknowledged.items() if id in words}
            self.result.lost += sum(words[id] != said for id, said in ours.items())
        self.result.lost += len(self.acknowledged.keys() - stored.keys())
        self.result.documents = len(stored)
        for phone in self.phones:
            held = _versions(phone)
            self.result.never_seen += len(stored.keys() - held.keys())
            self.result.stale += sum(held[id] != stored.get(id) for id in held)


def _versions(phone: tuple[WirePhone, ...] | NativePhone) -> dict[str, int]:
    if isinstance(phone, NativePhone):
        names = {"account", "contact", "lead"}
        return {id: line["v"] for (name, id), line in phone.rows.items() if name in names}
    return {id: row["version"] for part in phone for id, row in part.rows.items()}


async def _do(person: Person, mutation: str, data: dict[str, Any]) -> dict[str, Any]:
    if mutation != "leadConvert":
        return await person.do(mutation, data)
    query = """mutation($input: LeadConvertInput!) { leadConvert(input: $input) { __typename
        ... on Lead { id version } ... on Error { code message } } }"""
    answer: dict[str, Any] = (await person.ask(query, input=data))["leadConvert"]
    return answer


def run(data_dir: Path) -> None:
    """Run the short form and print what it found."""
    found = asyncio.run(missed_writes(data_dir, apis=1, writes=100, comes_back=False, serves_itself=True))
    print(json.dumps(asdict(found)), flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
