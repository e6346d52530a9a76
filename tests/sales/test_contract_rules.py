"""The rules of contracts and payments, without a database."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.clock import end_of_day
from backend.core.errors import InvalidInput
from backend.sales import payment_rules
from backend.sales.contract_rules import (
    DATED,
    LIVE,
    MOVES,
    ContractStatus,
    Term,
    check_move,
    check_term,
    following,
    next_day,
    standing,
)
from backend.sales.payment_rules import PaymentStatus, check_receipt

S = ContractStatus
DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 31))
ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)


@st.composite
def terms(draw: st.DrawFn, *, ends: bool = False) -> Term:
    start = draw(st.dates(date(1900, 1, 1), date(2400, 1, 1)))
    lengths = st.integers(0, 4000)
    length = draw(lengths if ends else st.none() | lengths)
    notice = draw(st.none() | st.integers(0, 3650))
    return Term(start, None if length is None else start + timedelta(days=length), notice)


@pytest.mark.parametrize(
    ("today", "stands"),
    [
        ("2026-01-09", S.SIGNED),
        ("2026-01-10", S.ACTIVE),
        ("2026-03-01", S.ACTIVE),
        ("2026-03-02", S.EXPIRING),
        ("2026-03-31", S.EXPIRING),
        ("2026-04-01", S.EXPIRED),
    ],
)
def test_a_signed_contract_stands_where_its_days_are(today: str, stands: ContractStatus) -> None:
    term = Term(date(2026, 1, 10), date(2026, 3, 31), 29)
    assert standing(term, date.fromisoformat(today), is_renewed=False) is stands
    renewed = S.RENEWED if stands is S.EXPIRED else stands
    assert standing(term, date.fromisoformat(today), is_renewed=True) is renewed


def test_without_a_notice_of_its_own_it_is_expiring_thirty_days_before() -> None:
    assert Term(date(2026, 1, 1), date(2026, 12, 31)).notice_from == date(2026, 12, 1)
    assert Term(date(2026, 1, 1), date(2026, 1, 10)).notice_from == date(2026, 1, 1)
    assert Term(date(2026, 1, 1)).notice_from is None


@given(terms(), st.booleans(), st.integers(-5000, 9000))
def test_it_moves_on_the_days_that_it_says_and_only_along_allowed_moves(
    term: Term, is_renewed: bool, offset: int
) -> None:
    today = max(date(1890, 1, 1), term.start + timedelta(days=offset))
    stands = standing(term, today, is_renewed=is_renewed)
    assert stands in DATED
    moves = next_day(term, today)
    if moves is None:
        assert term.end is None or today > term.end
        return
    assert moves > today
    before, after = (standing(term, day, is_renewed=is_renewed) for day in (moves - timedelta(days=1), moves))
    assert before is stands  # nothing happens in between
    assert after is before or after in MOVES[before]


@given(terms(ends=True))
def test_what_follows_begins_the_day_after_and_is_as_long(term: Term) -> None:
    after = following(term)
    assert term.end is not None
    assert after.end is not None
    assert after.start == term.end + timedelta(days=1)
    assert after.notice_days == term.notice_days
    # In whole months a term differs by the days that its months differ by, by no more.
    assert abs((after.end - after.start) - (term.end - term.start)) <= timedelta(days=6)


@pytest.mark.parametrize(
    ("start", "end", "follows"),
    [
        ("2027-01-01", "2027-12-31", ("2028-01-01", "2028-12-31")),  # the next is a leap year
        ("2026-01-01", "2026-03-31", ("2026-04-01", "2026-06-30")),
        ("2026-01-15", "2026-02-14", ("2026-02-15", "2026-03-14")),
        ("2026-01-01", "2026-01-10", ("2026-01-11", "2026-01-20")),
        ("2026-05-05", "2026-05-05", ("2026-05-06", "2026-05-06")),
    ],
)
def test_a_year_follows_a_year_and_ten_days_ten_days(start: str, end: str, follows: tuple[str, str]) -> None:
    term = following(Term(date.fromisoformat(start), date.fromisoformat(end)))
    assert (term.start.isoformat(), str(term.end)) == follows


@given(st.sampled_from(S), st.sampled_from(S))
def test_a_move_is_allowed_or_says_what_is(before: ContractStatus, after: ContractStatus) -> None:
    if after in MOVES[before]:
        check_move(before, after)
        return
    with pytest.raises(InvalidInput, match=f"is {before} and cannot become {after}; what may follow is "):
        check_move(before, after)


def test_what_was_ended_by_people_stays_so_and_a_draft_is_signed_first() -> None:
    assert MOVES[S.TERMINATED] == MOVES[S.VOID] == frozenset()
    assert S.TERMINATED not in MOVES[S.DRAFT]
    assert {one for one, after in MOVES.items() if S.DRAFT in after} == {S.IN_APPROVAL, S.APPROVED}
    assert MOVES[S.IN_APPROVAL].isdisjoint(DATED)
    assert all({S.TERMINATED, S.VOID} <= MOVES[one] for one in LIVE)
    assert MOVES.keys() == set(S)


def test_a_term_may_be_a_day_but_not_less_and_renews_only_where_it_ends() -> None:
    day = date(2026, 5, 5)
    check_term(day, day, auto_renew=True)
    check_term(None, None, auto_renew=False)
    with pytest.raises(InvalidInput, match="end is 2026-05-04, before the start on 2026-05-05"):
        check_term(day, day - timedelta(days=1), auto_renew=False)
    with pytest.raises(InvalidInput, match="auto_renew needs an `end` to renew at"):
        check_term(day, None, auto_renew=True)


@given(DAYS, ZONES)
def test_a_day_is_over_when_the_next_begins_in_every_zone(day: date, zone: ZoneInfo) -> None:
    over = end_of_day(day, zone)
    assert over.tzinfo is UTC
    instant = timedelta(microseconds=1)
    # A zone that crosses the date line leaves out a whole day: then the one before and after meet.
    assert (over - instant).astimezone(zone).date() <= day < (over + instant).astimezone(zone).date()


def test_a_day_is_over_when_it_is_in_shanghai_and_in_new_york() -> None:
    day = date(2026, 3, 8)
    assert end_of_day(day, ZoneInfo("Asia/Shanghai")) == datetime(2026, 3, 8, 16, tzinfo=UTC)
    assert end_of_day(day, ZoneInfo("America/New_York")) == datetime(2026, 3, 9, 4, tzinfo=UTC)


AMOUNTS = st.decimals(Decimal("0.01"), Decimal(10) ** 12, places=2)


@given(AMOUNTS, st.decimals(0, Decimal(10) ** 12, places=2), DAYS, DAYS)
def test_a_payment_stands_where_money_and_day_put_it_and_moves_when_it_says(
    amount: Decimal, received: Decimal, due: date, today: date
) -> None:
    def on(day: date) -> PaymentStatus:
        return payment_rules.standing(amount=amount, received=received, due=due, today=day)

    stands = on(today)
    assert (stands is PaymentStatus.PAID) == (received >= amount)
    assert (stands is PaymentStatus.OVERDUE) == (received < amount and today > due)
    moves = payment_rules.next_day(stands, due)
    if moves is None:
        assert on(today + timedelta(days=3650)) is stands
    else:
        assert moves > today
        assert on(moves - timedelta(days=1)) is stands
        assert on(moves) is not stands


@pytest.mark.parametrize(
    ("today", "received", "stands"),
    [
        ("2026-06-29", "0", PaymentStatus.PLANNED),
        ("2026-06-29", "1", PaymentStatus.PARTIAL),
        ("2026-06-30", "0", PaymentStatus.DUE),
        ("2026-06-30", "1", PaymentStatus.PARTIAL),
        ("2026-07-01", "0", PaymentStatus.OVERDUE),
        ("2026-07-01", "1", PaymentStatus.OVERDUE),
        ("2026-07-01", "10.00", PaymentStatus.PAID),
        ("2026-06-01", "10", PaymentStatus.PAID),
    ],
)
def test_a_payment_by_the_day(today: str, received: str, stands: PaymentStatus) -> None:
    found = payment_rules.standing(
        amount=Decimal(10),
        received=Decimal(received),
        due=date(2026, 6, 30),
        today=date.fromisoformat(today),
    )
    assert found is stands


@given(st.lists(AMOUNTS, max_size=20), AMOUNTS)
def test_receipts_never_come_to_more_than_was_planned(receipts: list[Decimal], amount: Decimal) -> None:
    so_far = Decimal(0)
    for receipt in receipts:
        if receipt <= amount - so_far:
            check_receipt(receipt, amount=amount, so_far=so_far, currency="CNY")
            so_far += receipt
            continue
        with pytest.raises(InvalidInput, match=f"is more than the {amount - so_far} CNY still open"):
            check_receipt(receipt, amount=amount, so_far=so_far, currency="CNY")
    assert Decimal(0) <= so_far <= amount


@pytest.mark.parametrize("amount", ["0", "-5"])
def test_what_comes_in_is_more_than_nothing(amount: str) -> None:
    with pytest.raises(InvalidInput, match="amount must be more than 0"):
        check_receipt(Decimal(amount), amount=Decimal(10), so_far=Decimal(0), currency="CNY")
