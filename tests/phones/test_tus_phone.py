"""Attachments sent by an unmodified tus client over a real socket."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.crew import Crew
from tests.crm.filing import ONE, announce, link
from tests.phones.node import PHONES_DIR, ensure_node_modules, find_node

pytestmark = pytest.mark.phone

DATA = b"%PDF-1.7\n" + bytes(range(1, 250)) * 1_500


async def send(url: str, path: Path, *, break_after: int = 0) -> dict[str, Any]:
    """Run the client; return what it printed."""
    ensure_node_modules()
    process = await asyncio.create_subprocess_exec(
        *(str(find_node()), str(PHONES_DIR / "tus_phone.mjs"), url, str(path), str(break_after)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    said: dict[str, Any] = json.loads(out)
    return said


async def test_a_tus_client_goes_on_after_its_line_broke(
    crew: Crew, server: str, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(DATA)
    account = await crew.rep.do("accountCreate", {"name": "江南鲜达"})
    made = await announce(crew.rep, "account", account["id"], DATA)
    said = await send(server + made["uploadUrl"], path, break_after=100_000)
    assert said == {"sent": "whole", "broken": f"broken at {128 * 1024}"}
    assert (await crew.rep.ask(ONE, id=made["id"]))["attachment"]["state"] == "READY"
    assert (await http.get(await link(crew.rep, made["id"]))).content == DATA


async def test_a_tus_client_learns_that_its_file_is_refused(crew: Crew, server: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(DATA)
    account = await crew.rep.do("accountCreate", {"name": "江南鲜达"})
    png = {"name": "a.png", "contentType": "image/png"}
    made = await announce(crew.rep, "account", account["id"], DATA, **png)
    said = await send(server + made["uploadUrl"], path)
    assert said["error"] == 422
    assert "is not image/png" in said["message"]
