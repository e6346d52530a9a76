"""What a language model need not know: names, addresses and numbers in what people write; pure.

Not a promise that nothing personal is left in free words, but what can be recognised is covered before
anything is sent: by form (addresses, phone and card numbers) and by value (the customer's own names).
"""

import re
from collections.abc import Iterable

FEWEST_LETTERS = 2  # of a name that is looked for

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w.])(?:\+|00)?\d(?:[ \-./()]{0,2}\d){6,17}(?![\w])")
_ID = re.compile(r"(?<!\w)(?:\d{17}[\dXx]|[A-Z]{1,3}\d{6,9}|\d{15,19}|[A-Z]{2}\d{2}[A-Z0-9]{11,30})(?!\w)")


def withhold(text: str, names: Iterable[str]) -> str:
    """Return ``text`` with names, e-mail addresses, phone, card and identity numbers covered."""
    covered = _EMAIL.sub("[EMAIL]", text)
    covered = _ID.sub("[NUMBER]", covered)
    covered = _PHONE.sub("[PHONE]", covered)
    wanted = sorted(
        {name.strip() for name in names if len(name.strip()) >= FEWEST_LETTERS}, key=len, reverse=True
    )
    for name in wanted:
        edges = (r"(?<!\w)", r"(?!\w)") if name.isascii() else ("", "")
        covered = re.sub(edges[0] + re.escape(name) + edges[1], "[NAME]", covered, flags=re.IGNORECASE)
    return covered


def without_addresses(text: str) -> str:
    """Return what a question asks without the addresses and numbers of people in it, which no article has."""
    bare = text
    for pattern in (_EMAIL, _ID, _PHONE):
        bare = pattern.sub(" ", bare)
    bare = re.sub(r"\s+", " ", bare).strip(" ,;:，；：、") if bare != text else text
    return bare if any(character.isalnum() for character in bare) else text
