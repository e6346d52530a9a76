"""The second factor over HTTP: the second half of signing in."""

from fastapi import APIRouter
from pydantic import Field

from backend.core.store import Store
from backend.identity import second_factor_sign_in as operations
from backend.identity.http import Body, Services, SignInAnswer, answer_of
from backend.identity.sign_in import TokenPolicy

router = APIRouter(prefix="/auth/second-factor", tags=["sign-in"])


class TicketBody(Body):
    ticket: str = Field(max_length=200)


class CodeBody(TicketBody):
    code: str = Field(max_length=40, description="six digits of the app, or a recovery code")


class EnrolmentAnswer(Body):
    secret: str
    uri: str = Field(description="otpauth:// address for a QR code")


class EnrolledAnswer(SignInAnswer):
    recovery_codes: list[str] = Field(description="each signs in once without the app; shown only now")


@router.post("")
async def second_factor(body: CodeBody, services: Services) -> SignInAnswer:
    """Finish a sign-in that answered SECOND_FACTOR_REQUIRED."""
    policy, store = await services.aget(TokenPolicy, Store)
    done = await operations.give_second_factor(policy, store, ticket=body.ticket, code=body.code)
    return answer_of(done)


@router.post("/enrol")
async def enrol(body: TicketBody, services: Services) -> EnrolmentAnswer:
    """Begin to set up a second factor after SECOND_FACTOR_ENROLMENT_REQUIRED."""
    policy, store = await services.aget(TokenPolicy, Store)
    begun = await operations.begin_enrolment(policy, store, ticket=body.ticket)
    return EnrolmentAnswer(secret=begun.secret, uri=begun.uri)


@router.post("/enrol/confirm")
async def confirm_enrolment(body: CodeBody, services: Services) -> EnrolledAnswer:
    """Turn the second factor on and finish the sign-in."""
    policy, store = await services.aget(TokenPolicy, Store)
    done = await operations.confirm_enrolment(policy, store, ticket=body.ticket, code=body.code)
    usual = answer_of(done.signed_in)
    return EnrolledAnswer(**usual.model_dump(), recovery_codes=done.recovery_codes)
