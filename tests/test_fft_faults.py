"""The FFT under bad input and bad luck: odd sizes and values, Ctrl-C, memory that can't be had."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap
import time
from typing import Any

import numpy as np
import pytest

import convcorr
from fft_cases import FAST_FLOATS, assert_within, noise, sampled, scattered
from layouts import LAYOUTS, random_values
from subprocesses import environment, output_of

METHODS: tuple[Any, ...] = ("fft", "auto")
MODES: tuple[Any, ...] = ("full", "same", "valid")
PRIMES = [2, 3, 5, 7, 11, 13, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16_381]
fast_floats = pytest.mark.parametrize("dtype", FAST_FLOATS, ids=str)
no_sigint = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process there")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="address space is limited as Linux has it")


def test_ten_million_samples_with_one_nan(rng: np.random.Generator) -> None:
    n, k, place = 10_000_000, 501, 5_000_000
    x = rng.standard_normal(n, np.float32)
    h = noise(rng, k, "f4")
    clean = convcorr.convolve(x, h, method="fft")
    x[place] = np.nan
    for method in METHODS:
        got = convcorr.convolve(x, h, method=method)
        held = np.isnan(got)
        assert held[place : place + k].all()
        assert held.sum() == k
        np.testing.assert_array_equal(got[: place - 100_000], clean[: place - 100_000])  # a block is far shorter
        np.testing.assert_array_equal(got[place + 100_000 :], clean[place + 100_000 :])
    near = np.setdiff1d(np.arange(place - 2000, place + 2500), np.arange(place, place + k))
    x[place] = 0  # no window near holds it
    assert_within(got[near], sampled("convolve", x, h, near), "around the NaN")


@fast_floats
def test_zeros_give_zeros(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for n, k in ((20_000, 1001), (3000, 3000), (20, 4000)):
        for x, h in ((np.zeros(n, dtype), noise(rng, k, dtype)), (noise(rng, n, dtype), np.zeros(k, dtype))):
            for method, mode in itertools.product(METHODS, MODES[:2]):
                assert not convcorr.convolve(x, h, mode, method=method).any(), f"{n} {k} {method} {mode}"
    image = np.zeros((90, 100), dtype)
    assert not convcorr.convolve(image, noise(rng, (21, 20), dtype), method="fft").any()
    image[45, 50] = 1
    got = convcorr.convolve(image, noise(rng, (21, 20), dtype), method="fft")
    got[45:66, 50:70] = 0
    assert not got.any(), "a window without the pixel isn't zero"


@pytest.mark.parametrize("dtype", [*FAST_FLOATS, np.dtype("f2"), np.dtype("u1"), np.dtype("i4")], ids=str)
def test_a_kernel_of_one_tap(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A one gives the data back to within the bound; a zero gives zeros."""
    for shape in ((1,), (5,), (1021,), (20_000,), (70, 71), (1, 1), (8, 9, 10)):
        x = random_values(rng, shape, dtype)
        h = np.ones((1,) * x.ndim, dtype)
        for mode in MODES:
            got = convcorr.convolve(x, h, mode, method="fft")
            if dtype.kind in "iu":
                np.testing.assert_array_equal(got, x)
            else:
                assert_within(got, scattered("convolve", x, h), f"{shape} {mode}")
            assert not convcorr.convolve(x, 0 * h, mode, method="fft").any()


