"""What may be done with an opportunity."""

from collections.abc import Sequence

from backend.core.events import RecordUpdated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.sales.documents import Opportunity, Pipeline, StageChange
from backend.sales.events import OpportunityStageChanged
from backend.sales.pipelines import pipeline_of
from backend.sales.rules import StageType, check_standing, find_stage, first_stage


async def create_opportunity(
    uow: UnitOfWork,
    fields: Fields,
    *,
    id: str | None = None,
    lead_id: str | None = None,
    history: Sequence[StageChange] = (),
) -> Opportunity:
    """Create an opportunity: in the first open stage and the currency of its pipeline, unless given.

    ``history`` is that of a deal that lived elsewhere before; without it the first move is now.
    Raise InvalidInput for an unknown stage, and for a closed one without what closing needs.
    """
    pipeline = await pipeline_of(uow, fields.get("pipeline_id"))
    stage = fields.get("stage") or first_stage(pipeline.stages).key
    currency = fields.get("currency") or pipeline.currency
    filled = {**fields, "pipeline_id": pipeline.id, "stage": stage, "currency": currency}
    opportunity = await new_record(uow, Opportunity, filled, id=id)
    opportunity.lead_id = lead_id
    _enter_stage(uow, opportunity, pipeline)
    opportunity.stage_history = list(history) or [_change(uow, None, opportunity.stage)]
    _check(opportunity)
    uow.save(opportunity)
    return opportunity


async def update_opportunity(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Opportunity:
    """Change an opportunity; a new ``stage`` moves it and leaves its mark in the history.

    Raise InvalidInput for an unknown stage, and for a closed one without what closing needs.
    """
    opportunity = await uow.access(Opportunity, id, action="update", expected_version=expected_version)
    before = opportunity.model_copy()
    set_fields(opportunity, fields)
    if (opportunity.pipeline_id, opportunity.stage) == (before.pipeline_id, before.stage):
        _check(opportunity)
        uow.save(opportunity)
        return opportunity
    _leave_stage(opportunity, before)
    _enter_stage(uow, opportunity, await pipeline_of(uow, opportunity.pipeline_id))
    opportunity.stage_history = [
        *before.stage_history,
        _change(uow, before.stage, opportunity.stage),
    ]
    _check(opportunity)
    moved = OpportunityStageChanged(
        from_stage=before.stage,
        to_stage=opportunity.stage,
        type=opportunity.stage_type,
        owner_id=opportunity.owner_id,
    )
    uow.save(opportunity, RecordUpdated(fields=tuple(sorted(fields))), moved)
    return opportunity


async def delete_opportunity(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Opportunity:
    """Delete an opportunity; what refers to it stays."""
    opportunity = await uow.access(Opportunity, id, action="delete", expected_version=expected_version)
    uow.delete(opportunity)
    return opportunity


def _leave_stage(opportunity: Opportunity, before: Opportunity) -> None:
    """Drop what only the stage left behind was about, unless the same change gives it anew."""
    if opportunity.closed_at == before.closed_at:
        opportunity.closed_at = None
    if before.stage_type is StageType.LOST and opportunity.loss_reason == before.loss_reason:
        opportunity.loss_reason = ""


def _enter_stage(uow: UnitOfWork, opportunity: Opportunity, pipeline: Pipeline) -> None:
    stage = find_stage(pipeline.stages, opportunity.stage)
    opportunity.stage_type = stage.type
    opportunity.probability = stage.probability
    opportunity.forecast_category = stage.forecast_category
    if stage.type is not StageType.OPEN and opportunity.closed_at is None:
        opportunity.closed_at = uow.at


def _change(uow: UnitOfWork, before: str | None, after: str) -> StageChange:
    return StageChange(from_stage=before, to_stage=after, at=uow.at, by=uow.actor.user_id)


def _check(opportunity: Opportunity) -> None:
    check_standing(
        opportunity.stage_type,
        amount=opportunity.amount,
        loss_reason=opportunity.loss_reason,
        closed_at=opportunity.closed_at,
    )
