"""The numbers: error bounds on hostile data, NaN and infinity where they belong only, denormals, overflow."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import convcorr
import exact
import oracle
from layouts import COMPLEX, INTEGERS, REAL_FLOATS, Array, random_values, small_integers

FLOATS = [*REAL_FLOATS, *COMPLEX]
FAST_FLOATS = [np.dtype(c) for c in ("f4", "f8", "c8", "c16")]
SIZES = [((700,), (1,)), ((700,), (2,)), ((700,), (3,)), ((700,), (17,)), ((700,), (100,)), ((2500,), (1000,)),
         ((40, 45), (3, 3)), ((40, 45), (5, 7)), ((60, 50), (15, 13)), ((12, 13, 14), (3, 5, 3))]  # fmt: skip

float_dtypes = pytest.mark.parametrize("dtype", FLOATS, ids=str)
fast_floats = pytest.mark.parametrize("dtype", FAST_FLOATS, ids=str)


def mixed_magnitudes(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Signs and exponents at random: almost everything that is added is lost beside something louder."""
    real = np.zeros(0, dtype).real.dtype
    top = {np.dtype("f2"): 2.0, np.dtype("f4"): 12.0}.get(real, 40.0)
    values: Array = rng.choice([-1, 1], shape) * 10 ** rng.uniform(-top, top, shape)
    if dtype.kind == "c":
        values = values + 1j * rng.choice([-1, 1], shape) * 10 ** rng.uniform(-top, top, shape)
    return np.asarray(values).astype(dtype)


