"""method="separable", and "auto" where it takes products apart: values, borders, layouts, and bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import convcorr
import oracle
from convcorr import _core
from fft_cases import assert_within, gathered, noise
from layouts import (
    DTYPES,
    INTEGERS,
    LAYOUTS,
    Array,
    guarded,
    margins_are_untouched,
    random_values,
    same_bits,
    small_integers,
)
from separable_cases import assert_near, gaussian, kinds, outer

FLOATS = [np.dtype(c) for c in ("f2", "f4", "f8", "c8", "c16")]
FAST = [*INTEGERS, *FLOATS]
MODES: tuple[Any, ...] = ("full", "same", "valid")
OPS = ("convolve", "correlate")
over_dtypes = pytest.mark.parametrize("dtype", FAST, ids=str)
over_floats = pytest.mark.parametrize("dtype", FLOATS, ids=str)


def kernel(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An outer product of that type: of small integers where float16 or an integer could not hold another."""
    if dtype.kind in "iu" or dtype == np.float16:
        return outer(
            [small_integers(rng, (k,), "i8", 2) if dtype.kind != "u" else rng.integers(0, 4, k) for k in shape], dtype
        )
    return outer([noise(rng, k, "c16" if dtype.kind == "c" else "f8") for k in shape], dtype)


def both_threads(op: str, x: Array, h: Array, mode: Any = "full", **keywords: Any) -> Array:
    """The result, the same bits on one and two threads."""
    one, two = (getattr(convcorr, op)(x, h, mode, threads=t, **keywords) for t in (1, 2))
    assert same_bits(one, two), f"{op} {x.shape} {h.shape} {mode} {keywords}: threads change bits"
    return np.asarray(one)


@over_dtypes
def test_sizes_around_registers_and_kernels(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """One to four registers along the lane, one sample more and less; kernels shorter and longer than the data."""
    lanes = {"avx512": 64, "avx2": 32}.get(_core.kernel_isa(), 16) // dtype.itemsize
    widths = sorted({max(lanes * r + d, 1) for r in (1, 2, 4) for d in (-1, 0, 1)} | {1, 5})
    for width, (rows, k0, k1) in itertools.product(widths, ((1, 2, 3), (6, 5, 4), (9, 3, 17))):
        x, h = random_values(rng, (rows, width), dtype), kernel(rng, (k0, k1), dtype)
        for mode in MODES:
            if mode == "valid" and (rows < k0 or width < k1):
                continue
            got = both_threads("convolve", x, h, mode, method="separable")
            assert_near(got, ("convolve", x, h, mode), (width, rows, k0, k1))


@over_dtypes
def test_borders_strides_and_dilations(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A border for each axis, filled or not, in every mode: with steps, as well, that no two filters at once take."""
    borders = list(itertools.product(oracle.BOUNDARIES, repeat=2))
    for number, (boundary, (mode, stride, dilation)) in enumerate(
        itertools.product(borders, itertools.product(MODES, ((1, 1), (2, 1), (1, 3), (2, 2)), ((1, 1), (2, 3))))
    ):
        if number % 5 != int(dtype.num) % 5:  # another fifth for each type
            continue
        x, h = random_values(rng, (13, 30), dtype), kernel(rng, (3, 4), dtype)
        keywords = {"boundary": boundary, "stride": stride, "dilation": dilation, "fill_value": number % 3}
        op = OPS[number % 2]
        got = both_threads(op, x, h, mode, method="separable", **keywords)
        assert_near(got, (op, x, h, mode), (mode, keywords), **keywords)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("u1", "i4", "f4", "c16")], ids=str)
def test_more_axes(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Three and four axes, some of one tap, slab by slab; fills and steps among them."""
    cases = [((9, 10, 21), (3, 4, 5)), ((7, 8, 9), (3, 3, 1)), ((7, 8, 9), (1, 4, 3)), ((7, 8, 9), (4, 1, 3)),
             ((4, 5, 6, 18), (2, 3, 2, 3)), ((3, 9, 1, 8), (5, 2, 1, 3)), ((40, 50, 60), (5, 3, 3))]  # fmt: skip
    for number, ((x_shape, h_shape), stride, fill) in enumerate(itertools.product(cases, (1, 2), (0, 3))):
        x, h = random_values(rng, x_shape, dtype), kernel(rng, h_shape, dtype)
        boundary = tuple(oracle.BOUNDARIES[(number + 2 * axis) % 5] for axis in range(len(x_shape)))
        for mode, order in itertools.product(("same", "full"), "CF"):
            keywords = {"boundary": boundary, "stride": stride, "fill_value": fill}
            got = both_threads("convolve", np.asarray(x, order=order), h, mode, method="separable", **keywords)  # type: ignore[call-overload]
            assert_near(got, ("convolve", x, h, mode), (x_shape, h_shape, mode, order, keywords), **keywords)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("u1", "i8", "f4", "f8", "c8")], ids=str)
