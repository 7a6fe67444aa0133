"""NaN and infinity: `auto` and "fft" have them where "direct" has them, of the same kind and sign, and nowhere else.

A transform spreads one NaN over its whole block; what comes out must look as if no transform had been there.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import convcorr
from fft_cases import FAST_FLOATS, C, forced_tile, noise, unit, window_norms
from layouts import Array

METHODS: tuple[Any, ...] = ("fft", "auto")
NAN, INF = np.nan, np.inf
fast_floats = pytest.mark.parametrize("dtype", FAST_FLOATS, ids=str)


def parts(y: Array) -> list[Array]:
    return [y.real, y.imag] if y.dtype.kind == "c" else [y]


def kinds(y: Array) -> Array:
    """0 where a part is finite, 1 or -1 where it is infinite, 2 where it is NaN; one more axis for the parts."""
    return np.stack([np.where(np.isnan(p), 2, np.where(np.isinf(p), np.sign(p), 0)) for p in parts(y)], -1)


def check_kinds(got: Array, want: Array, context: str) -> None:
    __tracebackhide__ = True
    assert got.dtype == want.dtype
    a, b = kinds(got), kinds(want)
    if (a != b).any():
        where = tuple(int(i) for i in np.argwhere(a != b)[0][:-1])
        pytest.fail(f"{context}: {int((a != b).any(-1).sum())} differ, first {where}: {got[where]}, want {want[where]}")


def check(x: Array, h: Array, context: str, op: str = "convolve", mode: Any = "full", **keywords: Any) -> Array:
    """Both methods against direct; returns direct's result."""
    __tracebackhide__ = True
    function = getattr(convcorr, op)
    want: Array = function(x, h, mode, method="direct", **keywords)
    for method, threads in itertools.product(METHODS, (1, 2)):
        got = function(x, h, mode, method=method, threads=threads, **keywords)
        check_kinds(got, want, f"{context}, {method}, {mode}")
    return want


def check_values(x: Array, h: Array, context: str) -> None:
    """What stays finite keeps the promise of its window, which holds no bad sample; `direct` may use as much of it."""
    __tracebackhide__ = True
    want = check(x, h, context)
    clean = np.where(np.isfinite(x), x, 0).astype(x.dtype)
    norms = window_norms(clean, h.shape) * np.linalg.norm(h.ravel().astype(np.clongdouble))
    allowed = 2 * C * unit(want.dtype) * np.log2(h.size + 1) * norms
    for method in METHODS:
        got = convcorr.convolve(x, h, method=method)
        finite = np.isfinite(want)
        away = np.abs(got[finite] - want[finite])
        assert (away <= allowed[finite]).all(), f"{context}, {method}"


def with_bad(x: Array, *places: tuple[Any, Any]) -> Array:
    """A copy with these values at these places."""
    x = x.copy()
    for place, value in places:
        x[place] = value
    return x


BAD_SAMPLES: dict[str, list[tuple[Any, Any]]] = {
    "NaN in the middle": [(2500, NAN)], "NaN first": [(0, NAN)], "NaN last": [(-1, NAN)],
    "Inf at both ends": [(0, INF), (-1, INF)], "-Inf": [(1234, -INF)], "Inf and -Inf": [(2000, INF), (2100, -INF)],
    "Inf twice": [(2000, INF), (2001, INF)], "-Inf beside NaN": [(2000, -INF), (2007, NAN)],
    "a stretch of NaN": [(slice(1000, 2200), NAN)], "a stretch of Inf": [(slice(1000, 1700), INF)],
    "everything NaN": [(slice(None), NAN)], "every 40th": [(slice(None, None, 40), NAN)],
    "every 700th, by turns": [(slice(None, None, 700), INF), (slice(350, None, 700), -INF)],
    "all but the first 1000": [(slice(1000, None), NAN)],
}  # fmt: skip


