"""The clocks on a ticket as GraphQL types."""

from datetime import datetime
from typing import Self

import strawberry

from backend.service import sla_rules
from backend.service.sla_rules import SlaMetric

strawberry.enum(
    SlaMetric, description="What is promised: a first answer, one to each further message, an end."
)


@strawberry.type(description="Time that does not count; without `toAt` it goes on.")
class SlaPause:
    from_at: datetime
    to_at: datetime | None


@strawberry.type(description="One promise for a ticket: under way, kept or broken.")
class SlaClock:
    metric: SlaMetric
    policy_id: strawberry.ID
    policy_version: int
    minutes: int = strawberry.field(description="How many working minutes were promised.")
    started_at: datetime
    pauses: list[SlaPause]
    near_at: datetime | None = strawberry.field(description="When 80 % of them have passed.")
    due_at: datetime | None = strawberry.field(description="When all have; null while a pause may move it.")
    met_at: datetime | None
    breached_at: datetime | None = strawberry.field(
        description="When the time was over before it was met, noted within half a minute."
    )
    is_paused: bool
    elapsed_minutes: int | None = strawberry.field(
        description="Whole working minutes that it took: known while it stands still and once it is met."
    )

    @classmethod
    def of(cls, clock: sla_rules.SlaClock) -> Self:
        seconds = clock.elapsed_seconds
        return cls(
            metric=clock.metric,
            policy_id=strawberry.ID(clock.policy_id),
            policy_version=clock.policy_version,
            minutes=clock.minutes,
            started_at=clock.started_at,
            pauses=[SlaPause(from_at=pause.from_at, to_at=pause.to_at) for pause in clock.pauses],
            near_at=clock.near_at,
            due_at=clock.due_at,
            met_at=clock.met_at,
            breached_at=clock.breached_at,
            is_paused=clock.is_paused,
            elapsed_minutes=None if seconds is None else seconds // 60,
        )
