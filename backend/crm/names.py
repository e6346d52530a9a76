"""How a person's full name is put together. Pure."""

import re

HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


def full_name(given_name: str, family_name: str) -> str:
    """Return the name as its bearer writes it: 林悦 (family name first, no space), Beth Larson."""
    given, family = given_name.strip(), family_name.strip()
    if HAN.search(given + family):
        return family + given
    return f"{given} {family}".strip()
