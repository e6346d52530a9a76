"""The missed-writes test in short; `make sync-fuzz` runs it for a minute with one process and with two."""

import os
from pathlib import Path

import pytest

from tests.sync_proof.missed import missed_writes


@pytest.mark.timeout(900)  # of processes that start and are killed: most is waiting on a busy machine
@pytest.mark.skipif(bool(os.environ.get("MONGODB_URI")), reason="kills the embedded database")
async def test_no_phone_misses_a_write_when_a_process_and_the_database_are_killed(tmp_path: Path) -> None:
    result = await missed_writes(tmp_path, apis=1, writes=100, comes_back=False, serves_itself=True)
    assert (result.lost, result.never_seen, result.stale) == (0, 0, 0), str(result)
    assert result.documents > 0
    assert result.failed_calls > 0
