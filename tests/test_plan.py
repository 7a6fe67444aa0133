"""Plans and explanations: the same bits as a call, whatever x's layout; what a plan keeps, and what it refuses."""

from __future__ import annotations

import copy
import inspect
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
import oracle
from convcorr import _core
from layouts import DTYPES, LAYOUTS, Array, random_values, same_bits
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
calls_of_each_shape = pytest.mark.parametrize(
    ("x_shape", "h_shape", "keywords"), SHAPES, ids=[f"{x} {h} {k}" for x, h, k in SHAPES]
)


def planned_method(plan: convcorr.Plan) -> Any:
    """The `method` that a call needs for the plan's algorithm."""
    return "fft" if plan.algorithm == "fft" else "direct"


def kept(call: Call) -> dict[str, Any]:
    """A call's arguments, as `plan` takes them."""
    return {"op": call.op, "x_dtype": call.x.dtype, **call.keywords}


@calls_of_each_shape
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_the_same_bits_as_a_call(
    x_shape: Any, h_shape: Any, keywords: Any, method: Any, dtype: str, rng: np.random.Generator
) -> None:
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
        if p.algorithm == "fft":
            assert same_bits(got, want)
        else:
            oracle.assert_matches(got, oracle.answer(call.op, call.x, call.h, call.mode, **call.keywords))
        again = pickle.loads(pickle.dumps(p))
        assert same_bits(again(call.x), got)
        assert repr(again) == repr(p)

    check()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize(
    ("x_shape", "h_shape", "keywords"), [SHAPES[i] for i in (0, 1, 5, 6, 8, 10, 11)], ids=lambda value: f"{value}"
)
def test_any_layout_of_x(
    x_shape: Any, h_shape: Any, keywords: Any, method: Any, layout: str, rng: np.random.Generator
) -> None:
    x, h = random_values(rng, x_shape, "f8"), random_values(rng, h_shape, "f8")
    p = convcorr.plan(x_shape, h, "same", method=method, **keywords)
    moved = LAYOUTS[layout](x)
    assert same_bits(p(moved), convcorr.convolve(moved, h, "same", method=method, **keywords))
    out = LAYOUTS[layout if layout not in ("read_only", "byte_swapped", "swapped_and_strided") else "fortran"](p(x))
    out[...] = 7
    assert p(moved, out) is out
    np.testing.assert_allclose(out, p(x), rtol=1e-12, atol=1e-11)
