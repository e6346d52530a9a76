"""The missed-writes test in short; `make sync-fuzz` runs it for a minute with one process and with two."""

import json
import os
from pathlib import Path

import pytest

from tests.own_process import run_module

PATIENCE_S = 800


@pytest.mark.timeout(900)  # of processes that start and are killed: most is waiting on a busy machine
@pytest.mark.skipif(bool(os.environ.get("MONGODB_URI")), reason="kills the embedded database")
async def test_no_phone_misses_a_write_when_a_process_and_the_database_are_killed(tmp_path: Path) -> None:
    code, said = await run_module("tests.sync_proof.missed", str(tmp_path), patience_s=PATIENCE_S)
    assert code == 0, said
    result = json.loads(said.splitlines()[-1])
    assert (result["lost"], result["never_seen"], result["stale"]) == (0, 0, 0), said
    assert result["documents"] > 0
    assert result["failed_calls"] > 0
