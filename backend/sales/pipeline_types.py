"""Pipelines as GraphQL types and inputs."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Protocol, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import BooleanFilter, IdFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, Info, InvalidInput, NotFound, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from backend.sales import documents
from backend.sales.rules import ForecastCategory, StageType

strawberry.enum(StageType, description="Whether a deal in this stage is open, won or lost.")
strawberry.enum(ForecastCategory, description="Which figure of the forecast a stage counts to.")


@strawberry.type(description="A text in the languages of the house.")
class LocalText:
    zh: str
    en: str


@strawberry.input(description="A text in the languages of the house.")
class LocalTextInput:
    zh: str = ""
    en: str = ""


@strawberry.type(description="A step of a pipeline.")
class Stage:
    key: str
    name: LocalText
    order: int
    type: StageType
    probability: int = strawberry.field(description="Of winning from here, in percent.")
    forecast_category: ForecastCategory

    @classmethod
    def of(cls, part: documents.Stage) -> Self:
        name = LocalText(zh=part.name.zh, en=part.name.en)
        return cls(
            key=part.key,
            name=name,
            order=part.order,
            type=part.type,
            probability=part.probability,
            forecast_category=part.forecast_category,
        )


@strawberry.input(description="A step of a pipeline; `probability` in percent.")
class StageInput:
    key: str
    name: LocalTextInput
    order: int
    type: StageType = StageType.OPEN
    probability: int
    forecast_category: ForecastCategory = ForecastCategory.PIPELINE


@strawberry.type(description="The stages that opportunities go through.")
class Pipeline:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    name: LocalText
    currency: str
    is_default: bool
    stages: list[Stage]
    discount_limit: Decimal = strawberry.field(
        description="The largest discount, in percent, that quotes may have without an approval."
    )

    @classmethod
    def of(cls, record: documents.Pipeline) -> Self:
        name = LocalText(zh=record.name.zh, en=record.name.en)
        stages = [Stage.of(stage) for stage in sorted(record.stages, key=lambda stage: stage.order)]
        return cls(**shared_fields(record, cls, name=name, stages=stages))


class HasPipeline(Protocol):
    pipeline_id: strawberry.ID
    stage: str


async def pipeline_of(root: strawberry.Parent[HasPipeline], info: Info) -> Pipeline | None:
    """Resolve the ``pipeline`` of whatever moves along one."""
    found = await info.context.related(documents.Pipeline, root.pipeline_id)
    return Pipeline.of(found) if found else None


async def stage_name_of(root: strawberry.Parent[HasPipeline], info: Info) -> LocalText | None:
    """Resolve what the stage is called in which something stands."""
    found = await info.context.related(documents.Pipeline, root.pipeline_id)
    names = {stage.key: stage.name for stage in found.stages} if found else {}
    name = names.get(root.stage)
    return LocalText(zh=name.zh, en=name.en) if name else None


@strawberry.input(description="A new pipeline. It needs stages of all three types.")
class PipelineCreateInput(CreateInput):
    name: LocalTextInput
    currency: str | None = UNSET
    stages: list[StageInput]
    discount_limit: Decimal | None = UNSET


@strawberry.input(description="What to change about a pipeline; `stages` are all of them anew.")
class PipelineUpdateInput(UpdateInput):
    name: LocalTextInput | None = UNSET
    currency: str | None = UNSET
    stages: list[StageInput] | None = UNSET
    discount_limit: Decimal | None = UNSET


@strawberry.input
class PipelineFilter:
    id: IdFilter | None = UNSET
    is_default: BooleanFilter | None = UNSET


@strawberry.enum
class PipelineOrderField(Enum):
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class PipelineOrder:
    field: PipelineOrderField
    direction: Direction = Direction.ASC


PipelineResult = Annotated[
    Pipeline | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("PipelineResult")
]
PipelineDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("PipelineDeleteResult")
]
