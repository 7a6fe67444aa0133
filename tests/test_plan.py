"""Plans and explanations: the same bits as a call, whatever x's layout; what a plan keeps, and what it refuses."""

from __future__ import annotations

import copy
import os
import pickle
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

import convcorr
from convcorr import _core
from layouts import DTYPES, LAYOUTS, random_values, same_bits
from subprocesses import output_of
from test_random import Call, calls

METHODS = ["auto", "direct", "fft"]
# Shapes of x and h, and arguments: short rows, long rows, tiles of one to three axes, batches, filters, large kernels.
SHAPES: list[Any] = [
    ((100,), (9,), {}),
    ((20_000,), (501,), {}),
    ((3000,), (2999,), {}),
    ((60_000,), (50_000,), {}),
    ((64, 70), (5, 5), {}),
    ((200, 210), (31, 29), {}),
    ((24, 25, 26), (5, 6, 7), {}),
    ((30, 1000), (31,), {"axes": -1}),
    ((16, 1000), (16, 301), {"axes": 1}),
    ((4, 3000), (8, 1, 301), {"axes": -1}),
    ((3000, 4), (301, 1), {"axes": 0}),
    ((120, 100, 3), (31, 29, 1), {"axes": (0, 1)}),
    ((2000,), (101,), {"stride": 3, "dilation": 2}),
    ((200, 200), (21, 21), {"stride": (2, 1), "dilation": (1, 3)}),
]


def of_shapes(shapes: list[Any]) -> Any:
    return pytest.mark.parametrize("shape", shapes, ids=[f"{x} {h} {k}" for x, h, k in shapes])


def planned_method(plan: convcorr.Plan) -> Any:
    """The `method` that a call needs for the plan's algorithm."""
    return "fft" if plan.algorithm == "fft" else "direct"


def kept(call: Call) -> dict[str, Any]:
    """A call's arguments, as `plan` takes them."""
    return {"op": call.op, "x_dtype": call.x.dtype, **call.keywords}


