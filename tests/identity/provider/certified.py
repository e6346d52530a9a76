"""Start an unmodified, certified OpenID provider as a process, and sign in at it as a browser would."""

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.phones.node import ensure_node_modules, find_node

HERE = Path(__file__).parent
MOST_STEPS = 12


@contextlib.contextmanager
def certified_provider(accounts: Mapping[str, Any], callbacks: Sequence[str]) -> Iterator[str]:
    """Run the provider; yield its issuer."""
    ensure_node_modules(HERE)
    command = [str(find_node()), "provider.mjs", json.dumps(accounts), *callbacks]
    with subprocess.Popen(
        command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            yield next(line.strip() for line in lines if line.startswith("http"))
        finally:
            process.kill()


async def sign_in_there(url: str, login: str, *, until: str) -> str:
    """Go through the provider's pages as ``login``; return the address below ``until`` that it ends at."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(url)
        for _ in range(MOST_STEPS):
            here = str(answer.request.url)
            if answer.is_redirect:
                target = urljoin(here, answer.headers["location"])
                if target.startswith(until):
                    return target
                answer = await browser.get(target)
                continue
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            assert prompt is not None, answer.text
            assert action is not None, answer.text
            form = {"prompt": prompt[1], "login": login, "password": "-"}
            answer = await browser.post(urljoin(here, action[1]), data=form)
    raise AssertionError(f"the provider's pages do not end: {answer.status_code}")
