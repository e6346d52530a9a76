"""How the web edge says no: every refusal in the one shape of the house."""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from backend.core.errors import CRMError, FieldError, InvalidInput, RateLimited, Unauthenticated, Unavailable
from backend.core.web_hygiene import GRAPHQL, PLAIN_HEADERS


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer an expected refusal in the one shape of the house."""
    assert isinstance(error, CRMError)
    headers = {}
    if isinstance(error, RateLimited | Unavailable):
        headers["Retry-After"] = str(max(1, round(error.retry_after.total_seconds())))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    extensions = {**error.extensions(), "requestId": getattr(request.state, "request_id", "")}
    body: dict[str, Any] = {"message": str(error), **extensions}
    if request.url.path == GRAPHQL:
        body = {"data": None, "errors": [{"message": str(error), "extensions": extensions}]}
    return JSONResponse(body, status_code=error.http_status, headers=headers)


async def refuse_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a body that does not fit its route, field by field, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    found = [(".".join(str(part) for part in one["loc"][1:]) or "body", one["msg"]) for one in error.errors()]
    return await refuse(request, InvalidInput(*(FieldError(name, f": {text}") for name, text in found)))


def masked(request_id: str) -> JSONResponse:
    """Return the answer to a request that met a bug: a number to ask about, and nothing of the inside."""
    message = f"Something went wrong on our side. Tell support this number: {request_id}"
    body = {"message": message, "code": "INTERNAL", "requestId": request_id}
    return JSONResponse(body, status_code=500, headers=dict(PLAIN_HEADERS))
