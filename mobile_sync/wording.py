"""Names: the house says ``annual_revenue``, a phone ``annualRevenue``, a GraphQL type ``Account``."""


def camel(name: str) -> str:
    """Return a column's or a collection's name on the phone: ``sync_rejection`` is ``syncRejection``."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def pascal(name: str) -> str:
    """Return the X of ``pullX``, as RxDB makes it from the collection's name on the phone."""
    return camel(name)[:1].upper() + camel(name)[1:]
