"""Compressed answers, in the coding that the caller likes best and as a stream.

Source: RFC 9110 §12.5.3 (Accept-Encoding), RFC 8878 (zstd), RFC 7932 (br). Levels are low: they take a
tenth of the time of the default ones for 5 bytes of 50. Answers are not shown to whoever can only guess
at them beside a secret (BREACH): who calls proves itself with a header that no browser adds by itself.
"""

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol

import brotli
from fastapi import Response
from fastapi.responses import StreamingResponse

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SMALLEST = 500  # bytes; below, the header outweighs what is saved
PIECE = 256 * 1024  # bytes pressed and sent together
GZIP = 16 + zlib.MAX_WBITS


class Press(Protocol):
    """One answer being compressed."""

    def add(self, piece: bytes) -> bytes:
        """Return what can be sent after ``piece``."""

    def end(self) -> bytes:
        """Return the rest."""


class _Zstd:
    def __init__(self) -> None:
        self._press = zstd.ZstdCompressor(level=1)

    def add(self, piece: bytes) -> bytes:
        return self._press.compress(piece)

    def end(self) -> bytes:
        return self._press.flush()


class _Brotli:
    def __init__(self) -> None:
        self._press = brotli.Compressor(quality=1)

    def add(self, piece: bytes) -> bytes:
        return bytes(self._press.process(piece))

    def end(self) -> bytes:
        return bytes(self._press.finish())


class _Gzip:
    def __init__(self) -> None:
        self._press = zlib.compressobj(5, wbits=GZIP)

    def add(self, piece: bytes) -> bytes:
        return self._press.compress(piece)

    def end(self) -> bytes:
        return self._press.flush()


CODINGS: dict[str, Callable[[], Press]] = {"zstd": _Zstd, "br": _Brotli, "gzip": _Gzip}  # best first


def chosen_coding(accepted: str) -> str | None:
    """Return which of our codings an Accept-Encoding header likes best; None when it takes none of them."""
    weights = dict(_weight(part) for part in accepted.split(",") if part.strip())
    liked = {name: weights.get(name, weights.get("*", 0.0)) for name in CODINGS}
    best = max(liked, key=liked.__getitem__)  # of equal ones the first
    return best if liked[best] > 0 else None


def _weight(part: str) -> tuple[str, float]:
    name, _, rest = part.partition(";")
    key, _, value = rest.partition("=")
    try:
        weight = float(value) if key.strip().lower() == "q" else 1.0
    except ValueError:
        weight = 0.0
    return name.strip().lower(), weight


def compressed(answer: Response, accepted: str) -> Response:
    """Return ``answer``, which is whole, compressed where that is liked and worth it."""
    answer.headers.add_vary_header("Accept-Encoding")
    coding = chosen_coding(accepted) if len(answer.body) >= SMALLEST else None
    if coding is None or "Content-Encoding" in answer.headers:
        return answer
    press = CODINGS[coding]()
    answer.body = press.add(bytes(answer.body)) + press.end()
    answer.headers["Content-Encoding"] = coding
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer


def streamed(pieces: Iterable[bytes], accepted: str, *, media_type: str) -> Response:
    """Return an answer of many pieces, pressed and sent some at a time: it never is in memory twice."""
    coding = chosen_coding(accepted)
    headers = {"Vary": "Accept-Encoding"}
    if coding is None:
        return StreamingResponse(_gathered(pieces), media_type=media_type, headers=headers)
    headers["Content-Encoding"] = coding
    return StreamingResponse(_pressed(pieces, CODINGS[coding]()), media_type=media_type, headers=headers)


async def _pressed(pieces: Iterable[bytes], press: Press) -> AsyncIterator[bytes]:
    async for piece in _gathered(pieces):
        if sent := await asyncio.to_thread(press.add, piece):
            yield sent
    yield press.end()


async def _gathered(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield ``pieces`` joined to ones of some size."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
