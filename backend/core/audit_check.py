"""Checking the audit trail: what was changed, removed or moved after it was written. Pure.

The chain proves that the trail holds together. Whoever may write to the database and knows this code could
make a whole new chain: against that, keep heads elsewhere and let them be looked for (``expect``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backend.core.audit import audit_id, chain_start, document_hash, entry_hash, subjects

FIELDS = frozenset(
    {"_id", "workspace_id", "first", "seq", "count", "prev", "entries", "subjects", "hash"}
)  # of a document: a further one is in no hash


class BreakKind(StrEnum):
    """How a chain is broken."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    TAIL_CUT = "tail cut"
    UNEXPECTED = "another chain"


@dataclass(frozen=True)
class AuditBreak:
    """The first place at which a chain does not hold."""

    kind: BreakKind
    seq: int
    message: str


class ChainCheck:
    """Follow one workspace's chain, document by document in the order of their numbers."""

    def __init__(self, workspace_id: str, *, expect: str = "") -> None:
        self._workspace_id, self._expect = workspace_id, expect
        self.head = chain_start(workspace_id)
        self.entries, self.first, self.last = 0, 0, 0
        self.found_expected = not expect or expect == self.head
        self.broken: AuditBreak | None = None

    def take(self, document: Mapping[str, Any]) -> bool:
        """Check the next document; False when the chain breaks at it, and ``broken`` says how."""
        try:
            self.broken = self._check(document)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            # Whatever is not of the form that the trail writes was changed.
            self.broken = AuditBreak(BreakKind.CHANGED, self.last + 1, f"it is no audit document: {error!r}")
        return self.broken is None

    def finish(self, counter: int) -> None:
        """Compare the end with the workspace's counter as it was before the first document was read."""
        if self.broken is not None:
            return
        if self.last < counter:
            self.broken = AuditBreak(
                BreakKind.TAIL_CUT, self.last + 1, f"the workspace has counted to {counter}"
            )
        elif not self.found_expected:
            self.broken = AuditBreak(
                BreakKind.UNEXPECTED, self.last, f"the head {self._expect} is nowhere in it"
            )

    def _check(self, document: Mapping[str, Any]) -> AuditBreak | None:
        first, seq = int(document["first"]), int(document["seq"])
        numbers = [int(entry["seq"]) for entry in document["entries"]]
        return (
            self._check_order(document, first, seq, numbers)
            or self._check_numbers(document, first, numbers)
            or self._check_hashes(document, seq, numbers)
        )

    def _check_order(
        self, document: Mapping[str, Any], first: int, seq: int, numbers: list[int]
    ) -> AuditBreak | None:
        in_order = numbers == sorted(set(numbers)) and all(first <= number <= seq for number in numbers)
        if not in_order or first <= self.last or document["_id"] != audit_id(self._workspace_id, seq):
            return AuditBreak(BreakKind.REORDERED, self.last + 1, f"entries {numbers} stand at {seq}")
        return None

    def _check_numbers(
        self, document: Mapping[str, Any], first: int, numbers: list[int]
    ) -> AuditBreak | None:
        # A workspace that is older than its trail begins at a higher number, chained to the start.
        begins = self.last == 0 and document["prev"] == self.head
        if first != self.last + 1 and not begins:
            return AuditBreak(
                BreakKind.MISSING, self.last + 1, f"the next document begins with number {first}"
            )
        expected = range(first, first + document["count"])
        lost = next((number for number in expected if number not in numbers), None)
        return AuditBreak(BreakKind.MISSING, lost, "its document has lost it") if lost is not None else None

    def _check_hashes(self, document: Mapping[str, Any], seq: int, numbers: list[int]) -> AuditBreak | None:
        head = self.head
        if document["prev"] != head:
            return AuditBreak(
                BreakKind.CHANGED, self.last or numbers[0], "what follows was written after another entry"
            )
        for entry, number in zip(document["entries"], numbers, strict=True):
            head = entry_hash(head, entry)
            if entry["hash"] != head:
                return AuditBreak(BreakKind.CHANGED, number, "the entry has another hash than it says")
            self.found_expected |= head == self._expect
        sealed = document_hash(head, document)
        if document["hash"] != sealed or set(document) != FIELDS:
            return AuditBreak(BreakKind.CHANGED, numbers[-1], "its document has another hash than it says")
        if document["subjects"] != subjects(document["entries"]):
            return AuditBreak(BreakKind.CHANGED, numbers[-1], "it would not be found by what it is about")
        self.found_expected |= sealed == self._expect
        self.head, self.last = sealed, seq
        self.first = self.first or numbers[0]
        self.entries += len(numbers)
        return None
