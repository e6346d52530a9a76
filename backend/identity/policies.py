"""From what a workspace's admins decided to the policy that stamps records and widens actors."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from backend.core.access import ANY_KIND, NO_GRANT, REACH, Grant, Level, Stamps, grant, system_actor
from backend.core.conditions import Test, compile_condition
from backend.core.errors import InvalidInput
from backend.core.field_rules import FieldAccess
from backend.core.reading import Reader
from backend.core.records import REGISTRY, ShareAccess
from backend.core.sharing import Policy, ReadPolicy, Rule, kinds_that_follow
from backend.identity.documents import Role, User
from backend.identity.sharing_documents import (
    ShareTarget,
    SharingDefaults,
    SharingRule,
    Territory,
    TerritoryRule,
)

log = structlog.get_logger()

RoleGrants = Mapping[str, Mapping[str, Grant]]
ADMIN = "admin"  # the built-in role that everything is measured by
BASICS: Mapping[str, Grant] = dict.fromkeys(("workspace", "user", "team"), grant(read=Level.ALL))


def policy_reader(reader: Reader) -> ReadPolicy:
    """Return what reads a workspace's policy from the store, as the house itself."""

    async def read(workspace_id: str, version: int) -> Policy:
        house = system_actor(workspace_id)
        rules = await reader.find(house, SharingRule, {})
        territories = await reader.find(house, Territory, {})
        defaults = await reader.find(house, SharingDefaults, {})
        targets = await reader.find(house, ShareTarget, {})
        roles = await reader.find(house, Role, {})
        by_owner = any(rule.owned_by for rule in rules)
        people = await reader.find(house, User, {}) if by_owner else []
        groups = {user.id: groups_of(user) for user in people}
        return Policy(
            version=version,
            rules=[_rule(rule, groups) for rule in rules if rule.is_active and is_sound(rule)]
            + [_territory(one, territories) for one in territories],
            openness={kind: str(how) for one in defaults for kind, how in one.openness.items()},
            shared_with={target.grantee: frozenset(target.kinds) for target in targets},
            roles={role.key: grants_of(role) for role in roles},
        )

    return read


def groups_of(user: User) -> frozenset[str]:
    """Return the names under which a person of ours may be meant: themselves, their teams, their roles."""
    if user.contact_id is not None:
        return frozenset()
    teams, roles = (f"t:{team}" for team in user.team_ids), (f"r:{role}" for role in user.role_keys)
    return frozenset((f"u:{user.id}", *teams, *roles))


def grants_of(role: Role) -> dict[str, Grant]:
    """Return what a role of the workspace's own allows.

    What it says of any kind (``*``) holds for the levels, and for the fields not named, of each kind of
    which it says nothing else in that respect.
    """
    kinds = {*role.levels, *role.fields, *role.other_fields}
    any_levels, any_fields = role.levels.get(ANY_KIND, {}), role.other_fields.get(ANY_KIND, FieldAccess.EDIT)
    return {
        kind: Grant(
            {action: Level(level) for action, level in role.levels.get(kind, any_levels).items()},
            {name: FieldAccess(access) for name, access in role.fields.get(kind, {}).items()},
            FieldAccess(role.other_fields.get(kind, any_fields)),
        )
        for kind in kinds
    }


@dataclass(frozen=True)
class RoleBook:
    """Every role that a workspace has: the built-in ones, and its own."""

    built_in: RoleGrants
    own: RoleGrants

    def __contains__(self, key: object) -> bool:
        return key in self.built_in or key in self.own

    def get(self, key: str) -> Mapping[str, Grant] | None:
        """Return what a role allows; None when there is none of that key."""
        if key in self.built_in:
            return self.built_in[key]
        return self._with_basics(self.capped(self.own[key])) if key in self.own else None

    def capped(self, role: Mapping[str, Grant]) -> dict[str, Grant]:
        """Return a role of the workspace's own, no further than what even an admin has.

        There are kinds that concern nobody but their owner (an inbox, a phone): ``*`` must not open them.
        """
        most = {kind: grant for kind, grant in self.built_in[ADMIN].items() if kind != ANY_KIND}
        capped = dict(role)
        for kind, limit in most.items():
            wanted = role.get(kind) or role.get(ANY_KIND)
            if wanted is not None:
                levels = {
                    action: min(level, limit.levels.get(action, Level.NONE), key=REACH.__getitem__)
                    for action, level in wanted.levels.items()
                }
                capped[kind] = replace(wanted, levels=levels)
        return capped

    def _with_basics(self, role: Mapping[str, Grant]) -> dict[str, Grant]:
        """Return a role with what nobody can work without, for each kind of which it says nothing itself."""
        mine = {kind: grant for kind, grant in self.built_in[ADMIN].items() if kind != ANY_KIND}
        return {**({} if ANY_KIND in role else {**BASICS, **mine}), **role}


