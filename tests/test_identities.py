"""The algebra of convolution and correlation, in every precision, through SciPy's names and our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import convcorr
import convcorr.numpy
from convcorr.scipy import signal

Array = np.ndarray[Any, Any]

FLOATS = [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble]
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
CONVOLUTIONS: dict[str, Callable[..., Array]] = {
    "convcorr": convcorr.convolve, "numpy": convcorr.numpy.convolve, "scipy": signal.convolve,
    "convolve2d": signal.convolve2d, "fftconvolve": signal.fftconvolve, "oaconvolve": signal.oaconvolve,
}  # fmt: skip
# The correlation and the convolution of a front, and how many axes they take.
FRONTS: dict[str, tuple[Callable[..., Array], Callable[..., Array], tuple[int, ...]]] = {
    "convcorr": (convcorr.correlate, convcorr.convolve, (1, 2, 3)),
    "numpy": (lambda f, g: convcorr.numpy.correlate(f, g, "full"), convcorr.numpy.convolve, (1,)),
    "scipy": (signal.correlate, signal.convolve, (1, 2, 3)),
    "scipy 2-D": (signal.correlate2d, signal.convolve2d, (2,)),
}
TRIPLES = [((300,), (200,), (7,)), ((20, 9), (5, 6), (3, 2)), ((6, 7, 8), (3, 4, 2), (2, 1, 3))]
PAIRS = [((40,), (23,)), ((7,), (31,)), ((8, 9), (3, 4)), ((6, 5, 4), (2, 3, 3))]

every_convolution = pytest.mark.parametrize("convolve", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
every_front = pytest.mark.parametrize("front", FRONTS)
every_float = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
every_integer = pytest.mark.parametrize("dtype", INTEGERS, ids=lambda dtype: dtype.__name__)


def takes(convolve: Callable[..., Array], dtype: Any, ndim: int) -> bool:
    """Whether the peer has such sums: NumPy's take one axis, some of SciPy's two, and none of float16 over several."""
    only = {convcorr.numpy.convolve: (1,), signal.convolve2d: (2,)}.get(convolve, (1, 2, 3))
    half_sums = convolve in {signal.convolve, signal.convolve2d} and dtype is np.float16 and ndim > 1
    return ndim in only and not half_sums


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
@pytest.mark.parametrize("shapes", TRIPLES, ids=lambda shapes: f"{len(shapes[0])}-D")
def test_the_algebra(convolve: Callable[..., Array], dtype: Any, shapes: Any, rng: np.random.Generator) -> None:
    if not takes(convolve, dtype, len(shapes[0])):
        with pytest.raises(ValueError, match=r"Unsupported type|not available|2-D arrays|too deep"):
            convolve(*[np.ones((2,) * len(shapes[0]), dtype)] * 2)
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
    for shapes in (((60,), (40,), (7,)), ((9, 8), (4, 5), (2, 3)), ((5, 6, 4), (3, 2, 2), (1, 2, 2))):
        f, g, h, other = (
            rng.integers(limits.min, limits.max, shape, dtype, endpoint=True) for shape in (*shapes, shapes[1])
        )
        for convolve in (convcorr.convolve, convcorr.numpy.convolve, signal.convolve, signal.convolve2d):
            if not takes(convolve, dtype, f.ndim):
                continue
            np.testing.assert_array_equal(convolve(f, g), convolve(g, f))
            np.testing.assert_array_equal(convolve(convolve(f, g), h), convolve(f, convolve(g, h)))
            np.testing.assert_array_equal(convolve(f, g + other), convolve(f, g) + convolve(f, other))
            np.testing.assert_array_equal(convolve(f * dtype(3), g), dtype(3) * convolve(f, g))


def derivative(s: Array, axis: int) -> Array:
    """Differences along an axis, of what is zero outside."""
    around = [(1, 1) if other == axis else (0, 0) for other in range(s.ndim)]
    return np.diff(np.pad(s, around), axis=axis)


@every_float
@every_convolution
def test_the_derivative_of_a_convolution_is_that_of_either_factor(
    convolve: Callable[..., Array], dtype: Any, rng: np.random.Generator
) -> None:
    """Differences stand for derivatives: they are a convolution themselves, so the rule holds to rounding."""
    for shapes in (((80,), (31,)), ((12, 14), (5, 6))):
        if not takes(convolve, dtype, len(shapes[0])):
            continue
        f, g = (random(rng, shape, dtype) for shape in shapes)
        for axis in range(f.ndim):
            df, dg, expected = (derivative(s, axis) for s in (f, g, convolve(f, g)))
            assert_close(convolve(df, g), expected, 2 * f, g)
            assert_close(convolve(f, dg), expected, 2 * f, g)


@every_float
@every_convolution
def test_the_convolution_theorem(convolve: Callable[..., Array], dtype: Any, rng: np.random.Generator) -> None:
    if dtype in {np.longdouble, np.clongdouble} and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("an older NumPy, whose transforms compute in float64")
    for n, k in (((500,), (300,)), ((30, 21), (8, 9)), ((7, 6, 5), (3, 2, 4))):
        if not takes(convolve, dtype, len(n)):
            continue
        f, g = random(rng, n, dtype), random(rng, k, dtype)
        full = tuple(a + b - 1 for a, b in zip(n, k, strict=True))
        axes = tuple(range(len(full)))
        product = np.fft.fftn(f, full, axes) * np.fft.fftn(g, full, axes)
        assert_close(convolve(f, g), np.fft.ifftn(product, full, axes), f, g)


@every_float
@every_front
def test_correlation_does_not_commute_but_for_a_conjugate_reversal(
    front: str, dtype: Any, rng: np.random.Generator
) -> None:
    correlate, convolve, ndims = FRONTS[front]
    for n, k in PAIRS:
        if len(n) not in ndims or not takes(convolve, dtype, len(n)):
            continue
        f, g = random(rng, n, dtype), random(rng, k, dtype)
        assert not np.allclose(correlate(f, g).astype(complex), correlate(g, f).astype(complex))
        assert_close(correlate(f, g), np.conj(np.flip(correlate(g, f))), f, g)


@every_float
@every_front
def test_correlation_is_convolution_with_the_conjugate_reversed(
    front: str, dtype: Any, rng: np.random.Generator
) -> None:
    correlate, convolve, ndims = FRONTS[front]
    for n, k in PAIRS:
        if len(n) not in ndims or not takes(convolve, dtype, len(n)):
            continue
        f, g = random(rng, n, dtype), random(rng, k, dtype)
        assert_close(correlate(f, g), convolve(f, np.flip(np.conj(g))), f, g)
        assert_close(correlate(f, g), np.flip(correlate(np.conj(g), np.conj(f))), f, g)


@every_integer
@every_front
def test_correlation_of_integers_is_convolution_with_the_reversed(
    front: str, dtype: Any, rng: np.random.Generator
) -> None:
    correlate, convolve, ndims = FRONTS[front]
    limits = np.iinfo(dtype)
    for shapes in PAIRS:
        if len(shapes[0]) in ndims:
            f, g = (rng.integers(limits.min, limits.max, shape, dtype, endpoint=True) for shape in shapes)
            np.testing.assert_array_equal(correlate(f, g), convolve(f, np.flip(g)))
            np.testing.assert_array_equal(correlate(f, g), np.flip(correlate(g, f)))


def complex_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.random(shape) + 1j * rng.random(shape)


def test_the_two_words_are_one_to_ten_digits(rng: np.random.Generator) -> None:
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


def test_a_program_that_asks_scipy_is_answered_alike(rng: np.random.Generator) -> None:
    """The same identities as a program states them, by SciPy's names and keywords; each call is counted."""
    scipy_signal = pytest.importorskip("scipy.signal", reason="SciPy is not installed")
    for shape, suffix in (((128,), ""), ((32, 32), "2d")):
        data, window = complex_noise(rng, shape), complex_noise(rng, shape)
        with convcorr.accelerated() as report:
            correlate, convolve = (getattr(scipy_signal, name + suffix) for name in ("correlate", "convolve"))
            correlation = correlate(in1=data, in2=window)
            swapped = np.flip(correlate(in1=np.conj(window), in2=np.conj(data)))
            convolution = convolve(in1=data, in2=np.flip(np.conj(window)))
        assert np.allclose(correlation, swapped, rtol=1e-10, atol=1e-10)
        assert np.allclose(correlation, convolution, rtol=1e-10, atol=1e-10)
        counts = {name: (count.calls, dict(count.passed_on)) for name, count in report.counts.items()}
        assert counts == {f"scipy.signal.correlate{suffix}": (2, {}), f"scipy.signal.convolve{suffix}": (1, {})}
