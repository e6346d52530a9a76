"""Questions that come at once are answered by few looks, none older than its question."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from notifications.together import Together


async def test_what_is_asked_during_a_look_is_answered_by_the_next() -> None:
    store, looks, go = {"a": 1, "b": 1}, [], asyncio.Event()

    async def look(asked: Sequence[str]) -> list[int | Exception]:
        looks.append(list(asked))
        seen: list[int | Exception] = [store[one] for one in asked]
        await go.wait()
        return seen

    together = Together(look, most=10)
    early = [asyncio.create_task(together.ask(one)) for one in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store["a"] = 2
    late = asyncio.create_task(together.ask("a"))
    await asyncio.sleep(0)
    go.set()
    assert [await one for one in early] == [1, 1]
    assert await late == 2
    assert looks == [["a", "b"], ["a"]]


async def test_one_errs_alone_and_a_look_that_fails_is_heard_of_by_all() -> None:
    async def look(asked: Sequence[int]) -> list[int | Exception]:
        if 0 in asked:
            raise OSError("the store is away")
        return [ValueError(one) if one == 1 else 10 * one for one in asked]

    together = Together(look, most=3)
    answers = await asyncio.gather(*(together.ask(one) for one in (1, 2, 3, 0, 4)), return_exceptions=True)
    assert isinstance(answers[0], ValueError)
    assert answers[1:3] == [20, 30]
    assert [str(one) for one in answers[3:]] == ["the store is away"] * 2
    assert await together.ask(5) == 50


async def test_who_is_cancelled_is_left_out_and_holds_up_nobody() -> None:
    looks: list[list[int]] = []

    async def look(asked: Sequence[int]) -> list[int | Exception]:
        looks.append(list(asked))
        await asyncio.sleep(0.01)
        return list(asked)

    together = Together(look, most=1)
    tasks = [asyncio.create_task(together.ask(one)) for one in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    assert await tasks[2] == 2
    assert looks == [[0], [2]]
    assert [task.cancelled() for task in tasks] == [True, True, False]


async def test_whoever_comes_just_as_the_last_look_ends_is_answered() -> None:
    async def look(asked: Sequence[int]) -> list[int | Exception]:
        return list(asked)

    together = Together(look, most=1)

    async def one(number: int) -> int:
        for _ in range(number):
            await asyncio.sleep(0)
        return await together.ask(number)

    async with asyncio.timeout(10):
        assert await asyncio.gather(*(one(number) for number in range(20))) == list(range(20))


@given(
    asked=st.lists(st.integers(0, 50), max_size=60),
    most=st.integers(1, 9),
    at_once=st.integers(1, 3),
)
async def test_everybody_gets_their_own_answer_and_no_look_is_too_large(
    asked: list[int], most: int, at_once: int
) -> None:
    running = highest = largest = 0

    async def look(some: Sequence[int]) -> list[int | Exception]:
        nonlocal running, highest, largest
        running += 1
        highest, largest = max(highest, running), max(largest, len(some))
        await asyncio.sleep(0)
        running -= 1
        return [one * one for one in some]

    together = Together(look, most=most, at_once=at_once)
    assert await asyncio.gather(*(together.ask(one) for one in asked)) == [one * one for one in asked]
    assert highest <= at_once
    assert largest <= most
