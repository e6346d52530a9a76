"""What a process that serves does about Python's garbage collector."""

import gc


def spare_the_collector() -> None:
    """Leave what was loaded for good out of garbage collection: walking it holds everybody up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
