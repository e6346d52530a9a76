"""Where what happens now comes from: the request, its device and network, and on whose behalf.

Set for each request at the edge and for each delivery of the relay; read when a commit is made, so that
the audit trail can say it. Tasks that a request starts inherit it.
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

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

    def of_customer(self) -> "Origin":
        """Return what may be kept for ever of where a customer's request came from.

        The trail cannot be rewritten when the person is erased: of the address it keeps the network (/24 of
        IPv4, /48 of IPv6), of the device nothing.
        """
        return replace(self, ip=_network(self.ip), device="")


NOWHERE = Origin()
_CURRENT: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def _network(ip: str) -> str:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    length = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


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
