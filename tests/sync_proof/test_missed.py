"""The missed-writes test in short; `make sync-fuzz` runs it for a minute with one process and with two."""

import os
from pathlib import Path

import pytest

from tests.sync_proof.missed import missed_writes


@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(os.environ.get("MONGODB_URI")), reason="kills the embedded database")
async def test_no_phone_misses_a_write_when_a_process_and_the_database_are_killed(tmp_path: Path) -> None:
    result = await missed_writes(tmp_path, apis=2, writes=150, comes_back=False)
    assert (result.lost, result.never_seen, result.stale) == (0, 0, 0), str(result)
    assert result.documents > 0
    assert result.failed_calls > 0
