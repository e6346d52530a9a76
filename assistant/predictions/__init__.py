"""Numbers about customers: each with what it was counted from, an interval, and the courage to say no."""
