"""What this process itself committed last: which kinds, under which numbers, and what the ledger says of it.

Most readers ask after a commit whether anything of *their* kind has changed, and nothing has. Where every
number since they looked is this process's own, that is known without a question to the store. A number that
another process took breaks the stretch: then nothing is known, and the store is asked as always.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Any

MOST_COMMITS = 1_000  # of a workspace; whoever looks more seldom asks the store
MOST_WORKSPACES = 1_000  # those that were written to last
MOST_ENTRIES = 5_000  # of the ledger, of all workspaces together: some megabytes, for listeners that keep up


class _Stretch:
    """The kinds of each commit with a number above ``below``, in order and without a gap."""

    def __init__(self, below: int) -> None:
        self.below = below
        self.kinds: list[frozenset[str]] = []
        self.last: dict[str, int] = {}  # the number of the last commit of a kind, however long ago
        self.written: deque[Mapping[str, Any]] = deque()  # the ledger's commits above ``written_below``
        self.written_below = below

    @property
    def until(self) -> int:
        return self.below + len(self.kinds)


class OwnCommits:
    """The latest commits of this process, by workspace."""

    def __init__(self) -> None:
        self._stretches: OrderedDict[str, _Stretch] = OrderedDict()
        self._latest: deque[_Stretch] = deque()  # whose each commit of the ledger is, oldest first
        self._entries = 0

    def note(
        self,
        workspace_id: str,
        first: int,
        commits: Iterable[Collection[str]],
        written: Sequence[Mapping[str, Any]],
    ) -> None:
        """Note commits of these kinds under the numbers from ``first`` on.

        ``written`` are those of them that the ledger has (a number may have been taken in vain), as it does.
        """
        known = self._stretches.get(workspace_id)
        if known is None or known.until != first - 1:
            last = known.last if known is not None else {}
            known = self._stretches[workspace_id] = _Stretch(first - 1)
            known.last = last
        self._stretches.move_to_end(workspace_id)
        for kinds in commits:
            known.kinds.append(frozenset(kinds))
            known.last |= dict.fromkeys(kinds, known.until)
        if len(known.kinds) > 2 * MOST_COMMITS:
            dropped = len(known.kinds) - MOST_COMMITS
            del known.kinds[:dropped]
            known.below += dropped
        self._keep(known, written)
        while len(self._stretches) > MOST_WORKSPACES:
            self._stretches.popitem(last=False)

    def _keep(self, stretch: _Stretch, written: Sequence[Mapping[str, Any]]) -> None:
        stretch.written.extend(written)
        self._latest.extend([stretch] * len(written))
        self._entries += sum(len(commit["entries"]) for commit in written)
        while self._entries > MOST_ENTRIES:
            oldest = self._latest.popleft()
            commit = oldest.written.popleft()
            oldest.written_below = commit["seq"]
            self._entries -= len(commit["entries"])

    def newest(self, workspace_id: str) -> int:
        """Return the number of the last commit that is known; 0 when none is."""
        known = self._stretches.get(workspace_id)
        return known.until if known is not None else 0

    def forget(self, workspace_id: str) -> None:
        """Know nothing of a workspace any more: it was restored from a backup, and numbers begin again."""
        self._stretches.pop(workspace_id, None)

    def kinds(self, workspace_id: str, *, after: int, until: int) -> Set[str] | None:
        """Return the kinds of all commits with ``after < number <= until``; None when not all are known."""
        known = self._stretches.get(workspace_id)
        if known is None or not known.below <= after <= until <= known.until:
            return None
        return frozenset[str]().union(*islice(known.kinds, after - known.below, until - known.below))

    def written(self, workspace_id: str, *, after: int, until: int) -> list[Mapping[str, Any]] | None:
        """Return what the ledger has of the numbers ``after < number <= until``, in order.

        None when that is not all known; it must not be changed.
        """
        known = self._stretches.get(workspace_id)
        if known is None or not known.written_below <= after <= until <= known.until:
            return None
        latest: list[Mapping[str, Any]] = []
        for commit in reversed(known.written):  # who asks is hardly ever far behind
            if commit["seq"] <= after:
                break
            latest.append(commit)
        return [commit for commit in reversed(latest) if commit["seq"] <= until]

    def last_of(self, workspace_id: str, kinds: Collection[str]) -> int:
        """Return the number of this process's last commit of any of ``kinds``; 0 when it knows of none."""
        known = self._stretches.get(workspace_id)
        return max((known.last.get(kind, 0) for kind in kinds), default=0) if known is not None else 0
