"""What may be done with a pipeline, and the one that every workspace has."""

from typing import Any

import svcs

from backend.core.access import system_actor
from backend.core.errors import FieldError, InvalidInput, NotFound
from backend.core.fields import Fields, new_record, set_fields
from backend.core.ids import derived_id
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.home import home_currency
from backend.sales.documents import Opportunity, Pipeline
from backend.sales.rules import check_stages

#           key, zh, en, type, probability in percent, forecast category
STANDARD = (
    ("qualification", "初步接洽", "Qualification", "open", 10, "pipeline"),
    ("discovery", "需求确认", "Discovery", "open", 25, "pipeline"),
    ("proposal", "方案报价", "Proposal", "open", 50, "best_case"),
    ("negotiation", "商务谈判", "Negotiation", "open", 75, "commit"),
    ("won", "赢单", "Won", "won", 100, "closed"),
    ("lost", "输单", "Lost", "lost", 0, "omitted"),
)


def default_pipeline_id(workspace_id: str) -> str:
    """Return the id of a workspace's default pipeline, stored already or not yet."""
    return derived_id("pipeline", workspace_id, "default")


async def default_pipeline(uow: UnitOfWork) -> Pipeline:
    """Return the workspace's default pipeline.

    In the moment between a workspace's creation and the listener that stores its pipeline, this is the
    standard one as it will be stored: nobody who sells needs the right to create pipelines for it.
    """
    try:
        return await uow.access(Pipeline, default_pipeline_id(uow.actor.workspace_id))
    except NotFound:
        if not uow.may("pipeline", "read"):
            raise
        return Pipeline(
            **_standard(uow.actor.workspace_id),
            workspace_id=uow.actor.workspace_id,
            currency=await home_currency(uow),
        )


async def ensure_default_pipeline(uow: UnitOfWork) -> Pipeline:
    """Return the workspace's default pipeline, and store it when it is not stored yet."""
    pipeline = await default_pipeline(uow)
    if pipeline.version == 0:
        uow.save(pipeline)
    return pipeline


async def pipeline_of(uow: UnitOfWork, id: str | None) -> Pipeline:
    """Return the pipeline with this id, or the default one. Raise InvalidInput when there is none."""
    if id is None or id == default_pipeline_id(uow.actor.workspace_id):
        return await default_pipeline(uow)
    try:
        return await uow.access(Pipeline, id)
    except NotFound:
        raise InvalidInput(
            FieldError("pipeline_id", "names no pipeline of this workspace; take one from `pipelines`")
        ) from None


async def create_pipeline(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Pipeline:
    """Create a pipeline beside the default one, in the workspace's currency unless one is given."""
    currency = fields.get("currency") or await home_currency(uow)
    pipeline = await new_record(uow, Pipeline, {**fields, "currency": currency}, id=id)
    check_stages(pipeline.stages)
    uow.save(pipeline)
    return pipeline


async def update_pipeline(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Pipeline:
    """Change a pipeline. Opportunities take on a stage's new probability when they next enter it.

    Raise InvalidInput when a stage would go in which opportunities stand.
    """
    pipeline = await uow.access(Pipeline, id, action="update", expected_version=expected_version)
    before = {stage.key for stage in pipeline.stages}
    set_fields(pipeline, fields)
    check_stages(pipeline.stages)
    gone = sorted(before - {stage.key for stage in pipeline.stages})
    if gone and await uow.find_one(Opportunity, {"pipeline_id": id, "stage": {"$in": gone}}):
        raise InvalidInput(
            FieldError(
                "stages",
                f"lack {', '.join(gone)}, where opportunities stand; move those first, then remove it",
            )
        )
    uow.save(pipeline)
    return pipeline


async def delete_pipeline(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Pipeline:
    """Delete a pipeline without opportunities; the default one stays. Raise InvalidInput otherwise."""
    pipeline = await uow.access(Pipeline, id, action="delete", expected_version=expected_version)
    if pipeline.is_default:
        raise InvalidInput(
            FieldError("id", "is the workspace's default pipeline, which stays; change its stages instead")
        )
    if await uow.find_one(Opportunity, {"pipeline_id": id}):
        raise InvalidInput(FieldError("id", "is a pipeline with opportunities; move or delete those first"))
    uow.delete(pipeline)
    return pipeline


async def on_workspace_created(delivery: Delivery, services: svcs.Container) -> None:
    """Give a new workspace its default pipeline."""
    store = await services.aget(Store)
    await store.write(system_actor(delivery.entry.workspace_id), ensure_default_pipeline)


def _standard(workspace_id: str) -> dict[str, Any]:
    names = ("key", "type", "probability", "forecast_category")
    return {
        "id": default_pipeline_id(workspace_id),
        "name": {"zh": "标准销售流程", "en": "Standard"},
        "is_default": True,
        "stages": [
            dict(zip(names, (key, *rest), strict=True)) | {"name": {"zh": zh, "en": en}, "order": order}
            for order, (key, zh, en, *rest) in enumerate(STANDARD, start=1)
        ],
    }
