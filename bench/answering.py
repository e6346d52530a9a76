"""Answers in large bases: how long askers wait, one and eight at a time, and how long the loop stands still.

Runs in this process, on the operation that GraphQL and the stream call. Articles are made up; their rows are
random unit vectors rather than the model's, which would take minutes to make and be searched no slower. The
questions go through the model as always.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import svcs
import yaml

import main
from assistant.answering import Answering
from assistant.conversations import start_conversation
from assistant.turn import ask
from backend.core.access import Actor, system_actor
from backend.core.ids import new_id
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

SIZES = (1_000, 10_000)  # articles; 100,000 take half an hour to write and index
ASKERS = (1, 8)
QUESTIONS_ASKED = 64
ARTICLES_A_COMMIT = 250
ACCEPTABLE_MS = {1_000: 150.0, 10_000: 300.0}
TOKENS_OF_AN_ARTICLE = 60
LOOK_EVERY_S = 0.005
STANDS_STILL_MS = 50.0
WORDS = "probe gateway alarm report invoice delivery battery sensor network user site plan".split()  # noqa: SIM905
WORDS_ZH = "探头 网关 报警 报表 发票 发货 电池 传感器 网络 用户 站点 套餐".split()  # noqa: SIM905


async def measure(stage: Stage) -> list[Figure]:
    figures: list[Figure] = []
    questions = [q["text"] for q in yaml.safe_load(QUESTIONS_FILE.read_text("utf-8"))["questions"]]
    settings = Settings(data_dir=stage.folder(), demo=False, database_sync=False)
    async with open_house(main.MODULES, settings, working=True) as house, svcs.Container(house.registry) as s:
        answering = await s.aget(Answering)
        await answering.knowledge.embedder.wait_until_ready()
        _make_rows_quickly(answering)
        for size in SIZES:
            stage.say(f"writing and indexing {size:,} articles")
            actor = await _fill(house, answering, size)
            await _ask_all(answering, actor, questions[:8], 1)
            for askers in ASKERS:
                figures += await _figures(answering, actor, questions, size, askers)
    return figures


def _make_rows_quickly(answering: Answering) -> None:
    embedder = answering.knowledge.embedder
    made = np.random.default_rng(1)

    async def read(texts: Sequence[str]) -> list[Reading]:
        rows = made.normal(size=(len(texts), embedder.dimension)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        tokens = made.normal(size=(TOKENS_OF_AN_ARTICLE, embedder.dimension)).astype(np.float16)
        return [Reading(row, tokens) for row in rows]

    embedder.read_passages = read  # type: ignore[method-assign]
    embedder.read_titles = read  # type: ignore[method-assign]


async def _fill(house: House, answering: Answering, size: int) -> Actor:
    """Make a workspace with ``size`` articles, half in each language, all indexed; return who may ask."""
    actor = system_actor(new_id())
    for start in range(0, size, ARTICLES_A_COMMIT):
        numbers = range(start, min(size, start + ARTICLES_A_COMMIT))

        async def create(uow: UnitOfWork, numbers: range = numbers) -> None:
            for number in numbers:
                await create_article(uow, _article(number))

        await house.store.write(actor, create)
    await answering.knowledge.library.settle(actor.workspace_id)
    return actor


def _article(number: int) -> dict[str, Any]:
    words = WORDS_ZH if number % 2 else WORDS
    picked = [words[(number // (i + 1)) % len(words)] for i in range(6)]
    title = f"{picked[0]} {picked[1]} {number}"
    line, back = " ".join(picked), " ".join(reversed(picked))
    body = f"{line} {number}.\n\n## {picked[2]}?\n\n{back} {number * 7 % 1000}."
    locale = "zh" if number % 2 else "en"
    return {"title": title, "body": body, "locale": locale, "visibility": "public", "publish": True}


async def _figures(
    answering: Answering, actor: Actor, questions: list[str], size: int, askers: int
) -> list[Figure]:
    async with _watched_loop() as stops:
        each = await _ask_all(answering, actor, questions, askers)
    name = f"{size:,} articles, {askers} asking"
    return [
        Figure(name=f"{name}: answer p50", ours=at(each, 0.5), unit="ms"),
        Figure(
            name=f"{name}: answer p95",
            ours=at(each, 0.95),
            unit="ms",
            target=AtMost(ACCEPTABLE_MS[size]),
            claim="A7",
        ),
        Figure(
            name=f"{name}: longest stop of the loop",
            ours=max(stops, default=0.0) * 1_000,
            unit="ms",
            target=AtMost(STANDS_STILL_MS),
            note="by anything in the process, the store's own work included",
        ),
    ]


async def _ask_all(answering: Answering, actor: Actor, questions: list[str], askers: int) -> list[float]:
    conversations = [
        await answering.store.write(actor, lambda uow: start_conversation(uow, channel=Channel.WEBCHAT))
        for _ in range(askers)
    ]

    async def put(number: int) -> None:
        conversation_id = conversations[number % askers].id
        text = questions[number % len(questions)]
        await ask(answering, actor, conversation_id=conversation_id, text=text)

    _, each = await timed(QUESTIONS_ASKED, askers, put)
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
