"""Answers in large bases: how long askers wait, one and eight at a time, and how long the loop stands still.

Runs in this process, on the operation that GraphQL and the stream call. Articles are sentences of the demo's
help centre, drawn anew for each; their rows are random unit vectors rather than the model's, which would take
an hour to make and be searched no slower. Questions go through the model as always, and none is asked twice:
the demo's, each with a number of its own.
"""

import asyncio
import itertools
import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import numpy as np
import svcs
import yaml
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import main
from assistant.answering import Answering
from assistant.conversations import start_conversation
from assistant.turn import ask
from backend.core.access import Actor, system_actor
from backend.core.demo import FOLDER
from backend.core.ids import new_id
from backend.core.interpreter import prepare_to_serve
from backend.core.settings import Settings
from backend.core.unit_of_work import UnitOfWork
from backend.house import House, open_house
from backend.service.documents import Channel
from bench.assistant import QUESTIONS_FILE
from bench.figures import AtMost, Figure, Section
from bench.load import at, timed
from bench.stage import Stage
from knowledge.articles import create_article
from knowledge.embedding import Reading
from knowledge.markdown_files import read_markdown_folder
from knowledge.sentences import split_sentences

SIZES_SETTING = "RAPPORT_BENCH_ARTICLES"
USUAL_SIZES = "1000,10000"  # 100,000 take a quarter of an hour to write and index
ASKERS = (1, 8)
QUESTIONS_ASKED = 64
READING_S = 2.0  # what a customer takes to read an answer and write the next question, at the least
ARTICLES_A_COMMIT = 250
SMALL, FAST_MS, ACCEPTABLE_MS = 1_000, 150.0, 300.0
SENTENCES = 12  # of an article, in three sections: two or three passages
TOKENS_OF_A_PASSAGE, DIFFERENT_TOKENS = 60, 64
LOOK_EVERY_S = 0.005
STANDS_STILL_MS = 50.0
FOUND_WITHIN_S = 5.0
EDITS = 3


async def measure(stage: Stage) -> list[Figure]:
    texts = [q["text"] for q in yaml.safe_load(QUESTIONS_FILE.read_text("utf-8"))["questions"]]
    questions = (f"{text} ({number})" for number in itertools.count(1) for text in texts)
    sizes = [int(one) for one in os.environ.get(SIZES_SETTING, USUAL_SIZES).split(",")]
    settings = Settings(data_dir=stage.folder(), demo=False, database_sync=False)
    async with (
        open_house(main.MODULES, settings, working=True) as house,
        svcs.Container(house.registry) as s,
        _threads_of_products_given_back(),
    ):
        answering = await s.aget(Answering)
        await answering.knowledge.embedder.wait_until_ready()
        prepare_to_serve()  # as the house does when it serves
        figures = [Figure(name="memory with the model loaded", ours=_memory(), unit="MB")]
        for size in sizes:
            stage.say(f"writing and indexing {size:,} articles")
            with _rows_made_quickly(answering):
                actor = await _fill(house, answering, size)
            await _ask_all(answering, actor, questions, 1, most=8)
            for askers in ASKERS:
                figures += await _figures(answering, actor, questions, size, askers)
            figures.append(await _figure_of_chats(answering, actor, questions, size))
            figures += await _after_an_edit(house, answering, actor, size)
    return figures


@asynccontextmanager
async def _threads_of_products_given_back() -> AsyncIterator[None]:
    """Let other sections, and the peers in them, have their threads after the house has taken one."""
    with threadpool_limits(user_api="blas"):
        yield


