"""What a process that serves asks of Python's interpreter."""

import gc
import sys

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

TURN_SECONDS = 0.0005
"""How long a thread keeps the interpreter while another wants it. Python's own 5 ms hold up an event loop
beside a busy thread (writing a hundred pushes, reading an answer's tokens) at each of its system calls.
"""


def prepare_to_serve() -> None:
    """Let nobody who waits for the event loop wait for the garbage collector or for another thread."""
    spare_the_collector()
    sys.setswitchinterval(TURN_SECONDS)
    multiply_on_one_thread()


def multiply_on_one_thread() -> None:
    """Let each product of matrices stay on the thread that asks for it.

    Many ask at once, so the cores have work; a product that is shared by threads takes more of them in all,
    most of it by waiting for one another: measured, a third of what an answer costs this process. Holds for
    the libraries that are loaded by now.
    """
    threadpool_limits(limits=1, user_api="blas")


def spare_the_collector() -> None:
    """Leave what was loaded for good out of garbage collection: walking it holds everybody up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
