"""convcorr.numpy is numpy: results, dtypes, errors and their words are compared with numpy itself."""

from __future__ import annotations

import functools
import importlib
import itertools
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import convcorr.numpy
from convcorr import _core
from layouts import DTYPES, LAYOUTS, small_integers

PAIRS: dict[str, Any] = {
    "convolve": (convcorr.numpy.convolve, np.convolve),
    "correlate": (convcorr.numpy.correlate, np.correlate),
}
MODES = ["valid", "same", "full", 0, 1, 2]

both = pytest.mark.parametrize("name", ["convolve", "correlate"])


def outcome(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> tuple[str, Any, Any]:
    """What a call does, in a form that can be compared: a result or an error, and the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **keywords)
            values = result + 0 if result.dtype.kind in "fc" else result  # numpy leaves the sign of a zero to BLAS
            described: tuple[str, Any] = (f"{type(result).__name__} {result.dtype} {result.shape}", values.tolist())
        except Exception as error:
            described = (type(error).__name__, str(error))
    return (*described, [f"{w.category.__name__}: {w.message}" for w in caught])


def assert_like_numpy(name: str, *arguments: Any, **keywords: Any) -> None:
    ours, theirs = (outcome(f, *arguments, **keywords) for f in PAIRS[name])
    assert repr(ours) == repr(theirs), f"{name}{arguments} {keywords}: {ours}, numpy {theirs}"


@both
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_pair_of_dtypes_in_every_mode(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for other, mode, (n, k) in itertools.product(DTYPES, MODES, ((9, 4), (4, 9), (5, 5), (1, 6), (6, 1))):
        assert_like_numpy(name, small_integers(rng, (n,), dtype), small_integers(rng, (k,), other), mode)


@both
def test_every_small_size_and_swap(name: str, rng: np.random.Generator) -> None:
    data, kernel = small_integers(rng, (24,), np.complex128), small_integers(rng, (24,), np.complex128)
    for n, k, mode in itertools.product(range(1, 25), range(1, 25), MODES):
        for a, v in ((data[:n], kernel[:k]), (data[:n].real, kernel[:k].real)):
            ours, theirs = (f(a, v, mode) for f in PAIRS[name])
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{name} {n} {k} {mode}")


def promised_error(a: np.ndarray, v: np.ndarray, dtype: np.dtype) -> float:
    """The promise of `auto`, 8 u log2(K + 1) ||x in the window|| ||h||, for the loudest window."""
    x, h = (a, v) if len(a) >= len(v) else (v, a)
    energy = np.convolve(np.abs(x.astype(complex)) ** 2, np.ones(len(h)))
    unit = np.finfo(dtype).eps / 2
    return float(8 * unit * np.log2(len(h) + 1) * np.sqrt(energy.max()) * np.linalg.norm(h.astype(complex)))


@both
def test_long_operands(name: str, rng: np.random.Generator) -> None:
    ours, theirs = PAIRS[name]
    for dtype in (np.float32, np.float64, np.complex64, np.int16, np.int64, np.uint8, bool):
        for n, k, mode in itertools.product((3000, 65), (1, 7, 64, 900), MODES):
            a, v = small_integers(rng, (n,), dtype), small_integers(rng, (k,), dtype)
            got, want = ours(a, v, mode), theirs(a, v, mode)
            if got.dtype.kind in "fc":  # long kernels go through an FFT: nearly the integers
                tolerance = promised_error(a, v, got.dtype)
                np.testing.assert_allclose(got, want, rtol=0, atol=tolerance, err_msg=f"{dtype} {n} {k} {mode}")
            else:
                np.testing.assert_array_equal(got, want, err_msg=f"{dtype} {n} {k} {mode}")


@both
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(name: str, layout: str, rng: np.random.Generator) -> None:
    for dtype in (np.dtype("f4"), np.dtype("i2"), np.dtype("c16"), np.dtype("?")):
        a, v = (LAYOUTS[layout](small_integers(rng, (n,), dtype)) for n in (20, 6))
        for first, second in ((a, v), (v, a)):
            assert_like_numpy(name, first, second, "same")


@both
def test_defaults_and_keywords(name: str) -> None:
    a, v = [1, 2, 3, 4], [0.5, 1]
    assert_like_numpy(name, a, v)
    assert_like_numpy(name, a=a, v=v, mode="same")
    assert_like_numpy(name, a, mode="full", v=v)
    assert_like_numpy(name, v, a)


UNUSUAL: list[tuple[Any, Any]] = [
    (5, [1, 2]), ([1, 2], 5), (5, 6), (np.float32(2), np.ones(3)), ([1, 2, 3], (4, 5)), (range(6), [True, False]),
    ([[1, 2], [3, 4]], [1, 2]), ([1, 2], [[1, 2]]), ([], [1]), ([1], []), ([], []), (np.zeros((0, 3)), [1]),
    ([Decimal(1), Decimal(2), Decimal(3)], [Decimal(2), Decimal(5)]), (np.array([1, 2, 3], object), [1, 2]),
    (np.array([1, 2, 3], "m8[s]"), [1, 2]), ([1, 2], np.array([1, 2, 3], "m8[s]")),
    (np.array([1, 2], "m8[s]"), np.array([1, 2, 3], "m8[s]")), (np.array(["2020-01-01"], "M8[D]"), [1]),
    (["a", "b"], ["c"]), (["a"], [1]), (np.array([b"x"]), [1]), (None, [1]), ([1], None), ([None, 1], [1]),
    (np.array([1, 2, 3], ">i4"), np.array([1, 2], ">i4")), (np.array([1.5, 2], ">f8"), [1, 2]),
    (np.array([1.5, 2, 3], np.float16), np.array([1, 2], np.float16)), ([2**70, 1], [1]), ([1, 2], {}), ({1, 2}, [1]),
    (np.ma.masked_array([1, 2, 3], [False, True, False]), [1, 2]), (np.arange(3).view(np.matrix), [1, 2]),
    (memoryview(b"abc"), [1, 2]),
    (np.zeros(3, "V2"), [1]), (np.zeros(3, [("a", int)]), [1]), (np.iinfo(np.int64).max, [2, 3]),
    ([1 + 2j, 3], [1j, 2]), ([True, False, True], [True, True]), ([np.nan, 1, np.inf], [1, 0]), (np.uint64(3), [-1, 2]),
]  # fmt: skip
if np.lib.NumpyVersion(np.__version__) >= "1.24.0":  # older ones only warn, for each look at the list
    UNUSUAL.append(([1, [2, 3]], [1]))


@both
@pytest.mark.parametrize(("a", "v"), UNUSUAL, ids=repr)
def test_unusual_operands(name: str, a: Any, v: Any) -> None:
    for mode in MODES:
        assert_like_numpy(name, a, v, mode)
    assert_like_numpy(name, a, v)


@both
@pytest.mark.parametrize(
    "mode",
    [
        "f", "s", "v", "Full", "FULL", "fulls", "", "middle", -1, 3, 1.0, None, True, False, b"full", np.int64(1),
        np.int8(2), np.str_("same"), [1], "sa\0me", 10**30, object,
    ],
    ids=repr,
)  # fmt: skip
def test_unusual_modes(name: str, mode: Any) -> None:
    for a, v in (([1.0, 2, 3], [1.0, 2]), ([1, 2], [3, 4, 5]), ([], [1])):
        assert_like_numpy(name, a, v, mode)


@both
def test_wrong_numbers_of_arguments(name: str) -> None:
    """The names that Python reports differ; that it is a TypeError does not."""
    ours, theirs = PAIRS[name]
    for function in (ours, theirs):
        for arguments, keywords in (((), {}), (([1],), {}), (([1], [2], "full", 3), {}), (([1], [2]), {"axis": 0})):
            with pytest.raises(TypeError):
                function(*arguments, **keywords)


@both
def test_array_function_objects_are_numpys_affair(name: str) -> None:
    class Duck:
        """Answers __array_function__, as Dask or CuPy arrays do."""

        def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> str:
            return f"duck {func.__name__}"

    ours, theirs = PAIRS[name]
    for a, v in ((Duck(), [1, 2]), ([1, 2], Duck()), (np.ones(3), Duck())):
        assert ours(a, v) == theirs(a, v) == f"duck {name}"


@both
def test_subclasses_come_back_as_numpy_has_them(name: str) -> None:
    class Tagged(np.ndarray[Any, Any]):
        """A plain subclass."""

    a, v = np.arange(6.0), np.array([1.0, -1.0])
    for first, second in ((a.view(Tagged), v), (a, v.view(Tagged)), (v.view(Tagged), a)):
        assert_like_numpy(name, first, second, "full")


def numpys_own_tests() -> list[Any]:
    """Every method of numpy's TestConvolve and TestCorrelate."""
    for module in ("numpy._core.tests.test_numeric", "numpy.core.tests.test_numeric"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what numpy's tests do on import is not our affair
                tests = importlib.import_module(module)
        except ImportError:
            continue
        pairs = [(g, m) for g in (tests.TestConvolve, tests.TestCorrelate) for m in dir(g) if m.startswith("test_")]
        return [pytest.param(group, method, id=f"{group.__name__}.{method}") for group, method in pairs]
    reason = "numpy's tests are not installed with it"
    return [pytest.param(None, "", marks=pytest.mark.skip(reason=reason))]


@pytest.mark.parametrize(("group", "method"), numpys_own_tests())
def test_numpys_own_test(group: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes with our functions in numpy's place, and really calls them."""
    calls = []

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            calls.append(function)
            return function(*arguments, **keywords)

        return wrapper

    # numpy answers some calls for us: it must not be sent to our patched names again
    monkeypatch.setattr(np, "convolve", counted(convcorr.numpy.convolve))
    monkeypatch.setattr(np, "correlate", counted(convcorr.numpy.correlate))
    instance = group()
    if hasattr(instance, "setup_method"):
        instance.setup_method()
    getattr(instance, method)()
    assert len(calls) > 0, "the test never called us"


def test_ordinary_calls_are_answered_here_not_by_numpy() -> None:
    """A drop-in that only passes through to numpy would pass everything above."""
    for dtype in (d for d in DTYPES if d.char not in "gG"):
        a, v = np.ones(9, dtype), np.ones(4, dtype)
        for mode, (first, second) in itertools.product(("full", "same", "valid", 0, 1, 2), ((a, v), (v, a))):
            for function in (_core.numpy_convolve, _core.numpy_correlate):
                assert isinstance(function(first, second, mode), np.ndarray), f"{dtype} {mode}"


def test_ordinary_calls_never_reach_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: Any, **keywords: Any) -> Any:
        raise AssertionError("passed on to numpy")

    core: Any = getattr(np, "_core", None) or np.core  # np.core warns since numpy 2
    monkeypatch.setattr(core.multiarray, "correlate", refused)  # np.convolve ends here
    for name in PAIRS:
        monkeypatch.setattr(np, name, refused)
    operands: list[tuple[Any, Any]] = [
        (np.ones(9), np.ones(4)),
        ([1, 2, 3], [1, 2]),
        (np.ones(3, "F"), np.ones(9, "b")),
    ]
    for a, v in operands:
        assert convcorr.numpy.convolve(a, v).shape == (len(a) + len(v) - 1,)
        assert convcorr.numpy.correlate(a, v).shape == (abs(len(a) - len(v)) + 1,)
