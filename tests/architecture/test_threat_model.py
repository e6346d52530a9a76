"""The threat model names the tests that show its claims; each must be there."""

import re
from pathlib import Path


def test_every_test_that_the_threat_model_names_is_there(repository: Path) -> None:
    text = (repository / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_]+/test_\w+\.py)(?:::(test_\w+))?`", text)
    assert len(named) > 40
    missing = []
    for file, test in named:
        path = repository / "tests" / file
        found = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not found or (test and f"def {test}(" not in found):
            missing.append(f"{file}::{test}")
    assert missing == []
