"""Phones: what they pull, what they push, and how both sides agree."""
