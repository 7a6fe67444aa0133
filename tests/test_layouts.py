"""Where operands and results lie in memory, and which axes are convolved: never what the numbers are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import convcorr
import exact
import oracle
from layouts import DTYPES, LAYOUTS, Array, every_third, reversed_axes, small_integers, swapped_and_strided

SHAPES = {1: ((83,), (7,)), 2: ((13, 37), (3, 5)), 3: ((5, 6, 19), (2, 3, 4))}
CALLS: list[tuple[Any, Any]] = [("same", "constant"), ("full", "reflect"), ("valid", "constant")]
STRIDED_OUT = ("fortran", "reversed_axes", "every_third", "inner_block", "unaligned", "record_field")

every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def assert_same(got: Any, want: Array, context: str = "") -> None:
    wrong = exact.difference(got, want)
    assert not wrong, f"{context}: {wrong}"


@every_dtype
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_any_input_layout(layout: str, dtype: np.dtype[Any], ndim: int, rng: np.random.Generator) -> None:
    """Data, kernel and both; the inputs hold the same bytes afterwards."""
    x, h = (small_integers(rng, shape, dtype) for shape in SHAPES[ndim])
    for mode, boundary in CALLS:
        want = oracle.convolve(x, h, mode, boundary=boundary)
        laid_x, laid_h = LAYOUTS[layout](x), LAYOUTS[layout](h)
        for data, kernel in ((laid_x, h), (x, laid_h), (laid_x, laid_h)):
            before = data.tobytes(), kernel.tobytes()
            got = convcorr.convolve(data, kernel, mode, boundary=boundary, method="direct")
            assert_same(got, want, f"{layout} {mode}")
            assert (data.tobytes(), kernel.tobytes()) == before, "an input was changed"


@every_dtype
def test_zero_strides(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """np.broadcast_to: one element, or one row, that stands for many."""
    row, h = small_integers(rng, (21,), dtype), small_integers(rng, (3, 4), dtype)
    x = np.broadcast_to(row, (9, 21))
    assert_same(convcorr.convolve(x, h, "same"), oracle.convolve(x, h, "same"))
    column = np.broadcast_to(row[:, None], (21, 40))
    assert_same(convcorr.convolve(column, h), oracle.convolve(column, h))
    ones = np.broadcast_to(np.ones((), dtype), (50,))
    assert_same(convcorr.correlate(ones, ones[:7]), oracle.correlate(ones, ones[:7]))
    assert_same(convcorr.convolve(x, np.broadcast_to(h[:1, :1], (3, 3))), oracle.convolve(x, np.full((3, 3), h[0, 0])))


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("layout", STRIDED_OUT)
@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "u1", "i8", "f2", "g", "?")], ids=str)
def test_out_of_any_strides(layout: str, dtype: np.dtype[Any], ndim: int, rng: np.random.Generator) -> None:
    x, h = (small_integers(rng, shape, dtype) for shape in SHAPES[ndim])
    for mode in oracle.MODES:
        want = oracle.convolve(x, h, mode)
        out = LAYOUTS[layout](np.zeros_like(want))
        assert convcorr.convolve(x, h, mode, out=out, method="direct") is out
        np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "c16", "u1", "f2")], ids=str)
def test_gaps_of_a_strided_out_keep_their_values(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (13, 37), dtype), small_integers(rng, (3, 5), dtype)
    host = np.full((39, 111), 7, dtype)
    convcorr.convolve(x, h, "same", out=host[1::3, 2::3])
    np.testing.assert_array_equal(host[1::3, 2::3], oracle.convolve(x, h, "same"))
    host[1::3, 2::3] = 7
    assert (host == 7).all()


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "i2", "?", "g")], ids=str)
@pytest.mark.parametrize("threads", [1, 2])
def test_out_may_overlap_the_data(dtype: np.dtype[Any], threads: int, rng: np.random.Generator) -> None:
    for shape, h_shape in (((500,), (7,)), ((40, 90), (5, 3)), ((40_000,), (31,)), ((300, 310), (5, 5))):
        x, h = small_integers(rng, shape, dtype), small_integers(rng, h_shape, dtype)
        for boundary in ("constant", "wrap"):
            total = exact.full_with_border(exact.wide(x), exact.wide(h), [boundary] * x.ndim)
            same = dict(exact.modes_of(total.astype(dtype), shape, h_shape))["same"]
            keywords: dict[str, Any] = {"boundary": boundary, "threads": threads}
            data = x.copy()
            assert_same(convcorr.convolve(data, h, "same", out=data, **keywords), same, f"out=x {shape}")
            host = np.zeros((shape[0] + 5, *shape[1:]), dtype)  # out lies five rows further on, or five before
            for x_at, out_at in ((slice(0, -5), slice(5, None)), (slice(5, None), slice(0, -5))):
                host[...] = 0
                host[x_at] = x
                convcorr.convolve(host[x_at], h, "same", out=host[out_at], **keywords)
                np.testing.assert_array_equal(host[out_at], same)
            data = x.copy()
            convcorr.convolve(data, h, "same", out=data[::-1], **keywords)
            np.testing.assert_array_equal(data[::-1], same)


def test_out_may_overlap_the_kernel(rng: np.random.Generator) -> None:
    for dtype in (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.complex64)):
        x, h = small_integers(rng, (37,), dtype), small_integers(rng, (37,), dtype)
        want = oracle.convolve(x, h, "same")
        kernel = h.copy()
        assert convcorr.convolve(x, kernel, "same", out=kernel) is kernel
        np.testing.assert_array_equal(kernel, want)
        both = x.copy()
        want = oracle.correlate(x, x, "same")
        np.testing.assert_array_equal(convcorr.correlate(both, both, "same", out=both), want)


def test_out_as_a_transposed_view_of_the_data(rng: np.random.Generator) -> None:
    for dtype in (np.dtype(np.float32), np.dtype(np.int64)):
        x, h = small_integers(rng, (64, 64), dtype), small_integers(rng, (3, 3), dtype)
        want, data = oracle.convolve(x, h, "same"), x.copy()
        convcorr.convolve(data, h, "same", out=data.T)
        np.testing.assert_array_equal(data.T, want)


def test_views_of_subclasses_and_lists_are_read_as_arrays(rng: np.random.Generator) -> None:
    class Tagged(np.ndarray[Any, Any]):
        """A plain subclass."""

    x, h = small_integers(rng, (9,), np.float64), small_integers(rng, (3,), np.float64)
    want = oracle.convolve(x, h)
    assert_same(convcorr.convolve(x.view(Tagged), h.view(Tagged)), want)
    assert_same(convcorr.convolve(x.tolist(), tuple(h)), want)
    assert_same(convcorr.convolve(memoryview(x.tobytes()).cast("d"), h), want)
    assert_same(convcorr.convolve([1, 2, 3], [1, 1]), np.array([1, 3, 5, 3]))
    assert_same(convcorr.convolve([True, False], [1.5]), np.array([1.5, 0.0]))


BATCHES = [  # x, h, axes
    ((4, 50), (5,), -1), ((4, 50), (4, 5), -1), ((4, 50), (1, 5), 1), ((50,), (8, 1, 5), -1), ((4, 50), (8, 1, 5), -1),
    ((1, 50), (6, 5), 1), ((3, 2, 30), (2, 4), (2,)), ((50, 4), (5, 4), 0), ((50, 4), (5, 1), 0),
    ((20, 3, 21), (3, 3, 4), (0, 2)), ((20, 3, 21), (3, 1, 4), (2, 0)), ((3, 20, 21), (3, 4), (-2, -1)),
    ((2, 3, 12, 13), (3, 4), (-1, -2)), ((2, 1, 12, 13), (5, 3, 4), (2, 3)), ((7,), (3, 5), (0, 1)),
    ((9, 2, 8, 3, 7), (2, 1, 3, 1, 2), (0, 4, 2)), ((4, 1, 33), (1, 6, 3), -1), ((17, 1), (3, 1), (0, 1)),
    ((2, 2, 2, 2, 40), (2, 1, 2, 1, 3), 4), ((65, 300), (31,), -1), ((300, 65), (31, 1), 0),
    ((6, 40, 41), (6, 5, 5), (1, 2)), ((5000, 3), (2,), -1),
]  # fmt: skip


@pytest.mark.parametrize(("x_shape", "h_shape", "axes"), BATCHES, ids=str)
@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "u1", "f2", "?")], ids=str)
def test_batches_kernels_per_signal_and_filter_banks(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], axes: Any, dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    x, h = small_integers(rng, x_shape, dtype), small_integers(rng, h_shape, dtype)
    for mode, boundary, threads in (("full", "constant", 1), ("same", "wrap", 2), ("same", "constant", 2)):
        for op in ("convolve", "correlate"):
            got = getattr(convcorr, op)(x, h, mode, axes=axes, boundary=boundary, threads=threads, method="direct")
            assert_same(got, oracle.solve(op, x, h, mode, axes=axes, boundary=boundary), f"{op} {mode} {boundary}")


def test_a_batch_in_awkward_memory(rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (6, 50), np.float32), small_integers(rng, (6, 5), np.float32)
    want = oracle.convolve(x, h, "same", axes=1)
    for data, kernel in itertools.product((x, x.T.copy().T, every_third(x)), (h, reversed_axes(h))):
        out = every_third(np.zeros_like(want))
        assert convcorr.convolve(data, kernel, "same", axes=1, out=out) is out
        np.testing.assert_array_equal(out, want)
    one_row = np.broadcast_to(x[0], (6, 50))
    assert_same(convcorr.convolve(one_row, h, axes=1), oracle.convolve(one_row, h, axes=1))


def test_an_empty_batch_is_an_empty_result() -> None:
    x, h = np.zeros((0, 9), np.float32), np.ones((1, 3), np.float32)
    assert_same(convcorr.convolve(x, h, axes=1), np.zeros((0, 11), np.float32))
    assert_same(convcorr.correlate(np.ones((2, 9)), np.ones((0, 1, 3)), "valid", axes=-1), np.zeros((0, 2, 7)))


MANY_AXES = [
    ((4, 3, 5, 6), (2, 3, 2, 3)), ((3, 4, 2, 3, 9), (2, 2, 2, 2, 3)), ((2, 3, 2, 4, 3, 7), (2, 1, 2, 3, 2, 2)),
    ((1, 1, 1, 1, 1, 30), (1, 1, 1, 1, 1, 5)), ((9, 1, 1, 1, 1, 1), (4, 1, 1, 1, 1, 1)), ((3, 3, 3, 3, 3, 3), (3,) * 6),
]  # fmt: skip


@pytest.mark.parametrize(("x_shape", "h_shape"), MANY_AXES, ids=str)
@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "i2", "?", "g")], ids=str)
def test_four_to_six_convolved_axes(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    x, h = small_integers(rng, x_shape, dtype), small_integers(rng, h_shape, dtype)
    borders = (*oracle.BOUNDARIES[1:], "constant", "edge")[: len(x_shape)]
    steps = (1, 2, 1, 1, 2, 3)[: len(x_shape)]
    variants: list[dict[str, Any]] = [{}, {"boundary": borders, "fill_value": 1}]
    for keywords in (*variants, {"stride": steps, "dilation": steps[::-1]}):
        for mode in oracle.MODES if len(keywords) == 0 else ("same",):
            want = oracle.convolve(x, h, mode, **keywords)
            assert_same(convcorr.convolve(x, h, mode, method="direct", **keywords), want, f"{mode} {keywords}")


@every_dtype
def test_every_pair_of_dtypes(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x = small_integers(rng, (67,), dtype)
    for other in DTYPES:
        h = small_integers(rng, (9,), other)
        assert_same(convcorr.convolve(x, h), oracle.convolve(x, h), f"{dtype} with {other}")
        assert_same(convcorr.correlate(h, x, "same"), oracle.correlate(h, x, "same"), f"{other} with {dtype}")


@every_dtype
def test_dtype_wider_narrower_and_of_another_kind(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = small_integers(rng, (4, 40), dtype), small_integers(rng, (3, 5), dtype)
    for other in DTYPES:
        reachable = np.can_cast(dtype, other, "same_kind") or (dtype.kind in "iu" and other.kind in "iu")
        if not reachable:
            with pytest.raises(TypeError, match="dtype"):
                convcorr.convolve(x, h, dtype=other)
            continue
        for out in (None, np.zeros((6, 44), other)):
            got = convcorr.convolve(x, h, dtype=other, out=out)
            assert_same(got, oracle.convolve(x, h, dtype=other), f"{dtype} to {other}")


def test_byte_swapped_operands_give_native_results() -> None:
    x, h = swapped_and_strided(np.arange(9, dtype=np.float32)), np.ones(2, ">f4")
    got = convcorr.convolve(x, h)
    assert got.dtype.isnative
    assert_same(got, np.convolve(np.arange(9, dtype=np.float32), np.ones(2, np.float32)))
