"""Look for secrets in the tracked files: ``python .ci/scan_secrets.py [--accept] [root]``.

What is known and harmless (passwords of the demo, digests) is in ``.secrets.baseline``, by file and hash;
any other finding ends the scan with 1. ``--accept`` writes the baseline anew, to be read before it is
committed. Nothing is sent anywhere: findings are not tried out against the services that they open.
"""

import json
import subprocess
import sys
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import transient_settings

BASELINE = ".secrets.baseline"
LISTS = ("constraints.txt", "package-lock.json", "schema.graphql", BASELINE)  # of digests and names; no text
PASSWORDS_OF_TESTS = "Secret Keyword"
FORMATS = (
    "Artifactory", "AWSKey", "AzureStorageKey", "BasicAuth", "Cloudant", "DiscordBotToken", "GitHubToken",
    "GitLabToken", "IbmCloudIam", "JwtToken", "Keyword", "Mailchimp", "Npm", "OpenAI", "PrivateKey",
    "PypiToken", "SendGrid", "Slack", "Softlayer", "SquareOAuth", "Stripe", "TelegramBotToken", "TwilioKey",
)  # fmt: skip
PLUGINS = [
    *({"name": f"{name}Detector"} for name in FORMATS),
    {"name": "Base64HighEntropyString", "limit": 4.5},
    {"name": "HexHighEntropyString", "limit": 3.0},
]
FILTERS = [
    {"path": "detect_secrets.filters.allowlist.is_line_allowlisted"},
    {"path": "detect_secrets.filters.heuristic.is_indirect_reference"},
    {"path": "detect_secrets.filters.heuristic.is_likely_id_string"},
    {"path": "detect_secrets.filters.heuristic.is_not_alphanumeric_string"},
    {"path": "detect_secrets.filters.heuristic.is_potential_uuid"},
    {"path": "detect_secrets.filters.heuristic.is_prefixed_with_dollar_sign"},
    {"path": "detect_secrets.filters.heuristic.is_sequential_string"},
    {"path": "detect_secrets.filters.heuristic.is_templated_secret"},
]


def tracked(root: Path) -> list[str]:
    """Return the tracked files worth reading, relative to ``root``."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True)
    names = [name for name in listed.stdout.split("\0") if name and not name.endswith(LISTS)]
    return [name for name in names if (root / name).is_file()]


def scan(root: Path) -> SecretsCollection:
    """Return what looks like a secret. Passwords that tests make up are left out, keys are not."""
    found = SecretsCollection(str(root))
    for name in tracked(root):
        found.scan_file(name)
    for name, secret in list(found):
        if name.startswith("tests/") and secret.type == PASSWORDS_OF_TESTS:
            found.data[name].discard(secret)
    return found


def main(arguments: list[str]) -> int:
    root = Path(next((one for one in arguments if not one.startswith("-")), "."))
    path = root / BASELINE
    with transient_settings({"plugins_used": PLUGINS, "filters_used": FILTERS}):
        found = scan(root)
        if "--accept" in arguments:
            # Without times and line numbers: they change with every edit and say nothing.
            accepted = {
                name: sorted({one.secret_hash for one in found[name]}) for name in sorted(found.files)
            }
            kept = {name: hashes for name, hashes in accepted.items() if hashes}
            path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
            return 0
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    new = [(name, one) for name, one in found if one.secret_hash not in known.get(name, ())]
    for name, secret in new:
        print(f"{name}:{secret.line_number}: {secret.type}")
    if new:
        print(
            "Take it out of the file and of the history, and revoke it. "
            "If it opens nothing: `make accept-secrets`."
        )
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
