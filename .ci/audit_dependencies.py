"""Ask PyPI for known holes in the pinned dependencies: ``python .ci/audit_dependencies.py [--required]``.

Without an answer from PyPI's database nothing is known: it says so and ends with 0, or with 1 when the
audit is ``--required``. A hole ends it with 1.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

DATABASE = "https://pypi.org/pypi/{}/{}/json"
ASKED_FIRST = ("fastapi", "cryptography", "pymongo")
ANSWERS_WITHIN_SECONDS = 3.0  # a run without a network is not to wait for one
AUDITED_WITHIN_SECONDS = 300
ROOT = Path(__file__).resolve().parents[1]


def why_not() -> str:
    """Return why the database cannot be asked; empty when it knows one of a few well-known pins."""
    pins = (line.strip().partition("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    versions = {name: version for name, _, version in pins if name in ASKED_FIRST}
    reason = "constraints.txt pins none of the versions to ask for first"
    for name, version in versions.items():
        address = DATABASE.format(name, version)
        try:
            answer = httpx.get(address, timeout=ANSWERS_WITHIN_SECONDS)
            if answer.status_code == 200 and "vulnerabilities" in answer.json():
                return ""
            reason = f"{address} answers {answer.status_code}, without a list of vulnerabilities"
        except (httpx.HTTPError, ValueError) as error:
            return f"{address} does not answer ({type(error).__name__})"
    return reason


def report() -> dict[str, Any]:
    """Return pip-audit's report on the pins."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    command += ["--format", "json", "--timeout", "5", "--requirement", str(ROOT / "constraints.txt")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=AUDITED_WITHIN_SECONDS, check=False
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"pip-audit failed:\n{done.stderr}") from None
    return found


def verdict(found: dict[str, Any], *, required: bool) -> tuple[int, list[str]]:
    """Return how the audit ends, and what is to be said about pip-audit's report."""
    looked_up = [one for one in found["dependencies"] if "skip_reason" not in one]
    if not looked_up:
        return skipped("PyPI knows none of the pinned versions", required=required)
    holes = [(one, hole) for one in looked_up for hole in one["vulns"]]
    lines = [
        f"audit: {one['name']} {one['version']}: {hole['id']}, "
        f"mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one, hole in holes
    ]
    told = (
        f"{len(looked_up)} of {len(found['dependencies'])} dependencies looked up, {len(holes)} known holes"
    )
    return (1 if holes else 0), [*lines, f"audit: {told}."]


def skipped(reason: str, *, required: bool) -> tuple[int, list[str]]:
    """Return how an audit ends that could not be made."""
    said = f"audit: SKIPPED, nothing is known about holes in dependencies: {reason}."
    return (1 if required else 0), [said]


def main(arguments: list[str]) -> int:
    required = "--required" in arguments
    reason = why_not()
    code, lines = skipped(reason, required=required) if reason else verdict(report(), required=required)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
