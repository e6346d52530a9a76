"""The pipelines of the sales room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.sales import documents, pipelines
from backend.sales.pipeline_types import (
    Pipeline,
    PipelineCreateInput,
    PipelineDeleteResult,
    PipelineFilter,
    PipelineOrder,
    PipelineResult,
    PipelineUpdateInput,
)


@strawberry.type
class PipelineQuery:
    @strawberry.field(description="One pipeline; null with a NOT_FOUND error when it is not visible to you.")
    async def pipeline(self, info: Info, id: strawberry.ID) -> Pipeline | None:
        return Pipeline.of(await info.context.uow.access(documents.Pipeline, id))

    @strawberry.field(description="The pipelines of the workspace.")
    async def pipelines(
        self,
        info: Info,
        filter: PipelineFilter | None = None,
        order_by: list[PipelineOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Pipeline]:
        return await listed(
            info,
            documents.Pipeline,
            Pipeline.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class PipelineMutation:
    @strawberry.mutation(description="Create a pipeline.")
    async def pipeline_create(self, info: Info, input: PipelineCreateInput) -> PipelineResult:
        return Pipeline.of(await run_create(info, pipelines.create_pipeline, input))

    @strawberry.mutation(description="Change a pipeline.")
    async def pipeline_update(self, info: Info, input: PipelineUpdateInput) -> PipelineResult:
        return Pipeline.of(await run_update(info, pipelines.update_pipeline, input))

    @strawberry.mutation(description="Delete a pipeline.")
    async def pipeline_delete(self, info: Info, input: DeleteInput) -> PipelineDeleteResult:
        return await run_delete(info, pipelines.delete_pipeline, input)
