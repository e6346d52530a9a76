"""Calls to addresses that somebody else chose: webhooks, identity providers, avatars.

The address is resolved once, every answer of the resolver is checked against the ranges of
``ipaddress``, and the connection goes to the checked address itself: a name that resolves to another
address a moment later changes nothing. Sources: RFC 6890 (special-purpose addresses), RFC 6052 (NAT64),
OWASP's guide to server-side request forgery.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from backend.core.errors import CRMError, Unavailable
from backend.core.settings import Settings

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

RESOLVED_WITHIN_SECONDS = 5.0
LONGEST_URL = 2_000
PORTS = {"http": 80, "https": 443}

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Source: RFC 6052, section 2.1. The last 32 bits are the IPv4 address that is called."""

METADATA = frozenset({ipaddress.IPv4Address("168.63.129.16")})
"""Azure's wire server: an address of the world that answers inside of every machine there."""


class AddressRefused(CRMError):
    """The address is one that this server does not call."""

    code = "ADDRESS_REFUSED"
    http_status = 422


class AnswerTooLarge(CRMError):
    """The other side answered more, or longer, than was asked for."""

    code = "ANSWER_TOO_LARGE"
    http_status = 502


@dataclass(frozen=True, kw_only=True)
class OutboundRules:
    """What may be called: the networks of the world and those in ``allow``, on ``ports`` (none: on all)."""

    allow: tuple[IPNetwork, ...] = ()
    ports: frozenset[int] = frozenset(PORTS.values())

    @classmethod
    def of(cls, settings: Settings) -> "OutboundRules":
        """Return the rules of ``settings``; raise ValueError for a network that is none."""
        allow = tuple(ipaddress.ip_network(network) for network in settings.outbound_allow)
        return cls(allow=allow, ports=frozenset(settings.outbound_ports))

    def admits(self, address: IPAddress) -> bool:
        """Say whether ``address`` may be called, whatever it is wrapped into."""
        found = [address, *_inside(address)]
        return any(one in network for network in self.allow for one in found) or all(map(_is_of_world, found))


@dataclass(frozen=True, kw_only=True)
class CheckedAddress:
    """A URL that may be called, and the addresses that it stood for when it was checked."""

    url: httpx.URL
    addresses: tuple[IPAddress, ...]


async def checked_address(url: str | httpx.URL, rules: OutboundRules) -> CheckedAddress:
    """Return ``url`` with its resolved addresses.

    Raise AddressRefused for what may not be called, Unavailable for a name that nobody knows now. Check
    when an address is entered, to tell who enters it; ``outbound_client`` checks again at each call.
    """
    parsed = _parsed(url, rules)
    addresses = await _resolved(parsed.host, parsed.port or PORTS[parsed.scheme])
    if not all(rules.admits(address) for address in addresses):
        # The address itself stays unsaid: names of an inner network are nobody's business.
        raise AddressRefused(
            f"{parsed.host} leads to a private, local or reserved network, which this server does not call. "
            "Give an address of the internet, or have the network allowed (RAPPORT_OUTBOUND_ALLOW)."
        )
    return CheckedAddress(url=parsed, addresses=addresses)


def outbound_client(
    rules: OutboundRules, *, most_bytes: int = 1_000_000, seconds: float = 10.0, **options: Any
) -> httpx.AsyncClient:
    """Return a client that calls checked addresses only.

    It follows no redirects, uses no proxy of the environment, and ends a call whose answer is larger than
    ``most_bytes`` (AnswerTooLarge) or not whole after ``seconds`` (httpx.ReadTimeout). ``options`` are
    those of ``httpx.AsyncClient``.
    """
    verify = options.pop("verify", True)
    # A kept connection is known by its address alone: another name there would go unverified.
    inner = httpx.AsyncHTTPTransport(verify=verify, limits=httpx.Limits(max_keepalive_connections=0))
    return httpx.AsyncClient(
        transport=GuardedTransport(inner, rules, most_bytes=most_bytes, seconds=seconds),
        follow_redirects=False,
        trust_env=False,
        timeout=seconds,
        headers={"Accept-Encoding": "identity", "User-Agent": "rapport"} | dict(options.pop("headers", {})),
        **options,
    )