@contextmanager
def _rows_made_quickly(answering: Answering) -> Iterator[None]:
    """Let texts of articles have random rows while the block lasts."""
    embedder, made = answering.knowledge.embedder, np.random.default_rng(1)
    shape = (DIFFERENT_TOKENS, TOKENS_OF_A_PASSAGE, embedder.dimension)
    tokens = made.normal(size=shape).astype(np.float16)

    async def read(texts: Sequence[str]) -> list[Reading]:
        rows = made.normal(size=(len(texts), embedder.dimension)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return [Reading(row, tokens[number % DIFFERENT_TOKENS]) for number, row in enumerate(rows)]

    usual = (embedder.read_passages, embedder.read_titles)
    embedder.read_passages = embedder.read_titles = read  # type: ignore[method-assign]
    try:
        yield
    finally:
        embedder.read_passages, embedder.read_titles = usual  # type: ignore[method-assign]


async def _fill(house: House, answering: Answering, size: int) -> Actor:
    """Make a workspace with ``size`` articles, half in each language, all indexed; return who may ask."""
    actor = system_actor(new_id())
    files = list(read_markdown_folder(FOLDER / "articles"))
    sentences = {
        language: [
            sentence.text
            for file in files
            if file.locale.startswith(language)
            for sentence in split_sentences(file.body)
        ]
        for language in ("en", "zh")
    }
    for start in range(0, size, ARTICLES_A_COMMIT):
        numbers = range(start, min(size, start + ARTICLES_A_COMMIT))

        async def create(uow: UnitOfWork, numbers: range = numbers) -> None:
            for number in numbers:
                locale = "zh" if number % 2 else "en"
                await create_article(uow, _article(number, locale, sentences[locale]))

        await house.store.write(actor, create)
    await answering.knowledge.library.settle(actor.workspace_id)
    return actor


def _article(number: int, locale: str, sentences: Sequence[str]) -> dict[str, Any]:
    drawn = random.Random(number).choices(sentences, k=SENTENCES)
    part = SENTENCES // 3
    body = "\n\n".join(
        f"## {drawn[start][:30]}\n\n" + "\n\n".join(drawn[start : start + part])
        for start in range(0, SENTENCES, part)
    )
    title = f"{drawn[0][:40]} {number}"
    return {"title": title, "body": body, "locale": locale, "visibility": "public", "publish": True}


async def _figures(
    answering: Answering, actor: Actor, questions: Iterator[str], size: int, askers: int
) -> list[Figure]:
    async with _watched_loop() as stops:
        start = time.process_time()
        each = await _ask_all(answering, actor, questions, askers)
        spent = time.process_time() - start
    name = f"{size:,} articles, {askers} asking"
    most = FAST_MS if size <= SMALL else ACCEPTABLE_MS
    return [
        Figure(name=f"{name}: answer p50", ours=at(each, 0.5), unit="ms"),
        Figure(name=f"{name}: answer p95", ours=at(each, 0.95), unit="ms", target=AtMost(most), claim="A7"),
        Figure(
            name=f"{name}: processor time of an answer",
            ours=spent / len(each) * 1_000,
            unit="ms",
            note="of this process: the database's is another's",
        ),
        Figure(
            name=f"{name}: longest stop of the loop",
            ours=max(stops, default=0.0) * 1_000,
            unit="ms",
            target=AtMost(STANDS_STILL_MS),
            note="by anything in the process, the store's own work included",
        ),
    ]


async def _figure_of_chats(answering: Answering, actor: Actor, questions: Iterator[str], size: int) -> Figure:
    """Measure what customers wait who chat at once, each reading an answer before the next question."""
    each = await _ask_all(answering, actor, questions, max(ASKERS), pause=READING_S)
    return Figure(
        name=f"{size:,} articles, {max(ASKERS)} chatting, {READING_S:.0f} s between questions: answer p95",
        ours=at(each, 0.95),
        unit="ms",
        target=AtMost(ACCEPTABLE_MS),
        claim="A7",
    )


async def _after_an_edit(house: House, answering: Answering, actor: Actor, size: int) -> list[Figure]:
    """Publish an article and ask for it at once, some times over; the longest counts."""
    knowledge = answering.knowledge
    first: list[float] = []
    whole: list[float] = []
    async with _watched_loop() as stops:
        for number in range(EDITS):
            body = f"The teapot number {number} whistles at ninety degrees."
            fields = {"title": f"Teapot {number}", "body": body, "locale": "en", "visibility": "public"}

            async def create(uow: UnitOfWork, fields: dict[str, Any] = fields) -> None:
                await create_article(uow, fields | {"publish": True})

            await house.store.write(actor, create)
            start, found = time.perf_counter(), None
            while found is None or found.degraded or found.hits[0].title != fields["title"]:
                uow = house.store.unit_of_work(actor)
                found = await knowledge.search(uow, f"When does teapot number {number} whistle?")
                if len(first) == number:
                    first.append(time.perf_counter() - start)
            whole.append(time.perf_counter() - start)
        await knowledge.library.settle(actor.workspace_id)
    name = f"{size:,} articles"
    return [
        Figure(name=f"{name}: first search after an edit", ours=max(first), unit="s"),
        Figure(
            name=f"{name}: new article found by meaning after",
            ours=max(whole),
            unit="s",
            target=AtMost(FOUND_WITHIN_S),
            claim="A7",
        ),
        Figure(
            name=f"{name}: longest stop of the loop while one is indexed and kept",
            ours=max(stops, default=0.0) * 1_000,
            unit="ms",
            target=AtMost(STANDS_STILL_MS),
        ),
        Figure(name=f"{name}: memory", ours=_memory(), unit="MB", note="what is mapped of files included"),
    ]


def _memory() -> float:
    """Return the process's resident memory in MB."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True)
    return int(said.stdout) / 1024


async def _ask_all(
    answering: Answering,
    actor: Actor,
    questions: Iterator[str],
    askers: int,
    *,
    most: int = QUESTIONS_ASKED,
    pause: float = 0.0,
) -> list[float]:
    conversations = [
        await answering.store.write(actor, lambda uow: start_conversation(uow, channel=Channel.WEBCHAT))
        for _ in range(askers)
    ]

    async def put(number: int) -> None:
        conversation_id = conversations[number % askers].id
        await ask(answering, actor, conversation_id=conversation_id, text=next(questions))

    _, each = await timed(most, askers, put, pause=pause)
    return each


@asynccontextmanager
async def _watched_loop() -> AsyncIterator[list[float]]:
    """Give a list that fills with how much later than asked for the loop came back, in seconds."""
    stops: list[float] = []

    async def watch() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(LOOK_EVERY_S)
            stops.append(time.perf_counter() - start - LOOK_EVERY_S)

    watching = asyncio.create_task(watch())
    try:
        yield stops
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


SECTION = Section(name="answering", about="answers in bases of 1k and 10k articles", minutes=3, run=measure)
