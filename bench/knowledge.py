"""The knowledge index by itself: how fast it is made, and its search beside others at equal recall.

The demo's help centre is indexed by the model, which gives the pace and real rows. A large base would take an
hour to embed: its rows are real ones, each moved by half the difference of two others, so that they lie as
texts do. The questions are the demo's, each moved likewise. Graphs look harder until their recall@10 reaches
ours; who never does has no time.
"""

import gc
import os
import time
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
import svcs
import yaml

import main
from backend.core.access import system_actor
from backend.core.demo import FOLDER
from backend.core.ids import new_id
from backend.core.settings import Settings
from backend.core.unit_of_work import UnitOfWork
from backend.house import open_house
from bench.assistant import QUESTIONS_FILE
from bench.figures import LESS_IS_BETTER, MORE_IS_BETTER, AtLeast, Figure, Section
from bench.stage import Stage
from bench.sync.contenders import CannotRun
from bench.vector_search import Hnswlib, Mask, Numpy, Ours, Search, Usearch, VectorIndex, install_graphs
from knowledge.articles import create_article
from knowledge.markdown_files import read_markdown_folder
from knowledge.ranking import Floats
from knowledge.search import KnowledgeBase

SIZES_SETTING = "RAPPORT_BENCH_VECTORS"
USUAL_SIZES = "10000,100000"
ALLOWED = {"no filter": 1.0, "50 % allowed": 0.5, "1 % allowed": 0.01, "0.1 % allowed": 0.001}
QUESTIONS, ROUNDS = 100, 3
RECALL_OF = 10
EFFORTS = (50, 100, 200, 400, 800, 1_600, 3_200)
TOO_SLOW_S = 0.25  # a question: who takes longer is not asked to look harder still


async def measure(stage: Stage) -> list[Figure]:
    stage.say("indexing the demo's help centre")
    rows, questions, figures = await _index_help_centre(stage)
    others: list[type[VectorIndex]] = [Numpy]
    try:
        await install_graphs()
        others += [Hnswlib, Usearch]
    except CannotRun as reason:
        stage.say(f"hnswlib and usearch left out: {reason}")
    chance = np.random.default_rng(3)
    asked = _spread(chance, questions, QUESTIONS)
    for size in [int(one) for one in os.environ.get(SIZES_SETTING, USUAL_SIZES).split(",")]:
        stage.say(f"searching {size:,} rows")
        figures += _side_by_side(stage, _spread(chance, rows, size), asked, others)
    return figures


async def _index_help_centre(stage: Stage) -> tuple[Floats, Floats, list[Figure]]:
    """Return the rows of the help centre and of the demo's questions, and how fast it was indexed."""
    texts = [q["text"] for q in yaml.safe_load(QUESTIONS_FILE.read_text("utf-8"))["questions"]]
    settings = Settings(data_dir=stage.folder(), demo=False, database_sync=False)
    async with (
        open_house(main.MODULES, settings, working=False) as house,
        svcs.Container(house.registry) as s,
    ):
        knowledge, actor = await s.aget(KnowledgeBase), system_actor(new_id())
        await knowledge.embedder.wait_until_ready()

        async def create(uow: UnitOfWork) -> None:
            for file in read_markdown_folder(FOLDER / "articles"):
                await create_article(uow, file.fields() | {"publish": True})

        await house.store.write(actor, create)
        start = time.perf_counter()
        edition = await knowledge.library.settle(actor.workspace_id)
        seconds = time.perf_counter() - start
        assert edition.meaning is not None
        count = len(edition.passages)
        rows = edition.meaning.rows("plain", np.arange(count))
        questions = await knowledge.embedder.embed_queries(texts)
    pace = Figure(
        name="passages indexed by the model",
        ours=count / seconds,
        unit="/s",
        target=AtLeast(15),
        claim="A7",
        note=f"the demo's {count}, from committed articles to a snapshot on the disk",
    )
    return np.asarray(rows, np.float32), questions, [pace]


