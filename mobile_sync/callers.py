"""Who calls, and in which form it takes its answer: for the routes of phones."""

import asyncio
import gzip
from typing import Annotated

import svcs
from fastapi import Depends, Request, Response

from backend.core.access import Actor
from backend.core.errors import Unauthenticated
from backend.core.services import services
from backend.identity.actors import Actors
from mobile_sync.rejections import with_own_rejections

SMALLEST_ZIPPED = 500  # bytes; below, the header outweighs what is saved
LEVEL = 5

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


async def answered(request: Request, body: bytes, media_type: str) -> Response:
    """Return ``body`` as an answer, gzipped where the caller takes that. Source: RFC 9110 §12.5.3."""
    headers = {"Vary": "Accept-Encoding"}
    if len(body) >= SMALLEST_ZIPPED and _takes_gzip(request.headers.get("accept-encoding", "")):
        body = await asyncio.to_thread(gzip.compress, body, LEVEL)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
