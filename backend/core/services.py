"""Services for plain HTTP routes: one container a request, from the house that the app carries."""

from collections.abc import AsyncIterator

import svcs
from starlette.requests import HTTPConnection


async def services(connection: HTTPConnection) -> AsyncIterator[svcs.Container]:
    """Yield this request's container (a FastAPI dependency)."""
    async with svcs.Container(connection.app.state.house.registry) as container:
        yield container
