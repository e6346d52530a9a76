"""Say how much an article's age and end of validity take from its place among the hits. Pure."""

from datetime import datetime, timedelta

# In units of a hit's score, whose first places lie some tenths apart.
EXPIRED_TAKES = 0.5  # behind a valid article that is nearly as near, before one that is about something else
A_YEAR_TAKES = 0.02  # decides between equals, such as last year's price list and this year's
OLDEST_COUNTED = timedelta(days=5 * 365)
_YEAR = timedelta(days=365)


def is_expired(valid_until: datetime | None, now: datetime) -> bool:
    """Tell whether the article's validity has ended."""
    return valid_until is not None and valid_until <= now


def freshness(valid_until: datetime | None, changed_at: datetime | None, now: datetime) -> float:
    """Return what is added to a hit's score: 0 for a new and valid article, less for others."""
    taken = EXPIRED_TAKES if is_expired(valid_until, now) else 0.0
    if changed_at is not None:
        age = min(max(now - changed_at, timedelta(0)), OLDEST_COUNTED)  # a clock may be behind
        taken += A_YEAR_TAKES * (age / _YEAR)
    return -taken
