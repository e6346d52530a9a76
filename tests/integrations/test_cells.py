"""Values as people write them in a cell, and what is not guessed."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import InvalidInput
from backend.core.sync import FieldType
from backend.integrations.cells import read_cell

EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("sort", "text", "value"),
    [
        ("text", " as it is ", " as it is "),
        ("decimal", "1234.50", Decimal("1234.50")),
        ("decimal", "¥1,234,567.5", Decimal("1234567.5")),
        ("decimal", "１２３４", Decimal(1234)),
        ("decimal", "-3 元", Decimal(-3)),
        ("integer", "1,200", 1200),
        ("integer", "5.0", 5),
        ("boolean", "是", True),
        ("boolean", "No", False),
        ("date", "2026-11-30", date(2026, 11, 30)),
        ("date", "2026/1/5", date(2026, 1, 5)),
        ("date", "2026年1月5日", date(2026, 1, 5)),
        ("datetime", "2026-11-30T09:05:00+01:00", datetime(2026, 11, 30, 8, 5, tzinfo=UTC)),
        ("datetime", "2026-11-30 9:05", datetime(2026, 11, 30, 9, 5, tzinfo=EAST)),
        ("datetime", "2026/11/30", datetime(2026, 11, 30, tzinfo=EAST)),
        ("list", "茶；咖啡、 Wasser | ", ["茶", "咖啡", "Wasser"]),
    ],
)
def test_a_cell_is_read_as_people_write_it(sort: FieldType, text: str, value: Any) -> None:
    assert read_cell("field", sort, text, zone="Asia/Shanghai") == value


@pytest.mark.parametrize(
    ("sort", "text"),
    [
        *(
            ("decimal", one)
            for one in ("12,34", "1.234,5", "1e5", "NaN", "Infinity", "much", "--1", "1 2", "9" * 31)
        ),
        *(("integer", one) for one in ("1.5", "five", "", "2147483648")),
        *(("boolean", one) for one in ("maybe", "2", "")),
        *(
            ("date", one)
            for one in (
                "3/4/2026",
                "30.11.2026",
                "2026-02-30",
                "2026-13-01",
                "tomorrow",
                "45990",
                "0001-01-01",
            )
        ),
        *(
            ("datetime", one)
            for one in (
                "2026-11-30 25:00",
                "0001-01-01T00:00:00+14:00",
                "2026-11-30T99",
                "noon",
                "30.11.2026 9:00",
            )
        ),
    ],
)
def test_what_would_be_a_guess_is_refused_without_being_repeated(sort: FieldType, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_cell("field", sort, text)
    (error,) = refused.value.errors
    assert error.field == "field"
    assert error.message.startswith("is n")
    assert not text or text not in error.message


@given(st.sampled_from(["decimal", "integer", "boolean", "date", "datetime", "list", "number"]), st.text())
def test_no_text_is_worse_than_refused(sort: FieldType, text: str) -> None:
    try:
        read_cell("field", sort, text)
    except InvalidInput:
        return