@fast_floats
@pytest.mark.parametrize("name", BAD_SAMPLES)
def test_bad_samples(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = with_bad(noise(rng, 5003, dtype), *BAD_SAMPLES[name]), noise(rng, 301, dtype)
    check_values(x, h, name)
    h[[0, 7, 150, -1]] = 0  # Inf times a zero tap is NaN, here and only here
    for mode in ("full", "same", "valid"):
        check(x, h, f"{name}, zero taps", mode=mode)
        check(x, h, name, "correlate", mode)
    with forced_tile((2048,)):
        check(x, h, f"{name}, blocks of 2048")


BAD_TAPS: dict[str, list[tuple[Any, Any]]] = {
    "NaN in the middle": [(150, NAN)], "NaN first": [(0, NAN)], "Inf first": [(0, INF)], "-Inf last": [(-1, -INF)],
    "Inf at both ends": [(0, INF), (-1, INF)], "Inf and -Inf": [(100, INF), (160, -INF)], "Inf": [(77, INF)],
    "Inf and NaN": [(100, INF), (101, NAN)], "everything Inf": [(slice(None), INF)],
}  # fmt: skip


@fast_floats
@pytest.mark.parametrize("name", BAD_TAPS)
def test_bad_taps(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = noise(rng, 5003, dtype), with_bad(noise(rng, 301, dtype), *BAD_TAPS[name])
    x[[0, 99, 2000, -1]] = 0  # a zero sample times an infinite tap
    x[3000:3500] = 0
    for mode in ("full", "same", "valid"):
        check(x, h, name, mode=mode)
        check(x, h, name, "correlate", mode)
    check(x, h, f"{name}, wrap", mode="same", boundary="wrap")
    check(x, h, f"{name}, fill", mode="same", fill_value=2)
    check(with_bad(x, (2222, INF), (4000, NAN)), h, f"{name}, and bad samples")
    check(with_bad(x, (0, -INF)), h, f"{name}, and -Inf first")


@pytest.mark.parametrize("dtype", [np.dtype("c8"), np.dtype("c16")], ids=str)
def test_parts_of_complex_numbers(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Which part is bad decides which parts of the results are."""
    bad = [complex(NAN, 1), complex(1, NAN), complex(INF, 1), complex(1, -INF), complex(INF, NAN), complex(-INF, INF),
           complex(0, INF), complex(NAN, 0)]  # fmt: skip
    clean, taps = noise(rng, 3001, dtype), noise(rng, 201, dtype)
    taps[5], taps[9], taps[100] = 0, 2, 3j
    for value in bad:
        for op in ("convolve", "correlate"):
            check(with_bad(clean, (1000, value)), taps, f"sample {value}", op)
            check(clean, with_bad(taps, (50, value)), f"tap {value}", op)
    check(with_bad(clean, (0, bad[2]), (900, bad[3]), (950, bad[1])), with_bad(taps, (3, bad[3])), "several")


@pytest.mark.parametrize(("real", "joint"), [("f4", "c8"), ("f8", "c16")])
def test_real_with_complex(real: str, joint: str, rng: np.random.Generator) -> None:
    x, h, z, w = noise(rng, 3001, real), noise(rng, 201, real), noise(rng, 3001, joint), noise(rng, 201, joint)
    w[9], w[10], h[9] = 2, 3j, 0
    for value in (NAN, INF, -INF):
        check(with_bad(x, (1000, value)), w, f"real sample {value}")
        check(z, with_bad(h, (50, value)), f"real tap {value}")
        for both in (complex(value, 1), complex(1, value), complex(value, value)):
            check(with_bad(z, (1000, both)), h, f"complex sample {both}")
            check(x, with_bad(w, (50, both)), f"complex tap {both}")


@fast_floats
@pytest.mark.parametrize("boundary", ["constant", "edge", "symmetric", "reflect", "wrap"])
def test_borders(boundary: Any, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A bad sample at the rim comes back with the border; so does a bad fill."""
    for n, k in ((2000, 301), (120, 301)):
        x, h = noise(rng, n, dtype), noise(rng, k, dtype)
        for place, value, mode in itertools.product((0, 3, n - 1), (NAN, INF), ("same", "full")):
            check(with_bad(x, (place, value)), h, f"{value} at {place} of {n}", "convolve", mode, boundary=boundary)
        if boundary == "constant":
            for fill, mode in itertools.product((NAN, INF, -INF), ("same", "full")):
                check(x, h, f"fill {fill}", "correlate", mode, fill_value=fill)


@fast_floats
def test_images(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    clean, taps = noise(rng, (150, 160), dtype), noise(rng, (21, 19), dtype)
    taps[3, 4] = 0
    for place in ((0, 0), (149, 159), (70, 80), (0, 100), (70, slice(20, 40)), (slice(None), 33)):
        for value in (NAN, INF):
            x = with_bad(clean, (place, value))
            want = check(x, taps, f"{value} at {place}", mode="same")
            assert np.isfinite(want).any()
            check(x, taps, f"{value} at {place}", "correlate", "full", boundary=("wrap", "reflect"))
    check_values(with_bad(clean, ((70, 80), NAN), ((100, 20), INF), ((101, 30), -INF)), taps, "three")
    check(clean, with_bad(taps, ((10, 10), NAN)), "a NaN tap")
    check(clean, with_bad(taps, ((0, 0), INF), ((20, 18), -INF)), "infinite taps")
    with forced_tile((64, 128)):
        check(with_bad(clean, ((70, 80), NAN), ((149, 159), INF)), taps, "tiles of 64 x 128")
    solid = with_bad(noise(rng, (24, 30, 32), dtype), ((12, 13, 14), NAN), ((0, 29, 0), INF))
    check(solid, noise(rng, (5, 7, 9), dtype), "a solid", mode="same")


@fast_floats
def test_what_reaches_no_window_poisons_nothing(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A NaN between dilated taps, between strides, before the first lag, in another row, under another kernel."""
    x, h = noise(rng, 3001, dtype), noise(rng, 101, dtype)
    bad = with_bad(x, (slice(1, None, 3), NAN))
    assert np.isfinite(check(bad, h, "gaps", "correlate", "valid", dilation=3, stride=3)).all()
    assert np.isfinite(check(bad, h, "gaps", "correlate", "valid", dilation=3)[::3]).all()
    check(with_bad(x, (1500, INF)), h, "dilated", "correlate", "full", dilation=4)
    assert np.isfinite(check(with_bad(x, (10, NAN)), h, "lags", "correlate", lags=(20, 900))).all()
    assert np.isfinite(check(with_bad(x, (slice(2000, None), NAN)), h, "lags", "correlate", lags=(20, 900))).all()
    check(with_bad(x, (777, INF)), h, "stride", "correlate", "same", stride=7)
    rows, bank = noise(rng, (7, 1500), dtype), noise(rng, (7, 101), dtype)
    rows[3, 700] = NAN
    rows[5, :2] = INF
    for keywords in ({"axes": 1}, {"axes": -1, "boundary": "symmetric"}):
        want = check(rows, h[None], "rows", "convolve", "same", **keywords)
        assert np.isfinite(want[[0, 1, 2, 4, 6]]).all()
        check(rows, bank, "a kernel each", "convolve", "same", **keywords)
    want = check(rows.T.copy(), h[:, None], "columns", "convolve", "same", axes=0)
    assert np.isfinite(want[:, [0, 1, 2, 4, 6]]).all()
    bank[2, 50] = NAN
    want = check(noise(rng, (1, 1500), dtype), bank, "a filter bank", "convolve", "same", axes=1)
    assert np.isfinite(want[[0, 1, 3, 4, 5, 6]]).all()
    assert np.isnan(want[2]).any()


@pytest.mark.parametrize("dtype", [np.dtype("f4"), np.dtype("c16")], ids=str)
def test_large_by_large(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for n, k in ((6000, 6000), (4000, 7001), (9, 9001)):
        x, h = noise(rng, n, dtype), noise(rng, k, dtype)
        for value in (NAN, INF, -INF):
            check(with_bad(x, (n // 3, value)), h, f"{value} in {n}")
        x, h = x[:1501], h[:1400]  # bad taps are slow under "direct"
        for value in (NAN, INF):
            check(x, with_bad(h, (h.size // 2, value)), f"{value} in the taps")
            check(with_bad(x, (0, value)), with_bad(h, (-1, -INF)), f"{value} in both")


@pytest.mark.parametrize("dtype", [np.dtype("f2"), np.dtype("f4"), np.dtype("f8")], ids=str)
def test_a_million_samples(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = noise(rng, 1_000_000, dtype), noise(rng, 1001, dtype)
    want = check(with_bad(x, (500_000, NAN)), h, "one NaN")
    assert np.isnan(want).sum() == 1001
    check(with_bad(x, (0, INF), (-1, INF)), h, "Inf at both ends")
    check(with_bad(x, (400_000, INF), (400_500, -INF)), h, "Inf and -Inf meet")
    check(with_bad(x, (slice(None, None, 50_000), NAN)), h, "twenty NaN")


@fast_floats
def test_results_that_overflow(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Finite data, infinite results: they are so where direct has them so, and their neighbours are finite."""
    x, h = noise(rng, 4000, dtype), np.ones(301, dtype)
    x[2000:2010] = np.finfo(dtype).max / 4
    assert np.isinf(check(x, h, "overflow")).any()


def test_the_check_notices(rng: np.random.Generator) -> None:
    y = noise(rng, 50, "f8")
    for value in (NAN, INF, -INF):
        for other in {NAN, INF, -INF, 1.0} - {value}:
            with pytest.raises(pytest.fail.Exception, match="1 differ, first"):
                check_kinds(with_bad(y, (20, value)), with_bad(y, (20, other)), "")
        check_kinds(with_bad(y, (20, value)), with_bad(y, (20, value)), "")
