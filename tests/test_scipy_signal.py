"""convcorr.scipy.signal is scipy.signal: results, shapes, dtypes and errors are compared with SciPy itself."""

from __future__ import annotations

import inspect
import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcorr
from layouts import DTYPES, LAYOUTS, small_integers
from like_scipy import BAD_NAMES, MODES, assert_like_scipy, ours, outcome, theirs
from subprocesses import output_of

METHODS = ["auto", "direct", "fft"]

each_slide = pytest.mark.parametrize("name", ["convolve", "correlate"])
each_transform = pytest.mark.parametrize("name", ["fftconvolve", "oaconvolve"])

SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((7,), (3,)), ((7,), (4,)), ((8,), (3,)), ((8,), (4,)), ((3,), (8,)), ((4,), (7,)), ((5,), (5,)), ((1,), (4,)),
    ((6,), (1,)), ((5, 6), (2, 3)), ((2, 3), (5, 6)), ((5, 3), (2, 6)), ((4, 4), (4, 4)), ((1, 6), (3, 1)),
    ((4, 3, 5), (2, 3, 2)), ((2, 2, 2), (3, 2, 4)),
]  # fmt: skip


@each_slide
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_pair_of_dtypes(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for other, mode, method, (n, k) in itertools.product(
        DTYPES, MODES, ("auto", "direct"), (((7,), (4,)), ((4,), (7,)), ((4, 5), (2, 2)))
    ):
        assert_like_scipy(name, small_integers(rng, n, dtype), small_integers(rng, k, other), mode, method)


@each_slide
@pytest.mark.parametrize("dtype", ["i2", "u1", "f4", "f8", "c8", "c16"])
def test_every_shape_mode_and_method(name: str, dtype: str, rng: np.random.Generator) -> None:
    for (n, k), mode, method in itertools.product(SHAPES, MODES, METHODS):
        assert_like_scipy(name, small_integers(rng, n, np.dtype(dtype)), small_integers(rng, k, np.dtype(dtype)),
                          mode, method)  # fmt: skip


@each_slide
def test_every_small_size_and_swap(name: str, rng: np.random.Generator) -> None:
    data, kernel = small_integers(rng, (14,), np.dtype("c16")), small_integers(rng, (14,), np.dtype("c16"))
    for n, k, mode, method in itertools.product(range(1, 15), range(1, 15), MODES, ("auto", "direct")):
        assert_like_scipy(name, data[:n], kernel[:k], mode, method)


@each_slide
@pytest.mark.parametrize("dtype", ["i4", "f4", "f8", "c16"])
def test_large_arrays_where_both_transform(name: str, dtype: str, rng: np.random.Generator) -> None:
    for (n, k), mode in itertools.product((((9000,), (700,)), ((400,), (5000,)), ((100, 90), (41, 30))), MODES):
        assert_like_scipy(name, small_integers(rng, n, np.dtype(dtype)), small_integers(rng, k, np.dtype(dtype)), mode)


@each_slide
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(name: str, layout: str, rng: np.random.Generator) -> None:
    for dtype in (np.dtype("f4"), np.dtype("i2"), np.dtype("c16")):
        a, v = (LAYOUTS[layout](small_integers(rng, (n,), dtype)) for n in (20, 6))
        assert_like_scipy(name, a, v, "same")
        assert_like_scipy(name, v, a, "full")


UNUSUAL: list[tuple[Any, Any]] = [
    (5, 2), (5, 2.5), (np.float32(2), 3j), (True, True), (5, [1, 2]), ([1, 2], 5), ([[1, 2]], [1, 2]), ([], [1]),
    ([1], []), ([], []), (np.zeros(0, int), [1, 2]), ([1.5], np.zeros(0)), ([1, 2, 3], (4, 5.5)), (range(6), [1, 2]),
    ([Decimal(1), Decimal(2), Decimal(3)], [Decimal(2), Decimal(5)]), (np.array([1, 2, 3], object), [1, 2]),
    (np.array([[1, 2], [3, 4]], object), [[1, 2]]), (["a", "b"], ["c"]), (None, [1]), (None, None),
    (np.array([1, 2, 3], ">i4"), np.array([1, 2], ">i4")), (np.array([1.5, 2], ">f8"), [1, 2]),
    (np.ma.masked_array([1, 2, 3], [False, True, False]), [1, 2]),
    (np.arange(4).reshape(2, 2).view(np.matrix), [[1, 2]]),
    (memoryview(b"abc"), [1, 2]), (np.iinfo(np.int64).max, 2.0), ([2**62, 3], [2, 2]),
    ([1, 2, 3], [1.0, np.nan]), ([np.inf, 1.0], [1, 2]), ([1.0, np.nan, 2], [1.0, 2]), ([1, 2], [1e308, 1e308]),
    (np.ones((2, 3, 1, 2)), np.ones((2, 1, 1, 2))), (np.ones((2, 2), "m8[s]").view("i8"), [[2]]),
]  # fmt: skip


@each_slide
@pytest.mark.parametrize(("a", "v"), UNUSUAL, ids=repr)
def test_unusual_operands(name: str, a: Any, v: Any) -> None:
    for mode, method in itertools.product(MODES, ("auto", "direct")):
        assert_like_scipy(name, a, v, mode, method)
    assert_like_scipy(name, a, v)
    assert_like_scipy(name, in2=v, in1=a)


@each_slide
@pytest.mark.parametrize("word", BAD_NAMES, ids=repr)
def test_modes_and_methods_that_are_none(name: str, word: Any) -> None:
    for a, v in (([1.0, 2, 3], [1.0, 2]), ([[1, 2], [3, 4]], [[3, 4]])):
        for method in ("auto", "direct"):
            mine, peers = (outcome(getattr(module, name), a, v, word, method) for module in (ours, theirs))
            assert str(mine).partition("full'")[0] == str(peers).partition("full'")[0]
        assert_like_scipy(name, a, v, "full", word)


def test_signatures() -> None:
    for name in ours.__all__:
        if name != "sepfir2d":  # a builtin without one
            assert str(inspect.signature(getattr(ours, name))).replace(": ", "").count("=") > 0
            mine, peers = (inspect.signature(getattr(module, name)).parameters for module in (ours, theirs))
            assert [(p.name, p.kind, p.default) for p in mine.values()] == [
                (p.name, p.kind, p.default) for p in peers.values()
            ]


def test_integers_are_exact_where_a_transform_is_asked_for(rng: np.random.Generator) -> None:
    a, v = rng.integers(-(2**40), 2**40, 500), rng.integers(-(2**20), 2**20, 300)
    np.testing.assert_array_equal(ours.convolve(a, v, method="fft"), np.convolve(a, v))
    np.testing.assert_array_equal(ours.correlate(a, v, method="fft"), np.correlate(a, v, "full"))


def test_nan_stays_in_its_window_and_fft_warns() -> None:
    x = np.ones(1000)
    x[500] = np.nan
    with pytest.warns(RuntimeWarning, match="Use of fft convolution"):
        y = ours.convolve(x, np.ones(200), mode="same", method="fft")
    assert np.isnan(y).sum() == 200
    assert np.isnan(ours.fftconvolve(x, np.ones(200))).sum() == 200
    assert not np.isnan(ours.convolve(np.where(np.isnan(x), 0, x), np.ones(200))).any()


# fftconvolve and oaconvolve

AXES: list[Any] = [None, 0, 1, -1, (0, 1), [1, 0], (0, 0), (0, -2), 2, -3, (), "a", 1.0, (0, 2), (1.5,), np.array([0]),
                   True, [[0]], np.int8(1)]  # fmt: skip


@each_transform
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_transforms_of_every_pair_of_dtypes(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for other, mode, (n, k) in itertools.product(DTYPES, MODES, (((9,), (4,)), ((2, 5), (2, 1)), ((1, 5), (4, 1)))):
        assert_like_scipy(name, small_integers(rng, n, dtype), small_integers(rng, k, other), mode)


@each_transform
@pytest.mark.parametrize("axes", AXES, ids=repr)
def test_axes_that_broadcast(name: str, axes: Any, rng: np.random.Generator) -> None:
    shapes = [((1, 100), (7, 10)), ((7, 10), (1, 100)), ((7, 10), (7, 3)), ((6, 1), (1, 5)), ((3, 8), (3, 8)),
              ((5, 5), (4, 3)), ((1, 1), (4, 3)), ((4, 3), (1, 1)), ((0, 3), (2, 3)), ((8, 2), (3, 1))]  # fmt: skip
    for (n, k), mode, dtype in itertools.product(shapes, [*MODES, "f", 2], ("f8", "i4", "c8")):
        assert_like_scipy(name, small_integers(rng, n, np.dtype(dtype)), small_integers(rng, k, np.dtype(dtype)),
                          mode, axes)  # fmt: skip


@each_transform
@pytest.mark.parametrize(("a", "v"), UNUSUAL, ids=repr)
def test_transforms_of_unusual_operands(name: str, a: Any, v: Any) -> None:
    tame = all((np.abs(np.asarray(o, float)) < 1e300).all() for o in (a, v) if np.asarray(o).dtype.kind == "f")
    for mode in MODES if tame else ():  # elsewhere SciPy's transforms spread NaN
        assert_like_scipy(name, a, v, mode)


def test_one_hundred_by_seven() -> None:
    assert ours.fftconvolve(np.ones((1, 100)), np.ones((7, 10)), "same", axes=1).shape == (1, 100)


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3),
    st.sampled_from(MODES), st.sampled_from(["convolve", "correlate", "fftconvolve", "oaconvolve"]),
    st.tuples(st.sampled_from("bHifdFD"), st.sampled_from("bHifdFD")),
)  # fmt: skip
def test_any_shapes(sizes: list[tuple[int, int]], mode: str, name: str, types: tuple[str, str]) -> None:
    rng = np.random.default_rng(0)
    first, second = (
        small_integers(rng, shape, np.dtype(t)) for shape, t in zip(zip(*sizes, strict=True), types, strict=True)
    )
    assert_like_scipy(name, first, second, mode)


