"""Random calls against the oracle: what no list of cases thinks of. The C++ reference answers the same calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

import convcorr
import oracle
from convcorr import _core
from layouts import DTYPES, INTEGERS, LAYOUTS, Array, every_third, random_values, reversed_axes, same_bits, unaligned

OUT_LAYOUTS: list[Callable[[Array], Array]] = [np.asarray, reversed_axes, every_third, unaligned, np.asfortranarray]


@dataclass
class Call:
    """One random call. `keywords` are those that the oracle takes too."""

    op: str
    x: Array
    h: Array
    mode: str
    keywords: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        arrays = f"x {self.x.dtype} {self.x.shape} {self.x.strides}, h {self.h.dtype} {self.h.shape} {self.h.strides}"
        return f"{self.op}({arrays}, {self.mode!r}, {self.keywords})"


def one_or_each(draw: st.DrawFn, values: list[Any]) -> Any:
    """A tuple, or the single value where all are equal and the coin says so."""
    return values[0] if len(set(values)) == 1 and draw(st.booleans()) else tuple(values)


def draw_fill(draw: st.DrawFn, accumulator: np.dtype[Any]) -> Any:
    choices: dict[str, list[Any]] = {
        "b": [0, 1, True], "u": [0, 1, 3], "i": [0, -2, 3], "f": [0, 1.5, -2, 0.1], "c": [0, 1.5, 1 - 2j],
    }  # fmt: skip
    return draw(st.sampled_from(choices[accumulator.kind]))


def draw_dtype(draw: st.DrawFn, x: np.dtype[Any], h: np.dtype[Any]) -> np.dtype[Any] | None:
    common = np.result_type(x, h)
    integers = common.kind in "iu"
    reachable = [d for d in DTYPES if np.can_cast(common, d, "same_kind") or (integers and d.kind in "iu")]
    return draw(st.one_of(st.none(), st.sampled_from(reachable)))


def draw_array(draw: st.DrawFn, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    values = random_values(np.random.default_rng(draw(st.integers(0, 999))), shape, dtype)
    return LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](values)


@dataclass
class Geometry:
    """Shapes and everything that is counted per convolved axis."""

    x_shape: tuple[int, ...]
    h_shape: tuple[int, ...]
    axes: Any
    stride: list[int]
    dilation: list[int]


def draw_geometry(draw: st.DrawFn, n_axes: int, mode: str) -> Geometry:
    most_taps, most_data = {1: (40, 150), 2: (6, 24), 3: (4, 9)}[n_axes]
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    ndim = n_axes + len(batch)
    axes = draw(st.permutations(range(ndim)))[:n_axes]
    x_shape, h_shape = [0] * ndim, [0] * ndim
    stride, dilation = ([draw(st.integers(1, 3)) for _ in axes] for _ in range(2))
    for i, axis in enumerate(axes):
        h_shape[axis] = draw(st.integers(1, most_taps))
        reach = (h_shape[axis] - 1) * dilation[i] + 1
        x_shape[axis] = draw(st.integers(0, most_data)) + (reach if mode == "valid" else 1)
    if n_axes < 3:  # now and then a line long enough to be read in place
        x_shape[axes[-1]] += draw(st.sampled_from([0, 0, 0, 500]))
    others = [axis for axis in range(ndim) if axis not in axes]
    for axis, size in zip(others, batch, strict=True):
        sizes = [(size, size), (size, 1), (1, size)]
        x_shape[axis], h_shape[axis] = draw(st.sampled_from(sizes))
    given_axes: Any = [axis - ndim if draw(st.booleans()) else axis for axis in axes]
    if n_axes == ndim and draw(st.booleans()) and axes == sorted(axes):
        given_axes = None
    elif n_axes == 1 and draw(st.booleans()):
        given_axes = given_axes[0]
    else:
        given_axes = tuple(given_axes)
    if given_axes is not None:  # leading ones may be left out: shapes are aligned at the right
        while h_shape[0] == 1 and len(h_shape) > 1 and len(h_shape) > ndim - min(axes) and draw(st.booleans()):
            del h_shape[0]
    return Geometry(tuple(x_shape), tuple(h_shape), given_axes, stride, dilation)


@st.composite
def calls(draw: st.DrawFn, n_axes: int) -> Call:
    op, mode = draw(st.sampled_from(["convolve", "correlate"])), draw(st.sampled_from(oracle.MODES))
    geometry = draw_geometry(draw, n_axes, mode)
    x_dtype = draw(st.sampled_from(DTYPES))
    h_dtype = draw(st.one_of(st.just(x_dtype), st.sampled_from(DTYPES)))
    x, h = draw_array(draw, geometry.x_shape, x_dtype), draw_array(draw, geometry.h_shape, h_dtype)
    dtype = draw_dtype(draw, x_dtype, h_dtype)
    keywords: dict[str, Any] = {
        "axes": geometry.axes,
        "boundary": one_or_each(draw, [draw(st.sampled_from(oracle.BOUNDARIES)) for _ in range(n_axes)]),
        "fill_value": draw_fill(draw, oracle.dtypes(x.dtype, h.dtype, dtype)[1]),
        "stride": one_or_each(draw, geometry.stride),
        "dilation": one_or_each(draw, geometry.dilation),
        "dtype": dtype,
    }
    if op == "correlate" and n_axes == 1 and mode == "full" and draw(st.booleans()):
        low = draw(st.integers(-130, 160))
        keywords["lags"] = (low, low + draw(st.integers(0, 60)))
    return Call(op, x, h, mode, keywords)


def positional(call: Call, threads: int | None, out: Array | None) -> list[Any]:
    """The arguments of _core's reference functions."""
    k = call.keywords
    lags = [k.get("lags")] if call.op == "correlate" else []
    return [
        call.x, call.h, call.mode, k["axes"], k["boundary"], k["fill_value"], "direct",
        k["stride"], k["dilation"], *lags, k["dtype"], out, threads,
    ]  # fmt: skip


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_calls_match_the_oracle(n_axes: int) -> None:
    @given(calls(n_axes), st.sampled_from(["auto", "direct"]), st.sampled_from([1, 2, None]))
    def check(call: Call, method: str, threads: int | None) -> None:
        note(str(call))
        before = call.x.tobytes(), call.h.tobytes()
        function = getattr(convcorr, call.op)
        got = function(call.x, call.h, call.mode, method=method, threads=threads, **call.keywords)
        oracle.assert_matches(got, oracle.answer(call.op, call.x, call.h, call.mode, **call.keywords))
        assert (call.x.tobytes(), call.h.tobytes()) == before, "an input was changed"

    check()