@of_shapes(SHAPES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_the_same_bits_as_a_call(shape: Any, method: Any, dtype: str, rng: np.random.Generator) -> None:
    x_shape, h_shape, keywords = shape
    x, h = random_values(rng, x_shape, dtype), random_values(rng, h_shape, dtype)
    for op, mode, boundary in (("convolve", "full", "constant"), ("correlate", "same", "reflect")):
        function: Any = getattr(convcorr, op)
        p = convcorr.plan(x_shape, h, mode, op=op, method=method, boundary=boundary, **keywords)
        want = function(x, h, mode, method=method, boundary=boundary, **keywords)
        assert p.shape == want.shape
        assert p.dtype == want.dtype
        assert same_bits(p(x), want)
        out = np.full_like(want, 7)
        assert p(x, out=out) is out
        assert same_bits(out, want)


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_any_call_can_be_planned(n_axes: int) -> None:
    """Any dtype, boundary, stride, dilation and axes, any layout of both arrays; the plan keeps only a copy of h."""

    @given(calls(n_axes), st.sampled_from(METHODS))
    def check(call: Call, method: Any) -> None:
        note(str(call))
        function = getattr(convcorr, call.op)
        p = convcorr.plan(call.x.shape, call.h, call.mode, method=method, **kept(call))
        want = function(call.x, call.h, call.mode, method=planned_method(p), **call.keywords)
        got = p(call.x)
        assert (p.shape, p.dtype) == (want.shape, want.dtype)
        assert same_bits(got, want)
        again = pickle.loads(pickle.dumps(p))
        assert same_bits(again(call.x), got)
        assert repr(again) == repr(p)

    check()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", ["direct", "fft"])
@of_shapes([SHAPES[i] for i in (0, 1, 5, 6, 8, 10, 11)])
def test_any_layout_of_x(shape: Any, method: Any, layout: str, rng: np.random.Generator) -> None:
    x_shape, h_shape, keywords = shape
    x, h = random_values(rng, x_shape, "f8"), random_values(rng, h_shape, "f8")
    p = convcorr.plan(x_shape, h, "same", method=method, **keywords)
    moved = LAYOUTS[layout](x)
    assert same_bits(p(moved), convcorr.convolve(moved, h, "same", method=method, **keywords))
    out = LAYOUTS[layout if layout not in ("read_only", "byte_swapped", "swapped_and_strided") else "fortran"](p(x))
    out[...] = 7
    assert p(moved, out) is out
    np.testing.assert_allclose(out, p(x), rtol=1e-12, atol=1e-11)


@of_shapes(SHAPES)
@pytest.mark.parametrize("method", ["direct", "fft"])
def test_more_axes_in_front(shape: Any, method: Any, rng: np.random.Generator) -> None:
    """Each array is computed by itself, and axes of x in front never meet those of h."""
    x_shape, h_shape, keywords = shape
    x, h = random_values(rng, (2, 1, *x_shape), "f4"), random_values(rng, h_shape, "f4")
    p = convcorr.plan(x_shape, h, "same", method=method, **keywords)
    got = p(x)
    assert got.shape == (2, 1, *p.shape)
    for i in range(2):
        alone = p(x[i, 0])
        if p.algorithm == "small":  # which takes one array at a time
            np.testing.assert_allclose(got[i, 0], alone, rtol=1e-4, atol=1e-4)
        else:
            assert same_bits(got[i, 0], alone)
    assert p(x[:0]).shape == (0, 1, *p.shape)
    moved = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)  # the axis in front is the contiguous one
    np.testing.assert_allclose(p(moved), got, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_every_dtype(dtype: Any, method: Any, rng: np.random.Generator) -> None:
    x, h = random_values(rng, (700,), dtype), random_values(rng, (83,), dtype)
    p = convcorr.plan(700, h, method=method)
    want = convcorr.convolve(x, h, method=method)
    assert (p.x_dtype, p.dtype) == (dtype, want.dtype)
    assert same_bits(p(x), want)
    wide = convcorr.plan(700, h, x_dtype="u1", dtype="c16", method=method)
    bytes_ = random_values(rng, (700,), "u1")
    assert wide.x_dtype == np.uint8
    assert same_bits(wide(bytes_), convcorr.convolve(bytes_, h, dtype="c16", method=method)) or dtype.char in "gG"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("method", ["direct", "fft"])
def test_threads_change_no_bit(threads: int, method: Any, rng: np.random.Generator) -> None:
    x, h = random_values(rng, (400_000,), "f4"), random_values(rng, (401,), "f4")
    p = convcorr.plan(x.shape, h, method=method, threads=threads)
    assert p.explain().threads <= threads
    assert same_bits(p(x), convcorr.convolve(x, h, method=method, threads=3 - threads))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_finite(bad: float, method: Any, rng: np.random.Generator) -> None:
    x, h = random_values(rng, (5000,), "f8"), random_values(rng, (301,), "f8")
    for x_at, h_at in ((2500, None), (None, 7), (0, 300)):
        xs, hs = x.copy(), h.copy()
        if x_at is not None:
            xs[x_at] = bad
        if h_at is not None:
            hs[h_at] = bad
        got = convcorr.plan(5000, hs, method=method)(xs)
        direct = convcorr.convolve(xs, hs, method="direct")
        np.testing.assert_array_equal(got, convcorr.convolve(xs, hs, method=method))
        np.testing.assert_array_equal(np.isnan(got), np.isnan(direct))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(direct))


def test_a_plan_keeps_its_own_kernel_and_arguments() -> None:
    h, stride, boundary = np.ones(3), [2], ["edge"]
    p = convcorr.plan(10, h, "same", stride=stride, boundary=boundary)  # type: ignore[arg-type]  # a list of words
    want = p(np.arange(10.0))
    h[:] = 7
    stride[0], boundary[0] = 3, "wrap"
    np.testing.assert_array_equal(p(np.arange(10.0)), want)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(p))(np.arange(10.0)), want)


def test_out_may_overlap_x(rng: np.random.Generator) -> None:
    for n, k in ((50, 5), (5000, 401)):
        x, h = random_values(rng, (n,), "f8"), random_values(rng, (k,), "f8")
        p = convcorr.plan(n, h, "same")
        want = p(x)
        host = np.concatenate([x, np.zeros(7)])
        assert p(host[:n], host[7:]) is not None
        np.testing.assert_array_equal(host[7:], want)
        backwards = x.copy()
        p(backwards[::-1], backwards)
        np.testing.assert_allclose(backwards, p(x[::-1].copy()), rtol=1e-10, atol=1e-10)


