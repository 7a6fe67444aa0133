"""convcorr.scipy.ndimage is scipy.ndimage: results, dtypes, shapes and errors are compared with SciPy itself."""

from __future__ import annotations

import importlib.metadata
import inspect
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import convcorr
from convcorr.scipy import ndimage as ours

theirs = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
NEWEST = np.lib.NumpyVersion(importlib.metadata.version("scipy")) >= "1.17.0"
pytestmark = pytest.mark.skipif(not NEWEST, reason="an older SciPy, with other arguments")

MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]
SHAPES = [(7,), (1,), (6, 9), (2, 1), (3, 4, 5), (40, 33)]
INTEGERS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2"]
FLOATS = ["f4", "f8", ">f8", "c8", "c16"]
SEPARABLE: dict[str, tuple[Any, ...]] = {
    "gaussian_filter": (1.3,),
    "gaussian_filter1d": (1.3,),
    "uniform_filter": (3,),
    "uniform_filter1d": (4,),
    "sobel": (),
    "prewitt": (),
    "laplace": (),
    "gaussian_laplace": (0.8,),
    "gaussian_gradient_magnitude": (1.0,),
}
over_dtypes = pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
over_separable = pytest.mark.parametrize("name", SEPARABLE)


def data(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if kind in "iu":
        return rng.integers(-100 if kind == "i" else 0, 128, shape).astype(dtype)
    imaginary = 1j * rng.standard_normal(shape) if kind == "c" else 0
    return (rng.standard_normal(shape) + imaginary).astype(dtype)


def both(name: str, *arguments: Any, **keywords: Any) -> tuple[Any, Any]:
    got, want = (getattr(module, name)(*arguments, **keywords) for module in (ours, theirs))
    return got, want


def assert_same(got: np.ndarray[Any, Any], want: np.ndarray[Any, Any], what: Any = "", scale: float = 1) -> None:
    """Integers and bool to the bit: the same order of sums, truncation and wrapping. Floats to their rounding.

    The scale is of the terms that a sum adds, which may cancel.
    """
    assert got.dtype == want.dtype, what
    assert got.shape == want.shape, what
    if got.dtype.kind in "biu":
        np.testing.assert_array_equal(got, want.astype("?") if want.dtype == bool else want, err_msg=str(what))
    else:
        finite = np.abs(want[np.isfinite(want)])
        tolerance = 50 * np.finfo(got.dtype).eps * max(scale, np.max(finite, initial=0))
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance, err_msg=str(what))


def random_kernels(rng: np.random.Generator, k: int) -> list[np.ndarray[Any, Any]]:
    """Of any taps, of whole ones, symmetric, antisymmetric."""
    any_taps = rng.standard_normal(k)
    return [any_taps, rng.integers(-3, 4, k).astype(float), any_taps + any_taps[::-1], any_taps - any_taps[::-1]]


def test_signatures_are_scipys() -> None:
    for name in ours.__all__:
        got, want = (inspect.signature(getattr(module, name)).parameters.values() for module in (ours, theirs))
        assert [(p.name, p.kind) for p in got] == [(p.name, p.kind) for p in want], name
        for mine, other in zip(got, want, strict=True):
            assert mine.default == other.default or (not mine.default and mine.default == ()), f"{name} {mine}"


