"""Predictions as GraphQL types: each with n, an interval, and the word that there is not enough data."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Self

import strawberry

from assistant.advice import market
from assistant.advice.action_types import EvidenceReference
from assistant.advice.chances import Reckoning
from assistant.advice.market import Measure
from assistant.advice.predictions import MEMBERS_SHOWN, Latent
from assistant.advice.reasons import explain
from assistant.advice.subjects import Reference
from assistant.predictions.affinity import LEAST_BASKETS, Affinities, Rule
from assistant.predictions.estimates import Estimate
from assistant.predictions.groups import Grouping
from assistant.predictions.trend import NEEDED
from knowledge.text import Language


@strawberry.type(
    description="A number with its 80 % interval, learned from `n` cases; null while `enoughData` is false."
)
class Prediction:
    value: float | None
    low: float | None
    high: float | None
    n: int
    needed: int = strawberry.field(description="How many cases it takes.")
    enough_data: bool
    method: str
    explanation: str

    @classmethod
    def of(cls, found: Estimate, language: Language) -> Self:
        key = "enough" if found.enough else "not_enough"
        return cls(
            value=found.value if found.enough else None,
            low=found.low if found.enough else None,
            high=found.high if found.enough else None,
            n=found.n,
            needed=found.needed,
            enough_data=found.enough,
            method=found.method,
            explanation=explain(key, language, n=found.n, needed=found.needed),
        )


@strawberry.type(description="What one thing moves a probability by.")
class PredictionFactor:
    name: str
    share: float
    evidence: str


@strawberry.type(
    description="How likely a deal is to be won; the factors' shares sum to `probability`. While too few "
    "deals are over, `method` is stage_prior and `enoughData` false."
)
class WinPrediction:
    probability: float
    low: float
    high: float
    n: int
    enough_data: bool
    method: str
    factors: list[PredictionFactor]

    @classmethod
    def of(cls, found: Reckoning, language: Language) -> Self:
        return cls(
            probability=float(found.probability),
            low=float(found.low),
            high=float(found.high),
            n=found.n,
            enough_data=found.enough,
            method=found.method,
            factors=[
                PredictionFactor(
                    name=step.name,
                    share=float(step.share),
                    evidence=explain(step.evidence, language, **step.values),
                )
                for step in found.steps
            ],
        )


@strawberry.type(description="What a customer brings in a number of weeks, undiscounted.")
class LifetimeValue:
    currency: str
    weeks: float
    purchases: int
    prediction: Prediction


@strawberry.type(description="Who was interested in `given` was interested in `thing`, too.")
class AffinityRule:
    given: str
    thing: str
    confidence: float
    low: float
    high: float
    lift: float
    together: int
    with_given: int

    @classmethod
    def of(cls, rule: Rule) -> Self:
        return cls(
            given=rule.given,
            thing=rule.thing,
            confidence=rule.confidence,
            low=rule.low,
            high=rule.high,
            lift=rule.lift,
            together=rule.together,
            with_given=rule.with_given,
        )


@strawberry.type(description="Rules, surest first; none while fewer than `needed` customers tell.")
class ProductAffinity:
    n: int
    needed: int
    enough_data: bool
    rules: list[AffinityRule]

    @classmethod
    def of(cls, found: Affinities, rules: Sequence[Rule]) -> Self:
        chosen = [AffinityRule.of(rule) for rule in rules]
        return cls(n=found.n, needed=LEAST_BASKETS, enough_data=found.enough, rules=chosen)


@strawberry.type(description="Customers that are alike; the figures are medians.")
class CustomerGroup:
    size: int
    days_since_purchase: float
    purchases: float
    money: float
    members: list[EvidenceReference]


@strawberry.type(description="Groups, worth most first; `silhouette` above 0.5 says they are clearly apart.")
class CustomerGroups:
    n: int
    needed: int
    enough_data: bool
    silhouette: float
    groups: list[CustomerGroup]

    @classmethod
    def of(cls, found: Grouping, members: Mapping[str, Reference]) -> Self:
        groups = [
            CustomerGroup(
                size=len(group.members),
                days_since_purchase=group.days,
                purchases=group.purchases,
                money=group.money,
                members=[
                    EvidenceReference.of(members[id]) for id in group.members[:MEMBERS_SHOWN] if id in members
                ],
            )
            for group in found.groups
        ]
        return cls(
            n=found.n,
            needed=found.needed,
            enough_data=found.n >= found.needed,
            silhouette=found.silhouette,
            groups=groups,
        )


@strawberry.type(
    description="An account with nothing under way that will probably buy: `expected` money within a year."
)
class LatentOpportunity:
    account: EvidenceReference
    expected: float
    currency: str
    low: float | None
    high: float | None
    still_buys: float | None
    n: int
    purchases: int
    last_bought_at: datetime

    @classmethod
    def of(cls, found: Latent) -> Self:
        left = found.still_buys.value
        return cls(
            account=EvidenceReference.of(found.account),
            expected=float(found.expected),
            currency=found.currency,
            low=found.worth.low,
            high=found.worth.high,
            still_buys=1 - left if left is not None else None,
            n=found.worth.n,
            purchases=found.purchases,
            last_bought_at=found.last_bought_at,
        )


strawberry.enum(Measure, name="MarketMeasure", description="DEMAND: new leads. WINS: deals won. MONEY: won.")


@strawberry.type(description="A whole month, by its first day, and its figure.")
class MarketMonth:
    month: date
    value: float


@strawberry.type(description="A month to come, by its first day.")
class MarketForecast:
    month: date
    prediction: Prediction


@strawberry.type(
    description="How a figure moves. `direction` is rising, falling, none (it may be chance) or unknown (too "
    "few months); `perMonth` is the median slope."
)
class MarketTrend:
    direction: str
    per_month: float | None
    by_chance: float | None = strawberry.field(
        description="How likely months in no order would look like this."
    )
    n: int = strawberry.field(description="Whole months looked at.")
    needed: int
    enough_data: bool
    months: list[MarketMonth]
    ahead: list[MarketForecast]

    @classmethod
    def of(cls, found: market.MarketTrend, language: Language) -> Self:
        trend = found.trend
        return cls(
            direction=trend.direction,
            per_month=trend.slope if trend.enough else None,
            by_chance=trend.by_chance if trend.enough else None,
            n=trend.months,
            needed=NEEDED,
            enough_data=trend.enough,
            months=[MarketMonth(month=month, value=value) for month, value in found.months],
            ahead=[
                MarketForecast(month=month, prediction=Prediction.of(one, language))
                for month, one in zip(found.ahead, trend.ahead, strict=True)
            ],
        )
