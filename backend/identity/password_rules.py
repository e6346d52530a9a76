"""What a password must be: long enough, and nothing that a guesser tries first.

Sources: NIST SP 800-63B §3.1.1.2 (length and a list of what is common, no rules of composition);
Wheeler, "zxcvbn: Low-Budget Password Strength Estimation" (USENIX Security 2016).
"""

import asyncio
import re
from collections.abc import Iterable

from zxcvbn import zxcvbn

from backend.core.errors import FieldError, InvalidInput

SHORTEST = 10  # characters
LONGEST = 1_000
WEIGHED = 72  # characters that the estimate looks at; it takes long for more
HARD_ENOUGH = 3  # of 4: some 10^8 guesses or more


def check_length(password: str) -> None:
    """Raise InvalidInput for a password of fewer than 10 or more than 1,000 characters."""
    if len(password) < SHORTEST:
        raise _refused(f"is too short; use at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise _refused(f"is too long; use at most {LONGEST:,} characters")


async def check_password(password: str, about: Iterable[str]) -> None:
    """Raise InvalidInput for a password of the wrong length, or easy to guess.

    ``about`` is what a guesser knows of its owner: address, name, company.
    """
    check_length(password)
    if await asyncio.to_thread(_score, password, sorted(_pieces(about))) < HARD_ENOUGH:
        raise _refused(
            "is too easy to guess; put several words together that have nothing to do with each other, "
            "with you, or with your company"
        )


def _score(password: str, pieces: list[str]) -> int:
    return int(zxcvbn(password[:WEIGHED], user_inputs=pieces)["score"])


def _pieces(about: Iterable[str]) -> set[str]:
    """Return the texts and the words in them, as a guesser would combine them."""
    texts = {text.casefold() for text in about if text}
    return texts | {word for text in texts for word in re.split(r"[\s@._-]+", text) if word}


def _refused(message: str) -> InvalidInput:
    return InvalidInput(FieldError("password", message))
