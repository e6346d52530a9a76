"""What the tests of passwords share: good ones, signing in, and a store by another clock."""

from copy import copy

import httpx

from backend.core.clock import HeldClock
from backend.core.store import Store

PASSWORD = "kettle 苹果 orbit fennel"
ANOTHER = "walrus 月亮 cobalt sandal"


async def sign_in(http: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await http.post("/auth/sign-in", json={"email": email, "password": password})


async def me(http: httpx.AsyncClient, signed_in: httpx.Response) -> int:
    headers = {"Authorization": f"Bearer {signed_in.json()['accessToken']}"}
    return (await http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)).status_code


def clocked(store: Store, clock: HeldClock) -> Store:
    """Return the same store, by another clock."""
    other = copy(store)
    other.clock = clock
    return other
