"""The checks of ``make secrets`` and ``make audit``: they find what is planted, and never pass silently."""

import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

# Put together here, so that the scan of this file finds nothing.
PLANTED = {
    "deploy.py": 'KEY = "AKIA' + 'IOSFODNN7ABCDEFG"\n',
    "id_rsa": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\n",
    "tests/test_it.py": 'TOKEN = "ghp_' + 'x7Qm2Rt9Lw4Zb8Nc5Vd1Ks6Jf3Hg0Pa7YeUi"\n',
    "settings.py": 'password = "' + 'Tr0ub4dor-and-3"\n',
}


def run(repository: Path, script: str, *arguments: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(repository / ".ci" / script), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "fine.py").write_text("answer = 42\n")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def test_a_planted_secret_is_found(project: Path, repository: Path) -> None:
    assert run(repository, "scan_secrets.py", str(project)) == (0, "")
    for name, text in PLANTED.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    assert run(repository, "scan_secrets.py", str(project)) == (0, "")  # nobody is about to commit them
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    code, said = run(repository, "scan_secrets.py", str(project))
    assert code == 1
    assert {line.partition(":")[0] for line in said.splitlines()[:-1]} == set(PLANTED)
    assert said.splitlines()[-1].startswith("Take it out of the file and of the history, and revoke it.")
    for text in PLANTED.values():
        assert text.strip() not in said


def test_what_was_accepted_is_known_wherever_it_moves_and_another_is_not(
    project: Path, repository: Path
) -> None:
    (project / "deploy.py").write_text(PLANTED["deploy.py"])
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    assert run(repository, "scan_secrets.py", "--accept", str(project)) == (0, "")
    (project / "deploy.py").write_text("\n\n" + PLANTED["deploy.py"])
    assert run(repository, "scan_secrets.py", str(project)) == (0, "")
    (project / "deploy.py").write_text(PLANTED["deploy.py"].replace("ABCDEFG", "GFEDCBA"))
    assert run(repository, "scan_secrets.py", str(project))[0] == 1


def test_an_audit_without_a_network_says_that_it_was_skipped(repository: Path) -> None:
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9")
    start = time.monotonic()
    code, said = run(repository, "audit_dependencies.py", **nowhere)
    assert (code, said.startswith("audit: SKIPPED, nothing is known")) == (0, True)
    assert run(repository, "audit_dependencies.py", "--required", **nowhere)[0] == 1
    assert time.monotonic() - start < 30  # two runs, each far from a minute's wait


def test_a_hole_ends_the_audit_with_one(repository: Path) -> None:
    """The report is of the form that pip-audit 2.10 writes."""
    hole = {
        "id": "PYSEC-2022-42969",
        "fix_versions": ["1.7.2"],
        "aliases": ["CVE-2022-1"],
        "description": "…",
    }
    reason = "Dependency not found on PyPI and could not be audited: own (1)"
    bad: dict[str, Any] = {"name": "py", "version": "1.7.0", "vulns": [hole]}
    good: dict[str, Any] = {"name": "six", "version": "1.16.0", "vulns": []}
    unknown = {"name": "own", "skip_reason": reason}
    verdict = runpy.run_path(str(repository / ".ci" / "audit_dependencies.py"))["verdict"]

    assert verdict({"dependencies": [bad, good, unknown]}, required=False) == (
        1,
        [
            "audit: py 1.7.0: PYSEC-2022-42969, mended in 1.7.2",
            "audit: 2 of 3 dependencies looked up, 1 known holes.",
        ],
    )
    fine = (0, ["audit: 1 of 2 dependencies looked up, 0 known holes."])
    assert verdict({"dependencies": [good, unknown]}, required=True) == fine
    for required in (False, True):
        code, (said,) = verdict({"dependencies": [unknown]}, required=required)
        assert (code, "SKIPPED" in said) == (int(required), True)
