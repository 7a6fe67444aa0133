"""convcorr.scipy.signal's functions for pictures are SciPy's: convolve2d, correlate2d, sepfir2d."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from layouts import DTYPES, small_integers
from like_scipy import BAD_NAMES, MODES, assert_like_scipy, ours, theirs

BOUNDARIES = ["fill", "wrap", "symm"]

each_plane = pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])

PLANES = [((5, 6), (3, 3)), ((5, 6), (2, 2)), ((4, 7), (2, 3)), ((4, 7), (3, 4)), ((2, 3), (5, 4)), ((2, 2), (9, 8)),
          ((1, 5), (1, 4)), ((5, 1), (8, 1)), ((3, 3), (4, 2)), ((1, 1), (1, 1))]  # fmt: skip


@each_plane
@pytest.mark.parametrize("boundary", [*BOUNDARIES, "pad", "circular", "symmetric", "reflect", "edge", None, 0])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "f4", "f8", "c8", "c16", "g"])
def test_planes(name: str, boundary: Any, dtype: str, rng: np.random.Generator) -> None:
    for (n, k), mode, fill in itertools.product(PLANES, MODES, (0, 3)):
        x, h = small_integers(rng, n, np.dtype(dtype)), small_integers(rng, k, np.dtype(dtype))
        assert_like_scipy(name, x, h, mode, boundary, fill)


@each_plane
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_planes_of_every_pair_of_dtypes(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for other, mode in itertools.product(DTYPES, MODES):
        assert_like_scipy(name, small_integers(rng, (4, 5), dtype), small_integers(rng, (2, 2), other), mode, "symm")


@each_plane
@pytest.mark.parametrize("value", [1.7, 300, -1, 1j, np.nan, np.inf, "a", None, [1], [1, 2], 10**30, np.float32(2.5),
                                   True, 2**60 + 1], ids=repr)  # fmt: skip
def test_fill_values(name: str, value: Any) -> None:
    for dtype in ("i1", "u1", "i8", "f4", "f8", "c8"):
        if dtype == "c8" and repr(value) in ("nan", "inf", "None"):
            continue  # the imaginary parts of complex NaN and infinity are nobody's contract
        x = np.arange(6).reshape(2, 3).astype(dtype)
        for mode, boundary in (("full", "fill"), ("same", "fill"), ("full", "wrap")):
            assert_like_scipy(name, x, np.ones((1, 2), dtype), mode, boundary, value)


@each_plane
def test_taps_that_are_not_finite_meet_the_fill_value(name: str, rng: np.random.Generator) -> None:
    for (n, k), mode, boundary, tap in itertools.product(PLANES, MODES, BOUNDARIES, (np.nan, np.inf)):
        h = small_integers(rng, k, np.dtype("f8"))
        h[tuple(rng.integers(k))] = tap
        for fill in (0, 2):
            assert_like_scipy(name, small_integers(rng, n, np.dtype("f8")) + 0.5, h, mode, boundary, fill)


@each_plane
def test_planes_that_are_none(name: str) -> None:
    for a, v in (([1, 2], [1, 2]), (1, 2), ([[1, 2]], [1]), (np.ones((2, 2, 2)), np.ones((2, 2, 2)))):
        assert_like_scipy(name, a, v)
    assert_like_scipy(name, np.ones((3, 3), object), np.ones((2, 2), object))
    for mode in (*BAD_NAMES, "valid"):
        assert_like_scipy(name, np.ones((3, 2)), np.ones((2, 3)), mode)
    for a, v in itertools.permutations((np.ones((0, 3)), np.ones((2, 2)), np.ones((3, 0))), 2):
        for mode in MODES:  # SciPy ends the process
            with pytest.raises(ValueError, match=r"empty|For 'valid' mode"):
                getattr(ours, name)(a, v, mode)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_large_kernels_under_every_boundary(boundary: str, rng: np.random.Generator) -> None:
    x, h = rng.standard_normal((70, 90)), rng.standard_normal((30, 41))
    for name, mode in itertools.product(("convolve2d", "correlate2d"), MODES):
        assert_like_scipy(name, x, h, mode, boundary)


def test_even_same_of_correlate2d_is_one_off_correlates() -> None:
    x, h = np.arange(12.0).reshape(3, 4), np.ones((1, 2))
    np.testing.assert_array_equal(ours.correlate2d(x, h, "same")[:, :-1], ours.correlate(x, h, "same")[:, 1:])


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.char not in "gG"], ids=str)
def test_separable_filters(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for shape, k, m in itertools.product(((6, 7), (9, 9), (12, 5)), (1, 3, 5), (1, 3, 5)):
        image = small_integers(rng, shape, dtype)
        for taps in ("f4", "f8", "i2", "c8", "list"):
            row, column = (small_integers(rng, (n,), np.dtype("f8" if taps == "list" else taps)) for n in (k, m))
            if taps == "list":
                assert_like_scipy("sepfir2d", image, row.tolist(), column.tolist())
            else:
                assert_like_scipy("sepfir2d", image, row, column)


def test_separable_filters_that_are_none() -> None:
    image, taps = np.ones((5, 5)), np.ones(3)
    for arguments in (
        (image, taps[:2], taps), (image, taps, np.ones(4)), (image[0], taps, taps), (image, np.ones((3, 3)), taps),
        (image, 3.0, taps), (np.ones((2, 5, 5)), taps, taps), (np.ones((5, 5), "g"), taps, taps),
        (np.ones((5, 5), "G"), taps, taps), (np.ones((5, 5), object), taps, taps), (image.astype("f4"), taps, taps),
    ):  # fmt: skip
        assert_like_scipy("sepfir2d", *arguments)
    for call in (lambda: ours.sepfir2d(image, taps), lambda: ours.sepfir2d(input=image, hrow=taps, hcol=taps)):  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            call()
    with pytest.raises(ValueError, match="empty"):
        ours.sepfir2d(np.ones((0, 3)), taps, taps)


def test_a_separable_filter_longer_than_the_image_is_right(rng: np.random.Generator) -> None:
    image, row, column = rng.standard_normal((3, 2)), rng.standard_normal(9), rng.standard_normal(11)
    kernel = column[:, None] * row
    expected = theirs.convolve2d(image, kernel, "same", "symm")
    np.testing.assert_allclose(ours.sepfir2d(image, row, column), expected, rtol=1e-12, atol=1e-12)
