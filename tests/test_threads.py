"""Threads: the same bits for any number of them, and that number under the user's control everywhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import convcorr
from convcorr import _core
from layouts import random_values, same_bits
from subprocesses import output_of

COUNTS = [1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 32, 64]
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((100_003,), (31,), {}), ((20_000,), (1500,), {}), ((301, 283), (7, 5), {}), ((2000, 17), (3, 9), {}),
    ((12, 1500), (21,), {"axes": -1}), ((5, 60, 70), (5, 3, 4), {"axes": (1, 2)}), ((40, 41, 42), (3, 4, 3), {}),
    ((150, 160), (5, 5), {"stride": 2, "dilation": 2}), ((50, 1), (9, 1, 3), {"axes": 1, "boundary": "wrap"}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def default_threads() -> Iterator[None]:
    """Gives the process-wide default back."""
    before = convcorr.get_num_threads()
    yield
    convcorr.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "c16", "f2", "i4")], ids=str)
@pytest.mark.parametrize(("x_shape", "h_shape", "keywords"), SHAPES, ids=str)
def test_bits_do_not_depend_on_threads(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], keywords: dict[str, Any], dtype: np.dtype[Any],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    x, h = random_values(rng, x_shape, dtype), random_values(rng, h_shape, dtype)
    boundary = keywords.get("boundary", "reflect")
    for mode in ("same", "full"):
        arguments = {**keywords, "boundary": boundary}
        alone = convcorr.correlate(x, h, mode, threads=1, **arguments)
        assert np.isfinite(alone).all()
        for threads in COUNTS:
            assert same_bits(convcorr.correlate(x, h, mode, threads=threads, **arguments), alone), f"{threads} threads"


def test_the_default_number_can_be_set() -> None:
    for n in (1, 2, 5, 64):
        convcorr.set_num_threads(n)
        assert convcorr.get_num_threads() == n
    seen = []
    thread = threading.Thread(target=lambda: seen.append(convcorr.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [64], "the default holds for the whole process"


def test_the_context_manager_holds_for_its_own_thread() -> None:
    convcorr.set_num_threads(4)
    inside, outside = threading.Event(), threading.Event()
    seen = []

    def other() -> None:
        inside.wait(10)
        seen.append(convcorr.get_num_threads())
        outside.set()

    thread = threading.Thread(target=other)
    thread.start()
    with convcorr.num_threads(2):
        assert convcorr.get_num_threads() == 2
        inside.set()
        assert outside.wait(10)
        with convcorr.num_threads(1):
            assert convcorr.get_num_threads() == 1
        assert convcorr.get_num_threads() == 2
        convcorr.set_num_threads(3)  # the default changes; this thread's limit stays
        assert convcorr.get_num_threads() == 2
    thread.join()
    assert seen == [4]
    assert convcorr.get_num_threads() == 3


def test_the_context_manager_ends_with_an_exception() -> None:
    before = convcorr.get_num_threads()
    with pytest.raises(ZeroDivisionError), convcorr.num_threads(before + 1):
        raise ZeroDivisionError
    assert convcorr.get_num_threads() == before


@pytest.mark.parametrize("bad", [0, -1, 2**70])
def test_impossible_numbers_of_threads(bad: int) -> None:
    before = convcorr.get_num_threads()
    with pytest.raises(ValueError, match=r"\bn\b|threads"):
        convcorr.set_num_threads(bad)
    with pytest.raises(ValueError, match=r"\bn\b|threads"), convcorr.num_threads(bad):
        pass
    assert convcorr.get_num_threads() == before


@pytest.mark.parametrize("bad", [True, 1.0, "2", None])
def test_numbers_of_threads_are_ints(bad: Any) -> None:
    with pytest.raises(TypeError, match=r"\bn\b|threads"):
        convcorr.set_num_threads(bad)
    with pytest.raises(TypeError, match=r"\bn\b|threads"), convcorr.num_threads(bad):
        pass


def test_threadpoolctl_sees_and_limits_us() -> None:
    """In a process that starts with two threads: where OMP_NUM_THREADS is 1, a limit of 1 changes nothing."""
    pytest.importorskip("threadpoolctl", reason="threadpoolctl is absent: its limit is not tested")
    if not _core.config()["openmp"]:
        pytest.skip("built without OpenMP: nothing for threadpoolctl to limit")
    printed = output_of(
        """
        import numpy as np, threadpoolctl
        import convcorr
        convcorr.convolve(np.ones(10**6), np.ones(31), threads=2)
        apis = [pool["user_api"] for pool in threadpoolctl.threadpool_info()]
        seen = [convcorr.get_num_threads()]
        with threadpoolctl.threadpool_limits(1, user_api="openmp"):
            seen.append(convcorr.get_num_threads())
            convcorr.convolve(np.ones(10**6), np.ones(31))
        seen.append(convcorr.get_num_threads())
        convcorr.set_num_threads(2)
        with threadpoolctl.threadpool_limits(1, user_api="openmp"):
            seen.append(convcorr.get_num_threads())
        print("openmp" in apis, *seen)
        """,
        OMP_NUM_THREADS="2",
    )
    assert printed == "True 2 1 2 1"


def test_many_python_threads_at_once(rng: np.random.Generator) -> None:
    """Each caller has its own team and scratch: none sees another's numbers."""
    jobs = []
    for i in range(48):
        n, dtype = 20_000 + 1000 * (i % 7), (np.float32, np.float64, np.complex64, np.int16)[i % 4]
        x = random_values(rng, (n,) if i % 2 else (n // 200, 200), dtype)
        h = random_values(rng, (41,) if i % 2 else (5, 7), dtype)
        jobs.append((x, h, convcorr.convolve(x, h, "same", boundary="wrap", threads=1)))

    def work(job: int) -> bool:
        x, h, want = jobs[job % len(jobs)]
        got = convcorr.convolve(x, h, "same", boundary="wrap", threads=1 + job % 3)
        return same_bits(got, want)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(3 * len(jobs))))


def test_scratch_is_given_back_while_others_compute(rng: np.random.Generator) -> None:
    x, h = random_values(rng, (400, 300), np.dtype("f4")), random_values(rng, (9, 9), np.dtype("f4"))
    want = convcorr.convolve(x, h, boundary="wrap", threads=1)
    stop = threading.Event()

    def clear() -> None:
        while not stop.is_set():
            convcorr.clear_cache()

    thread = threading.Thread(target=clear)
    thread.start()
    try:
        for _ in range(30):
            assert same_bits(convcorr.convolve(x, h, boundary="wrap", threads=2), want)
    finally:
        stop.set()
        thread.join()
