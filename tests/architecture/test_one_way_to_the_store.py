"""Reads the syntax tree: no query and no write passes by the unit of work.

Beanie's and PyMongo's own verbs may be used only in the files named here, each with its reason.
"""

import ast
import re
from pathlib import Path

import pytest

ROOMS = ("backend", "assistant", "mobile_sync", "notifications", "knowledge")

ALLOWED = {
    "backend/core/reading.py": "the one reader: adds the predicate to every query",
    "backend/core/sequencer.py": "the one writer",
    "backend/core/many_writes.py": "sends what the one writer writes",
    "backend/core/store.py": "opens the store, looks up repeated mutations",
    "backend/core/bell.py": "reads the counters of other processes' commits",
    "backend/core/lookups.py": "the reader's look-ups by id: what may be seen is the reader's to decide",
    "backend/core/presence.py": "where phones are is no record",
    "backend/core/relay.py": "reads the ledger, keeps its own places",
    "backend/core/audit_reading.py": "the audit trail is no record: its own rule says who reads it",
    "backend/core/feed_keeping.py": "removes tombstones, of which only their age counts",
    "backend/core/feed_audit.py": "looks whether the one writer left all that it must, whoever may see it",
    "backend/core/leases.py": "keeps leases",
    "backend/core/expiring.py": "deletes by the clock alone what every collection has declared to expire",
    "backend/core/encryption_keyring.py": "data keys are nobody's records",
    "backend/core/encryption_rotation.py": "seals stored values under a new key: no change of any record",
    "backend/house.py": "notes which rooms have seeded the demo",
    "backend/identity/sign_in_audit.py": "whose address was guessed at: nobody is known yet",
    "backend/identity/sign_in.py": "credentials and sessions: nobody is known yet",
    "backend/identity/sessions.py": "sessions are no records: a token is checked before anybody is known",
    "backend/identity/tries.py": "counts guesses of nobody who is known",
    "backend/identity/second_factor.py": "secrets and recovery codes are credentials and no records",
    "backend/identity/second_step.py": "between two halves of a sign-in nobody is known yet",
    "backend/identity/tickets.py": "tickets are credentials, of somebody not yet known",
    "backend/identity/api_tokens.py": "tokens are credentials and no records",
    "backend/identity/external_identities.py": "who somebody is at a provider, before being known here",
    "backend/identity/oidc.py": "sign-ins under way, of somebody not yet known",
    "backend/identity/presented_tokens.py": "looks up the token by which somebody becomes known",
    "backend/identity/actors.py": "makes the actor that the predicate needs",
    "backend/identity/chat_keys.py": "which pages hold a chat: a browser asks before anybody is known",
    "backend/identity/visitors.py": "visitors are no records: who comes with a secret is not known yet",
    "backend/identity/share_endings.py": "looks in all workspaces for shares that are over, by date alone",
    "backend/identity/forgetting.py": "what an erased person signed in with: no records",
    "backend/identity/credentials.py": "credentials are global and no records",
    "backend/identity/one_time_tokens.py": "secrets of links, brought by nobody who is known",
    "backend/identity/outbox.py": "the queue of mails is no record of a person",
    "backend/crm/attachment_files.py": "bytes and their parts: no records; the attachment's record decides",
    "assistant/advice/due_profiles.py": "which profiles are due: ids alone, and no record of a person",
    "knowledge/mongo_passage_index.py": "rows of passages are no records; its filter names what was allowed",
    "mobile_sync/places.py": "where phones are in the feed: no records, and found by a digest of their owner",
    "notifications/delivery.py": "the delivery queue is no record of a person",
    "notifications/delivery_log.py": "the queue is its own log; one's own rows, or an admin's workspace",
    "notifications/due_dates.py": "due dates follow from records and say nothing of them",
    "notifications/queueing.py": "the delivery queue is no record of a person",
    "notifications/windows.py": "counts rows of the delivery queue",
}

VERBS = frozenset(
    (
        *(
            "get_pymongo_collection",
            "get_collection",
            "find_one",
            "find_all",
            "find_many",
            "find_one_and_update",
        ),
        *("insert", "insert_one", "insert_many", "update_one", "update_many", "upsert", "replace_one"),
        *("delete_one", "delete_many", "delete_all", "bulk_write", "aggregate", "count_documents"),
        *("estimated_document_count", "distinct", "watch"),
    )
)
CLASS_NAME = re.compile(r"(\w+\.)*[A-Z]\w*[a-z]\w*")
LIST_METHODS = frozenset({"insert"})
ARRAYS = "np"  # numpy's functions have such names, too


def files() -> list[Path]:
    root = Path(__file__).resolve().parents[2]
    return [path for room in ROOMS for path in sorted((root / room).rglob("*.py"))]


def offences(path: Path) -> list[str]:
    """Return the calls in ``path`` that reach a collection without the unit of work."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            verb, owner = node.func.attr, ast.unparse(node.func.value)
            if owner == ARRAYS:
                continue
            by_unit = owner.endswith(("uow", "_uow", "self._reader", "unit", "as_house()"))
            on_class = CLASS_NAME.fullmatch(owner) and verb in ("find", "get", "save")
            if (
                verb in VERBS and not by_unit and not (verb in LIST_METHODS and len(node.args) == 2)
            ) or on_class:
                found.append(f"line {node.lineno}: {owner}.{verb}(…)")
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("database"):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", files(), ids=lambda path: "/".join(path.parts[-2:]))
def test_queries_go_through_the_unit_of_work(path: Path) -> None:
    name = path.relative_to(Path(__file__).resolve().parents[2]).as_posix()
    found = offences(path)
    if name not in ALLOWED:
        assert found == [], f"{name} reaches the store around the unit of work"


def test_the_allowed_files_exist_and_need_it() -> None:
    root = Path(__file__).resolve().parents[2]
    idle = [name for name in ALLOWED if (root / name).exists() and not offences(root / name)]
    assert idle == []


def test_the_check_sees_what_it_must(tmp_path: Path) -> None:
    sly = tmp_path / "sly.py"
    sly.write_text(
        "async def leak(store, uow):\n"
        "    await Account.find({}).to_list()\n"
        "    await Account.get('x')\n"
        "    await store.database['accounts'].find_one({})\n"
        "    await store.reader.get_pymongo_collection().aggregate([])\n"
        "    await uow.find_one(Account, {})\n",
        encoding="utf-8",
    )
    assert len(offences(sly)) == 6