def cancelling(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Neighbours that almost cancel, so that what is left of a sum is its rounding."""
    values = np.abs(random_values(rng, shape, dtype).real) + 1
    values = values * np.where(np.indices(shape).sum(axis=0) % 2, -1, 1)
    return np.asarray(values * (1 + 1j) if dtype.kind == "c" else values).astype(dtype)


@float_dtypes
@pytest.mark.parametrize("make", [random_values, mixed_magnitudes, cancelling])
def test_direct_meets_the_elementwise_bound(make: Any, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for x_shape, h_shape in SIZES:
        x, h = make(rng, x_shape, dtype), make(rng, h_shape, dtype)
        if make is cancelling:
            h = np.ones_like(h)
        for op, boundary in (("convolve", "constant"), ("correlate", "reflect")):
            ans = oracle.answer(op, x, h, "same", boundary=boundary)
            got = getattr(convcorr, op)(x, h, "same", boundary=boundary, method="direct")
            oracle.assert_matches(got, ans, f"{op} {x_shape} {h_shape}")


@pytest.mark.parametrize("dtype", [np.dtype("f4"), np.dtype("c8")], ids=str)
def test_a_wider_dtype_is_the_accumulator(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """float64 sums of float32 data must be right to float64, and a narrower dtype must not narrow the sum."""
    x, h = cancelling(rng, (400,), dtype), np.ones(100, dtype)
    wide = np.dtype("f8") if dtype.kind == "f" else np.dtype("c16")
    oracle.assert_matches(convcorr.convolve(x, h, dtype=wide), oracle.answer("convolve", x, h, dtype=wide))
    x, h = x.astype(wide), h.astype(wide)
    oracle.assert_matches(convcorr.convolve(x, h, dtype=dtype), oracle.answer("convolve", x, h, dtype=dtype))


def test_float16_is_rounded_once() -> None:
    """A sum of ones in float16 sticks at 2048. In float32 it goes on, and 2051 rounds to 2052 in the end."""
    x = np.ones(5000, np.float16)
    assert convcorr.convolve(x, x[:2051], "valid")[0] == 2052
    assert convcorr.convolve(x, x[:4096], "valid")[0] == 4096
    small = np.full(3, 2.0**-13, np.float16)  # products far below float16's range must not be flushed one by one
    assert convcorr.convolve(small, small, "valid")[0] == np.float16(3 * 2.0**-26)
    many = np.full(4096, 2.0**-13, np.float16)
    assert convcorr.convolve(many, many, "valid")[0] == np.float16(2.0**-14)


def special_places(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Corners, the middle, and a few odd places."""
    axes = [sorted({0, 1, n // 3, n // 2, n - 1}) for n in shape]
    return list(itertools.product(*axes))


@fast_floats
@pytest.mark.parametrize("boundary", oracle.BOUNDARIES)
@pytest.mark.parametrize(("x_shape", "h_shape"), [((150,), (7,)), ((11, 70), (3, 4)), ((4, 5, 20), (2, 3, 3))], ids=str)
def test_a_nan_reaches_the_windows_that_hold_it_and_no_other(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], boundary: Any, dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    clean, h = small_integers(rng, x_shape, dtype), small_integers(rng, h_shape, dtype)
    h.flat[1] = 0  # NaN times a zero tap is NaN too
    for place, bad in itertools.product(special_places(x_shape), (np.nan, np.inf)):
        x = clean.copy()
        x[place] = bad
        marks = np.zeros(x_shape, np.int64)
        marks[place] = 1
        for mode in ("same", "full"):
            held = oracle.convolve(marks, np.ones(h_shape, np.int64), mode, boundary=boundary) > 0
            got = convcorr.convolve(x, h, mode, boundary=boundary, method="direct")
            if dtype.kind == "f":
                oracle.assert_matches(
                    got, oracle.answer("convolve", x, h, mode, boundary=boundary), f"{bad} at {place}"
                )
            if np.isnan(bad):
                np.testing.assert_array_equal(~np.isfinite(got), held, f"NaN at {place}, {mode}, {boundary}")
            else:
                assert np.isfinite(got[~held]).all(), f"infinity at {place} spread, {mode}, {boundary}"
                assert not np.isfinite(got[held]).any(), f"infinity at {place} was lost, {mode}, {boundary}"


@pytest.mark.parametrize("dtype", REAL_FLOATS, ids=str)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_tap_touches_the_overlap_only(bad: float, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """With zeros outside, a tap over the outside adds nothing: no Inf * 0. With another border it does."""
    for (x_shape, h_shape), fill in itertools.product((((40,), (9,)), ((3,), (9,)), ((6, 20), (3, 4))), (0, -0.0, 2)):
        x, h = small_integers(rng, x_shape, dtype) + dtype.type(5), small_integers(rng, h_shape, dtype)
        h.flat[2] = bad
        for op, mode in itertools.product(("convolve", "correlate"), ("same", "full")):
            got = getattr(convcorr, op)(x, h, mode, fill_value=fill, method="direct")
            ans = oracle.answer(op, x, h, mode, fill_value=fill)
            oracle.assert_matches(got, ans, f"{op} {mode} {x_shape} fill {fill}")
            if x_shape == (40,) and fill == 0 and op == "convolve" and mode == "full":
                np.testing.assert_array_equal(np.isfinite(got), np.r_[[True] * 2, [False] * 40, [True] * 6])


@pytest.mark.parametrize("dtype", [*FAST_FLOATS, np.dtype("g"), np.dtype("f2")], ids=str)
def test_denormals_are_kept(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    tiny = np.finfo(dtype).smallest_subnormal
    x, h = small_integers(rng, (300,), dtype), small_integers(rng, (19,), dtype)
    want = exact.full(exact.wide(x), exact.wide(h)).astype(dtype) * tiny
    assert (want != 0).any()
    np.testing.assert_array_equal(convcorr.convolve(x * tiny, h, method="direct"), want)
    np.testing.assert_array_equal(convcorr.convolve(x, h * tiny, method="direct"), want)
    image, kernel = small_integers(rng, (20, 70), dtype), small_integers(rng, (5, 5), dtype)
    want = exact.full(exact.wide(image), exact.wide(kernel)).astype(dtype) * tiny
    np.testing.assert_array_equal(convcorr.convolve(image * tiny, kernel, threads=2, method="direct"), want)


def test_the_callers_float_mode_is_left_alone() -> None:
    """No call may leave flush-to-zero set in the calling thread."""
    convcorr.convolve(np.ones(300_000, np.float32), np.ones(31, np.float32), threads=2)
    assert np.float64(5e-324) * np.float64(1.0) > 0
    assert np.float32(1e-45) * np.float32(1.0) > 0


@fast_floats
def test_negative_zeros_are_zeros(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (90,), dtype, 1), small_integers(rng, (7,), dtype, 1)
    want = convcorr.convolve(x, h)
    x[x == 0] = -0.0
    h[h == 0] = -0.0
    np.testing.assert_array_equal(convcorr.convolve(x, h), want)
    assert (convcorr.convolve(np.full(90, -0.0, dtype), h) == 0).all()


@fast_floats
def test_overflow_is_infinite_and_stays_in_place(dtype: np.dtype[Any]) -> None:
    x = np.ones(200, dtype)
    x[100] = np.finfo(dtype).max
    got = convcorr.convolve(x, np.full(3, 2, dtype), "same")
    assert np.isinf(got.real[99:102]).all()
    assert np.isfinite(np.delete(got.real, [99, 100, 101])).all()


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_are_exact_modulo_two_to_the_bits(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    info = np.iinfo(dtype)
    corner = np.array([info.min, info.max, 0, 1, info.max - 1, info.max // 2 + 1], dtype)
    for x_shape, h_shape in (
        ((300,), (1,)),
        ((300,), (7,)),
        ((300,), (64,)),
        ((9, 70), (3, 5)),
        ((4, 5, 33), (2, 3, 3)),
    ):
        for make in (lambda s: rng.choice(corner, s), lambda s: random_values(rng, s, dtype)):
            x, h = make(x_shape), make(h_shape)
            for op, boundary in (("convolve", "constant"), ("correlate", "symmetric")):
                function = getattr(convcorr, op)
                got = function(x, h, "same", boundary=boundary)
                oracle.assert_matches(got, oracle.answer(op, x, h, "same", boundary=boundary), f"{op} {x_shape}")
                for other in INTEGERS:
                    ans = oracle.answer(op, x, h, "same", boundary=boundary, dtype=other)
                    oracle.assert_matches(function(x, h, "same", boundary=boundary, dtype=other), ans, f"to {other}")


def test_fill_is_of_the_results_dtype() -> None:
    """What the result can hold is a fill, even where the operands can't hold it."""
    x = np.array([1, 2], np.uint16)
    np.testing.assert_array_equal(convcorr.convolve(x, x, fill_value=-2, dtype=np.int8), [-3, 4, 2])
    np.testing.assert_array_equal(convcorr.convolve(x, x, fill_value=-2, dtype=np.int64), [-3, 4, 2])
    np.testing.assert_array_equal(convcorr.convolve(x, x, fill_value=0.5, dtype=np.float32), [2, 4, 4.5])
    small = np.array([1, 2], np.uint8)
    np.testing.assert_array_equal(convcorr.convolve(small, small, fill_value=70000, dtype=np.int32), [140001, 4, 70004])


def test_large_integers_are_not_squeezed_through_floating_point() -> None:
    for dtype in (np.int64, np.uint64):
        x = np.array([2**53 + 1, 2**62 + 3, 7], dtype)
        np.testing.assert_array_equal(convcorr.convolve(x, np.array([1], dtype)), x)
        got = convcorr.correlate(x, np.array([1, 1], dtype), "valid")
        np.testing.assert_array_equal(got, np.array([2**53 + 2**62 + 4, 2**62 + 10], dtype))
    x32 = np.array([2**24 + 1, 2**31 - 1], np.int32)
    np.testing.assert_array_equal(convcorr.convolve(x32, np.array([1], np.int32)), x32)


def test_bool_is_or_of_ands(rng: np.random.Generator) -> None:
    for n, k in itertools.product((1, 2, 50, 300, 1000), (1, 2, 9, 260, 600)):
        x, h = rng.random(n) < 0.05, rng.random(k) < 0.05
        got = convcorr.convolve(x, h)
        assert got.dtype == np.bool_
        np.testing.assert_array_equal(got, np.convolve(x.astype(int), h.astype(int)) > 0)
        assert set(np.unique(got.view(np.uint8))) <= {0, 1}
    full = np.ones(600, bool)
    assert convcorr.convolve(full, full).all()  # 256 trues must not wrap to false
    counts = convcorr.convolve(full, full, dtype=np.int32)
    assert counts.max() == 600


def test_bools_stored_as_other_bytes_than_one_are_true() -> None:
    x = np.array([0, 2, 255, 0, 1], np.uint8).view(bool)
    np.testing.assert_array_equal(convcorr.convolve(x, np.array([True])), [False, True, True, False, True])
    np.testing.assert_array_equal(convcorr.convolve(x, np.array([1.5])), [0, 1.5, 1.5, 0, 1.5])


def test_equal_products_under_auto() -> None:
    """One by one their roundings go the same way: around the longest sums that are taken so."""
    for k, value, tap in itertools.product(range(200, 280, 3), (0.1, 1.1, 1 / 3), (1.0, 0.3)):
        x, h = np.full(2 * k, value, "f4"), np.full(k, tap, "f4")
        want = k * float(x[0]) * float(h[0])
        error = np.abs(convcorr.convolve(x, h, "valid").astype("f8") - want).max()
        assert error <= 8 * 2.0**-24 * np.log2(k + 1) * want, f"{k} taps of {tap} on {value}"