# correlation_lags, choose_conv_method


def test_lags() -> None:
    for n, k, mode in itertools.product(range(8), range(8), [*MODES, "f", 2, None]):
        assert_like_scipy("correlation_lags", n, k, mode)
    assert_like_scipy("correlation_lags", 3.0, 2.0)
    assert_like_scipy("correlation_lags", "a", 2)
    assert ours.correlation_lags(5, 4, "same")[0] == -1  # SciPy's, one too many


def test_choice() -> None:
    sizes = [((n,), (k,)) for n, k in itertools.product((1, 10, 100, 5000, 60000), repeat=2)]
    sizes += [((n, n), (k, k)) for n, k in itertools.product((1, 5, 50, 300), repeat=2)]
    for (n, k), mode, dtype in itertools.product(sizes, [*MODES, 2], ("?", "u1", "i8", "f2", "f4", "D", "O")):
        a, v = np.ones(n, dtype), np.ones(k, dtype)
        assert_like_scipy("choose_conv_method", a, v, mode)
    assert_like_scipy("choose_conv_method", np.full(500, 2**26), np.full(500, 2**26))
    assert_like_scipy("choose_conv_method", np.full(900000, 2**15), np.full(900000, 2**15))
    method, times = ours.choose_conv_method(np.ones(8), np.ones(6), measure=True)
    assert set(times) == {"fft", "direct"}
    assert method == min(times, key=times.__getitem__)


