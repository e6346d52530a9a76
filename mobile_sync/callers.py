"""Who calls: for the routes of phones."""

from typing import Annotated

import svcs
from fastapi import Depends, Request

from backend.core.access import Actor
from backend.core.errors import Unauthenticated
from backend.core.services import services
from backend.identity.actors import Actors
from mobile_sync.rejections import with_own_rejections

Services = Annotated[svcs.Container, Depends(services)]


async def signed_in(request: Request, services: Services) -> Actor:
    """Return who calls; raise Unauthenticated when nobody does."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "Nobody is signed in: send `Authorization: Bearer <accessToken>` from POST /auth/sign-in."
        )
    return with_own_rejections(await (await services.aget(Actors)).of_token(token))


Caller = Annotated[Actor, Depends(signed_in)]
