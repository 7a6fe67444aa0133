"""Calls at the edge of what numbers, memory and patience hold: each of these once crashed, hung or lied."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import convcorr


def test_a_reach_near_64_bits_is_no_crash() -> None:
    y = convcorr.convolve(np.ones((4, 4, 4)), np.ones((2, 2, 2)), "same", dilation=(1, 1, 2**61 - 5))
    np.testing.assert_array_equal(y, np.zeros((4, 4, 4)))


@pytest.mark.parametrize("boundary", ["constant", "wrap", "reflect"])
def test_far_taps_take_no_memory_for_what_lies_between(boundary: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    x = np.arange(100.0)
    d = 10**9
    got = convcorr.correlate(x, [1.0, 2.0, 4.0], "same", dilation=d, boundary=boundary)
    extended = {"constant": lambda p: x[p] if 0 <= p < 100 else 0.0, "wrap": lambda p: x[p % 100],
                "reflect": lambda p: x[min(p % 198, 198 - p % 198)]}[boundary]  # fmt: skip
    want = [sum(w * extended(n + (t - 1) * d) for t, w in enumerate((1, 2, 4))) for n in range(100)]
    np.testing.assert_array_equal(got, want)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


@pytest.mark.parametrize("dilation", [7, 999, 70_000, 149_999])
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.complex128])
def test_taps_from_near_to_far(rng: np.random.Generator, dilation: int, dtype: Any) -> None:
    x = rng.integers(0, 9, 300_000).astype(dtype)
    h = np.array([1, 2, 3], dtype)
    spread = np.zeros(2 * dilation + 1, dtype)
    spread[::dilation] = h
    want = np.zeros(x.size + 2 * dilation, dtype)
    for t in range(3):
        want[t * dilation : t * dilation + x.size] += x * h[t]
    np.testing.assert_array_equal(convcorr.convolve(x, h, dilation=dilation), want)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("i8", np.int64(2**63 - 1)), ("i8", np.int64(2**53 + 1)), ("u8", np.uint64(2**64 - 1)), ("u8", 2**64 - 1),
     ("i8", -(2**63)), ("i1", -128), ("u1", np.float32(255)), ("i8", 2.0**62)],
)  # fmt: skip
def test_integer_fills_are_exact(dtype: str, fill: Any) -> None:
    got = convcorr.convolve(np.zeros(1, dtype), np.ones(2, dtype), fill_value=fill)
    assert got.tolist() == [int(fill), int(fill)]


@pytest.mark.parametrize(
    ("dtype", "fill", "error"),
    [("i8", 2.0**63, ValueError), ("u8", 2.0**64, ValueError), ("i1", 128, ValueError), ("i8", "3", TypeError),
     ("f8", "3", TypeError), ("i8", None, TypeError), ("i8", 1j, TypeError), ("f8", 10**400, ValueError),
     ("f8", np.array(1 + 2j), TypeError), ("i8", np.array(1 + 2j), TypeError), ("i8", float("nan"), ValueError)],
)  # fmt: skip
def test_fills_that_do_not_fit(dtype: str, fill: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="fill_value"):
        convcorr.convolve(np.ones(3, dtype), np.ones(2, dtype), fill_value=fill)


def test_messages_cut_no_character() -> None:
    with pytest.raises(ValueError, match="mode"):
        convcorr.convolve([1.0], [1.0], "é" * 100)  # type: ignore[arg-type]  # no mode: that is the test


def test_arguments_that_change_x_while_they_are_read() -> None:
    x = np.ones(4000)

    class Shrinks:
        def __float__(self) -> float:
            x.resize(10, refcheck=False)
            return 0.5

    assert convcorr.convolve(x, np.ones(3), fill_value=Shrinks()).shape == (12,)  # type: ignore[arg-type]  # no number


def test_masks_are_found_behind_the_array_protocol() -> None:
    class Holds:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])

    with pytest.raises(TypeError, match="MaskedArray"):
        convcorr.convolve(Holds(), [1.0, 2.0])


def test_sequences_of_every_kind() -> None:
    assert convcorr.convolve(np.ones(3), np.ones(2), axes=range(1)).tolist() == [1, 2, 2, 1]
    assert convcorr.correlate([1.0, 2.0, 3.0], [1.0, 1.0], lags=np.array([0, 1])).tolist() == [3, 5]
    assert convcorr.convolve(np.ones(4), np.ones(2), stride=np.array(2)).tolist() == [1, 2, 1]


SLOW = """
import threading, os, signal, time, numpy as np, convcorr
x, h = np.ones({n}), np.ones({k})
h[{k} // 2] = {tap}
start = time.monotonic()
alarm = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    alarm.start()
    convcorr.convolve(x, h, "{mode}")
    alarm.join()
    time.sleep(10)
except KeyboardInterrupt:
    print("stopped", time.monotonic() - start)
"""


@pytest.mark.parametrize(
    ("n", "k", "mode", "tap"), [(400_000, 200_000, "full", np.inf), (60_000_000, 59_999_999, "valid", 1)]
)
def test_no_stage_is_deaf_to_an_interrupt(n: int, k: int, mode: str, tap: float) -> None:
    """Packing a kernel as large as the data, and the overlap-only sums of an infinite tap."""
    code = SLOW.format(n=n, k=k, mode=mode, tap=f"float('{tap}')")
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    print(done.stdout, done.stderr, time.monotonic() - start)
    assert done.returncode == 0, done.stderr
    word, took = done.stdout.split()
    assert word == "stopped"
    assert float(took) < 2.5, "stopped long after the signal"