def test_pickles_copies_and_attributes() -> None:
    lags = convcorr.plan((4, 60), np.ones((1, 5)), op="correlate", axes=1, lags=(-2, 9), fill_value=2.5, threads=1)
    tiled = convcorr.plan((200, 200), np.ones((9, 17)), "same", tile=(32, 256))
    x = np.random.default_rng(1).normal(size=(4, 60))
    image = np.random.default_rng(1).normal(size=(200, 200))
    for p, data in ((lags, x), (tiled, image)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(p, protocol))
            assert same_bits(again(data), p(data))
            assert (again.x_shape, again.shape, again.algorithm) == (p.x_shape, p.shape, p.algorithm)
            assert again.explain() == p.explain()
        for same in (copy.copy(p), copy.deepcopy(p)):
            assert same_bits(same(data), p(data))
    assert (lags.x_shape, lags.shape, lags.x_dtype, lags.dtype) == ((4, 60), (4, 12), np.float64, np.float64)
    assert tiled.explain().candidates[0].tile == (32, 256)
    for word in ("correlate", "(4, 60)", "(1, 5)", "(4, 12)", "float64", lags.algorithm):
        assert word in repr(lags)
    with pytest.raises(AttributeError):
        lags.shape = (1,)  # type: ignore[misc]  # the error is the test


def test_threads_may_share_a_plan(rng: np.random.Generator) -> None:
    h = random_values(rng, (2001,), "f4")
    p = convcorr.plan(50_000, h, "same", threads=2)
    data = [random_values(rng, (50_000,), "f4") for _ in range(8)]
    want = [p(x) for x in data]
    start = threading.Barrier(4)

    def work(_: int) -> bool:
        start.wait()
        out = np.empty(p.shape, p.dtype)
        return all(same_bits(p(x, out), y) for x, y in zip(data, want, strict=True))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_forked_child_may_use_a_plan() -> None:
    printed = output_of("""
        import os
        import numpy as np
        import convcorr
        x = np.random.default_rng(1).normal(size=400_000)
        p = convcorr.plan(x.shape, np.hanning(4001), "same", threads=2)
        want = p(x)
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(p(x), want) else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), np.array_equal(p(x), want))
    """)
    assert printed == "0 True"


def test_calls_into_out_allocate_nothing_in_python(rng: np.random.Generator) -> None:
    for shape, taps in (((300_000,), 3001), ((300_000,), 5), ((500, 500), 25)):
        h = random_values(rng, (taps,) * len(shape) if taps < 100 else (taps,), "f4")
        p = convcorr.plan(shape, h, "same")
        x = random_values(rng, shape, "f4")
        out = p(x)
        tracemalloc.start()
        p(x, out)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1000, f"{peak} bytes for {p}"


def test_plans_give_their_memory_back() -> None:
    h = np.ones(100_000)
    convcorr.plan(1000, h)
    tracemalloc.start()
    for _ in range(20):
        p = convcorr.plan(1000, h, method="direct")
        pickle.loads(pickle.dumps(p))
    del p
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert current < h.nbytes


def test_reference_counts_are_as_before() -> None:
    p = convcorr.plan((3, 40), np.ones((3, 5)), axes=1)
    x, out = np.ones((3, 40)), np.ones((3, 44))
    before = [sys.getrefcount(thing) for thing in (p, x, out, p.x_dtype, p.dtype)]
    for _ in range(50):
        p(x)
        p(x, out)
        p.explain()
        pickle.dumps(p)
        for bad in (x[:2], x.astype("f4")):
            with pytest.raises((ValueError, TypeError)):
                p(bad)
    assert [sys.getrefcount(thing) for thing in (p, x, out, p.x_dtype, p.dtype)] == before


def test_clear_cache_leaves_plans_alone(rng: np.random.Generator) -> None:
    x, h = random_values(rng, (90_000,), "f8"), random_values(rng, (3001,), "f8")
    p = convcorr.plan(x.shape, h)
    want = p(x)
    for _ in range(3):
        convcorr.clear_cache()
        assert same_bits(p(x), want)
        assert same_bits(convcorr.convolve(x, h), want)


def test_forced_tiles(rng: np.random.Generator) -> None:
    x, h = random_values(rng, (3000,), "f8"), random_values(rng, (101,), "f8")
    want = convcorr.convolve(x, h, method="direct")
    for tile in (256, 1024, (4096,), [np.int64(512)]):
        p = convcorr.plan(3000, h, tile=tile)
        assert p.algorithm == "fft"
        candidates = p.explain().candidates
        assert [c.tile for c in candidates] == [tuple(np.atleast_1d(tile))]
        np.testing.assert_allclose(p(x), want, rtol=1e-12, atol=1e-12)
        _core.force_tile(tuple(int(n) for n in np.atleast_1d(tile)))
        try:
            assert same_bits(p(x), convcorr.convolve(x, h, method="fft"))
        finally:
            _core.force_tile(None)