def held_stamps(policy: Policy, grantees: Sequence[str]) -> dict[str, Stamps]:
    """Return, by kind, the stamps that whoever goes by ``grantees`` may use; children as their parents."""
    names = set(grantees)
    held: dict[str, Stamps] = {}

    def add(kinds: Collection[str], read: str, update: str | None) -> None:
        for kind in with_followers(kinds):
            known = held.get(kind, Stamps())
            held[kind] = Stamps(known.read | {read}, known.update | ({update} if update else set()))

    for rule in policy.rules:
        if not names.isdisjoint(rule.grantees):
            add(rule.tests, rule.stamp, rule.stamp if rule.edits else None)
    for grantee in names & policy.shared_with.keys():
        add(policy.shared_with[grantee], f"s:{grantee}", f"e:{grantee}")
    return held


def opened(policy: Policy, grants: Mapping[str, Grant]) -> dict[str, str]:
    """Return how open each kind is to who has ``grants``; one that follows another is as open as that.

    What follows a kind that they do not have at all is not opened to them by it.
    """
    found = dict(policy.openness)
    for kind, how in policy.openness.items():
        if (grants.get(kind) or grants.get(ANY_KIND) or NO_GRANT).level("read") is Level.NONE:
            continue
        # What may follow records of any kind (an attachment) is opened record by record, never as a kind.
        found |= dict.fromkeys(with_followers([kind]) - {kind} - _following_any(), how)
    return found


def _following_any() -> set[str]:
    return {one.kind for one in REGISTRY.values() if one.follows and one.follows[0].startswith("@")}


def with_followers(kinds: Collection[str]) -> set[str]:
    """Return ``kinds`` and every kind whose records may follow one of them."""
    found: set[str] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += [record.kind for record, _ in kinds_that_follow(kind)]
    return found


def problem_of(rule: SharingRule | TerritoryRule) -> str:
    """Return why a stored rule cannot be followed any more; empty when it can.

    A kind or field that it names may have gone since it was written. Such a rule opens nothing.
    """
    kind = REGISTRY.get(rule.object_kind)
    if kind is None:
        return f"objectKind names {rule.object_kind!r}, which there is not; delete the rule"
    try:
        compile_condition(kind, rule.condition)
    except InvalidInput as error:
        return str(error)
    return ""


def is_sound(rule: SharingRule | TerritoryRule) -> bool:
    """Tell whether a stored rule can be followed; log why not."""
    problem = problem_of(rule)
    if problem:
        log.warning("sharing.rule_unsound", kind=rule.object_kind, problem=problem)
    return not problem


def _rule(rule: SharingRule, groups: Mapping[str, frozenset[str]]) -> Rule:
    meant = frozenset(rule.owned_by)
    owners = frozenset(user for user, names in groups.items() if not meant.isdisjoint(names))
    return Rule(
        id=rule.id,
        name=rule.name,
        stamp=f"g:{rule.id}.{rule.revision}",
        grantees=frozenset(rule.share_with),
        edits=rule.access is ShareAccess.EDIT,
        tests={rule.object_kind: compile_condition(REGISTRY[rule.object_kind], rule.condition)},
        owned_by=owners if rule.owned_by else None,
    )


def _territory(territory: Territory, all_of_them: Sequence[Territory]) -> Rule:
    """Compile a territory: its members and those of every territory above it reach what is in it."""
    by_id = {one.id: one for one in all_of_them}
    members: set[str] = set()
    seen: set[str] = set()
    above: Territory | None = territory
    edits = territory.access is ShareAccess.EDIT
    while above is not None and above.id not in seen:
        seen.add(above.id)
        members |= {f"u:{member}" for member in above.member_ids}
        above = by_id.get(above.parent_id) if above.parent_id else None
    tests: dict[str, Test] = {}
    sound = [rule for rule in territory.rules if is_sound(rule)]
    for kind in {rule.object_kind for rule in sound}:
        choices = [
            compile_condition(REGISTRY[kind], rule.condition) for rule in sound if rule.object_kind == kind
        ]
        tests[kind] = _any_of(choices)
    return Rule(
        id=territory.id,
        name=territory.name,
        stamp=f"g:{territory.id}.{territory.revision}",
        grantees=frozenset(members),
        edits=edits,
        tests=tests,
        is_territory=True,
    )


def _any_of(choices: Sequence[Test]) -> Test:
    return lambda record: any(test(record) for test in choices)
