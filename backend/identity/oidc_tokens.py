"""Reading what a provider says of somebody. Pure: no database, no web.

Source: OpenID Connect Core 1.0 §3.1.3.7 (validation of ID tokens), RFC 8725 (JWT best practices).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt

from backend.core.errors import Unauthenticated

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key: ``none`` and those with a shared secret are never taken."""

LOOPBACK = ("127.0.0.1", "::1")  # by number: what `localhost` is, others may decide. Source: RFC 8252 §8.3
CLOCKS_APART = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an ID token must say."""

    issuer: str
    client_id: str
    nonce: str


def is_confidential(url: str) -> bool:
    """Tell whether what goes to ``url`` is read by nobody on the way: HTTPS, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


class UnknownKey(Exception):
    """The token names a key that is not among the known ones: they may have changed."""


def refusal(why: str) -> Unauthenticated:
    """Return the refusal of what a provider sent, with the cause and the mend."""
    return Unauthenticated(f"This sign-in does not count: {why}. Sign in again from the start.")


def read_id_token(
    token: str, keys: Mapping[str, Any], expected: Expected, *, now: datetime
) -> Mapping[str, Any]:
    """Return the claims of an ID token that holds.

    ``keys`` is the provider's JWK set. Raise Unauthenticated for one that does not hold, UnknownKey when
    its key is not in the set.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(token, keys),
            algorithms=[jwt.get_unverified_header(token)["alg"]],
            audience=expected.client_id,
            issuer=expected.issuer,
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                "verify_exp": False,  # by our own clock, below
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.PyJWTError as error:
        raise refusal(f"the provider's ID token is not valid ({error})") from None
    _check_claims(claims, expected, now)
    return claims


def _check_claims(claims: Mapping[str, Any], expected: Expected, now: datetime) -> None:
    if not isinstance(claims["exp"], int | float) or claims["exp"] <= (now - CLOCKS_APART).timestamp():
        raise refusal("the provider's ID token has expired")
    if not isinstance(claims["iat"], int | float) or claims["iat"] > (now + CLOCKS_APART).timestamp():
        raise refusal("the provider's ID token is of the future; compare the clocks of both servers")
    if claims.get("nonce") != expected.nonce:
        raise refusal("the provider's ID token is not for it (nonce)")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else expected.client_id) != expected.client_id:
        raise refusal("the provider's ID token was issued to another client (azp)")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise refusal("the provider's ID token names nobody (sub)")


def _key(token: str, keys: Mapping[str, Any]) -> jwt.PyJWK:
    """Return the key that a token says it is signed with."""
    header = jwt.get_unverified_header(token)
    if header.get("alg") not in ALGORITHMS:
        raise refusal(f"the provider signs ID tokens by {header.get('alg')!r}, which is not taken")
    usable = [one for one in keys.get("keys", []) if one.get("use", "sig") == "sig"]
    named = [one for one in usable if one.get("kid") == header["kid"]] if "kid" in header else usable
    if len(named) != 1:
        raise UnknownKey
    return jwt.PyJWK(named[0], algorithm=header["alg"])
