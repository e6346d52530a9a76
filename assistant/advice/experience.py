"""What the workspace's closed deals teach, as far as the asker may read them; pure."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from assistant.advice.history import time_in_stage, usual_time_in_stage
from assistant.predictions.win import WinCase, WinModel, fit_win_model
from backend.sales.contract_documents import Contract, Payment
from backend.sales.documents import Opportunity
from backend.sales.rules import StageType
from backend.service.documents import Ticket

PACES = ((Decimal("0.5"), "fast"), (Decimal("1.5"), "usual"), (Decimal(3), "slow"))  # times the usual stay
SIZES = ("small", "middle", "large")
NAMED, NOBODY, UNKNOWN = "named", "nobody", "unknown"


@dataclass(frozen=True)
class Yardstick:
    """What is usual: the stay in each stage of won deals, and the amounts that part deals in three."""

    usual: Mapping[str, timedelta]
    cuts: Mapping[str, tuple[Decimal, Decimal]]

    @classmethod
    def of(cls, closed: Sequence[Opportunity]) -> "Yardstick":
        stages = {change.to_stage for one in closed for change in one.stage_history}
        stays = {stage: usual_time_in_stage(closed, stage) for stage in stages}
        amounts: dict[str, list[Decimal]] = {}
        for one in closed:
            if one.amount is not None:
                amounts.setdefault(one.currency, []).append(one.amount)
        cuts = {
            currency: (some[len(some) // 3], some[2 * len(some) // 3])
            for currency, found in amounts.items()
            if (some := sorted(found))
        }
        return cls({stage: stay for stage, stay in stays.items() if stay}, cuts)

    def levels(self, one: Opportunity, stage: str, stayed: timedelta | None) -> dict[str, str]:
        """Return where a deal stands in each factor, as far as that is known."""
        found = {"source": one.source or UNKNOWN, "person": NAMED if one.contact_id else NOBODY}
        cuts = self.cuts.get(one.currency)
        if one.amount is not None and cuts is not None:
            found["size"] = SIZES[bisect_right(cuts, one.amount)]
        usual = self.usual.get(stage)
        if stayed is not None and usual is not None:
            times = Decimal(stayed.total_seconds()) / Decimal(max(usual.total_seconds(), 1.0))
            found["pace"] = next((name for most, name in PACES if times < most), "stalled")
        return found


@dataclass(frozen=True, kw_only=True)
class Experience:
    """The workspace's past, as far as the asker may read it.

    ``model`` is None while too few deals are over to learn from: then stages' own probabilities are used.
    ``taken_up`` says for each action how many recommendations were right and how many skipped as wrong.
    """

    closed: Sequence[Opportunity]
    tickets: Sequence[Ticket]
    yardstick: Yardstick
    model: WinModel | None = None
    taken_up: Mapping[str, tuple[int, int]]
    contracts: Sequence[Contract] = ()
    payments: Sequence[Payment] = ()


def learn(
    closed: Sequence[Opportunity],
    tickets: Sequence[Ticket],
    taken_up: Mapping[str, tuple[int, int]] | None = None,
    *,
    contracts: Sequence[Contract] = (),
    payments: Sequence[Payment] = (),
) -> Experience:
    """Learn from what is over. Takes some tenths of a second with thousands of deals: not on the loop."""
    yardstick = Yardstick.of(closed)
    return Experience(
        closed=closed,
        tickets=tickets,
        yardstick=yardstick,
        model=fit_win_model(list(win_cases(closed, yardstick))),
        taken_up=taken_up or {},
        contracts=contracts,
        payments=payments,
    )


def win_cases(closed: Sequence[Opportunity], yardstick: Yardstick) -> Iterator[WinCase]:
    """Yield every closed deal once for each open stage it stood in, as it was half-way through the stay.

    A deal that is open now is met at some moment of its stay, not at its end.
    """
    for one in closed:
        ends = one.stage_history[-1].to_stage if one.stage_history else ""
        for stage in {change.to_stage for change in one.stage_history} - {ends}:
            stayed = time_in_stage(one, stage)
            levels = yardstick.levels(one, stage, stayed / 2 if stayed is not None else None)
            yield WinCase(one.id, stage, levels, one.stage_type is StageType.WON)


def levels_now(experience: Experience, one: Opportunity, now: datetime) -> dict[str, str]:
    """Return where an open deal stands in each factor at this moment."""
    return experience.yardstick.levels(one, one.stage, time_in_stage(one, one.stage, until=now))
