"""What the assistant can claim, measured on public data: ``python -m eval`` (``make eval``)."""
