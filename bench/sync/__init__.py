"""Sync beside its peers: the same work for each, one after the other, in one run."""

from collections.abc import Mapping
from statistics import median

from backend.core.database_directory import DatabaseDirectory
from bench.ceiling import bare_creates_per_second
from bench.figures import LESS_IS_BETTER, AtLeast, AtMost, Figure, Section
from bench.stage import Stage
from bench.sync.contenders import CannotRun
from bench.sync.latency import write_to_visible
from bench.sync.missed import Missed, count_missed
from bench.sync.ours import our_server
from bench.sync.peers import NO_CHANGES_FEED, PEERS
from bench.sync.work import DELTAS, Work, do_work, milliseconds

MISSED_SECONDS = 8.0
PUSHED_TOGETHER = 64  # rows in one transaction of the sequencer


async def measure(stage: Stage) -> list[Figure]:
    ours, more = await _ours(stage)
    peers: dict[str, Work] = {}
    missed: dict[str, Missed] = {}
    for name in PEERS:
        try:
            peers[name] = await _peer(stage, name)
            if name not in NO_CHANGES_FEED:
                missed[name] = await _missed_by_peer(stage, name)
        except CannotRun as reason:
            stage.say(f"{name} left out: {reason}")
        except TimeoutError:
            stage.say(f"{name}: the missed test did not end, so it has no figure")
    return [*_side_by_side(ours, peers), *more, *(await _our_missed(stage, missed))]


async def _ours(stage: Stage) -> tuple[Work, list[Figure]]:
    """Do the peers' work, then what only we have: typed and cold pulls, a stream, the ceiling."""
    stage.say("rapport")
    data_dir = stage.folder()
    async with our_server(data_dir) as server:
        phone = server.phone
        work = await do_work(phone)
        typed = median([await milliseconds(phone.typed_delta) for _ in range(DELTAS)])
        seen_p50, seen_p99 = await write_to_visible(phone, server.token, server.base)
        endpoint = DatabaseDirectory(data_dir).read_endpoint()
        assert endpoint is not None
        bare = await bare_creates_per_second(endpoint.port, batch=PUSHED_TOGETHER)
    async with our_server(data_dir) as server:
        cold = await milliseconds(server.phone.delta)
    return work, [
        Figure(name="10k delta, typed (RxDB)", ours=typed, unit="ms", target=AtMost(350), claim="S8"),
        Figure(
            name="10k delta, cold",
            ours=cold,
            unit="ms",
            target=AtMost(2_000),
            claim="S8",
            note="the first pull after a start: every row read, checked and written out",
        ),
        Figure(name="written to visible p50", ours=seen_p50, unit="ms", target=AtMost(50), claim="S10"),
        Figure(
            name="written to visible p99",
            ours=seen_p99,
            unit="ms",
            target=AtMost(250),
            claim="S10",
            note="at 100 pushes a second, on a second phone that streams",
        ),
        Figure(
            name="the database's ceiling",
            ours=bare,
            unit="rows/s",
            note=f"transactions of {PUSHED_TOGETHER} creates by hand, without house or HTTP",
        ),
    ]


async def _peer(stage: Stage, name: str) -> Work:
    stage.say(name)
    async with PEERS[name](stage.folder()) as contender:
        return await do_work(contender)


async def _missed_by_peer(stage: Stage, name: str) -> Missed:
    async with PEERS[name](stage.folder()) as contender:
        return await count_missed(contender, MISSED_SECONDS)


async def _our_missed(stage: Stage, peers: Mapping[str, Missed]) -> list[Figure]:
    async with our_server(stage.folder()) as server:
        ours = await count_missed(server.phone, MISSED_SECONDS)
    note = f"of some {ours.records}, after {MISSED_SECONDS:g} s of 32 writers and one phone that pulls"
    stale = {name: float(one.stale) for name, one in peers.items()}
    return [
        Figure(
            name="stale records",
            ours=ours.stale,
            target=AtMost(0),
            claim="S1",
            peers=stale,
            note=note,
        )
    ]


def _side_by_side(ours: Work, peers: Mapping[str, Work]) -> list[Figure]:
    def beside(
        name: str, of: str, unit: str, target: AtMost | AtLeast, claim: str = "", note: str = ""
    ) -> Figure:
        others = {peer: float(getattr(work, of)) for peer, work in peers.items()}
        ours_ = float(getattr(ours, of))
        return Figure(name=name, ours=ours_, unit=unit, target=target, peers=others, claim=claim, note=note)

    return [
        beside("creates one by one, 16 connections", "creates_per_s", "/s", AtLeast(450), "S7"),
        beside("create p50", "create_p50", "ms", LESS_IS_BETTER),
        beside("create p99", "create_p99", "ms", AtMost(80), "S7"),
        beside(
            "bulk push",
            "pushed_per_s",
            "rows/s",
            AtLeast(2_500),
            "S7",
            "9,000 rows over 4 connections; ours runs every rule for every row, theirs insert",
        ),
        beside("10 pages of 100", "pages_of_100", "ms", LESS_IS_BETTER),
        beside("10k delta by 1,000", "delta", "ms", AtMost(100), "S8", "ours the fast way, hot"),
        beside("nothing new p50", "nothing_p50", "ms", AtMost(5), "S9"),
        beside("nothing new", "nothing_bytes", "B", AtMost(300), "S9"),
        beside(
            "yardstick",
            "yardstick",
            "ms",
            LESS_IS_BETTER,
            note="a fixed computation beside each one's work; where it differs much, the machine was not "
            "as free for one as for another, and times must be divided by it",
        ),
    ]


SECTION = Section(name="sync", about="phones' work, beside others in the same run", minutes=4, run=measure)
