"""The chat with customers: on our own page and embedded in anybody's."""
