"""E-mail addresses and phone numbers in the one form in which they are stored and looked up. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import phonenumbers

from backend.core.errors import FieldError, InvalidInput

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def folded_email(email: str, *, field: str = "email") -> str:
    """Return an address without spaces around it, case folded; empty stays empty.

    Raise InvalidInput for what is no address.
    """
    folded = email.strip().casefold()
    if folded and not ADDRESS.fullmatch(folded):
        raise InvalidInput(FieldError(field, "is not an e-mail address; write it as name@company.example"))
    return folded


def e164_phone(phone: str, *, country: str = "", field: str = "phone") -> str:
    """Return a number as ``+8613800138000``, an extension as ``;ext=12`` behind it; empty stays empty.

    ``country`` (ISO 3166-1 alpha-2) is where a number without country code belongs. Raise InvalidInput
    for what is no number, and for a national number of an unknown country: a guess would store
    somebody else's. Source: ITU-T E.164; RFC 3966 §5.3 for the extension.
    """
    if not phone.strip():
        return ""
    try:
        number = phonenumbers.parse(phone, country.upper() or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise InvalidInput(
            FieldError(field, "is not a phone number; write it with its country code, as +86 138 0013 8000")
        )
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{written};ext={number.extension}" if number.extension else written


def with_contact_points(fields: Mapping[str, Any], *, country: str = "") -> dict[str, Any]:
    """Return ``fields`` with every e-mail address and phone number among them in its stored form.

    What is not text is left for the record's own validation to name.
    """
    stored = dict(fields)
    if isinstance(email := fields.get("email"), str):
        stored["email"] = folded_email(email)
    if isinstance(phone := fields.get("phone"), str):
        stored["phone"] = e164_phone(phone, country=country)
    if emails := fields.get("other_emails"):
        stored["other_emails"] = [folded_email(one, field="other_emails") for one in emails]
    if phones := fields.get("other_phones"):
        stored["other_phones"] = [e164_phone(one, country=country, field="other_phones") for one in phones]
    return stored


def has_national_phone(fields: Mapping[str, Any]) -> bool:
    """Tell whether some number among ``fields`` comes without a country code."""
    phones = [fields.get("phone"), *(fields.get("other_phones") or [])]
    return any(
        isinstance(one, str) and one.strip() and not one.strip().startswith(("+", "＋")) for one in phones
    )