@over_dtypes
def test_one_axis(dtype: str, rng: np.random.Generator) -> None:
    outputs = [None, "f8", np.float32, np.int16, "u1", bool]
    for shape, mode, k in itertools.product(SHAPES, MODES, (1, 2, 3, 5, 8)):
        x = data(rng, shape, dtype)
        for weights, axis in itertools.product(random_kernels(rng, k), range(len(shape))):
            origin = int(rng.integers(-(k // 2), (k - 1) // 2 + 1))
            output = outputs[rng.integers(len(outputs))] if x.dtype.kind != "c" else None
            cval = 1.5 if x.dtype.kind != "c" else 1.5 - 1j
            for name in ("correlate1d", "convolve1d"):
                place = origin if name == "correlate1d" else -origin - (k + 1) % 2
                keywords = {"output": output, "mode": mode, "cval": cval, "origin": place}
                scale = np.max(np.abs(x)) * np.sum(np.abs(weights))
                assert_same(*both(name, x, weights, axis, **keywords), (name, shape, weights, axis, keywords), scale)


@over_dtypes
def test_kernels_of_any_axes(dtype: str, rng: np.random.Generator) -> None:
    for shape, mode in itertools.product(SHAPES, MODES):
        x = data(rng, shape, dtype)
        for _ in range(3):
            size = tuple(rng.integers(1, 5, len(shape)))
            weights = rng.standard_normal(size) * (rng.random(size) < 0.7)
            origins = [int(rng.integers(-((k - 1) // 2), (k - 1) // 2 + 1)) for k in size]
            for name in ("correlate", "convolve"):
                keywords = {"mode": mode, "cval": -2.5, "origin": origins}
                assert_same(*both(name, x, weights, **keywords), (name, shape, weights, keywords))
                complex_weights = weights + 1j * rng.standard_normal(size)
                assert_same(*both(name, x, complex_weights, **keywords), (name, shape, complex_weights, keywords))


@over_separable
@over_dtypes
def test_filters_axis_by_axis(name: str, dtype: str, rng: np.random.Generator) -> None:
    for shape, mode in itertools.product(SHAPES, MODES):
        x = data(rng, shape, dtype)
        with np.errstate(invalid="ignore"):  # roots of what wrapped below zero
            got, want = both(name, x, *SEPARABLE[name], mode=mode, cval=1.25)
        assert_same(got, want, (name, shape, mode))


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "f4", "f8"])
def test_ramps_and_constants(dtype: str) -> None:
    """Where sums are whole numbers in theory, an integer's truncation shows the order in which they were taken."""
    for x in (np.arange(120).reshape(10, 12).astype(dtype), np.full((9, 11), 100, dtype)):
        for sigma in (0.5, 1, 1.7, 3):
            assert_same(*both("gaussian_filter", x, sigma))
        for size in (2, 3, 5, 7):
            assert_same(*both("uniform_filter", x, size))
        weights = np.full((3, 3), 1 / 9)
        assert_same(*both("convolve", x, weights))
        assert_same(*both("correlate1d", x, [0.1, 0.2, 0.3, 0.4]))


def test_what_does_not_fit_wraps_as_in_scipy() -> None:
    x = np.array([0, 0, 9, 0, 0], np.uint8)
    np.testing.assert_array_equal(ours.correlate1d(x, [-1, 0, 1]), [0, 9, 0, 247, 0])
    values = np.array([1e3, -1e3, 3e9, -3e9, 1e19, -1e19, 1e30, 2.5, -2.5, -0.5])
    for dtype in INTEGERS[:-1]:
        assert_same(*both("correlate1d", values, [1.0], output=np.dtype(dtype)), dtype)
        assert_same(*both("correlate1d", values, [0.3, 0.5], output=np.dtype(dtype)), dtype)


@over_separable
def test_axes_and_values_for_each(name: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((6, 7, 8))
    if name.endswith("1d"):
        for axis in range(-3, 3):
            assert_same(*both(name, x, *SEPARABLE[name], axis=axis))
        return
    modes = ["nearest", "wrap", "constant"]
    assert_same(*both(name, x, *SEPARABLE[name], mode=modes))
    if name in ("sobel", "prewitt"):
        return
    for axes in ((0,), (2, 0), -1, (), (0, 1, 2)):
        assert_same(*both(name, x, *SEPARABLE[name], axes=axes), axes)
    assert_same(*both(name, x, *SEPARABLE[name], axes=(2, 0), mode=modes[:2]))
    if name == "uniform_filter":
        assert_same(*both(name, x, (3, 1, 4), origin=(1, 0, -1)))
    if name == "gaussian_filter":
        assert_same(*both(name, x, (1, 0, 2), order=(1, 0, 2), radius=(3, 4, 5)))
    if name.startswith("gaussian"):
        sigma = (0.5, 1, 2) if name != "gaussian_gradient_magnitude" else 2
        assert_same(*both(name, x, sigma, truncate=2.0))


def test_generic_filters_call_what_they_are_given(rng: np.random.Generator) -> None:
    def derivative(x: Any, axis: int, output: Any, mode: str, cval: float, scale: float, *, shift: int) -> Any:  # noqa: PLR0917
        return theirs.correlate1d(x, [-scale, shift, scale], axis, output, mode, cval, 0)

    x = rng.standard_normal((5, 6))
    for name in ("generic_laplace", "generic_gradient_magnitude"):
        assert_same(
            *both(name, x, derivative, extra_arguments=(2.0,), extra_keywords={"shift": 1}, mode=["wrap", "mirror"])
        )


@pytest.mark.parametrize("layout", ["F", "reversed", "strided", "read-only", "unaligned"])
def test_layouts(layout: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((12, 14))
    if layout == "F":
        x = np.asfortranarray(x)
    elif layout == "reversed":
        x = x[::-1, ::-1]
    elif layout == "strided":
        x = x[::2, 1::3]
    elif layout == "read-only":
        x.setflags(write=False)
    else:
        raw = np.zeros(x.nbytes + 1, np.uint8)[1:]
        raw[:] = x.view(np.uint8).ravel()
        x = raw.view(np.float64).reshape(x.shape)
    weights = rng.standard_normal((3, 4))
    assert_same(*both("correlate", x, weights))
    for name, arguments in SEPARABLE.items():
        assert_same(*both(name, x, *arguments), name)


@pytest.mark.parametrize("name", [*SEPARABLE, "correlate", "convolve", "correlate1d", "convolve1d"])
def test_outputs_of_every_kind(name: str, rng: np.random.Generator) -> None:
    """Arrays of any layout; the input itself; what overlaps it."""
    x = data(rng, (9, 10), "f4")
    arguments = SEPARABLE.get(name) or (
        () if name in SEPARABLE else (rng.standard_normal((3, 3)[: 2 - ("1d" in name)]),)
    )
    want = getattr(ours, name)(x, *arguments)
    for layout in (np.zeros(x.shape, "f4"), np.zeros(x.shape, "f4", order="F"), np.zeros((9, 20), "f4")[:, ::-2],
                   np.zeros(x.shape, ">f4")):  # fmt: skip
        assert getattr(ours, name)(x, *arguments, output=layout) is layout
        np.testing.assert_array_equal(layout, want)
    same = x.copy()
    assert getattr(ours, name)(same, *arguments, output=same) is same
    np.testing.assert_array_equal(same, want)
    base = np.zeros((9, 12), "f4")
    base[:, :10] = x
    getattr(ours, name)(base[:, :10], *arguments, output=base[:, 2:])
    np.testing.assert_array_equal(base[:, 2:], want)


def outcome(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **keywords)
            described: Any = (result.dtype.str, np.round(result, 6).tolist())
        except Exception as error:
            described = error
    return described, [f"{w.category.__name__}: {w.message}" for w in caught]


X, Y = np.arange(6.0), np.eye(3)
READ_ONLY = np.zeros(6)
READ_ONLY.setflags(write=False)
UNUSUAL: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *(("correlate1d", (X.astype(d), [1, 2]), {}) for d in ("e", "g", "O", "G", "F", "D")),
    *(("correlate", (X.astype(d), [1, 2]), {}) for d in ("e", "g", "O", "G", "F", "D")),
    *(("uniform_filter", (X.astype(d), 3), {}) for d in ("e", "g", "O", "F")),
    *(("gaussian_filter", (X.astype(d), 1), {}) for d in ("e", "g", "O", "F")),
    *(("correlate1d", (X, np.array([1, 2], d)), {}) for d in ("e", "g", "O", "?", "b", ">f8")),
    *(("correlate1d", (X, [1, 2]), {"output": np.zeros(6, d)}) for d in ("e", "g", "D", "?", ">i4")),
    *(("correlate", (X, [1, 2]), {"output": o}) for o in ("float32", "bool", bool, int, "F", np.zeros(5), READ_ONLY)),
    *(("correlate", (X, [1, 2j]), {"output": o})
      for o in (None, "float32", np.float32, "F", np.zeros(6), np.zeros(6, "F"))),
    *(("correlate1d", (X, [1, 2j, 1]), {"mode": "constant", "cval": c}) for c in (1, 1j)),
    *(("correlate1d", (X + 1j, w), {"mode": "constant", "cval": 1 + 2j}) for w in ([1, 2, 3], [1, 2j, 3], [1j])),
    *(("correlate1d", (X, [1, 2, 3]), {"mode": m}) for m in ("foo", ["reflect"], None, 3, b"reflect")),
    *(("correlate1d", (X, [1, 2, 3]), {"axis": a}) for a in (1, -2, None, 0.0, (0,), np.int64(0))),
    *(("correlate1d", (X, [1, 2, 3]), {"origin": o}) for o in (2, -2, 1.0, None, (0,), np.int64(1), True)),
    *(("correlate1d", (X, [1, 2, 3]), {"cval": c, "mode": "constant"})
      for c in (1j, "a", None, np.float32(2), 3, True)),
    *(("convolve1d", (X, [1, 2, 3, 4]), {"origin": o}) for o in (-2, 1, 2, -3)),
    *(("correlate", (X, w), {}) for w in ([], [[1, 2]], 3, ["a"], [1, 2])),
    *(("correlate1d", (X, w), {}) for w in ([], [[1]], 3)),
    *(("correlate", (Y, Y), {"mode": m}) for m in ("foo", ["reflect", "wrap"], None)),
    *(("convolve", (Y, np.ones((2, 3))), {"origin": o}) for o in (1, -1, (0, 1), [-1, 0], (0,), (1, 2), 0.5)),
    *(("correlate", (Y, [1, 2]), {"axes": a, "origin": 0}) for a in (0, 1, (1,), -1, (0, 1), 2, (0, 0), "a", 1.5)),
    ("correlate", (np.float64(3), np.float64(2)), {}), ("correlate", (np.zeros((0, 3)), np.ones((1, 1))), {}),
    ("correlate1d", (np.zeros((0, 3)), [1, 2]), {}), ("correlate1d", (np.float64(3), [1]), {}),
    *(("uniform_filter1d", (X, s), {}) for s in (0, -1, 1, 2.5, 3.0, np.int64(3), True, 100)),
    *(("uniform_filter", (X, s), {}) for s in (0, 1, 2.7, (3,), (3, 3), np.int64(3))),
    *(("uniform_filter", (Y, 3), {"origin": o}) for o in (2, (1, -1), (1,), (2, 0))),
    *(("uniform_filter1d", (X, 3), {"origin": o}) for o in (2, -2, 1)),
    *(("gaussian_filter", (Y, s), {})
      for s in (-1, 0, (1, 2), (1, 2, 3), np.float32(1.1), np.array(2.0), "a", None)),
    *(("gaussian_filter", (Y, 1), k) for k in (
        {"order": -1}, {"order": (0, 1)}, {"mode": ["reflect"]}, {"radius": -1}, {"truncate": -1}, {"radius": 2},
        {"radius": (1, 2)}, {"axes": (0, 0)}, {"axes": 5},
    )),
    *(("gaussian_filter1d", (X, 1), {"radius": r}) for r in (1.5, -1, 0, 3, np.int32(2))),
    ("gaussian_filter1d", (X, 0), {}),
    *(("sobel", (Y,), k)
      for k in ({"axis": 2}, {"axis": 0.5}, {"mode": "foo"}, {"mode": ["wrap", "mirror"]}, {"mode": ["wrap"]})),
    ("sobel", (np.float64(3),), {}), ("laplace", (np.float64(2),), {}),
    ("laplace", (Y,), {"mode": ["wrap", "nearest"]}),
    ("laplace", (Y > 0,), {}), ("laplace", (Y.tolist(),), {}), ("correlate1d", ([True, False], [1, 1]), {}),
    ("correlate1d", (np.ma.array([1, 2, 3], mask=[0, 1, 0]), [1, 2]), {}),
    ("correlate", (np.array(["a"]), [1]), {}),
    ("correlate1d", (X, [1, 2]), {"output": [0] * 6}),
    ("gaussian_laplace", (Y, (1, 2)), {}), ("gaussian_laplace", (Y, (1,)), {}),
    ("gaussian_gradient_magnitude", (Y, 1), {"truncate": 1.0}),
    ("gaussian_laplace", (Y, 1), {"axes": 0, "mode": "wrap"}),
]  # fmt: skip


def is_output(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.flags.writeable


@pytest.mark.parametrize("case", UNUSUAL, ids=lambda c: f"{c[0]}-{c[1][1:]}-{c[2]}"[:80])
def test_unusual_arguments(case: tuple[str, tuple[Any, ...], dict[str, Any]]) -> None:
    name, arguments, keywords = case
    owned = [{k: v.copy() if is_output(v) else v for k, v in keywords.items()} for _ in range(2)]
    got, want = (outcome(getattr(m, name), *arguments, **k) for m, k in zip((ours, theirs), owned, strict=True))
    if isinstance(want[0], Exception):  # NumPy's AxisError is an IndexError and a ValueError, too
        assert isinstance(got[0], type(want[0])), f"{got[0]!r}, SciPy {want[0]!r}"
        got, want = got[1:], want[1:]
    assert got == want


def test_zero_taps_let_no_nan_through() -> None:
    """As in SciPy: N-D kernels read nothing under a zero. Along one axis it spreads, in both."""
    x = np.zeros((30, 30))
    x[12, 17], x[3, 3] = np.nan, np.inf
    cross = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0.0]])
    ring = np.pad(np.zeros((9, 9)), 1, constant_values=1.0)
    with np.errstate(invalid="ignore"):
        for weights in (cross, ring, cross[:, :2]):
            for dtype in (np.float32, np.float64):
                assert_same(*both("correlate", x.astype(dtype), weights))
                assert_same(*both("convolve", x[2:7, 1:8].astype(dtype), weights))
        assert_same(*both("correlate1d", x, [1, 0, -1]))
        assert_same(*both("sobel", x))


def test_a_nan_stays_in_its_window() -> None:
    """Better than SciPy, whose running sums carry it to the end of the line; and no tap is too small to count."""
    x = np.arange(20.0)
    x[5] = np.nan
    got = ours.uniform_filter1d(x, 3)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(got)), [4, 5, 6])
    np.testing.assert_allclose(got[7:19], np.arange(7.0, 19))
    np.testing.assert_array_equal(ours.correlate(np.ones(5), [1e-20, 0, 0]), np.full(5, 1e-20))


def test_threads_do_not_change_a_bit(rng: np.random.Generator) -> None:
    for dtype in ("f4", "f8", "u1"):
        x = data(rng, (300, 500), dtype)
        for name, arguments in (*SEPARABLE.items(), ("correlate", (rng.standard_normal((5, 6)),))):
            results = []
            for threads in (1, 2):
                with convcorr.num_threads(threads):
                    results.append(getattr(ours, name)(x, *arguments))
            np.testing.assert_array_equal(*results, err_msg=name)


def test_large_arrays(rng: np.random.Generator) -> None:
    """Through jobs, strips, and lines that are read in place."""
    for dtype, shape in itertools.product(("u1", "i4", "f4", "f8"), ((300, 700), (5, 130, 90), (4000,), (90, 70, 3))):
        x = data(rng, shape, dtype)
        for axis in range(len(shape)):
            for weights in random_kernels(rng, 7):
                got, want = both("correlate1d", x, weights, axis)
                if got.dtype.kind in "iu":
                    np.testing.assert_array_equal(got, want)
                else:
                    np.testing.assert_allclose(got, want, atol=3e-5 if dtype == "f4" else 1e-13)
        assert_same(*both("gaussian_filter", x, 2))
        assert_same(*both("uniform_filter", x, 5))


def test_kernels_long_enough_for_a_transform(rng: np.random.Generator) -> None:
    """Where a transform is the faster way, it keeps the rounding and the footprint of a NaN; zero taps see nothing."""
    line, image = rng.standard_normal(30_000), rng.standard_normal((300, 320))
    line[7_000] = image[40, 50] = np.nan
    disc = np.add.outer(np.arange(-15, 16) ** 2, np.arange(-15, 16) ** 2) <= 225
    for dtype in (np.float32, np.float64):
        tolerance = 100 * np.finfo(dtype).eps
        x, y = line.astype(dtype), image.astype(dtype)
        for name, arguments in (
            ("gaussian_filter", (x, 100)),
            ("correlate1d", (x, np.hanning(900) / 450)),
            ("correlate", (y, np.ones((31, 31)) / 961)),
            ("convolve", (y, disc / np.sum(disc))),
            ("correlate", (np.nan_to_num(y), disc / np.sum(disc))),
        ):
            got, want = both(name, *arguments)
            np.testing.assert_allclose(got, want, rtol=0, atol=tolerance, err_msg=name)


def test_a_laplacian_of_many_axes() -> None:
    """More than the engine takes at once: axis by axis."""
    x = np.zeros((2,) * 17)
    x.flat[0] = 1
    assert_same(*both("laplace", x))
