"""Calls to addresses of others' choosing: what is refused, in whatever notation, and what a call may take."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import CRMError, Unavailable
from backend.core.outbound import (
    AddressRefused,
    AnswerTooLarge,
    OutboundRules,
    checked_address,
    outbound_client,
)
from backend.core.settings import Settings

STRICT = OutboundRules()
ANY_PORT = OutboundRules(ports=frozenset())
LOOPBACK = OutboundRules(allow=(ipaddress.ip_network("127.0.0.0/8"),), ports=frozenset())

INNER = ["127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0.0.0.0",
         "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.2.1", "198.18.0.1",
         "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"]  # fmt: skip
OUTER = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "223.1.1.1",
]


def notations(address: str) -> dict[str, str]:
    """The spellings that resolvers and browsers take for one IPv4 address."""
    a, b, c, d = (int(part) for part in address.split("."))
    number = int(ipaddress.IPv4Address(address))
    return {
        "dotted": address,
        "decimal": str(number),
        "hexadecimal": hex(number),
        "octal": f"0{number:o}",
        "hex parts": f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        "octal parts": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        "two parts": f"{a}.{(b << 16) | (c << 8) | d}",
        "three parts": f"{a}.{b}.{(c << 8) | d}",
        "mapped": f"[::ffff:{address}]",
        "mapped in hex": f"[::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}]",
        "nat64": f"[64:ff9b::{address}]",
        "6to4": f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]",
    }


async def admitted(url: str, rules: OutboundRules = STRICT) -> bool:
    try:
        await checked_address(url, rules)
    except CRMError:
        return False
    return True


@pytest.mark.parametrize("address", INNER)
async def test_inner_addresses_are_refused_in_every_notation(address: str) -> None:
    for name, host in notations(address).items():
        assert not await admitted(f"http://{host}/"), name


@pytest.mark.parametrize("address", OUTER)
async def test_addresses_of_the_world_may_be_called(address: str) -> None:
    checked = await checked_address(f"https://{address}/hook?x=1", STRICT)
    assert [str(one) for one in checked.addresses] == [address]
    assert str(checked.url) == f"https://{address}/hook?x=1"
    assert await admitted(f"http://[::ffff:{address}]/")


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, 2**32 - 1), data=st.data())
async def test_a_notation_opens_nothing(number: int, data: st.DataObject) -> None:
    address = ipaddress.IPv4Address(number)
    ways = notations(str(address))
    way = data.draw(st.sampled_from(sorted(set(ways) - {"6to4", "nat64"})))
    verdict = await admitted(f"http://{address}/")
    if await admitted(f"http://{ways[way]}/"):  # the client's own reader refuses some of them outright
        assert verdict
    assert verdict == (address.is_global and not address.is_multicast and str(address) != "168.63.129.16")


@pytest.mark.parametrize(
    "host",
    ["[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]",
     "[::127.0.0.1]", "localhost", "LOCALHOST.", "[0:0:0:0:0:0:0:1]",
     "[2001:0:4136:e378:8000:63bf:f5ff:fffe]",
     "①②⑦.⓪.⓪.①", "127。0。0。1"],
)  # fmt: skip
async def test_inner_names_and_ipv6_are_refused(host: str) -> None:
    assert not await admitted(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    ["", "example.com", "//example.com", "ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1/", "http://",
     "http:///path", "javascript:alert(1)", "http://user@1.1.1.1/", "http://user:word@1.1.1.1/",
     "http://1.1.1.1:22/", "https://1.1.1.1:6379/", "http://1.1.1.1:99999/", "http://1.1.1.1/" + "a" * 2_000,
     "http://1.1.1.1\\@127.0.0.1/", "http://1.1.1.1\n/", "http://[1.1.1.1]/",
     "http://[::1", "http://\x00/"],
)  # fmt: skip
async def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        await checked_address(url, STRICT)


@settings(max_examples=40, deadline=None)  # some are names, which are asked for
@given(st.text(max_size=60))
async def test_no_text_is_a_bug(text: str) -> None:
    for url in (text, f"http://{text}.invalid/", f"http://127.0.0.1{text}"):
        try:
            found = await checked_address(url, ANY_PORT)
        except (AddressRefused, Unavailable):
            continue
        assert all(address.is_global for address in found.addresses)


async def test_an_unknown_name_is_told_as_such() -> None:
    with pytest.raises(Unavailable, match=r"Nobody knows the name nowhere\.invalid"):
        await checked_address("https://nowhere.invalid/", STRICT)


async def test_a_network_may_be_allowed() -> None:
    rules = OutboundRules.of(Settings(outbound_allow=("10.0.0.0/8", "fd00::/8"), outbound_ports=(8443,)))
    assert await admitted("https://10.1.1.1:8443/", rules)
    assert await admitted("https://[::ffff:10.1.1.1]:8443/", rules)
    assert await admitted("https://[fd00::1]:8443/", rules)
    assert not await admitted("https://10.1.1.1/", rules)
    assert not await admitted("https://127.0.0.1:8443/", rules)
    assert not await admitted("https://169.254.169.254:8443/", rules)


# ── calls to a real server on loopback ───────────────────────────────────────────────────────────

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


def saying(*parts: bytes, heard: list[bytes] | None = None, pause: float = 0.0) -> Serve:
    """A server that says ``parts`` to whoever calls, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(asked)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
        except ConnectionError:
            pass  # the caller had enough
        writer.close()

    return serve


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


