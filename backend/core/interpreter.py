"""What a process that serves asks of Python's interpreter."""

import gc
import sys

TURN_SECONDS = 0.0005
"""How long a thread keeps the interpreter while another wants it. Python's own 5 ms hold up an event loop
beside a busy thread (writing a hundred pushes, reading an answer's tokens) at each of its system calls.
"""


def prepare_to_serve() -> None:
    """Let nobody who waits for the event loop wait for the garbage collector or for another thread."""
    spare_the_collector()
    sys.setswitchinterval(TURN_SECONDS)


def spare_the_collector() -> None:
    """Leave what was loaded for good out of garbage collection: walking it holds everybody up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
