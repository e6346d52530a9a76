"""clamd's INSTREAM command on loopback, for the real client. It knows one malware: the EICAR test file.

Sources: clamd(8); EICAR anti-malware test file.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

# In two pieces, so that no scanner takes this file for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class FakeClamd:
    """What it was sent, and where it answers; ``says`` replaces its verdicts."""

    address: str = ""
    scanned: list[bytes] = field(default_factory=list)
    says: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        data = b""
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            data += await reader.readexactly(length)
        self.scanned.append(data)
        verdict = b"stream: Eicar-Test-Signature FOUND" if EICAR in data else b"stream: OK"
        writer.write((self.says or verdict) + b"\0")
        await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def running_clamd() -> AsyncIterator[FakeClamd]:
    """Run one on a free port."""
    clamd = FakeClamd()
    server = await asyncio.start_server(clamd.serve, "127.0.0.1", 0)
    clamd.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield clamd
