"""Infinite and NaN taps, by every method, against the oracle: kinds and signs exactly, what stays finite closely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convcorr
import oracle
from fft_cases import assert_within, noise, sampled
from layouts import Array

METHODS: tuple[Any, ...] = ("direct", "fft", "auto")
NAN, INF = np.nan, np.inf
DTYPES = [np.dtype(c) for c in ("f2", "f4", "f8", "c8", "c16")]
every_float = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def kinds(y: Array) -> Array:
    """0 where a part is finite, 1 or -1 where it is infinite, 2 where it is NaN."""
    parts = [y.real, y.imag] if y.dtype.kind == "c" else [y]
    return np.stack([np.where(np.isnan(p), 2, np.where(np.isinf(p), np.sign(p), 0)) for p in parts])


def check(op: str, x: Array, h: Array, mode: str = "full", **keywords: Any) -> Array:
    """Every method, with the same bits for one and two threads; returns the oracle's result."""
    __tracebackhide__ = True
    want = oracle.answer(op, x, h, mode, **keywords).rounded()
    away = want[np.isfinite(want)].astype(np.complex128)
    for method in METHODS:
        got = getattr(convcorr, op)(x, h, mode, method=method, threads=1, **keywords)
        context = f"{op} {x.shape} {h.shape} {mode} {method} {keywords}"
        np.testing.assert_array_equal(kinds(got), kinds(want), context)
        error = np.abs(got[np.isfinite(want)].astype(np.complex128) - away)
        assert (error <= 1000 * np.finfo(want.dtype).eps * (1 + np.abs(away))).all(), context
        again = getattr(convcorr, op)(x, h, mode, method=method, threads=2, **keywords)
        assert again.tobytes() == got.tobytes(), f"two threads: {context}"
    return want


def put(rng: np.random.Generator, a: Array, count: int, values: list[float]) -> None:
    """Some of these values at `count` places, in either part or both."""
    for place in rng.integers(a.size, size=count):
        value, was = rng.choice(values), a.flat[place]
        if a.dtype.kind == "c":
            a.flat[place] = [complex(value, was.imag), complex(was.real, value), value][rng.integers(3)]
        else:
            a.flat[place] = value


@every_float
@pytest.mark.parametrize("seed", range(3))
def test_any_call(seed: int, dtype: np.dtype[Any]) -> None:
    """Few bad taps and many, of one kind or all, over samples that may be zero, infinite or NaN themselves."""
    rng = np.random.default_rng(seed)
    for number in range(6):
        shape = (500,) if number % 2 else (23, 30)
        k = tuple(int(rng.integers(1, 1 + most)) for most in ((200,) if number % 2 else (15, 13)))
        x, h = noise(rng, shape, dtype), noise(rng, k, dtype)
        put(rng, x, int(rng.choice([0, 2, 30])), [INF, -INF, NAN, 0, -0.0])
        put(rng, h, int(rng.choice([1, 3, 40])), list(rng.choice([INF, -INF, NAN], size=rng.integers(1, 4))))
        keywords: dict[str, Any] = {"boundary": str(rng.choice(oracle.BOUNDARIES))}
        keywords |= {"stride": int(rng.integers(1, 4)), "dilation": int(rng.choice([1, 1, 2, 3]))}
        if number % 3 == 0:
            keywords |= {"boundary": "constant", "fill_value": float(rng.choice([0, -1, INF, NAN]))}
        for op in ("convolve", "correlate"):
            check(op, x, h, "same", **keywords)
            check(op, x, h, "full", **keywords)


@every_float
def test_rows_and_filter_banks(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A bad tap touches the rows that its kernel is for."""
    rows, bank = noise(rng, (5, 700), dtype), noise(rng, (5, 90), dtype)
    bank[1, 40], bank[3, [0, 89]], rows[3, 30] = NAN, INF, 0
    want = check("convolve", rows, bank, "same", axes=1)
    assert np.isfinite(want[[0, 2, 4]]).all()
    assert not np.isfinite(want[[1, 3]]).all(axis=1).any()
    check("correlate", rows[:1], bank, "full", axes=-1)
    check("correlate", rows, bank[1:2], "same", axes=-1, boundary="reflect")
    check("convolve", rows.T.copy(), bank[3:4].T.copy(), "full", axes=0)
    check("convolve", np.broadcast_to(rows[:1], rows.shape), bank, "full", axes=1, stride=3)
    check("convolve", rows, np.broadcast_to(bank[1, 40], (2, 60)).copy()[:1], "full", axes=1)
    check("convolve", rows[0, ::-2], np.broadcast_to(dtype.type(INF), 70), "full")


def test_a_sum_that_a_narrow_result_cannot_hold(rng: np.random.Generator) -> None:
    """70000 is infinite in float16, but no second infinity for -Inf to meet: the sum is float32's."""
    x, h = np.full(900, 300, np.float16), np.full(301, 300, np.float16)
    h[20] = -INF
    check("convolve", x, h)


def test_bad_taps_add_nothing_to_the_others(rng: np.random.Generator) -> None:
    """Outputs that no bad tap reaches keep their accuracy, also where infinities in x are to be told from zeros."""
    x, h = noise(rng, 3000, "f4"), noise(rng, 500, "f4") * np.float32(1e-12)
    for value in (INF, NAN):
        bad = h.copy()
        bad[499] = value
        for sample in (1.0, INF):
            x[2990] = sample
            got = convcorr.convolve(x, bad, "full", method="fft")
            assert not np.isfinite(got[499:]).any()
            assert_within(got[:499], sampled("convolve", np.where(np.isinf(x), 1, x), h, np.arange(499)), f"{value}")


def test_plans(rng: np.random.Generator) -> None:
    x, h = noise(rng, 5000, "f8"), noise(rng, 301, "f8")
    h[[0, 200]], x[100] = (INF, NAN), -INF
    for method in METHODS:
        for threads in (1, 2):
            p = convcorr.plan(5000, h, "full", method=method, threads=threads)
            want = convcorr.convolve(x, h, "full", method=method)
            assert p(x).tobytes() == want.tobytes() == p(x).tobytes(), f"{method} {threads}"
            np.testing.assert_array_equal(kinds(want), kinds(oracle.convolve(x, h)))


@pytest.mark.parametrize("places", [[400_000], [0, 999_999], slice(None, None, 3)], ids=str)
def test_a_million_taps(places: Any, rng: np.random.Generator) -> None:
    """Direct sums of them would take minutes."""
    n = 1_000_000
    x, h = noise(rng, n, "f4"), noise(rng, n, "f4")
    x[[5, 600_000]] = 0
    for value in (NAN, INF):
        h[places] = value
        marks = np.zeros(n, bool)
        marks[places] = True
        reached = np.zeros(2 * n - 1, bool)
        first, last = np.flatnonzero(marks)[[0, -1]]
        reached[first : last + n] = True
        got = convcorr.convolve(x, h)
        np.testing.assert_array_equal(np.isfinite(got), ~reached)
        if np.isnan(value):
            assert np.isnan(got[reached]).all()
        elif marks.sum() == 1:
            np.testing.assert_array_equal(kinds(got[first : first + n])[0], np.where(x == 0, 2, np.sign(x)))
