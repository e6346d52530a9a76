"""The rules of contracts: which status may follow which, and which one the days ask for. Pure."""

from calendar import monthrange
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from backend.core.errors import FieldError, InvalidInput

LONGEST_REASON = 500  # characters
NOTICE_DAYS = 30  # before its end a contract is looked at again, where it does not say otherwise
ONE_DAY = timedelta(days=1)


class ContractType(StrEnum):
    SALES = "sales"
    SERVICE = "service"
    FRAMEWORK = "framework"
    LEASE = "lease"
    OTHER = "other"


class ContractStatus(StrEnum):
    DRAFT = "draft"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"
    SIGNED = "signed"
    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    RENEWED = "renewed"
    TERMINATED = "terminated"
    VOID = "void"


_S = ContractStatus
UNSIGNED = frozenset({_S.DRAFT, _S.IN_APPROVAL, _S.APPROVED})
LIVE = frozenset({_S.SIGNED, _S.ACTIVE, _S.EXPIRING})
DATED = LIVE | {_S.EXPIRED, _S.RENEWED}  # what follows from the days of a signed contract
MOVES: Mapping[ContractStatus, frozenset[ContractStatus]] = {
    _S.DRAFT: DATED | {_S.IN_APPROVAL, _S.VOID},  # signed late, it stands at once where its days are
    _S.IN_APPROVAL: frozenset({_S.DRAFT, _S.APPROVED, _S.VOID}),
    _S.APPROVED: DATED | {_S.DRAFT, _S.VOID},
    _S.SIGNED: frozenset({_S.ACTIVE, _S.EXPIRING, _S.EXPIRED, _S.RENEWED, _S.TERMINATED, _S.VOID}),
    _S.ACTIVE: frozenset({_S.EXPIRING, _S.EXPIRED, _S.RENEWED, _S.TERMINATED, _S.VOID}),
    _S.EXPIRING: frozenset({_S.EXPIRED, _S.RENEWED, _S.TERMINATED, _S.VOID}),
    _S.EXPIRED: frozenset({_S.RENEWED}),
    _S.RENEWED: frozenset({_S.EXPIRED}),  # the following contract was given up
    _S.TERMINATED: frozenset(),
    _S.VOID: frozenset(),
}
RENEWABLE = LIVE | {_S.EXPIRED}
# What both sides signed. Notes, owner, contact, name and whether it renews itself stay free.
SIGNED_TERMS: tuple[str, ...] = (
    *("account_id", "opportunity_id", "type", "value", "currency", "start", "end"),
    *("notice_days", "parties"),
)


@dataclass(frozen=True)
class Term:
    """From the first day to the last, both included; without an ``end`` it runs until it is terminated."""

    start: date
    end: date | None = None
    notice_days: int | None = None

    @property
    def notice_from(self) -> date | None:
        """Return the first day on which it is expiring, never before it begins."""
        if self.end is None:
            return None
        days = NOTICE_DAYS if self.notice_days is None else self.notice_days
        return max(self.start, self.end - timedelta(days=days))


def standing(term: Term, today: date, *, is_renewed: bool) -> ContractStatus:
    """Return where a signed contract stands on a day: it is in force to the end of its last one."""
    if term.end is not None and today > term.end:
        return _S.RENEWED if is_renewed else _S.EXPIRED
    if today < term.start:
        return _S.SIGNED
    return _S.EXPIRING if term.notice_from is not None and today >= term.notice_from else _S.ACTIVE


def next_day(term: Term, today: date) -> date | None:
    """Return the day on which a signed contract stands elsewhere by itself; None when it never will."""
    days = [term.start, term.notice_from, term.end + ONE_DAY if term.end else None]
    return min((day for day in days if day is not None and day > today), default=None)


def following(term: Term) -> Term:
    """Return the term that follows directly and is as long: in whole months, where the term is; else in days.

    ``term`` must have an end.
    """
    assert term.end is not None
    start = term.end + ONE_DAY
    months = (start.year - term.start.year) * 12 + start.month - term.start.month
    if months > 0 and _months_later(term.start, months) == start:
        end = _months_later(term.start, 2 * months) - ONE_DAY
    else:
        end = term.end + (start - term.start)
    return Term(start, end, term.notice_days)


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def check_move(before: ContractStatus, after: ContractStatus) -> None:
    """Raise InvalidInput that lists what may follow ``before``, unless ``after`` may."""
    if after not in MOVES[before]:
        known = ", ".join(sorted(MOVES[before])) or "nothing: it stays as it is"
        raise InvalidInput(
            FieldError("status", f"is {before} and cannot become {after}; what may follow is {known}")
        )


def check_term(start: date | None, end: date | None, *, auto_renew: bool) -> None:
    """Raise InvalidInput unless a contract may run from ``start`` to ``end``."""
    if start is not None and end is not None and end < start:
        raise InvalidInput(
            FieldError("end", f"is {end}, before the start on {start}; it is the last day of the contract")
        )
    if auto_renew and end is None:
        raise InvalidInput(
            FieldError("auto_renew", "needs an `end` to renew at; without one the contract runs on anyway")
        )


def check_signable(*, account_id: str | None, start: date | None) -> None:
    """Raise InvalidInput that names what is missing before a contract can be approved or signed."""
    wanted = {"account_id": account_id, "start": start}
    if missing := [name for name, value in wanted.items() if value is None]:
        raise InvalidInput(
            *(FieldError(name, "is needed before a contract is signed; set it first") for name in missing)
        )


def check_frozen(changed: Collection[str], number: str) -> None:
    """Raise InvalidInput when what was signed is among the ``changed`` fields."""
    if wrong := [name for name in SIGNED_TERMS if name in changed]:
        raise InvalidInput(
            *(
                FieldError(
                    name,
                    f"is part of {number} as it was signed and stays so; agree on it in the contract "
                    "that follows (`contractRenew`), or terminate this one",
                )
                for name in wrong
            )
        )


def contract_number(count: int) -> str:
    """Return the number people say for the ``count``-th contract of a workspace: C-000123."""
    return f"C-{count:06d}"


def check_reason(reason: str, field: str, *, examples: Sequence[str]) -> str:
    """Return ``reason`` without spaces around it; raise InvalidInput when nothing is left, or too much."""
    if not (kept := reason.strip()):
        raise InvalidInput(FieldError(field, f"is needed; say why, such as {' or '.join(examples)}"))
    if len(kept) > LONGEST_REASON:
        raise InvalidInput(
            FieldError(field, f"has {len(kept)} characters and may have {LONGEST_REASON}; shorten it")
        )
    return kept
