"""Helping customers: conversations, their messages, and tickets."""
