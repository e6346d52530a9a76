"""Names: the house says ``annual_revenue``, a phone ``annualRevenue``, a GraphQL type ``Account``."""


def camel(name: str) -> str:
    """Return a column's or a collection's name on the phone: ``sync_rejection`` is ``syncRejection``."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def clean(text: str, most: int = 100) -> str:
    """Return a name that somebody sent so that it can be stored and shown: halves of characters are "?"."""
    return text[:most].encode("utf-8", "replace").decode()


def pascal(name: str) -> str:
    """Return the X of ``pullX``, as RxDB makes it from the collection's name on the phone."""
    return camel(name)[:1].upper() + camel(name)[1:]


def snake(name: str) -> str:
    """Return the house's name of a phone's column: the way back from ``camel``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