class GuardedTransport(httpx.AsyncBaseTransport):
    """Check each request's address, connect to the very address that was checked, and measure the answer."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, rules: OutboundRules, *, most_bytes: int, seconds: float
    ) -> None:
        self._inner, self._rules = inner, rules
        self._most_bytes, self._seconds = most_bytes, seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        until = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(until):
                checked = await checked_address(request.url, self._rules)
                answer = await self._call(request, checked.addresses)
        except TimeoutError:
            raise httpx.ReadTimeout(f"No answer within {self._seconds:g} s.", request=request) from None
        encoding = answer.headers.get("Content-Encoding", "identity")
        if encoding != "identity":  # it was not asked for, and may unpack to any size
            await answer.aclose()
            raise AnswerTooLarge(f"The answer came packed ({encoding}) though that was not asked for.")
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        answer.stream = _Measured(answer.stream, self._most_bytes, until)
        return answer

    async def _call(self, request: httpx.Request, addresses: Sequence[IPAddress]) -> httpx.Response:
        """Call the first of ``addresses`` that takes the connection, under the name that was asked for."""
        extensions = {**request.extensions, "sni_hostname": request.url.host}
        for place, address in enumerate(addresses, 1):
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,  # the Host among them
                stream=request.stream,
                extensions=extensions,
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except httpx.ConnectError:
                if place == len(addresses):
                    raise
        raise AssertionError("a resolver's answer has an address")

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Measured(httpx.AsyncByteStream):
    """An answer's body that ends with an error when it grows too large or comes too late."""

    def __init__(self, inner: httpx.AsyncByteStream, most_bytes: int, until: float) -> None:
        self._inner, self._most_bytes, self._until = inner, most_bytes, until

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        chunks = aiter(self._inner)
        while True:
            try:
                async with asyncio.timeout_at(self._until):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise httpx.ReadTimeout("The answer did not end in time.") from None
            if chunk is None:
                return
            received += len(chunk)
            if received > self._most_bytes:
                raise AnswerTooLarge(
                    f"The answer has more than the {self._most_bytes:,} bytes that are read."
                )
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _parsed(url: str | httpx.URL, rules: OutboundRules) -> httpx.URL:
    """Return ``url`` as the client itself reads it: one reader, so that no two can disagree."""
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise AddressRefused("This is no address; write it like https://example.com/path.") from None
    if parsed.scheme not in PORTS or not host or len(str(parsed)) > LONGEST_URL:
        raise AddressRefused(f"An address begins with https:// and has up to {LONGEST_URL:,} characters.")
    if parsed.userinfo:
        raise AddressRefused(
            "An address carries no user name or password; give them where they are asked for."
        )
    port = port or PORTS[parsed.scheme]
    if rules.ports and port not in rules.ports:
        raise AddressRefused(
            f"Port {port} is not called; use one of {', '.join(map(str, sorted(rules.ports)))}, "
            "or have the port allowed (RAPPORT_OUTBOUND_PORTS)."
        )
    return parsed


async def _resolved(host: str, port: int) -> tuple[IPAddress, ...]:
    """Return what ``host`` stands for, in the order of the resolver; numbers in any notation, too."""
    try:
        async with asyncio.timeout(RESOLVED_WITHIN_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        raise Unavailable(f"Nobody knows the name {host} at the moment; check it, then try again.") from None
    addresses = (ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found)
    return tuple(dict.fromkeys(addresses))


def _inside(address: IPAddress) -> list[IPAddress]:
    """Return the IPv4 addresses that an IPv6 address is a wrapping of: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    teredo = address.teredo[1] if address.teredo else None
    translated = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None
    return [one for one in (address.ipv4_mapped, address.sixtofour, teredo, translated) if one is not None]


def _is_of_world(address: IPAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address in NAT64):
        return True  # what it wraps is looked at beside it
    special = address.is_multicast or address.is_reserved or address.is_link_local or address.is_unspecified
    return address.is_global and not special and address not in METADATA
