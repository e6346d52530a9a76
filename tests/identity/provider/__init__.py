"""Providers to sign in at: a certified one, and one that says what is not so."""
