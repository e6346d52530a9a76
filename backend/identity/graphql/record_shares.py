"""Root fields of the shares of single records."""

import strawberry

from backend.core.graphql import Info
from backend.identity import record_shares
from backend.identity.record_share_types import (
    RecordShare,
    RecordShareInput,
    RecordShares,
    RecordSharesResult,
    RecordUnshareInput,
    grantee,
)
from backend.identity.role_types import role_book


@strawberry.type
class RecordShareQuery:
    @strawberry.field(description="With whom a record is shared now, for people of ours who may read it.")
    async def record_shares(self, info: Info, kind: str, id: strawberry.ID) -> list[RecordShare]:
        return [RecordShare.of(one) for one in await record_shares.shares_of(info.context.uow, kind, id)]


@strawberry.type
class RecordShareMutation:
    @strawberry.mutation(
        description="Open a record to a person, a team or a role; sharing again with the same replaces what "
        "was. For who may change the record by their own role: nobody shares on what was shared with them."
    )
    async def record_share(self, info: Info, input: RecordShareInput) -> RecordSharesResult:
        roles, fields = await role_book(info), input.values()
        record = await info.context.write(
            lambda uow: record_shares.share_record(uow, input.kind, input.id, fields, roles=roles),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return RecordShares.of(record)

    @strawberry.mutation(description="Take a share back: it ends at once.")
    async def record_unshare(self, info: Info, input: RecordUnshareInput) -> RecordSharesResult:
        to = grantee(input.to)
        record = await info.context.write(
            lambda uow: record_shares.unshare_record(uow, input.kind, input.id, to=to),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return RecordShares.of(record)
