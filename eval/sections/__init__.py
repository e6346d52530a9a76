"""One file a claim; each has ``SECTIONS``, and is found by being here."""
