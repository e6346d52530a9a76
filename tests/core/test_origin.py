"""Of a customer's request only what may be kept for ever is kept."""

import pytest

from backend.core.origin import Origin


@pytest.mark.parametrize(
    ("ip", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::/48"),
        ("::ffff:203.0.113.77", "::/48"),
        ("", ""),
        ("testclient", ""),
        ("203.0.113.777", ""),
    ],
)
def test_a_customers_address_is_kept_as_its_network(ip: str, kept: str) -> None:
    origin = Origin(ip=ip, device="Phone of Wang Fang", request_id="r", on_behalf_of="u")
    assert origin.of_customer() == Origin(ip=kept, device="", request_id="r", on_behalf_of="u")
