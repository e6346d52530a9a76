"""A7, in small: how long askers wait, how fast articles are indexed, how soon a new one answers.

Over copies of the demo's articles, in real text and with the real model; `bench` measures large bases. The
figures are of the machine that ran them, with all that else ran there: samples (``--quick``) have no floors.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import svcs

from assistant.answering import Answering
from assistant.documents import Answer, Decision
from assistant.turn import ask
from backend.core.unit_of_work import UnitOfWork
from eval.cases import HELP_CENTRE, help_centre_questions
from eval.frame import Evaluation, Outcome, Row, Section
from eval.throw_away_house import Company, found_company
from knowledge.articles import create_article
from knowledge.markdown_files import read_markdown_folder

COPIES, QUICK_COPIES = 3, 1  # of the demo's articles
QUESTIONS, QUICK_QUESTIONS = 120, 48
ASKERS = 8
ASKER = "agent"  # whose conversations stay with the assistant after a hand-over
ARTICLES_A_COMMIT = 60
GIVE_UP_AFTER_S = 60.0
NEW = {
    "title": "How do I recalibrate the Zephyr anemometer?",
    "body": "Hold the Zephyr anemometer still for forty seconds: it recalibrates itself and blinks twice.",
    "locale": "en",
    "visibility": "public",
    "publish": True,
}
NEW_QUESTION = "How do I recalibrate the Zephyr anemometer?"


async def speed(evaluation: Evaluation) -> Outcome:
    """Index, ask eight at a time, add one article and ask for it until it answers."""
    house = await evaluation.house()
    company = await found_company(house, (ASKER,))
    async with svcs.Container(house.registry) as services:
        answering = await services.aget(Answering)
    library = answering.knowledge.library
    await answering.knowledge.embedder.wait_until_ready()
    start = time.perf_counter()
    articles = await _fill(company, QUICK_COPIES if evaluation.quick else COPIES)
    await library.settle(company.system.workspace_id)
    took = time.perf_counter() - start
    passages = (await library.progress(company.system.workspace_id)).passages
    questions = [asked.text for asked, _ in help_centre_questions()]
    most = QUICK_QUESTIONS if evaluation.quick else QUESTIONS
    await _ask_all(company, answering, questions[-ASKERS:])  # what is read for the first time
    each = await _ask_all(company, answering, questions[:: len(questions) // most][:most])
    until_answered = await _add_and_ask(company, answering)
    of = f"{articles} articles, {ASKERS} asking"
    return Outcome(
        rows=[
            Row(claim=f"answer p50, ms ({of})", figure=float(np.quantile(each, 0.5)) * 1_000, n=len(each)),
            Row(
                claim=f"answer p95, ms ({of})",
                figure=float(np.quantile(each, 0.95)) * 1_000,
                target=300,
                floor=None if evaluation.quick else 3_000,
                at_most=True,
                n=len(each),
            ),
            Row(
                claim="passages indexed a second",
                figure=passages / took,
                target=15,
                floor=None if evaluation.quick else 3,
                n=passages,
            ),
            Row(
                claim="seconds until a new article answers",
                figure=until_answered,
                target=5,
                floor=None if evaluation.quick else 20,
                at_most=True,
            ),
        ]
    )


async def _fill(company: Company, copies: int) -> int:
    """Write the demo's articles so many times, each copy under titles of its own; return how many."""
    files = list(read_markdown_folder(HELP_CENTRE))
    fields = [
        file.fields() | {"title": f"{file.title} ({copy})" if copy else file.title, "publish": True}
        for copy in range(copies)
        for file in files
    ]
    for start in range(0, len(fields), ARTICLES_A_COMMIT):

        async def create(
            uow: UnitOfWork, some: Sequence[dict[str, Any]] = fields[start : start + ARTICLES_A_COMMIT]
        ) -> None:
            for one in some:
                await create_article(uow, one)

        await company.house.store.write(company.system, create)
    return len(fields)


async def _ask_all(company: Company, answering: Answering, questions: Sequence[str]) -> list[float]:
    """Ask each question in a new conversation, ASKERS at a time; return how long each took in seconds."""
    waiting, took = list(questions), list[float]()

    async def work() -> None:
        while waiting:
            text = waiting.pop()
            took.append((await _ask(company, answering, text))[1])

    await asyncio.gather(*(work() for _ in range(ASKERS)))
    return took


async def _ask(company: Company, answering: Answering, text: str) -> tuple[Answer, float]:
    actor, conversation_id = await company.begin(ASKER)
    start = time.perf_counter()
    answer = await ask(answering, actor, conversation_id=conversation_id, text=text)
    return answer, time.perf_counter() - start


async def _add_and_ask(company: Company, answering: Answering) -> float:
    """Publish an article and ask for it until it is quoted; return the seconds from its commit."""
    article = await company.house.store.write(company.system, lambda uow: create_article(uow, NEW))
    start = time.perf_counter()
    while (waited := time.perf_counter() - start) < GIVE_UP_AFTER_S:
        answer, _ = await _ask(company, answering, NEW_QUESTION)
        cited = [one.article_id for one in answer.evidence if one.cited]
        if answer.decision is Decision.ANSWERED and article.id in cited:
            return time.perf_counter() - start
    return waited


SECTIONS = (Section(claim="A7", name="speed", run=speed),)
