"""The README's calls, pasted into a shell."""

import asyncio
import json
import re
from pathlib import Path

from tests.e2e.conftest import DemoHouse

FIRST_COMMANDS = "make up      # installs what it needs"


def shell_blocks(readme: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)


async def paste(lines: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        lines,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def paste_the_calls(demo: DemoHouse, repository: Path) -> None:
    """Paste them, with the demo's address, and look at what they say."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    start, accounts, create, ask, example = shell_blocks(readme)
    assert start.startswith(FIRST_COMMANDS)
    assert "examples.working_day" in example
    pasted = (accounts + "echo\n" + create + "echo\n" + ask).replace("http://127.0.0.1:8000", demo.base)
    first, second, third = (json.loads(line) for line in (await paste(pasted)).splitlines())
    assert first["data"]["accounts"]["totalCount"] >= 13
    assert len(first["data"]["accounts"]["nodes"]) == 5
    assert second["data"]["accountCreate"]["__typename"] == "Account"
    assert second["data"]["accountCreate"]["name"] == "杭州西溪冷链有限公司"
    hits = third["data"]["searchKnowledge"]
    assert any("校准" in hit["article"]["title"] for hit in hits), hits
    assert all(hit["article"]["version"] == 1 and hit["quote"] for hit in hits)