@pytest.mark.parametrize("n_axes", [1, 2])
def test_out_receives_what_would_be_returned(n_axes: int) -> None:
    @given(calls(n_axes), st.sampled_from(OUT_LAYOUTS))
    def check(call: Call, layout: Callable[[Array], Array]) -> None:
        note(str(call))
        function = getattr(convcorr, call.op)
        returned = function(call.x, call.h, call.mode, **call.keywords)
        out = layout(np.ones_like(returned))
        assert function(call.x, call.h, call.mode, out=out, **call.keywords) is out
        assert same_bits(out, returned)

    check()


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_the_cpp_reference_matches_the_oracle(n_axes: int) -> None:
    @given(calls(n_axes))
    def check(call: Call) -> None:
        note(str(call))
        got = getattr(_core, f"reference_{call.op}")(*positional(call, 1, None))
        oracle.assert_matches(got, oracle.answer(call.op, call.x, call.h, call.mode, **call.keywords))

    check()


def test_algebra_of_convolution() -> None:
    """Integers commute, associate and distribute exactly, whatever wraps on the way; no oracle is needed."""

    @given(st.sampled_from(INTEGERS), st.integers(0, 999), st.tuples(*[st.integers(1, 50)] * 3))
    def check(dtype: np.dtype[Any], seed: int, sizes: tuple[int, int, int]) -> None:
        rng = np.random.default_rng(seed)
        a, b, c = (random_values(rng, (n,), dtype) for n in sizes)
        conv = convcorr.convolve
        np.testing.assert_array_equal(conv(a, b), conv(b, a))
        np.testing.assert_array_equal(conv(conv(a, b), c), conv(a, conv(b, c)))
        both = random_values(rng, b.shape, dtype)
        np.testing.assert_array_equal(conv(a, b + both), conv(a, b) + conv(a, both))
        np.testing.assert_array_equal(convcorr.correlate(a, b), conv(a, b[::-1]))

    check()
