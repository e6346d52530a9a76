"""Time-based one-time passwords and recovery codes. Pure: no database, no web.

Source: RFC 6238 (TOTP: SHA-1, 6 digits, 30 seconds, what every authenticator app has).
"""

import base64
import secrets
from datetime import datetime

import pyotp

from backend.identity.tokens import digest, same_digest

STEP_SECONDS = 30
STEPS_OFF = 1  # a phone's clock may be this many steps early or late. Source: RFC 6238 §5.2
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 random bits, 16 characters: too many to guess, so that a plain hash will do
ISSUER = "Rapport"


def make_totp_secret() -> str:
    """Return a new shared secret of 160 random bits, in base32. Source: RFC 4226 §4, R6."""
    return pyotp.random_base32()


def totp_uri(secret: str, *, account: str, workspace: str) -> str:
    """Return the ``otpauth://`` address that an authenticator app reads from a QR code."""
    issuer = f"{ISSUER} {workspace}".strip().replace(":", " ")
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: str, code: str, *, now: datetime) -> int | None:
    """Return which time step ``code`` belongs to, of those that count at ``now``; None for a wrong code."""
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP_SECONDS
    given = digest(code.replace(" ", ""))
    found = None
    for step in range(present - STEPS_OFF, present + STEPS_OFF + 1):  # all of them: no timing tells which
        if same_digest(digest(totp.generate_otp(step)), given):
            found = step
    return found


def make_recovery_codes() -> list[str]:
    """Return new recovery codes, such as ``ABCD-EFGH-JKLM-NPQR``."""
    texts = (base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES))
    return ["-".join(text[at : at + 4] for at in range(0, len(text), 4)) for text in texts]


def recovery_digest(code: str) -> str:
    """Return what the server stores of a recovery code, however it is spaced and cased."""
    return digest(code.replace("-", "").replace(" ", "").upper())
