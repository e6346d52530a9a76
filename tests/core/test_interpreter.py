"""What a serving process asks of the interpreter and of what computes in it."""

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]

from backend.core.interpreter import multiply_on_one_thread


def threads_of_products() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))  # the library is loaded
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_product_stays_on_the_thread_that_asks_for_it() -> None:
    with threadpool_limits(limits=2, user_api="blas"):  # at its end all is as it was
        assert threads_of_products() == {2}
        multiply_on_one_thread()
        assert threads_of_products() == {1}
