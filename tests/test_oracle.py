"""The oracle itself, against NumPy and SciPy where they define the same thing. It needs no convcorr.

Everything else in this suite trusts oracle.py, so it must not be wrong in the same way as the product: each of its
parts (modes, borders, strides, dtypes, the bound) meets an implementation by other people here.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import oracle
from layouts import DTYPES, REAL_FLOATS, random_values, small_integers

SIZES = [(n, k) for n in range(1, 9) for k in range(1, 9)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_convolve_full_is_numpys(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for n, k in SIZES:
        x, h = small_integers(rng, (n,), dtype), small_integers(rng, (k,), dtype)
        got, want = oracle.convolve(x, h), np.convolve(x, h)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_correlate_full_is_numpys(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for n, k in SIZES:
        if n < k:
            continue  # NumPy swaps its operands there, and says so in its documentation
        x, h = small_integers(rng, (n,), dtype), small_integers(rng, (k,), dtype)
        np.testing.assert_array_equal(oracle.correlate(x, h), np.correlate(x, h, "full"))
        np.testing.assert_array_equal(oracle.correlate(x, h, "valid"), np.correlate(x, h, "valid"))


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_same_and_valid_are_slices_of_full(n: int, k: int, rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (n,), np.int64), small_integers(rng, (k,), np.int64)
    full = oracle.convolve(x, h)
    np.testing.assert_array_equal(oracle.convolve(x, h, "same"), full[(k - 1) // 2 :][:n])
    if k <= n:
        np.testing.assert_array_equal(oracle.convolve(x, h, "valid"), full[k - 1 : n])
    else:
        with pytest.raises(ValueError, match="no output"):
            oracle.convolve(x, h, "valid")


@pytest.mark.parametrize("boundary", oracle.BOUNDARIES)
def test_border_index_is_numpy_pad(boundary: Any) -> None:
    for n, halo in itertools.product(range(1, 8), (0, 1, 2, 5, 13, 40)):
        x = np.arange(1, n + 1)
        index = oracle.border_index(np.arange(-halo, n + halo), n, boundary)
        got = np.where(index >= 0, x[np.maximum(index, 0)], 0)
        want = np.pad(x, halo, mode=boundary)
        if boundary == "wrap":  # np.pad was wrong beyond one period until numpy 1.25
            want = np.take(x, np.arange(-halo, n + halo), mode="wrap")
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("boundary", oracle.BOUNDARIES)
@pytest.mark.parametrize("mode", ["same", "full"])
def test_border_is_pad_then_valid(boundary: Any, mode: str, rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (5, 6), np.int64), small_integers(rng, (4, 7), np.int64)
    halos = [(k - 1, k - 1) if mode == "full" else (k - 1 - (k - 1) // 2, (k - 1) // 2) for k in h.shape]
    fill: dict[str, Any] = {"constant_values": 3} if boundary == "constant" else {}
    padded = np.pad(x, halos, mode=boundary, **fill)
    want = oracle.convolve(padded, h, "valid")
    np.testing.assert_array_equal(oracle.convolve(x, h, mode, boundary=boundary, fill_value=3), want)


def test_mixed_borders_follow_the_order_of_axes(rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (4, 5), np.int64), small_integers(rng, (3, 2), np.int64)
    padded = np.pad(np.pad(x, ((2, 2), (0, 0)), mode="wrap"), ((0, 0), (1, 1)), mode="edge")
    want = oracle.correlate(padded, h, "valid")
    np.testing.assert_array_equal(oracle.correlate(x, h, boundary=("wrap", "edge")), want)
    np.testing.assert_array_equal(oracle.correlate(x, h, axes=(1, 0), boundary=("edge", "wrap")), want)


@pytest.mark.parametrize("op", ["convolve", "correlate"])
def test_stride_and_dilation(op: str, rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (17,), np.int64), small_integers(rng, (4,), np.int64)
    spread = np.zeros(10, np.int64)
    spread[::3] = h
    for mode, stride in itertools.product(oracle.MODES, (1, 2, 5, 40)):
        want = oracle.solve(op, x, spread, mode)[::stride]
        np.testing.assert_array_equal(oracle.solve(op, x, h, mode, stride=stride, dilation=3), want)


def test_lags_are_a_slice_of_full(rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (9,), np.complex128), small_integers(rng, (4,), np.complex128)
    full = np.pad(oracle.correlate(x, h), 20)  # lag -3 stands at 20
    for low, high in ((-3, 8), (0, 0), (-20, 20), (2, 5)):
        np.testing.assert_array_equal(oracle.correlate(x, h, lags=(low, high)), full[low + 23 : high + 24])


def test_batch_axes_broadcast(rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (3, 1, 6), np.int32), small_integers(rng, (4, 3), np.int32)
    got = oracle.convolve(x, h, axes=-1)
    assert got.shape == (3, 4, 8)
    for i, j in np.ndindex(3, 4):
        np.testing.assert_array_equal(got[i, j], np.convolve(x[i, 0], h[j]))
    middle = oracle.convolve(np.moveaxis(x, 2, 1), h[:, :, None].swapaxes(0, 2), axes=1)
    assert middle.shape == (3, 8, 4)
    np.testing.assert_array_equal(middle, np.moveaxis(got, 2, 1))


def test_integers_wrap_and_widen() -> None:
    x, h = np.array([200, 250], np.uint8), np.array([3, 255], np.uint8)
    exact = [600, 200 * 255 + 750, 250 * 255]
    np.testing.assert_array_equal(oracle.convolve(x, h), np.array(exact, object) % 256)
    np.testing.assert_array_equal(oracle.convolve(x, h, dtype=np.int32), exact)
    lowest = np.array([-(2**63)], np.int64)
    assert oracle.convolve(lowest, lowest)[0] == 0
    assert oracle.convolve(lowest, np.array([-1], np.int8))[0] == -(2**63)


def test_scipy_convolve2d(rng: np.random.Generator) -> None:
    signal = pytest.importorskip("scipy.signal", reason="SciPy is absent: the oracle is not compared with convolve2d")
    x, h = small_integers(rng, (6, 7), np.int64), small_integers(rng, (3, 4), np.int64)
    for mode, (theirs, ours) in itertools.product(
        oracle.MODES, {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}.items()
    ):
        fill = 2 if theirs == "fill" else 0
        want = signal.convolve2d(x, h, mode, theirs, fill)
        np.testing.assert_array_equal(oracle.convolve(x, h, mode, boundary=ours, fill_value=fill), want)
    z = small_integers(rng, (6, 7), np.complex128)
    np.testing.assert_array_equal(oracle.correlate(z, 1j * h), signal.correlate2d(z, 1j * h))
    np.testing.assert_array_equal(
        oracle.correlate(z, 1j * h, "same"), signal.convolve2d(z, (-1j * h)[::-1, ::-1], "same")
    )


def test_scipy_ndimage(rng: np.random.Generator) -> None:
    ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is absent: the oracle is not compared with ndimage")
    names = {"grid-constant": "constant", "nearest": "edge", "reflect": "symmetric", "mirror": "reflect"}
    names["grid-wrap"] = "wrap"
    x = small_integers(rng, (4, 3, 5), np.float64)
    for shape, (theirs, ours) in itertools.product(((3, 5, 1), (1, 1, 3), (3, 3, 9)), names.items()):
        h = small_integers(rng, shape, np.float64)  # odd sizes: with even ones the centres differ
        want = ndimage.correlate(x, h, mode=theirs, cval=2.0)
        np.testing.assert_array_equal(oracle.correlate(x, h, "same", boundary=ours, fill_value=2), want)
        want = ndimage.convolve(x, h, mode=theirs, cval=2.0)
        np.testing.assert_array_equal(oracle.convolve(x, h, "same", boundary=ours, fill_value=2), want)


def test_a_zero_border_adds_nothing_and_a_filled_one_does() -> None:
    x, h = np.array([1.0, 2.0]), np.array([np.inf, 1.0, 1.0])
    with np.errstate(invalid="ignore"):
        want = np.convolve(x, h)
        np.testing.assert_array_equal(oracle.convolve(x, h), want)
    assert not np.isnan(want).any()
    assert oracle.convolve(x, h, fill_value=-1)[-1] == -np.inf


@pytest.mark.parametrize("dtype", [*REAL_FLOATS, np.dtype(np.complex64), np.dtype(np.complex128)], ids=str)
def test_numpy_meets_the_bound_and_a_wrong_result_does_not(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = random_values(rng, (300,), dtype), random_values(rng, (40,), dtype)
    ans = oracle.answer("convolve", x, h)
    good = np.convolve(x.astype(ans.accumulator), h.astype(ans.accumulator)).astype(dtype)
    oracle.assert_matches(good, ans)
    allowed = oracle.bound(ans)
    for part in (1,) if dtype.kind == "f" else (1, 1j):
        bad = good.copy()
        step = 4 * (allowed.real if part == 1 else allowed.imag)[150]
        bad[150] += part * dtype.type(step)
        with pytest.raises(AssertionError, match="first"):
            oracle.assert_matches(bad, ans)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_assert_matches_refuses_a_false_nan_or_infinity(bad: float) -> None:
    ans = oracle.answer("convolve", np.ones(5, np.float32), np.ones(2, np.float32))
    got = ans.rounded()
    oracle.assert_matches(got, ans)
    got[2] = bad
    with pytest.raises(AssertionError, match="first"):
        oracle.assert_matches(got, ans)
    with pytest.raises(AssertionError, match="dtype"):
        oracle.assert_matches(ans.rounded().astype(np.float64), ans)
    with pytest.raises(AssertionError, match="shape"):
        oracle.assert_matches(ans.rounded()[1:], ans)
