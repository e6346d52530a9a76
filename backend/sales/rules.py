"""The rules of selling: stages, closing, and what becomes of a lead. Pure."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeVar

from backend.core.errors import FieldError, InvalidInput


class StageType(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class ForecastCategory(StrEnum):
    PIPELINE = "pipeline"
    BEST_CASE = "best_case"
    COMMIT = "commit"
    CLOSED = "closed"
    OMITTED = "omitted"


class LeadStatus(StrEnum):
    OPEN = "open"
    WORKING = "working"
    NURTURING = "nurturing"
    QUALIFIED = "qualified"
    DISQUALIFIED = "disqualified"
    CONVERTED = "converted"


class StageFacts(Protocol):
    """What the rules need to know of a stage."""

    key: str
    order: int
    type: StageType


S = TypeVar("S", bound=StageFacts)


def find_stage(stages: Sequence[S], key: str) -> S:
    """Return the stage with ``key``; raise InvalidInput that lists the stages there are."""
    for stage in stages:
        if stage.key == key:
            return stage
    known = ", ".join(stage.key for stage in _in_order(stages))
    raise InvalidInput(FieldError("stage", f"{key!r} is not a stage of this pipeline; choose one of {known}"))


def first_stage(stages: Sequence[S]) -> S:
    """Return the open stage in which a new opportunity starts."""
    return next(stage for stage in _in_order(stages) if stage.type is StageType.OPEN)


def check_stages(stages: Sequence[StageFacts]) -> None:
    """Raise InvalidInput unless opportunities can start, be won and be lost along ``stages``."""
    keys = [stage.key for stage in stages]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise InvalidInput(
            FieldError("stages", f"name {', '.join(twice)} more than once; give every stage a key of its own")
        )
    if missing := [type.value for type in StageType if type not in {stage.type for stage in stages}]:
        raise InvalidInput(
            FieldError(
                "stages", f"have none of type {', '.join(missing)}; add one, so that a deal can get there"
            )
        )


def check_standing(
    type: StageType, *, amount: Decimal | None, loss_reason: str, closed_at: datetime | None
) -> None:
    """Raise InvalidInput unless an opportunity may stand in a stage of ``type``."""
    if type is StageType.WON and amount is None:
        raise InvalidInput(
            FieldError("amount", "is needed to win an opportunity; send it together with the stage")
        )
    if type is StageType.LOST and not loss_reason.strip():
        raise InvalidInput(
            FieldError(
                "loss_reason",
                "is needed to lose an opportunity; send it with the stage, such as price or noBudget",
            )
        )
    if type is StageType.OPEN and closed_at is not None:
        raise InvalidInput(
            FieldError("closed_at", "belongs to a won or lost opportunity; move it there, or leave it out")
        )


def check_lead_change(before: LeadStatus, after: LeadStatus) -> None:
    """Raise InvalidInput for a change of a converted lead, and for a conversion by hand."""
    if before is LeadStatus.CONVERTED:
        raise InvalidInput(
            FieldError(
                "status",
                "is converted, so this lead stays as it is; change its account, contact or opportunity",
            )
        )
    if after is LeadStatus.CONVERTED:
        raise InvalidInput(
            FieldError("status", "becomes converted by `leadConvert` alone; use that, or another status")
        )


def _in_order(stages: Sequence[S]) -> list[S]:
    return sorted(stages, key=lambda stage: stage.order)
