"""The independent model: what the server must hold, and what each phone must.

It knows the promises of docs/sync-protocol.md and nothing of the server's code. Of each record it keeps
every state that the promises allow (mostly one): a person's own earlier edit may or may not win over a later
one from another of their phones, two pushes at once may come in either order. What the store then shows
must be one of them, and the others are dropped.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.sync_proof.phone import COLUMNS, Edit, Key, Row

Action = Literal["read", "update", "delete"]
Loss = tuple[str, str, Any]  # user, column, value
Arrival = tuple[Edit, bool]  # whether it had arrived before
EVERY_COLUMN = None  # of a record that was never changed since it was made

REACH: dict[str, dict[Action, str]] = {
    "rep": {"read": "team", "update": "team", "delete": "own"},
    "narrow": {"read": "team", "update": "team", "delete": "own"},
    "boss": {"read": "all", "update": "all", "delete": "all"},
}
# What the role "narrow" keeps back, one rule or the other: hidden, masked and only-to-be-read columns.
RULES: tuple[dict[str, dict[str, set[str]]], ...] = (
    {"account": {"hidden": {"phone"}, "read": {"industry"}}, "contact": {"hidden": {"email"}}},
    {"account": {"masked": {"phone"}, "hidden": {"tier"}}, "contact": {"read": {"title"}}},
)
MASKED = {"": ""} | {f"+86138123456{n}8": "+86****" + f"{n}8" for n in range(10)}


@dataclass
class Someone:
    """A person as the admins have set them up."""

    teams: frozenset[str]
    role: str = "rep"


@dataclass(frozen=True)
class Thing:
    """One state of one record. ``setters`` tells who last set a column, ``last`` what the last change was."""

    owner: str
    teams: frozenset[str]
    values: tuple[tuple[str, Any], ...]
    setters: tuple[tuple[str, str], ...]
    last_by: str
    last_columns: frozenset[str] | None
    shares: frozenset[tuple[str, str]] = frozenset()  # (to, access)
    alive: bool = True
    commits: int = 1
    done: frozenset[str] = frozenset()  # serials of the edits that had an effect
    lost: frozenset[Loss] = frozenset()

    @property
    def row(self) -> Row:
        return dict(self.values)

    def after(self, by: str, values: Row) -> "Thing":
        """Return the record after ``by`` has set ``values``."""
        return replace(
            self,
            values=tuple(sorted((self.row | values).items())),
            setters=tuple(sorted((dict(self.setters) | dict.fromkeys(values, by)).items())),
            last_by=by,
            last_columns=frozenset(values),
            commits=self.commits + 1,
        )


def made(key: Key, owner: str, teams: frozenset[str], by: str, values: Row) -> Thing:
    """Return a new record."""
    row = COLUMNS[key[0]] | values
    return Thing(
        owner=owner,
        teams=teams,
        values=tuple(sorted(row.items())),
        setters=tuple(sorted(dict.fromkeys(row, by).items())),
        last_by=by,
        last_columns=EVERY_COLUMN,
    )


class Broken(AssertionError):
    """A promise of the sync protocol does not hold."""


@dataclass
class Oracle:
    """The states that each record may be in, and the people. A record is absent until somebody made it."""

    people: dict[str, Someone]
    rule: int = 0
    things: dict[Key, set[Thing]] = field(default_factory=dict)
    unmade: dict[Key, set[Loss]] = field(default_factory=dict)  # losses of records that never came to be
    arrived: set[str] = field(default_factory=set)  # serials

    # ── rights ───────────────────────────────────────────────────────────────────────────────────

    def may(self, user: str, thing: Thing, action: Action) -> bool:
        someone = self.people[user]
        reach = REACH[someone.role][action]
        if reach == "all" or thing.owner == user:
            return True
        groups = {f"t:{team}" for team in someone.teams} | {f"u:{user}"}
        given = ("read", "edit") if action == "read" else ("edit",) if action == "update" else ()
        is_shared = any(to in groups and access in given for to, access in thing.shares)
        return is_shared or (reach == "team" and bool(thing.teams & someone.teams))

    def _kept_back(self, user: str, collection: str, how: str) -> set[str]:
        if self.people[user].role != "narrow":
            return set()
        return RULES[self.rule].get(collection, {}).get(how, set())

    def locked(self, user: str, collection: str) -> set[str]:
        """Return the columns that ``user`` may not set."""
        return set().union(*(self._kept_back(user, collection, how) for how in ("hidden", "masked", "read")))

    def unseen(self, user: str, collection: str) -> set[str]:
        return self._kept_back(user, collection, "hidden") | self._kept_back(user, collection, "masked")

    def row_for(self, user: str, key: Key, thing: Thing) -> Row:
        """Return a record's columns as ``user`` may see them."""
        row, hidden = thing.row, self._kept_back(user, key[0], "hidden")
        row |= {name: COLUMNS[key[0]][name] for name in hidden}
        return row | {name: MASKED[row[name]] for name in self._kept_back(user, key[0], "masked")}

    def visible(self, user: str) -> dict[Key, Row]:
        """Return what ``user``'s phones must hold, once they are in sync."""
        return {
            key: self.row_for(user, key, thing)
            for key, thing in ((key, next(iter(states))) for key, states in self.things.items())
            if thing.alive and self.may(user, thing, "read")
        }

    # ── what admins do ───────────────────────────────────────────────────────────────────────────

    def amend(self, key: Key, **changes: Any) -> None:
        """Let the house change a record's readers, or delete it."""
        self.things[key] = {
            replace(thing, commits=thing.commits + 1, **changes) for thing in self.things[key]
        }

    def alter(self, key: Key, by: str, values: Row, **also: Any) -> None:
        """Let somebody set columns outside of sync; what is so already changes nothing."""
        changed: set[Thing] = set()
        for thing in self.things[key]:
            new = {name: value for name, value in values.items() if thing.row[name] != value}
            moves = any(getattr(thing, name) != value for name, value in also.items())
            changed.add(replace(thing.after(by, new), **also) if new or moves else thing)
        self.things[key] = changed

    # ── what phones push ─────────────────────────────────────────────────────────────────────────

    def expect(self, arrived: Iterable[Sequence[Edit]]) -> set[Key]:
        """Take in edits: each sequence came in its order, several at once. Return what they touch."""
        by_key: dict[Key, list[list[Arrival]]] = {}
        for edits in arrived:
            found: dict[Key, list[Arrival]] = {}
            for edit in edits:
                found.setdefault(edit.key, []).append((edit, edit.serial in self.arrived))
                self.arrived.add(edit.serial)
            for key, one in found.items():
                by_key.setdefault(key, []).append(one)
        for key, sequences in by_key.items():
            before: set[Thing | None] = set(self.things.get(key) or [None])
            after = {
                end
                for start in before
                for order in _interleaved(sequences)
                for end in self._run(start, order)
            }
            self._keep(key, after)
        return set(by_key)

    def observe(self, key: Key, row: Row | None) -> None:
        """Compare with the store's record (None: not there, or deleted) and drop what is not so."""
        states = self.things.get(key)
        if states is None:
            if row is not None:
                raise Broken(f"{key} is in the store, and nobody could make it: {row}")
            return
        fitting = {thing for thing in states if (thing.row if thing.alive else None) == row}
        if not fitting:
            allowed = [thing.row if thing.alive else None for thing in states]
            raise Broken(f"the store holds {row} of {key}; what was acknowledged allows {allowed}")
        self.things[key] = fitting

    def _keep(self, key: Key, states: set["Thing | None"]) -> None:
        there = {thing for thing in states if thing is not None}
        if there and None in states:
            raise AssertionError("the model cannot tell whether a record was made")
        if there:
            self.things[key] = there

    def _run(self, start: Thing | None, arrivals: Sequence[Arrival]) -> set[Thing | None]:
        states: set[Thing | None] = {start}
        for edit, is_repeat in arrivals:
            states = {after for state in states for after in self._outcomes(state, edit, is_repeat=is_repeat)}
        return states

    def _outcomes(self, thing: Thing | None, edit: Edit, *, is_repeat: bool) -> Iterator[Thing | None]:
        had_effect = thing is not None and edit.serial in thing.done
        if is_repeat and (had_effect or edit.repeats != "alike"):
            yield thing
        is_taken_for_new = not had_effect or edit.repeats == "new" or _looks_made_again(thing, edit)
        if not is_repeat or (is_taken_for_new and not (had_effect and edit.repeats == "told")):
            yield from self._fresh(thing, edit)

    def _fresh(self, thing: Thing | None, edit: Edit) -> Iterator[Thing | None]:
        is_there = thing is not None and thing.alive and self.may(edit.user_id, thing, "read")
        if edit.deed == "delete":
            if not is_there or thing is None:
                yield thing
            elif self.may(edit.user_id, thing, "delete"):
                gone = replace(thing, alive=False, commits=thing.commits + 1)
                yield replace(gone, done=thing.done | {edit.serial})
            else:
                yield self._refused(thing, edit)
        elif thing is not None and is_there:
            yield from self._merged(thing, edit)
        elif thing is None and edit.deed == "create" and self._allowed(edit, edit.becomes):
            teams = self.people[edit.user_id].teams
            new = made(edit.key, edit.user_id, teams, edit.user_id, edit.becomes)
            lost = frozenset(self.unmade.pop(edit.key, set()))
            yield replace(new, done=frozenset({edit.serial}), lost=lost)
        else:
            yield self._refused(thing, edit)

    def _merged(self, thing: Thing, edit: Edit) -> Iterator[Thing | None]:
        """Yield what may come of an edit of a record that is there and seen, column by column."""
        now = self.row_for(edit.user_id, edit.key, thing)
        verdicts = {name: self._verdicts(thing, now, edit, name) for name in edit.delta}
        for chosen in itertools.product(*verdicts.values()):
            verdict = dict(zip(verdicts, chosen, strict=True))
            accepted = {name: edit.becomes[name] for name, one in verdict.items() if one == "accepted"}
            lost = {name: edit.becomes[name] for name, one in verdict.items() if one == "lost"}
            if accepted and not (self.may(edit.user_id, thing, "update") and self._allowed(edit, accepted)):
                yield self._refused(thing, edit)
                continue
            after = thing.after(edit.user_id, accepted) if accepted else thing
            if accepted or lost:
                after = replace(after, done=after.done | {edit.serial}, lost=after.lost | _losses(edit, lost))
            yield after

    def _verdicts(self, thing: Thing, now: Row, edit: Edit, name: str) -> tuple[str, ...]:
        if now[name] == edit.becomes[name]:
            return ("so already",)
        if now[name] == edit.was.get(name):
            # Who says a version alone conflicts with whoever set the column since, even to what it was.
            return ("accepted", "lost") if edit.by_version else ("accepted",)
        if dict(thing.setters)[name] != edit.user_id:
            return ("lost",)
        typing_on = thing.last_by == edit.user_id and (
            thing.last_columns is EVERY_COLUMN or name in thing.last_columns
        )
        return ("accepted",) if typing_on else ("accepted", "lost")

    def _allowed(self, edit: Edit, values: Row) -> bool:
        """Tell whether the values are right, and the user's to set."""
        collection = edit.key[0]
        heading = "name" if collection == "account" else "fullName"
        is_right = values.get(heading, "-") != "" and (values.get("employees") or 0) >= 0
        if edit.deed == "create" and edit.key not in self.things:
            is_right = is_right and bool(values.get(heading))
        return is_right and not self.locked(edit.user_id, collection) & set(values)

    def _refused(self, thing: Thing | None, edit: Edit) -> Thing | None:
        losses = _losses(edit, edit.delta)
        if thing is None:
            self.unmade.setdefault(edit.key, set()).update(losses)
            return None
        return replace(thing, lost=thing.lost | losses)


def _losses(edit: Edit, values: Row) -> frozenset[Loss]:
    return frozenset((edit.user_id, name, value) for name, value in values.items())


def _looks_made_again(thing: Thing | None, edit: Edit) -> bool:
    """Tell whether a repeat without a name looks like an edit made anew: all is as the phone assumes."""
    if thing is None or edit.deed == "create" or thing.last_by != edit.user_id:
        return False
    return all(thing.row[name] == edit.was.get(name) for name in edit.delta)


def _interleaved(sequences: list[list[Arrival]]) -> Iterator[list[Arrival]]:
    """Yield every order of several sequences, each keeping its own."""
    if all(not one for one in sequences):
        yield []
    for place, one in enumerate(sequences):
        if one:
            rest = [*sequences[:place], one[1:], *sequences[place + 1 :]]
            for order in _interleaved(rest):
                yield [one[0], *order]
