"""Predictions in GraphQL."""

import strawberry

from assistant.advice import market, predictions
from assistant.advice.graphql.actions import language_of
from assistant.advice.market import Measure
from assistant.advice.outlook import WEEKS_AHEAD
from assistant.advice.prediction_types import (
    CustomerGroups,
    LatentOpportunity,
    LifetimeValue,
    MarketTrend,
    Prediction,
    ProductAffinity,
    WinPrediction,
)
from backend.core.graphql import Info


@strawberry.type
class PredictionQuery:
    @strawberry.field(description="How likely an open deal is to be won, with what each factor moves it by.")
    async def win_prediction(self, info: Info, opportunity_id: strawberry.ID) -> WinPrediction:
        _, found = await predictions.win_prediction(info.context.uow, opportunity_id)
        return WinPrediction.of(found, language_of(info))

    @strawberry.field(description="How likely a customer who bought has left for good.")
    async def churn_prediction(self, info: Info, id: strawberry.ID) -> Prediction:
        found = await predictions.customer_outlook(info.context.uow, id)
        return Prediction.of(found.leaves, language_of(info))

    @strawberry.field(description="What a customer's purchases of the next weeks are worth.")
    async def lifetime_value(
        self, info: Info, id: strawberry.ID, weeks: float = WEEKS_AHEAD
    ) -> LifetimeValue:
        found = await predictions.customer_outlook(info.context.uow, id, weeks=weeks)
        return LifetimeValue(
            currency=found.currency,
            weeks=weeks,
            purchases=len(found.deals),
            prediction=Prediction.of(found.worth, language_of(info)),
        )

    @strawberry.field(
        description="Which interests go together; of one account, contact or lead: what it has not shown yet."
    )
    async def product_affinity(
        self, info: Info, id: strawberry.ID | None = None, first: int = 10
    ) -> ProductAffinity:
        found, rules = await predictions.product_affinity(info.context.uow, id, first=first)
        return ProductAffinity.of(found, rules)

    @strawberry.field(
        description="Customers in groups by how lately, how often and for how much they bought in "
        "`currency`, the workspace's unless you name another."
    )
    async def customer_groups(self, info: Info, currency: str | None = None) -> CustomerGroups:
        grouping, members = await predictions.customer_groups(info.context.uow, currency=currency or "")
        return CustomerGroups.of(grouping, members)

    @strawberry.field(
        description="Accounts with nothing under way that will probably buy again, worth most first."
    )
    async def latent_opportunities(self, info: Info, first: int = 10) -> list[LatentOpportunity]:
        found = await predictions.latent_opportunities(info.context.uow, first=first)
        return [LatentOpportunity.of(one) for one in found]

    @strawberry.field(
        description="How demand, wins or money won move by month in what you may read, and the months ahead; "
        "money in the workspace's currency unless you name another."
    )
    async def market_trend(
        self,
        info: Info,
        of: Measure = Measure.DEMAND,
        interest: str = "",
        currency: str | None = None,
        ahead: int = 3,
    ) -> MarketTrend:
        found = await market.market_trend(
            info.context.uow, of, interest=interest, currency=currency or "", ahead=ahead
        )
        return MarketTrend.of(found, language_of(info))
