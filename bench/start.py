"""How long ``rapport up`` takes: the first time, and every other time."""

from bench.figures import AtMost, Figure, Section
from bench.stage import Stage


async def measure(stage: Stage) -> list[Figure]:
    house = await stage.demo_house()
    return [
        Figure(name="first start", ours=house.first_start_s, unit="s"),
        Figure(name="help centre indexed after", ours=house.indexed_after_s, unit="s"),
        Figure(name="second start", ours=house.second_start_s, unit="s", target=AtMost(15)),
    ]


SECTION = Section(name="start", about="`rapport up` with the demo company", minutes=1, run=measure)
