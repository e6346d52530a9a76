"""Where what happens now comes from: the request, its device and network, and on whose behalf.

Set for each request at the edge and for each delivery of the relay; read when a commit is made, so that
the audit trail can say it. Tasks that a request starts inherit it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LONGEST_DEVICE = 200  # characters of a User-Agent: enough to tell devices apart


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a request comes from; empty where nobody knows.

    ``on_behalf_of`` is the user for whom another acts: the house that follows up a person's change.
    """

    ip: str = ""
    device: str = ""
    request_id: str = ""
    on_behalf_of: str = ""


NOWHERE = Origin()
_CURRENT: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def current_origin() -> Origin:
    """Return the origin of what runs now; ``NOWHERE`` outside of requests."""
    return _CURRENT.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Let everything in the block come from ``origin``."""
    token = _CURRENT.set(origin)
    try:
        yield
    finally:
        _CURRENT.reset(token)