X, H, KERNEL = np.arange(10.0), np.ones(3), np.ones((3, 3))
BAD_PLANS: list[Any] = [
    (ValueError, "x_shape", (0, H), {}),
    (ValueError, "x_shape", ((3, -1), KERNEL), {}),
    (ValueError, "x_shape", ((), H), {}),
    (ValueError, "x_shape", ((2**40, 2**40), KERNEL), {}),
    (TypeError, "x_shape", (10.0, H), {}),
    (TypeError, "x_shape", ("10", H), {}),
    (TypeError, "x_shape", (None, H), {}),
    (TypeError, "x_dtype", (10, H), {"x_dtype": object}),
    (TypeError, "x_dtype", (10, H), {"x_dtype": "no type"}),
    (ValueError, "h", (10, []), {}),
    (ValueError, "h", ((3, 10), np.ones((0, 1, 3))), {"axes": -1}),
    (ValueError, "h", (10, np.ones(11), "valid"), {}),
    (ValueError, "axes", (10, KERNEL), {}),
    (TypeError, "MaskedArray", (10, np.ma.masked_array(H)), {}),
    (ValueError, "op.*convolve.*correlate", (10, H), {"op": "magic"}),
    (TypeError, "op", (10, H), {"op": None}),
    (ValueError, "lags.*correlate", (10, H), {"lags": (0, 2)}),
    (ValueError, "method", (10, H), {"method": "magic"}),
    (ValueError, "fill_value", (10, np.ones(3, int)), {"fill_value": 0.5}),
    (ValueError, "tile.*power of two", (1000, H), {"tile": 100}),
    (ValueError, "tile", (1000, H), {"tile": 0}),
    (TypeError, "tile", (1000, H), {"tile": 256.0}),
    (ValueError, "tile", (1000, H), {"tile": (1, 2, 4, 8, 16)}),
    (ValueError, "tile.*at least.*201", (1000, np.ones(201)), {"tile": 128}),
    (ValueError, "tile.*at least.*401", (1000, np.ones(201)), {"tile": 256, "dilation": 2}),
    (ValueError, "tile.*longer", (1000, np.ones(20)), {"tile": 32}),
    (ValueError, "tile.*takes 1", (1000, np.ones(20)), {"tile": (256, 256)}),
    (ValueError, "tile.*takes 2", ((99, 99), KERNEL), {"tile": 256}),
    (ValueError, "tile.*direct", (1000, H), {"tile": 256, "method": "direct"}),
    (ValueError, "tile.*integers", (1000, np.ones(3, int)), {"tile": 256}),
]


@pytest.mark.parametrize(("error", "names", "arguments", "keywords"), BAD_PLANS)
def test_bad_plans(error: Any, names: str, arguments: Any, keywords: Any) -> None:
    with pytest.raises(error, match=names):
        convcorr.plan(*arguments, **keywords)


@pytest.mark.parametrize(
    ("error", "names", "arguments"),
    [
        (ValueError, r"x has shape \(9,\).*\(10,\)", (X[:9],)),
        (ValueError, r"x has shape \(10, 1\).*\(10,\)", (X[:, None],)),
        (ValueError, "x", (3.0,)),
        (TypeError, "x has dtype float32.*float64", (X.astype("f4"),)),
        (TypeError, "x has dtype int64.*float64", ([1] * 10,)),
        (TypeError, "x", (X.astype(object),)),
        (TypeError, "x.*filled", (np.ma.masked_array(X),)),
        (ValueError, r"out has shape \(10,\).*\(12,\)", (X, X.copy())),
        (ValueError, "out has dtype float32.*float64", (X, np.ones(12, "f4"))),
        (ValueError, "out is read-only", (X, np.broadcast_to(1.0, 12))),
        (TypeError, "out", (X, [0.0] * 12)),
    ],
)
def test_bad_calls_of_a_plan(error: Any, names: str, arguments: Any) -> None:
    p = convcorr.plan(10, H)
    with pytest.raises(error, match=names):
        p(*arguments)
    np.testing.assert_array_equal(p(list(X)), convcorr.convolve(X, H))