# What it stands on


def test_importing_the_package_imports_neither_scipy_nor_this_module() -> None:
    assert output_of(
        """
        import sys
        import convcorr
        print([name for name in sys.modules if name.split(".")[0] == "scipy" or name.startswith("convcorr.scipy")])
        """
    ) == "[]"  # fmt: skip


def test_ordinary_calls_never_import_scipy() -> None:
    assert output_of(
        """
        import sys
        import numpy as np
        import convcorr.scipy.signal as signal
        a, v, image = np.ones(50), np.ones(7), np.ones((9, 9), np.uint8)
        for function in (signal.convolve, signal.correlate, signal.fftconvolve, signal.oaconvolve):
            function(a, v), function(image, image[:2]), function(np.ones(5, np.float16), v)
        signal.convolve2d(image, image), signal.correlate2d(image, image[:2, :2], "same", "wrap")
        signal.sepfir2d(a.reshape(5, 10), v, v), signal.choose_conv_method(a, v), signal.correlation_lags(5, 3)
        print([name for name in sys.modules if name.split(".")[0] == "scipy"])
        """
    ) == "[]"  # fmt: skip


def test_without_scipy() -> None:
    assert output_of(
        """
        import sys
        for name in ("scipy", "scipy.signal"):
            sys.modules[name] = None
        import numpy as np
        import convcorr.scipy.signal as signal
        print(signal.convolve([1, 2, 3], [0, 1, 0.5]).tolist())
        print(signal.correlate(np.arange(3, dtype=np.longdouble), [1, 1]).dtype == np.longdouble)
        print(signal.fftconvolve(np.ma.masked_array([1, 2], [True, False]), [1, 1]).tolist())
        for function in (signal.convolve, signal.correlate, signal.fftconvolve, signal.oaconvolve):
            try:
                function(np.array([1, 2, 3], object), [1, 2])
            except TypeError as error:
                print(error)
        """
    ).splitlines() == [
        "[0.0, 1.0, 2.5, 4.0, 1.5]", "True", "[1.0, 3.0, 2.0]",
        *["in1 must be numeric, got object (which SciPy, not installed here, may take)"] * 4,
    ]  # fmt: skip


def test_object_arrays_reach_scipys_own_functions_though_ours_stand_in_their_place() -> None:
    """As a program would patch them by hand, before anything was asked of SciPy."""
    assert output_of(
        """
        import convcorr.scipy.signal as ours
        import scipy.signal
        import scipy.signal._signaltools
        import numpy as np
        for name in ours.__all__:
            setattr(scipy.signal, name, getattr(ours, name))
            setattr(scipy.signal._signaltools, name, getattr(ours, name))
        print(scipy.signal.convolve(np.array([1, 2, 3], object), [1, 2]).tolist())
        print(scipy.signal.correlate(np.array([1, 2, 3], object), [1, 2]).tolist())
        """
    ).splitlines() == ["[1, 4, 7, 6]", "[2, 5, 8, 3]"]  # fmt: skip


def test_the_number_of_threads_never_changes_a_bit(rng: np.random.Generator) -> None:
    image, kernel, row = rng.standard_normal((300, 400)), rng.standard_normal((20, 24)), rng.standard_normal(9)
    for name, arguments in (
        ("convolve", (image, kernel, "same")), ("correlate", (kernel, image, "same")),
        ("fftconvolve", (image, kernel)),
        ("correlate2d", (image, kernel, "same", "wrap")), ("sepfir2d", (image, row, row)),
    ):  # fmt: skip
        with convcorr.num_threads(1):
            alone = getattr(ours, name)(*arguments)
        with convcorr.num_threads(2):
            together = getattr(ours, name)(*arguments)
        np.testing.assert_array_equal(alone.view(np.uint64), together.view(np.uint64), err_msg=name)
