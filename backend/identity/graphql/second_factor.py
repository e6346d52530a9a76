"""The second factor in the identity room's GraphQL face."""

import strawberry

from backend.core.graphql import Info
from backend.identity import second_factor as operations
from backend.identity import sign_in_policy
from backend.identity.documents import User, Workspace
from backend.identity.second_factor_types import (
    RecoveryCodes,
    SecondFactorResetResult,
    SecondFactorState,
    SignInPolicy,
    SignInPolicyResult,
    SignInPolicyUpdateInput,
    TotpBeginResult,
    TotpConfirmResult,
    TotpDisableResult,
    TotpEnrolment,
)
from backend.identity.sign_in import TokenPolicy


async def _key(info: Info) -> str:
    return (await info.context.services.aget(TokenPolicy)).key


@strawberry.type
class SecondFactorQuery:
    @strawberry.field(description="Your own second factor.")
    async def second_factor(self, info: Info) -> SecondFactorState:
        return SecondFactorState.with_codes(await operations.recovery_codes_left(info.context.actor.user_id))

    @strawberry.field(description="How the workspace's people must sign in.")
    async def sign_in_policy(self, info: Info) -> SignInPolicy:
        workspace = await info.context.uow.access(Workspace, info.context.actor.workspace_id)
        return SignInPolicy(require_second_factor=workspace.require_second_factor)


@strawberry.type
class SecondFactorMutation:
    @strawberry.mutation(description="Begin to set up an authenticator app; `totpConfirm` turns it on.")
    async def totp_begin(self, info: Info) -> TotpBeginResult:
        user = await info.context.uow.access(User, info.context.actor.user_id)
        begun = await operations.begin_own(info.context.store, await _key(info), info.context.actor, user)
        return TotpEnrolment.of(begun)

    @strawberry.mutation(description="Turn the second factor on, by the code that the app shows now.")
    async def totp_confirm(self, info: Info, code: str) -> TotpConfirmResult:
        store, actor = info.context.store, info.context.actor
        return RecoveryCodes(codes=await operations.confirm_own(store, await _key(info), actor, code))

    @strawberry.mutation(description="Turn your second factor off, by a code or a recovery code.")
    async def totp_disable(self, info: Info, code: str) -> TotpDisableResult:
        await operations.disable_own(info.context.store, await _key(info), info.context.actor, code)
        return SecondFactorState.with_codes(None)

    @strawberry.mutation(description="Take the second factor off somebody who lost it; for admins.")
    async def second_factor_reset(self, info: Info, user_id: strawberry.ID) -> SecondFactorResetResult:
        await operations.reset_second_factor(info.context.store, info.context.actor, user_id)
        return SecondFactorState.with_codes(None)

    @strawberry.mutation(description="Decide how the workspace's people must sign in; for admins.")
    async def sign_in_policy_update(self, info: Info, input: SignInPolicyUpdateInput) -> SignInPolicyResult:
        workspace = await info.context.write(
            lambda uow: sign_in_policy.require_second_factor(uow, wanted=input.require_second_factor),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return SignInPolicy(require_second_factor=workspace.require_second_factor)
