"""E-mail addresses and phone numbers have one stored form, however they were typed."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import InvalidInput
from backend.crm.contact_points import e164_phone, folded_email
from backend.crm.names import full_name


@pytest.mark.parametrize(
    ("typed", "country", "stored"),
    [
        ("138 0013 8000", "CN", "+8613800138000"),
        ("0086 138-0013-8000", "cn", "+8613800138000"),
        ("+86 (138) 0013 8000", "", "+8613800138000"),
        ("０２１－５５５５１２３４", "CN", "+862155551234"),
        ("+44 20 7946 0958 ext 12", "", "+442079460958;ext=12"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("  ", "", ""),
    ],
)
def test_a_number_is_stored_in_international_form(typed: str, country: str, stored: str) -> None:
    assert e164_phone(typed, country=country) == stored


@pytest.mark.parametrize(
    ("typed", "country"), [("138 0013 8000", ""), ("call me", "CN"), ("+86 1", ""), ("+999 12345678", "")]
)
def test_what_is_no_number_or_of_no_known_country_is_refused(typed: str, country: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        e164_phone(typed, country=country)
    assert str(refusal.value) == (
        "phone is not a phone number; write it with its country code, as +86 138 0013 8000"
    )


@settings(max_examples=60)
@given(
    st.sampled_from(["CN", "DE", "GB", "US", "NO", "BR"]),
    st.sampled_from(
        [
            phonenumbers.PhoneNumberFormat.E164,
            phonenumbers.PhoneNumberFormat.INTERNATIONAL,
            phonenumbers.PhoneNumberFormat.NATIONAL,
            phonenumbers.PhoneNumberFormat.RFC3966,
        ]
    ),
)
def test_storing_a_stored_number_changes_nothing(country: str, written_as: int) -> None:
    number = phonenumbers.example_number(country)
    assert number is not None
    stored = e164_phone(phonenumbers.format_number(number, written_as), country=country)
    assert stored == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert e164_phone(stored) == stored


def test_an_address_is_folded_and_must_be_one() -> None:
    assert folded_email("  Beth.Larson@Prairie.EXAMPLE ") == "beth.larson@prairie.example"
    with pytest.raises(InvalidInput, match="email is not an e-mail address"):
        folded_email("beth at prairie")


def test_a_name_is_written_as_its_bearer_writes_it() -> None:
    assert full_name("悦", "林") == "林悦"
    assert full_name("Beth", "Larson") == "Beth Larson"
    assert full_name("", "Larson") == "Larson"