def _spread(chance: np.random.Generator, rows: Floats, count: int) -> Floats:
    """Return ``count`` unit rows that lie as ``rows`` do."""
    one, other, another = (chance.integers(len(rows), size=count) for _ in range(3))
    moved = rows[one] + np.float32(0.5) * (rows[other] - rows[another])
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def _side_by_side(
    stage: Stage, rows: Floats, asked: Floats, others: Sequence[type[VectorIndex]]
) -> list[Figure]:
    ours, our_rate = _build(Ours, rows)
    built: list[VectorIndex] = []
    rates: dict[str, float] = {}
    for kind in others:
        try:
            index, rate = _build(kind, rows)
        except CannotRun as reason:
            stage.say(f"{kind.name} left out: {reason}")
            continue
        built.append(index)
        if not kind.is_exact:
            rates[kind.name] = rate
    name = f"{len(rows):,} rows"
    figures = [
        Figure(
            name=f"{name}: rows bound into an index",
            ours=our_rate,
            unit="/s",
            target=MORE_IS_BETTER,
            peers=rates,
            note="ours into two, plain and centred; a graph into one, on all cores",
        )
    ]
    chance = np.random.default_rng(5)
    for wanted, share in ALLOWED.items():
        allowed = chance.permutation(len(rows)) < share * len(rows)
        figures += _compare(f"{name}, {wanted}", rows, asked, allowed, ours, built)
    del built, ours
    gc.collect()
    return figures


def _build(kind: type[VectorIndex], rows: Floats) -> tuple[VectorIndex, float]:
    start = time.perf_counter()
    index = kind(rows)
    return index, len(rows) / (time.perf_counter() - start)


def _compare(
    name: str, rows: Floats, asked: Floats, allowed: Mask, ours: VectorIndex, others: Sequence[VectorIndex]
) -> list[Figure]:
    """Time everybody who reaches our recall, in turns."""
    truth = Numpy(rows).searcher(allowed, 0)
    right = [set(truth(row)[:RECALL_OF].tolist()) for row in asked]
    our_search = ours.searcher(allowed, 0)
    wanted = _recall(our_search, asked, right)
    recalls, efforts = {}, {}
    for index in others:
        efforts[index.name], recalls[index.name] = _look_harder(index, allowed, asked, right, wanted)
    able = [index for index in others if recalls[index.name] >= wanted]
    took = _take_turns([ours, *able], allowed, efforts, asked)
    tried = [
        f"{i.name} {recalls[i.name]:.3f} with effort {efforts[i.name]}" for i in others if not i.is_exact
    ]
    return [
        Figure(
            name=f"{name}: search p50",
            ours=took.pop(ours.name),
            unit="ms",
            target=LESS_IS_BETTER,
            peers=took,
            note=f"recall@10: ours {wanted:.3f}" + "".join(f", {one}" for one in tried),
        )
    ]


def _look_harder(
    index: VectorIndex, allowed: Mask, asked: Floats, right: Sequence[set[int]], wanted: float
) -> tuple[int, float]:
    """Return the least effort with which ``index`` has the ``wanted`` recall, or its last; and the recall."""
    effort, recall = EFFORTS[0], 0.0
    for effort in EFFORTS if not index.is_exact else EFFORTS[:1]:
        start = time.perf_counter()
        recall = _recall(index.searcher(allowed, effort), asked, right)
        if recall >= wanted or time.perf_counter() - start > TOO_SLOW_S * len(asked):
            break
    return effort, recall


def _recall(search: Search, asked: Floats, right: Sequence[set[int]]) -> float:
    """Return the share of the true nearest ten that are among the ten found first."""
    found = [set(search(row)[:RECALL_OF].tolist()) for row in asked]
    return float(np.mean([len(one & true) / len(true) for one, true in zip(found, right, strict=True)]))


def _take_turns(
    indexes: Sequence[VectorIndex], allowed: Mask, efforts: Mapping[str, int], asked: Floats
) -> dict[str, float]:
    """Return each one's median milliseconds a question, over ROUNDS rounds."""
    seconds: dict[str, list[float]] = {index.name: [] for index in indexes}
    for _ in range(ROUNDS):
        for index in indexes:
            search = index.searcher(allowed, efforts.get(index.name, 0))
            for row in asked:
                start = time.perf_counter()
                search(row)
                seconds[index.name].append(time.perf_counter() - start)
    return {name: median(each) * 1_000 for name, each in seconds.items()}


SECTION = Section(
    name="knowledge", about="the index of passages, beside others at equal recall", minutes=4, run=measure
)
