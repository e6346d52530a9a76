"""The loop beside the house's own."""

import asyncio

import pytest

from notifications.vendor_loop import VendorLoop


async def test_who_is_cancelled_while_the_loop_starts_takes_nobody_along() -> None:
    loop = VendorLoop("test")

    async def answer() -> int:
        return 42

    first = asyncio.create_task(loop.run(answer()))
    await asyncio.sleep(0)  # it waits for the thread
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await loop.run(answer()) == 42
    await loop.stop()
