"""What a push may hold, the pure verdicts, and the gateway for a house without a vendor."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.gateways import LONGEST_TTL, Outcome, PushMessage, Registration
from notifications.recording import RecordingGateway
from notifications.verdicts import LONGEST_PAUSE, Refusal, judge, read_retry_after

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SYNC_PING = PushMessage(
    registration=Registration(kind="fid", value="f1"),
    title="",
    body="",
    collapse_key="sync",
    ttl=timedelta(0),
)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"ttl": LONGEST_TTL + timedelta(seconds=1)}, "between 0 and 28 days"),
        ({"ttl": timedelta(seconds=-1)}, "between 0 and 28 days"),
        ({"collapse_key": ""}, "needs a collapse key"),
        ({"data": {"seq": 42}}, "write 'seq' as text"),
        ({"priority": "urgent"}, "'high' or 'normal'"),
    ],
)
def test_a_push_that_a_vendor_would_refuse_cannot_be_made(fields: dict[str, object], complaint: str) -> None:
    whole = {
        "registration": SYNC_PING.registration,
        "title": "t",
        "body": "b",
        "collapse_key": "k",
        "ttl": LONGEST_TTL,
    }
    PushMessage(**whole)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=complaint):
        PushMessage(**{**whole, **fields})  # type: ignore[arg-type]


def test_a_registration_stays_out_of_logs() -> None:
    assert "secret-value" not in repr(Registration(kind="token", value="secret-value"))
    with pytest.raises(ValueError, match="reaches nobody"):
        Registration(kind="fid", value="")


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (None, None),
        ("soon", None),
        ("120", timedelta(seconds=120)),
        ("9" * 30, LONGEST_PAUSE),
        ("Mon, 02 Mar 2026 12:01:30 GMT", timedelta(seconds=90)),
        ("Mon, 02 Mar 2026 11:00:00 GMT", timedelta(0)),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, pause: timedelta | None) -> None:
    assert read_retry_after(header, now=NOW) == pause


@given(
    code=st.text().filter(lambda code: code not in ("UNREGISTERED", "SENDER_ID_MISMATCH")),
    message=st.text().filter(lambda message: not re.search("registration|installation", message.lower())),
)
def test_doubt_never_forgets_a_registration(code: str, message: str) -> None:
    assert judge(Refusal(code=code, message=message)).outcome is not Outcome.FORGET


async def test_without_a_vendor_pushes_are_recorded() -> None:
    gateway = RecordingGateway()
    first, second = await gateway.send([SYNC_PING, SYNC_PING])
    assert (first.outcome, first.reason, first.provider_message_id) == (
        Outcome.SENT,
        "RECORDED",
        "recorded/1",
    )
    assert second.provider_message_id == "recorded/2"
    assert list(gateway.recorded) == [SYNC_PING, SYNC_PING]
    await gateway.close()
