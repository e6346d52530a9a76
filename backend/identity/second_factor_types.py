"""Second factors as GraphQL types and inputs."""

from typing import Annotated, Self

import strawberry

from backend.core.graphql import Conflict, Forbidden, InvalidInput, NotFound, RateLimited
from backend.identity import second_factor


@strawberry.type(description="What an authenticator app needs: shown once, and on only after `totpConfirm`.")
class TotpEnrolment:
    secret: str
    uri: str = strawberry.field(description="The `otpauth://` address to show as a QR code.")

    @classmethod
    def of(cls, begun: second_factor.Enrolment) -> Self:
        return cls(secret=begun.secret, uri=begun.uri)


@strawberry.type(description="Codes that sign in without the app, each once: shown only now.")
class RecoveryCodes:
    codes: list[str]


@strawberry.type(description="Whether signing in takes a code of an authenticator app.")
class SecondFactorState:
    is_on: bool
    recovery_codes_left: int = strawberry.field(description="How many recovery codes still count.")

    @classmethod
    def with_codes(cls, left: int | None) -> Self:
        return cls(is_on=left is not None, recovery_codes_left=left or 0)


@strawberry.type(description="How the workspace's people must sign in.")
class SignInPolicy:
    require_second_factor: bool = strawberry.field(description="Staff must have a second factor.")


@strawberry.input(description="How the workspace's people must sign in.")
class SignInPolicyUpdateInput:
    require_second_factor: bool
    mutation_id: str | None = strawberry.UNSET


TotpBeginResult = Annotated[TotpEnrolment | InvalidInput | Forbidden, strawberry.union("TotpBeginResult")]
TotpConfirmResult = Annotated[
    RecoveryCodes | InvalidInput | Forbidden | RateLimited, strawberry.union("TotpConfirmResult")
]
TotpDisableResult = Annotated[
    SecondFactorState | InvalidInput | Forbidden | RateLimited, strawberry.union("TotpDisableResult")
]
SecondFactorResetResult = Annotated[
    SecondFactorState | InvalidInput | NotFound | Forbidden, strawberry.union("SecondFactorResetResult")
]
SignInPolicyResult = Annotated[
    SignInPolicy | NotFound | Forbidden | Conflict | InvalidInput, strawberry.union("SignInPolicyResult")
]
