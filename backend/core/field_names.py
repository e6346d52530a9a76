"""Names of fields: as the store has them (``account_id``), and as clients write them (``accountId``)."""

import re

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def stored_name(name: str) -> str:
    """Return a field's name, dotted or not, as the store has it; one that is so already is returned as is."""
    return _HUMP.sub(lambda hump: f"_{hump[0]}", name).lower()


def shown_name(name: str) -> str:
    """Return a field's name, dotted or not, as clients write it."""
    return ".".join(_camel(part) for part in name.split("."))


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
