"""The algebra of convolution and correlation, in every precision, through SciPy's names and our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import convcorr
from convcorr.scipy import signal

Array = np.ndarray[Any, Any]

FLOATS = [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128]
INTEGERS = [np.int8, np.uint8, np.int16, np.uint32, np.int64]
CONVOLUTIONS: dict[str, Callable[..., Array]] = {
    "convcorr": convcorr.convolve, "scipy": signal.convolve, "fftconvolve": signal.fftconvolve,
}  # fmt: skip

every_convolution = pytest.mark.parametrize("convolve", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
every_float = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
every_integer = pytest.mark.parametrize("dtype", INTEGERS, ids=lambda dtype: dtype.__name__)


def random(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def assert_close(y: Array, expected: Array, *factors: Array) -> None:
    """To some roundings of a sum with these factors, whose sizes bound every product."""
    dtype = next(f.dtype for f in factors)
    eps = float(np.finfo(dtype).eps)
    size = float(np.prod([np.sqrt(np.sum(np.abs(f.astype(np.clongdouble)) ** 2)) for f in factors]))
    np.testing.assert_allclose(y.astype(np.clongdouble), expected.astype(np.clongdouble), rtol=0, atol=64 * eps * size)


@every_float
@every_convolution
@pytest.mark.parametrize("shapes", [((300,), (200,), (7,)), ((20, 9), (5, 6), (3, 2))], ids=["1-D", "2-D"])
def test_the_algebra(convolve: Callable[..., Array], dtype: Any, shapes: Any, rng: np.random.Generator) -> None:
    if convolve is signal.convolve and dtype is np.float16 and len(shapes[0]) > 1:
        with pytest.raises(ValueError, match="Unsupported type"):  # as SciPy, which has no such sums
            convolve(np.ones((2, 2), dtype), np.ones((2, 2), dtype))
        return
    f, g, h = (random(rng, shape, dtype) for shape in shapes)
    other = random(rng, shapes[1], dtype)
    scale = np.dtype(dtype).type(1.5)
    assert_close(convolve(f, g), convolve(g, f), f, g)
    assert_close(convolve(convolve(f, g), h), convolve(f, convolve(g, h)), f, g, h)
    assert_close(convolve(f, g + other), convolve(f, g) + convolve(f, other), f, np.abs(g) + np.abs(other))
    assert_close(convolve(scale * f, g), scale * convolve(f, g), f, 2 * g)


@every_integer
def test_the_algebra_of_integers_is_exact_modulo_their_size(dtype: Any, rng: np.random.Generator) -> None:
    limits = np.iinfo(dtype)
    f, g, h, other = (rng.integers(limits.min, limits.max, n, dtype, endpoint=True) for n in (60, 40, 7, 40))
    for convolve in (convcorr.convolve, signal.convolve):
        np.testing.assert_array_equal(convolve(f, g), convolve(g, f))
        np.testing.assert_array_equal(convolve(convolve(f, g), h), convolve(f, convolve(g, h)))
        np.testing.assert_array_equal(convolve(f, g + other), convolve(f, g) + convolve(f, other))
        np.testing.assert_array_equal(convolve(f * dtype(3), g), dtype(3) * convolve(f, g))


@every_float
@every_convolution
def test_the_derivative_of_a_convolution_is_that_of_either_factor(
    convolve: Callable[..., Array], dtype: Any, rng: np.random.Generator
) -> None:
    """Differences stand for derivatives: they are a convolution themselves, so the rule holds to rounding."""
    f, g = random(rng, (80,), dtype), random(rng, (31,), dtype)
    zero = np.zeros(1, dtype)
    df, dg = (np.diff(s, prepend=zero, append=zero) for s in (f, g))
    expected = np.diff(convolve(f, g), prepend=zero, append=zero)
    assert_close(convolve(df, g), expected, 2 * f, g)
    assert_close(convolve(f, dg), expected, 2 * f, g)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@every_convolution
def test_the_convolution_theorem(convolve: Callable[..., Array], dtype: Any, rng: np.random.Generator) -> None:
    for n, k in (((500,), (300,)), ((30, 21), (8, 9)), ((7, 6, 5), (3, 2, 4))):
        f, g = random(rng, n, dtype), random(rng, k, dtype)
        full = tuple(a + b - 1 for a, b in zip(n, k, strict=True))
        axes = tuple(range(len(full)))
        product = np.fft.fftn(f, full, axes) * np.fft.fftn(g, full, axes)
        assert_close(convolve(f, g), np.fft.ifftn(product, full, axes), f, g)


@every_float
def test_correlation_does_not_commute_but_for_a_conjugate_reversal(dtype: Any, rng: np.random.Generator) -> None:
    f, g = random(rng, (40,), dtype), random(rng, (23,), dtype)
    for correlate in (convcorr.correlate, signal.correlate):
        assert not np.allclose(correlate(f, g).astype(complex), correlate(g, f).astype(complex))
        assert_close(correlate(f, g), np.conj(correlate(g, f)[::-1]), f, g)
    f, g = random(rng, (8, 9), dtype), random(rng, (3, 4), dtype)
    if dtype is not np.float16:  # SciPy's N-D sums don't take it
        assert_close(signal.correlate(f, g), np.conj(np.flip(signal.correlate(g, f))), f, g)
        assert_close(signal.correlate2d(f, g), np.conj(np.flip(signal.correlate2d(g, f))), f, g)


def complex_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.random(shape) + 1j * rng.random(shape)


def test_correlation_is_convolution_with_the_conjugate_reversed(rng: np.random.Generator) -> None:
    for shape, correlate, convolve in (
        ((128,), signal.correlate, signal.convolve),
        ((32, 32), signal.correlate2d, signal.convolve2d),
        ((32, 32), signal.correlate, signal.convolve),
        ((128,), convcorr.correlate, convcorr.convolve),
        ((32, 32), convcorr.correlate, convcorr.convolve),
    ):
        data, window = complex_noise(rng, shape), complex_noise(rng, shape)
        correlation = correlate(data, window)
        swapped = np.flip(correlate(np.conj(window), np.conj(data)))
        np.testing.assert_allclose(correlation, swapped, rtol=1e-10)
        np.testing.assert_allclose(correlation, convolve(data, np.flip(np.conj(window))), rtol=1e-10)


def test_scipys_keywords_are_taken(rng: np.random.Generator) -> None:
    data, window = complex_noise(rng, (32, 32)), complex_noise(rng, (32, 32))
    for function in (signal.correlate, signal.convolve, signal.correlate2d, signal.convolve2d, signal.fftconvolve):
        np.testing.assert_array_equal(function(in1=data, in2=window), function(data, window))