@fast_floats
def test_prime_sizes(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for n, k in itertools.product(PRIMES, PRIMES):
        if n * k < 2e7:
            x, h = noise(rng, n, dtype), noise(rng, k, dtype)
            got = convcorr.correlate(x, h, method="fft", threads=1 + n % 2)
            assert_within(got, scattered("correlate", x, h), f"{n} {k}")
    for x_shape, h_shape in (((101, 103), (37, 11)), ((7, 499), (5, 53)), ((13, 17, 19), (7, 5, 3))):
        x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
        assert_within(convcorr.convolve(x, h, method="fft"), scattered("convolve", x, h), f"{x_shape} {h_shape}")


@pytest.mark.parametrize("dtype", [np.dtype("f4"), np.dtype("c16")], ids=str)
def test_no_input_is_changed(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Neither where samples must be zeroed or scaled inside, nor after an error."""
    for x_shape, h_shape in (((20_000,), (700,)), ((3000,), (3000,)), ((90, 100), (21, 20))):
        x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
        x.flat[100], x.flat[1000], x.flat[2000], h.flat[7] = np.nan, np.inf, np.finfo(dtype).max, np.inf
        x.flat[2500:2900] = 0
        for name, method in itertools.product(("contiguous", "read_only", "swapped_and_strided"), METHODS):
            data, taps = LAYOUTS[name](x), LAYOUTS[name](h)
            before = data.tobytes(), taps.tobytes()
            for boundary in ("constant", "wrap"):
                convcorr.convolve(data, taps, "same", boundary=boundary, method=method, threads=2)
            with pytest.raises(ValueError, match="out"):
                convcorr.convolve(data, taps, method=method, out=np.zeros(3, dtype))
            assert (data.tobytes(), taps.tobytes()) == before, f"{x_shape} {name} {method}"


@pytest.mark.parametrize("method", ["Fft", "FFT", "fftw", "", "overlap", None, 1])
def test_other_names_of_methods(method: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="method"):
        convcorr.convolve(np.ones(500), np.ones(100), method=method)


def test_long_double_and_what_no_fft_takes(rng: np.random.Generator) -> None:
    """method="fft" on them is another method's work, and right."""
    x, h = random_values(rng, (3000,), "g"), random_values(rng, (300,), "g")
    got = convcorr.convolve(x, h, method="fft")
    assert got.dtype == np.longdouble
    assert np.abs(got - np.convolve(x, h)).max() < 3000 * np.finfo(np.longdouble).eps
    big = random_values(rng, (3000,), "i8")
    np.testing.assert_array_equal(convcorr.convolve(big, big[:300], method="fft"), np.convolve(big, big[:300]))


LONG_CALL = """
    import os, resource, signal, sys, threading, time
    import numpy as np
    import convcorr

    n, k, threads, wait = (int(word) for word in sys.argv[1:5])
    x, h, out = np.ones(n, np.float32), np.ones(k, np.float32), np.ones(n - k + 1, np.float32)
    x[: n // 2 : 2] = float(sys.argv[5])
    sent = []

    def small():
        return convcorr.convolve(np.ones(5000), np.ones(500), method="fft", threads=2)

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    before, alarm = small(), threading.Timer(wait / 1000, interrupt)
    try:
        alarm.start()
        convcorr.convolve(x, h, "valid", method="fft", threads=threads, out=out)
        alarm.cancel()
        alarm.join()
        print("ended")
    except KeyboardInterrupt:
        print(time.monotonic() - sent[0])
    assert (small() == before).all()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def latency_of_an_interrupt(n: int, k: int, threads: int, wait: int, bad: float = 1) -> float | None:
    """Seconds from the signal to the exception, None where the call ended first. The process computes on."""
    program = [sys.executable, "-c", textwrap.dedent(LONG_CALL), *(str(word) for word in (n, k, threads, wait, bad))]
    done = subprocess.run(program, env=environment(), capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    outcome, resident = done.stdout.split()
    if sys.platform == "linux":
        assert int(resident) < 3_000_000, "KB resident at most"
    print(f"\n{n} x {k}, {threads} threads: {outcome}")
    return None if outcome == "ended" else float(outcome)


@no_sigint
@pytest.mark.parametrize(("n", "k", "threads"), [(100_000_000, 30_000_000, 2), (100_000_000, 1_000_000, 1)])
def test_ctrl_c_ends_a_long_transform(n: int, k: int, threads: int) -> None:
    """1e8 samples: one transform of all of them, and many shorter ones. A machine that ends them sooner waits less."""
    tries = (latency_of_an_interrupt(n, k, threads, wait) for wait in (200, 50, 12, 3))
    latency = next((latency for latency in tries if latency is not None), None)
    assert latency is not None, "the call ended before it could be interrupted"
    assert latency < 2  # generous: the promise is 0.2 s, on a machine that does nothing else


@no_sigint
@pytest.mark.parametrize(
    ("n", "k", "bad"), [(600_000, 300_000, np.inf), (3_000_000, 30_000, -np.inf), (40_000_000, 10_000_000, np.nan)]
)
def test_ctrl_c_where_many_samples_are_bad(n: int, k: int, bad: float) -> None:
    """What serves infinities and NaNs beside the transform listens too, or is done before."""
    latency = latency_of_an_interrupt(n, k, 2, 300, bad)
    assert latency is None or latency < 2


STOPPED = """
    import os, signal, sys, threading
    import numpy as np
    import convcorr

    one = np.longdouble(1)
    CALLS = {
        "one output of 1e9 long doubles": lambda: convcorr.correlate(*2 * [np.broadcast_to(one, 10**9)], "valid"),
        "loud beside quiet": lambda: convcorr.convolve(
            np.where(np.arange(40_000_000) // 3_000_000 % 2, np.float32(1), np.float32(1e9)), np.ones(10**7, "f4")),
        "infinite taps": lambda: convcorr.convolve(
            np.ones(20_000_000, "f4"), np.where(np.arange(10**7) % 999, np.float32(1), np.float32(np.inf))),
    }
    alarm = threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), signal.SIGINT))
    alarm.start()
    try:
        CALLS[sys.argv[1]]()
        alarm.join()
        print("ended")
    except KeyboardInterrupt:
        print("stopped")
    for threads in (1, 2):
        assert (convcorr.convolve(np.ones(5000), np.ones(500), method="fft", threads=threads)[499:5000] > 499.9).all()
"""


@no_sigint
@pytest.mark.parametrize(
    ("call", "wait"), [("one output of 1e9 long doubles", 0.5), ("loud beside quiet", 1), ("infinite taps", 0.7)]
)
def test_ctrl_c_ends_what_the_tiles_leave_over(call: str, wait: float) -> None:
    """The process goes on, whether the exception came inside the call or at its end."""
    outcome = output_of(STOPPED, call, str(wait), timeout=100).split()
    assert outcome == ["stopped"], outcome


def test_a_result_that_fits_nowhere() -> None:
    """Refused before anything is computed."""
    x = np.broadcast_to(np.float32(1), (2**44,))
    for h in (np.ones(1000, np.float32), np.broadcast_to(np.float32(1), (2**44,))):
        start = time.monotonic()
        with pytest.raises(MemoryError):
            convcorr.convolve(x, h, method="fft")
        assert time.monotonic() - start < 5


LITTLE_MEMORY = """
    import numpy as np
    import convcorr
    from convcorr import _core
    from little_memory import leave_where_unlimited, limited_to

    CASES = [((6_000_000,), (6_000_000,), None), ((2000, 2100), (1500, 1400), None),
             ((4_000_000,), (100_000,), (2**22,)), ((1_000_000,), (1001,), None), ((900, 1000), (63, 63), (1024, 1024))]
    rng = np.random.default_rng(1)
    leave_where_unlimited()
    small = rng.standard_normal(5000), rng.standard_normal(500)
    want = convcorr.convolve(*small, method="fft", threads=2)  # the team of threads exists from here on

    def attempt(x, h, out, tile, threads, megabytes):
        convcorr.clear_cache()
        _core.force_tile(tile)
        outcome = limited_to(
            megabytes, lambda: convcorr.convolve(x, h, "same", method="fft", out=out, threads=threads))
        _core.force_tile(None)
        assert (convcorr.convolve(*small, method="fft", threads=2) == want).all(), "the process doesn't go on"
        return outcome

    for x_shape, h_shape, tile in CASES:
        x, h = (rng.standard_normal(shape, np.float32) for shape in (x_shape, h_shape))
        _core.force_tile(tile)
        right = convcorr.convolve(x, h, "same", method="fft", threads=2)
        _core.force_tile(None)
        outcomes = []
        for threads in (1, 2):
            for megabytes in (1, 2.5, 6, 15, 40, 100, 700):
                out = np.zeros_like(right)
                outcomes.append(attempt(x, h, out, tile, threads, megabytes))
                assert outcomes[-1] == "MemoryError" or (out == right).all(), (x_shape, megabytes)
        print(*outcomes, sep=",")
"""


@linux_only
def test_scratch_that_cannot_be_had() -> None:
    """A MemoryError, or the right result; the process goes on, and with memory it gives the right result again.

    Twice the block's spectrum, its twiddles and the kernel is what the large ones may take: data and kernel are 50 MB
    each. The allocator must take and return every block at once: what its heaps keep would do for the next call.
    """
    lines = output_of(LITTLE_MEMORY, timeout=200, MALLOC_MMAP_THRESHOLD_="65536").splitlines()
    if lines == ["unlimited"]:
        pytest.skip("this system lets a process have more than RLIMIT_AS")
    assert len(lines) == 5
    for number, line in enumerate(lines):
        if number == 3:
            continue  # its blocks are a few KB
        outcomes = line.split(",")
        assert outcomes[0] == outcomes[7] == "MemoryError", line
        assert outcomes[6] == outcomes[13] == "done", line
