"""The quotes of the sales room's GraphQL face."""

from functools import partial

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.identity.actors import Actors
from backend.sales import quote_documents, quotes
from backend.sales.quote_types import (
    Quote,
    QuoteCreateInput,
    QuoteDeclineInput,
    QuoteDeleteResult,
    QuoteFilter,
    QuoteMoveInput,
    QuoteOrder,
    QuoteResult,
    QuoteSendResult,
    QuoteSubmitInput,
    QuoteUpdateInput,
)


@strawberry.type
class QuoteQuery:
    @strawberry.field(description="One quote; null with a NOT_FOUND error when it is not visible to you.")
    async def quote(self, info: Info, id: strawberry.ID) -> Quote | None:
        return Quote.of(await info.context.uow.access(quote_documents.Quote, id))

    @strawberry.field(
        description="The quotes that you may see; latest change first unless filtered or ordered."
    )
    async def quotes(
        self,
        info: Info,
        filter: QuoteFilter | None = None,
        order_by: list[QuoteOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Quote]:
        return await listed(
            info,
            quote_documents.Quote,
            Quote.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class QuoteMutation:
    @strawberry.mutation(description="Draft a quote.")
    async def quote_create(self, info: Info, input: QuoteCreateInput) -> QuoteResult:
        return Quote.of(await run_create(info, quotes.create_quote, input))

    @strawberry.mutation(description="Change a quote, unless the customer accepted it.")
    async def quote_update(self, info: Info, input: QuoteUpdateInput) -> QuoteResult:
        return Quote.of(await run_update(info, quotes.update_quote, input))

    @strawberry.mutation(description="Delete a quote, unless the customer accepted it.")
    async def quote_delete(self, info: Info, input: DeleteInput) -> QuoteDeleteResult:
        return await run_delete(info, quotes.delete_quote, input)

    @strawberry.mutation(
        description="Ask for a draft to be approved. Whoever may approve it is told, see `approvals`."
    )
    async def quote_submit(self, info: Info, input: QuoteSubmitInput) -> QuoteResult:
        submit = partial(quotes.submit_quote, actors=await info.context.services.aget(Actors))
        return Quote.of(await run_update(info, submit, input))

    @strawberry.mutation(
        description="Note that the customer has the quote. A discount above the pipeline's `discountLimit` "
        "needs an approval first."
    )
    async def quote_send(self, info: Info, input: QuoteMoveInput) -> QuoteSendResult:
        return Quote.of(await run_update(info, quotes.send_quote, input))

    @strawberry.mutation(description="Note that the customer agreed to the quote.")
    async def quote_accept(self, info: Info, input: QuoteMoveInput) -> QuoteResult:
        return Quote.of(await run_update(info, quotes.accept_quote, input))

    @strawberry.mutation(description="Note that the customer did not agree to the quote.")
    async def quote_decline(self, info: Info, input: QuoteDeclineInput) -> QuoteResult:
        return Quote.of(await run_update(info, quotes.decline_quote, input))
