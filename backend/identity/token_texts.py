"""How personal access tokens and API keys are written. Pure: no database, no web.

``rpt_pat_`` or ``rpt_key_``, 256 random bits, and a checksum: a scanner that finds one in a repository
can tell without asking us that it is one. Source: "Behind GitHub's new authentication token formats",
2021 (prefix, base 62, CRC-32 suffix).
"""

import re
import secrets
import string
import zlib

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 43  # base 62: 256 bits
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = 12  # of the whole: the prefix and four characters more
PREFIX = "rpt_"
_SHAPE = re.compile(rf"rpt_(?:pat|key)_[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}")


def make_token(sort: str) -> str:
    """Return a new token of a sort, ``pat`` or ``key``."""
    head = f"{PREFIX}{sort}_" + "".join(secrets.choice(DIGITS) for _ in range(RANDOM_LENGTH))
    return head + _checksum(head)


def is_token(text: str) -> bool:
    """Tell whether ``text`` has the form of a token, checksum included; whether it counts is not asked."""
    if _SHAPE.fullmatch(text) is None:
        return False
    return _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def _checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits
