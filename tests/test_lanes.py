"""Every way in which the engine may choose the axis that runs along registers gives the same numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import convcorr

BORDERS = ["constant", "edge", "symmetric", "reflect", "wrap"]

# Integers are compared: an FFT would be right to within roundings.
convolve = partial(convcorr.convolve, method="direct")
correlate = partial(convcorr.correlate, method="direct")


def _data(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    return rng.integers(0, 7, shape).astype(dtype)


@pytest.mark.parametrize("boundary", BORDERS)
@pytest.mark.parametrize("channels", [1, 2, 3, 7, 8, 16, 40, 63, 64, 70])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.uint8])
def test_channels_last(rng: np.random.Generator, channels: int, boundary: str, dtype: Any) -> None:
    """Short channel axes join the lane, longer ones are the lane; borders must not mix channels."""
    x = _data(rng, (9, 23, channels), dtype)
    h = _data(rng, (3, 5, 1), dtype)
    for mode in ("full", "same"):
        got = convolve(x, h, mode, axes=(0, 1), boundary=boundary)
        for c in range(channels):
            want = convolve(np.ascontiguousarray(x[..., c]), h[..., 0], mode, boundary=boundary)
            np.testing.assert_array_equal(got[..., c], want)


@pytest.mark.parametrize("dilation", [1, 2, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("channels", [2, 3, 20, 64])
def test_signals_in_columns(rng: np.random.Generator, channels: int, stride: int, dilation: int) -> None:
    x = _data(rng, (301, channels), np.float32)
    h = _data(rng, (11, 1), np.float32)
    got = correlate(x, h, axes=0, stride=stride, dilation=dilation)
    for c in range(channels):
        want = correlate(x[:, c].copy(), h[:, 0], stride=stride, dilation=dilation)
        np.testing.assert_array_equal(got[:, c], want)


@pytest.mark.parametrize("boundary", BORDERS)
def test_memory_order_is_no_matter(rng: np.random.Generator, boundary: str) -> None:
    """C, Fortran and mixed orders of data and of `out`."""
    x = _data(rng, (11, 37, 18), np.float32)
    h = _data(rng, (3, 4, 5), np.float32)
    want = convolve(x, h, "same", boundary=boundary)
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)):
        inverse = np.argsort(order)
        shuffled = np.ascontiguousarray(x.transpose(order)).transpose(inverse)
        np.testing.assert_array_equal(convolve(shuffled, h, "same", boundary=boundary), want)
        out = np.empty([want.shape[a] for a in order], np.float32).transpose(inverse)
        assert convolve(x, h, "same", boundary=boundary, out=out) is out
        np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("shape", [(40, 33, 200), (9, 300, 70), (3, 4, 5, 6, 90)])
@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_planes_shared_between_slices(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> None:
    """Slices in one job find their planes' lines made; the sum over planes says what they should hold."""
    x = _data(rng, shape, dtype)
    h = _data(rng, (3,) * len(shape), dtype)
    got = correlate(x, h, "same", boundary="reflect")
    padded = np.pad(x, 1, mode="reflect").astype(np.int64)
    want = np.zeros(shape, np.int64)
    for tap in np.ndindex(h.shape):
        want += padded[tuple(slice(t, t + n) for t, n in zip(tap, shape, strict=True))] * int(h[tap])
    np.testing.assert_array_equal(got, want.astype(dtype))