async def test_a_call_is_answered() -> None:
    heard: list[bytes] = []
    async with listening(saying(OK + b"\r\nfine", heard=heard)) as port, outbound_client(LOOPBACK) as http:
        answer = await http.post(f"http://127.0.0.1:{port}/hook", json={"a": 1})
    assert (answer.status_code, answer.text) == (200, "fine")
    assert f"Host: 127.0.0.1:{port}\r\n".encode() in heard[0]
    assert b"Accept-Encoding: identity\r\n" in heard[0]


async def test_a_refused_address_is_not_called() -> None:
    heard: list[bytes] = []
    async with listening(saying(OK + b"\r\n", heard=heard)) as port, outbound_client(ANY_PORT) as http:
        for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
            with pytest.raises(AddressRefused):
                await http.get(f"http://{host}:{port}/")
    assert heard == []


async def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nConnection: close\r\n\r\n"
    async with listening(saying(moved)) as port, outbound_client(LOOPBACK) as http:
        answer = await http.get(f"http://127.0.0.1:{port}/")
    assert answer.status_code == 302


async def test_a_name_that_changes_its_address_is_called_where_it_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the second answer of the resolver, an inner address, is never asked for."""
    asked: list[str] = []

    async def resolve(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.66"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    heard: list[bytes] = []
    async with listening(saying(OK + b"\r\n", heard=heard)) as port, outbound_client(LOOPBACK) as http:
        monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", resolve)
        answer = await http.get(f"http://rebind.example:{port}/")
        monkeypatch.undo()
    assert (answer.status_code, asked) == (200, ["rebind.example"])
    assert f"Host: rebind.example:{port}\r\n".encode() in heard[0]


async def test_https_is_verified_under_the_name_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    authority, tls, trusting = (
        trustme.CA(),
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(),
    )
    authority.issue_cert("hooks.example").configure_cert(tls)
    authority.configure_trust(trusting)

    async def resolve(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with (
        listening(saying(OK + b"\r\nsafe"), tls) as port,
        outbound_client(LOOPBACK, verify=trusting) as http,
    ):
        monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", resolve)
        assert (await http.get(f"https://hooks.example:{port}/")).text == "safe"
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await http.get(f"https://other.example:{port}/")
        monkeypatch.undo()


async def test_a_large_answer_is_cut() -> None:
    endless = [OK + b"\r\n", *[b"x" * 65_536] * 400]
    async with (
        listening(saying(*endless)) as port,
        outbound_client(LOOPBACK, most_bytes=100_000, seconds=30) as http,
    ):
        with pytest.raises(AnswerTooLarge, match="more than the 100,000 bytes"):
            await http.get(f"http://127.0.0.1:{port}/")


async def test_a_packed_answer_is_not_unpacked() -> None:
    async with (
        listening(saying(OK + b"Content-Encoding: gzip\r\n\r\nbomb")) as port,
        outbound_client(LOOPBACK) as http,
    ):
        with pytest.raises(AnswerTooLarge, match="came packed"):
            await http.get(f"http://127.0.0.1:{port}/")


async def test_a_slow_answer_is_not_waited_for() -> None:
    """Each byte comes before a time-out for reading would strike; the whole answer has one."""
    dripping = [OK + b"\r\n", *[b"x"] * 400]
    async with (
        listening(saying(*dripping, pause=0.05)) as port,
        outbound_client(LOOPBACK, seconds=0.4) as http,
    ):
        with pytest.raises(httpx.ReadTimeout):
            await http.get(f"http://127.0.0.1:{port}/")