def test_batches_and_channels(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Axes without taps before, between and behind: planes, and the channels of pixels."""
    for n, place, fill in itertools.product((1, 2, 3, 4, 8, 33), (0, 1, 2), (0, 2)):
        axes = tuple(axis for axis in range(3) if axis != place)
        shape, taps = [17, 22], [3, 5]
        shape.insert(place, n)
        taps.insert(place, 1)
        x, h = random_values(rng, tuple(shape), dtype), kernel(rng, tuple(taps), dtype)
        for order, boundary in itertools.product("CF", ("constant", "reflect")):
            keywords = {"axes": axes, "boundary": boundary, "fill_value": fill}
            laid = np.asarray(x, order=order)  # type: ignore[call-overload]
            got = both_threads("correlate", laid, h, "same", method="separable", **keywords)
            assert_near(got, ("correlate", x, h, "same"), (shape, order, keywords), **keywords)
        got = convcorr.convolve(x, h, "same", axes=axes[::-1], method="separable", boundary=("wrap", "edge"))
        assert_near(got, ("convolve", x, h, "same"), shape, axes=axes[::-1], boundary=("wrap", "edge"))


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("i2", "f2", "f4", "f8", "c8")], ids=str)
def test_layouts_of_x_h_and_out(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Any layout is right, writes nothing beside, and that of `out` changes no bit."""
    shapes: list[Any] = [((20, 33), (4, 5), None), ((20, 33, 3), (4, 5, 1), (0, 1)), ((3, 20, 33), (1, 4, 5), (1, 2)),
                         ((7, 9, 20), (3, 2, 4), None)]  # fmt: skip
    outs = [name for name in LAYOUTS if name != "read_only" and "swapped" not in name]
    for (x_shape, h_shape, axes), name in itertools.product(shapes, LAYOUTS):
        x, h = random_values(rng, x_shape, dtype), kernel(rng, h_shape, dtype)
        data, taps = LAYOUTS[name](x), LAYOUTS[name](h)
        before = data.tobytes(), taps.tobytes()
        keywords: dict[str, Any] = {"axes": axes, "method": "separable"}
        got = both_threads("convolve", data, taps, "same", **keywords)
        assert_near(got, ("convolve", x, h, "same"), (x_shape, name), axes=axes)
        host, view = guarded(x_shape, dtype, 5)
        assert same_bits(convcorr.convolve(data, taps, "same", out=view, **keywords), got)
        assert margins_are_untouched(host, view), (x_shape, name)
        for other in outs:
            out = LAYOUTS[other](np.zeros(x_shape, dtype))
            convcorr.convolve(data, taps, "same", out=out, threads=2, **keywords)
            assert same_bits(np.ascontiguousarray(out), got), (x_shape, name, other, "the layout of out changes bits")
        assert (data.tobytes(), taps.tobytes()) == before


@over_dtypes
def test_in_place(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    base = random_values(rng, (60, 70), dtype)
    h = kernel(rng, (5, 6), dtype)
    want = convcorr.convolve(base[:50, :60], h, "same", method="separable")
    for first in ((slice(0, 50), slice(0, 60)), (slice(3, 53), slice(2, 62))):
        host = base.copy()
        convcorr.convolve(host[:50, :60], h, "same", method="separable", out=host[first])
        np.testing.assert_array_equal(host[first], want)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_of_any_size(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Exact modulo 2**bits: factors with something in common, negative ones, zeros, and sums that wrap."""
    info = np.iinfo(dtype)
    factors: list[list[int]] = [[1, 2, 1], [0, 0, 0], [0, 3, 0, 6], [5], [1, 1], [6, 9, 15, 0, 3]]
    if dtype.kind == "i":
        factors += [[-1, 0, 1], [-1, -2, 3], [-3, 6, -9]]
    for a, b in itertools.product(factors, repeat=2):
        h = np.multiply.outer(np.array(a), np.array(b))
        if h.max() > info.max or h.min() < info.min:
            continue
        x = random_values(rng, (9, 40), dtype)
        got = both_threads("correlate", x, h.astype(dtype), method="separable")
        np.testing.assert_array_equal(got, oracle.correlate(x, h.astype(dtype)), err_msg=f"{a} {b}")
    top = np.multiply.outer([info.max // 3, 0, info.max // 5], [1, 2])
    for taps in (top, np.full((2, 3), info.max), np.full((2, 2), info.min), np.eye(1, 3) * np.ones((2, 1))):
        x, h = random_values(rng, (9, 40), dtype), taps.astype(dtype)
        np.testing.assert_array_equal(convcorr.convolve(x, h), oracle.convolve(x, h))
        try:
            np.testing.assert_array_equal(convcorr.convolve(x, h, method="separable"), oracle.convolve(x, h))
        except ValueError:
            assert dtype.itemsize == 8, h  # a product modulo 2**64 alone
    wide = outer([[1, 3, 1], [2, 1]], np.int8)
    for other in INTEGERS:
        got = convcorr.convolve(x, wide.astype(dtype), method="separable", dtype=other)
        np.testing.assert_array_equal(got, oracle.convolve(x, wide.astype(dtype), dtype=other))


def test_what_is_computed_directly(rng: np.random.Generator) -> None:
    """Not taken apart, and the same bits as "direct"."""
    image, square = random_values(rng, (30, 40), np.dtype("f8")), gaussian(2, 1)
    cases: list[Any] = [
        (image > 0, np.ones((3, 3), bool), {}), (image.astype("g"), square.astype("g"), {}),
        (image, square * 1j, {}), (image * 1j, square, {}), (image, np.stack([square, 2 * square]), {"axes": (-2, -1)}),
        (image[0], square[2], {}), (image, square[:1], {}), (image, [[2.0]], {}),
    ]  # fmt: skip
    for x, h, keywords in cases:
        got = convcorr.convolve(x, h, method="separable", **keywords)
        np.testing.assert_array_equal(got, convcorr.convolve(x, h, method="direct", **keywords))


@over_floats
@pytest.mark.parametrize("order", ["C", "F"])
def test_auto_keeps_the_windows_bound(dtype: np.dtype[Any], order: Any, rng: np.random.Generator) -> None:
    """Where explain says "separable": noise, one sign, loud beside quiet, and kernels near the ends of the range."""
    if dtype == np.float16:
        scales: list[tuple[float, float]] = [(1, 1)]
    elif dtype.itemsize == 4 or dtype == np.complex64:
        scales = [(1, 1), (1e-42, 1e30), (1e-30, 1e-10), (1e30, 1e-37), (1e37, 1e-25), (1e-44, 1e37)]
    else:
        scales = [(1, 1), (1e-320, 1e300), (1e-300, 1e-10), (1e300, 1e-307), (1e307, 1e-200)]
    smooth = gaussian(6, 3) if dtype != np.float16 else np.ones((13, 13))
    for (sx, sh), kind in itertools.product(scales, range(3)):
        x = noise(rng, (60, 70), "c16" if dtype.kind == "c" else "f8")
        x = [x, np.abs(x), np.where(np.abs(x) > 2.5, x * 1e6, x)][kind] if dtype != np.float16 else x
        if kind == 2 and sx > 1e20:
            continue
        x, h = (x * sx).astype(dtype, order=order), (smooth * sh).astype(dtype)
        # Below some hundred times the least normal number, products of factors lose what taps have.
        served = np.abs(h).max() > 256 * np.finfo(dtype).tiny if dtype != np.float16 else True
        assert (convcorr.explain(x, h, "same", dtype=dtype).algorithm == "separable") == served, (sx, sh)
        got = both_threads("convolve", x, h, "same")
        assert_within(got, gathered("convolve", x, h, "same"), f"{dtype} {order} {sx} {sh} {kind}")


@pytest.mark.parametrize("size", [(3, 3), (11, 11), (4, 30)])
@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8")], ids=str)
def test_kernels_that_are_nearly_products(
    size: tuple[int, int], dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    """Refused, or within both bounds: a tap that is off by roundings of itself or of the largest, or all of them."""
    u, taken = np.finfo(dtype).eps / 2, 0
    makes: list[Any] = [lambda k: np.exp(-np.linspace(-3, 3, k) ** 2), lambda k: np.exp(-np.linspace(-9, 9, k) ** 2),
                        rng.standard_normal, lambda k: rng.standard_normal(k) * 10.0 ** rng.integers(-30, 3, k),
                        lambda k: np.exp(-np.linspace(0, 98, k))]  # fmt: skip
    for make, amount, way in itertools.product(makes, (0, 15, 100, 1000), range(3)):
        factors = [make(k) for k in size]
        if dtype.kind == "c":
            factors = [f * np.exp(2j * np.pi * rng.random(f.size)) for f in factors]
        h = outer(factors, dtype)
        place = tuple(int(rng.integers(0, k)) for k in size)
        if way < 2:
            h[place] += amount * u * (h[place] if way else np.abs(h).max())
        else:
            h = (h * (1 + amount * u * rng.uniform(-1, 1, h.shape))).astype(dtype)
        shape = tuple(k + 7 for k in size)
        impulse = np.zeros(shape, dtype)
        impulse[5, 5] = 1
        for x in (noise(rng, shape, dtype) if way else np.ones(shape, dtype), impulse):
            try:
                got = convcorr.convolve(x, h, "same", method="separable")
            except ValueError:
                continue
            taken += 1
            assert_near(got, ("convolve", x, h, "same"), (amount, way))
            assert_within(got, gathered("convolve", x, h, "same"), f"{amount} {way}")
    assert taken > 10  # tails that are worth less count for real taps only


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_overflows_on_the_way_does_not_in_the_end(order: Any) -> None:
    """A mean of the largest numbers is finite. (A sum along one axis that overflows is infinite, and stays so.)"""
    bell, box = np.exp(-(np.linspace(-4, 4, 13) ** 2)), np.ones(13)
    column = np.where(np.arange(300) == 150, 2e37, 0) * np.ones((200, 1))
    cases = [
        (np.full((200, 300), 3e38), np.full((15, 15), 1 / 225)),
        (column, outer([box, bell], "f8")),
        (column.T, outer([bell, box], "f8")),
    ]
    for number, (data, taps) in enumerate(cases):
        x, h = data.astype("f4", order=order), taps.astype("f4")
        assert convcorr.explain(x, h, "same").algorithm == "separable"
        want = gathered("convolve", x, h, "same")
        assert_within(convcorr.convolve(x, h, "same"), want, f"case {number}")


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8")], ids=str)
def test_nan_and_infinity_reach_what_they_reach_directly(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Through zero taps, from opposite infinities in one window, over every border; the same kinds, NaN or infinity."""
    for number, boundary in itertools.product(range(25), oracle.BOUNDARIES):
        x = noise(rng, (24, 40), dtype)
        h = outer([rng.integers(-2, 3, k) for k in rng.integers(2, 6, 2)], dtype)
        places = tuple(rng.integers(0, n, 1 + number % 3) for n in x.shape)
        x[places] = rng.choice([np.nan, np.inf, -np.inf], places[0].size)
        with np.errstate(invalid="ignore"):
            for order, mode in itertools.product("CF", ("same", "full")):
                laid = np.asarray(x, order=order)  # type: ignore[call-overload]
                got, want = (
                    convcorr.convolve(laid, h, mode, boundary=boundary, method=m)
                    for m in ("separable", "direct")  # type: ignore[call-overload]
                )
                np.testing.assert_array_equal(kinds(got), kinds(want), err_msg=f"{h} {mode} {boundary} {order}")
    big = gaussian(6, 2).astype(dtype)
    x = noise(rng, (90, 120), dtype)
    x[40, 50], x[44, 52], x[80, 3] = np.inf, -np.inf, np.nan
    assert convcorr.explain(x, big, "same").algorithm == "separable"
    np.testing.assert_array_equal(*(kinds(convcorr.convolve(x, big, "same", method=m)) for m in ("auto", "direct")))  # type: ignore[call-overload]


def test_taps_that_vanished_see_an_infinity_as_zeros_do() -> None:
    """A Gaussian's corners are zeros in float32, its edges aren't: a zero tap under an infinity is NaN."""
    x = np.zeros((100, 120), "f4")
    x[50, 60] = np.inf
    for sigma in (1.5, 2, 2.5, 3):
        h = gaussian(30, sigma, "f4")
        h /= h.sum()
        got, want = (kinds(convcorr.convolve(x, h, "same", method=m)) for m in ("auto", "direct"))  # type: ignore[call-overload]
        np.testing.assert_array_equal(got, want, err_msg=f"sigma {sigma}")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_taps_that_are_not_finite_are_no_product(bad: float, dtype: str, rng: np.random.Generator) -> None:
    x, smooth = noise(rng, (90, 120), dtype), gaussian(6, 2).astype(dtype)
    for place in ((0, 0), (6, 6), (3, 12)):
        h = smooth.copy()
        h[place] = bad
        for taps in (h, np.full_like(h, bad)):
            assert convcorr.explain(x, taps, "same").algorithm != "separable"
            with pytest.raises(ValueError, match="outer product"):
                convcorr.convolve(x, taps, "same", method="separable")
            got, want = (kinds(convcorr.convolve(x, taps, "same", method=m)) for m in ("auto", "direct"))  # type: ignore[call-overload]
            np.testing.assert_array_equal(got, want)


def test_no_type_is_left_out() -> None:
    assert {*FAST, np.dtype(bool), np.dtype("g"), np.dtype("G")} == set(DTYPES)
