"""The laws of quotes and approvals, without a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import ApprovalRequired, FieldError, InvalidInput
from backend.sales.approval_rules import (
    ApprovalStatus,
    canonical_json,
    check_decider,
    check_pending,
    decision_of,
    differing_fields,
    fingerprint,
)
from backend.sales.quote_rules import (
    MINOR_UNITS,
    MOVES,
    SETTLED,
    QuoteStatus,
    amounts,
    check_complete,
    check_discount,
    moved,
    quote_number,
    revised,
)

TODAY = date(2026, 3, 2)


@dataclass(frozen=True)
class Line:
    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)


def line(quantity: str, price: str, discount: str = "0", tax: str = "0") -> Line:
    return Line(*(Decimal(text) for text in (quantity, price, discount, tax)))


def decimals(most: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=0, max_value=most, places=places, allow_nan=False, allow_infinity=False)


lines_of_any_sort = st.lists(
    st.builds(
        Line,
        quantity=decimals(99_999_999, 4),
        unit_price=decimals(10**9, 6),
        discount_percent=decimals(100, 4),
        tax_percent=st.sampled_from([Decimal(rate) for rate in ("0", "6", "9", "13", "19", "8.875")]),
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    ("lines", "currency", "nets", "sums"),
    [
        ([], "CNY", [], ("0.00", "0.00", "0.00")),
        ([line("3", "19.99", tax="13")], "CNY", ["59.97"], ("59.97", "7.80", "67.77")),
        # Half a fen goes up, whichever neighbour is even.
        (
            [line("1", "0.005"), line("1", "0.015"), line("1", "0.025")],
            "CNY",
            ["0.01", "0.02", "0.03"],
            ("0.06", "0.00", "0.06"),
        ),
        # Tax is rounded once for a rate: three times 0.035 are 0.11, not 0.12.
        ([line("1", "0.50", tax="7")] * 3, "EUR", ["0.50"] * 3, ("1.50", "0.11", "1.61")),
        # Rates that are written otherwise are one rate.
        (
            [line("1", "0.50", tax="7"), line("1", "0.50", tax="7.00"), line("1", "0.50", tax="7.0")],
            "EUR",
            ["0.50"] * 3,
            ("1.50", "0.11", "1.61"),
        ),
        (
            [line("1", "0.50", tax="7"), line("1", "0.50", tax="19")],
            "EUR",
            ["0.50", "0.50"],
            ("1.00", "0.14", "1.14"),
        ),
        ([line("2", "1000", "12.5", "10")], "JPY", ["1750"], ("1750", "175", "1925")),
        ([line("1", "0.5", tax="10")], "JPY", ["1"], ("1", "0", "1")),
        ([line("1", "1.23456")], "KWD", ["1.235"], ("1.235", "0.000", "1.235")),
        ([line("7", "99.99", "100", "13")], "CNY", ["0.00"], ("0.00", "0.00", "0.00")),
        ([line("0.3333", "3")], "USD", ["1.00"], ("1.00", "0.00", "1.00")),
    ],
)
def test_amounts_come_out_exactly(
    lines: Sequence[Line], currency: str, nets: list[str], sums: tuple[str, str, str]
) -> None:
    found = amounts(lines, currency)
    assert [str(net) for net in found.lines] == nets
    assert (str(found.net), str(found.tax), str(found.gross)) == sums


@given(lines_of_any_sort, st.sampled_from(["CNY", "JPY", "KWD", "CLF"]))
def test_lines_add_up_to_the_totals_and_no_line_is_further_off_than_half_a_unit(
    lines: list[Line], currency: str
) -> None:
    found = amounts(lines, currency)
    unit = Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))
    assert found.net == sum(found.lines)
    assert found.gross == found.net + found.tax
    for one, net in zip(lines, found.lines, strict=True):
        exact = one.quantity * one.unit_price * (1 - one.discount_percent / 100)
        assert abs(net - exact) <= unit / 2
        assert net % unit == 0
    backwards = amounts(lines[::-1], currency)
    assert (backwards.net, backwards.tax) == (found.net, found.tax)


def test_more_than_the_store_can_keep_is_refused() -> None:
    with pytest.raises(InvalidInput, match="come to more than can be kept"):
        amounts([line("99999999.9999", "99999999999999999999")], "CNY")


@pytest.mark.parametrize("before", QuoteStatus)
@pytest.mark.parametrize("after", QuoteStatus)
def test_a_quote_goes_where_it_may_and_nowhere_else(before: QuoteStatus, after: QuoteStatus) -> None:
    if after in MOVES[before]:
        assert moved(before, after) is after
        return
    with pytest.raises(InvalidInput) as refused:
        moved(before, after)
    [error] = refused.value.errors
    assert error.field == "status"
    assert error.message.startswith(f"is {before.value}, from where a quote goes to ")


def test_what_the_moves_are() -> None:
    assert {before.value: sorted(MOVES[before]) for before in QuoteStatus} == {
        "draft": ["in_review", "sent"],
        "in_review": ["approved", "draft", "rejected"],
        "approved": ["draft", "sent"],
        "rejected": ["draft"],
        "sent": ["accepted", "declined", "draft", "expired"],
        "accepted": [],
        "declined": ["draft"],
        "expired": ["draft"],
    }


@given(st.sampled_from(QuoteStatus), st.integers(min_value=1, max_value=10**6))
def test_an_edit_leads_to_a_draft_of_a_new_revision_when_somebody_knew_the_old(
    status: QuoteStatus, revision: int
) -> None:
    if status is QuoteStatus.ACCEPTED:
        with pytest.raises(InvalidInput, match="from where a quote goes to nowhere: write another quote"):
            revised(status, revision)
        return
    assert revised(status, revision) == (QuoteStatus.DRAFT, revision + (1 if status in SETTLED else 0))


def test_what_is_missing_is_named_all_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_complete([], valid_until=None, today=TODAY, has_customer=False)
    assert [error.field for error in refused.value.errors] == ["lines", "account_id", "valid_until"]
    one = [line("1", "1")]
    check_complete(one, valid_until=TODAY, today=TODAY, has_customer=True)  # its last day is not over yet
    with pytest.raises(InvalidInput) as refused:
        check_complete(one, valid_until=date(2026, 3, 1), today=TODAY, has_customer=True)
    assert refused.value.errors == (
        FieldError("valid_until", "is over since 2026-03-01; choose a later day"),
    )


def test_a_discount_at_the_limit_passes_and_one_above_does_not() -> None:
    check_discount([line("1", "1", "20.0000")], limit=Decimal(20))
    check_discount([], limit=Decimal(0))
    with pytest.raises(ApprovalRequired, match=r"^A discount of 20\.0001 % is above the limit of 20 %; ask"):
        check_discount([line("1", "1"), line("1", "1", "20.0001")], limit=Decimal("20.000"))


def test_numbers_go_on_beyond_six_digits() -> None:
    assert [quote_number(count) for count in (1, 999_999, 1_000_000)] == ["Q-000001", "Q-999999", "Q-1000000"]


# ── approvals ────────────────────────────────────────────────────────────────────────────────────


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=6))
def test_the_same_content_is_the_same_text_in_whatever_order_it_comes(content: dict[str, Any]) -> None:
    turned = dict(reversed(content.items()))
    assert canonical_json(turned) == canonical_json(content)
    assert len(fingerprint(canonical_json(content))) == 64


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_an_amount_is_the_same_however_it_is_written(amount: Decimal) -> None:
    text = canonical_json({"amount": amount})
    assert "E" not in text
    assert text == canonical_json({"amount": amount * Decimal("1.000")})
    assert Decimal(text.removeprefix('{"amount":"').removesuffix('"}')) == amount


def test_canonical_texts() -> None:
    assert canonical_json(
        {"b": Decimal("1E+2"), "a": "冷库 ❄", "d": TODAY, "c": [{"y": None, "x": Decimal("-0.00")}]}
    ) == ('{"a":"冷库 ❄","b":"100","c":[{"x":"0","y":null}],"d":"2026-03-02"}')
    # Source: printf '{}' | sha256sum.
    assert fingerprint("{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    with pytest.raises(TypeError, match="object has no place in what is approved"):
        canonical_json({"a": object()})


def test_what_differs_is_named() -> None:
    before, after = canonical_json({"a": 1, "b": 2, "c": 3}), canonical_json({"a": 1, "b": 3, "d": 4})
    assert differing_fields(before, after) == ("b", "c", "d")
    assert differing_fields(before, before) == ()


def test_nobody_decides_on_their_own_request_unless_they_are_alone() -> None:
    check_decider("manager", "rep", ["admin", "manager"])
    check_decider("admin", "admin", ["admin"])
    check_decider("admin", "admin", [])
    with pytest.raises(InvalidInput, match="is a request of your own"):
        check_decider("admin", "admin", ["admin", "manager"])


@pytest.mark.parametrize("said", [None, "", "pending", "withdrawn", "APPROVED", "yes"])
def test_a_decision_is_one_of_two_words(said: str | None) -> None:
    with pytest.raises(InvalidInput, match="decision must be approved or rejected"):
        decision_of(said)


def test_what_has_ended_is_not_decided_again() -> None:
    check_pending(ApprovalStatus.PENDING)
    for status in (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.WITHDRAWN):
        with pytest.raises(InvalidInput, match=f"id is {status.value} already"):
            check_pending(status)
