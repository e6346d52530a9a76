"""Sign-in over HTTP: the part of the API that works before anybody is known."""

from typing import Annotated

import svcs
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from backend.core.services import services
from backend.core.store import Store
from backend.identity import sign_in as operations
from backend.identity.actors import Actors
from backend.identity.documents import DeviceInfo
from backend.identity.sign_in import SignedIn, TokenPolicy

router = APIRouter(prefix="/auth", tags=["sign-in"])


class Body(BaseModel):
    """What a request or an answer of this room says, its names in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class SignInBody(Body):
    email: str = Field(max_length=320)
    password: str = Field(max_length=1_000)
    device: DeviceInfo = Field(default_factory=DeviceInfo)


class RefreshBody(Body):
    refresh_token: str = Field(max_length=500)


class Reference(Body):
    id: str


class SignInAnswer(Body):
    access_token: str
    refresh_token: str
    expires_in: int = Field(description="seconds until the access token stops counting")
    user: Reference
    workspace: Reference


def answer_of(done: SignedIn) -> SignInAnswer:
    """Return the usual answer to a sign-in, whichever way it went."""
    return SignInAnswer(
        access_token=done.access_token,
        refresh_token=done.refresh_token,
        expires_in=int(done.expires_in.total_seconds()),
        user=Reference(id=done.user_id),
        workspace=Reference(id=done.workspace_id),
    )


Services = Annotated[svcs.Container, Depends(services)]


@router.post("/sign-in")
async def sign_in(body: SignInBody, request: Request, services: Services) -> SignInAnswer:
    """Start a session on this device."""
    policy, store = await services.aget(TokenPolicy, Store)
    network = request.client.host if request.client else "unknown"
    return answer_of(
        await operations.sign_in(
            policy, store, email=body.email, password=body.password, network=network, device=body.device
        )
    )


@router.post("/refresh")
async def refresh(body: RefreshBody, services: Services) -> SignInAnswer:
    """Exchange a refresh token for new tokens."""
    policy, store = await services.aget(TokenPolicy, Store)
    return answer_of(await operations.refresh(policy, store, token=body.refresh_token))


@router.post("/sign-out", status_code=204)
async def sign_out(body: RefreshBody, services: Services) -> None:
    """End this session; its access token stops counting, too."""
    store, actors = await services.aget(Store, Actors)
    actors.forget(await operations.sign_out(store, token=body.refresh_token))
