"""The assistant: how long a customer waits for an answer with citations."""

import time
from pathlib import Path
from typing import Any

import yaml

from bench.figures import AtMost, Figure, Section
from bench.load import Ask, at, load, timed
from bench.stage import Stage

QUESTIONS_FILE = Path(__file__).parents[1] / "examples" / "demo" / "questions.yaml"
WARM_UP = 4

START = "mutation { startConversation(input: {channel: WEBCHAT}) { id } }"
ASK = "mutation($i: AskInput!) { ask(input: $i) { decision text citations { quote } } }"


async def measure(stage: Stage) -> list[Figure]:
    house = await stage.demo_house()
    questions = yaml.safe_load(QUESTIONS_FILE.read_text(encoding="utf-8"))["questions"]
    async with load(house.base, await house.sign_in("customer")) as ask:
        return await _answers(ask, questions)


async def _answers(ask: Ask, questions: list[dict[str, Any]]) -> list[Figure]:
    conversation = (await ask(START, {}))["startConversation"]["id"]

    async def put(number: int) -> None:
        question = questions[number % len(questions)]["text"]
        data = {"conversationId": conversation, "text": question, "mutationId": f"q{number}-{time.time_ns()}"}
        await ask(ASK, {"i": data})

    await timed(WARM_UP, 1, put)
    _, each = await timed(len(questions), 1, put)
    note = f"over the {len(questions)} questions of the demo"
    return [
        Figure(name="answer p50", ours=at(each, 0.5), unit="ms", note=note),
        Figure(name="answer p95", ours=at(each, 0.95), unit="ms", target=AtMost(500)),
    ]


SECTION = Section(name="assistant", about="answers to a customer's questions", minutes=1, run=measure)
