"""The right person, once, at a decent hour, on the device in their hand."""
