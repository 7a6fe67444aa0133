"""The direct engine on every size around vector width, tap phase and tile. All sums are exact, so `==` compares them.

A register tile, a tail, a tap remainder and a border each have their own code for some sizes only; a sweep over all
small sizes meets all of them. The operands start at changing offsets, so loads of every alignment occur too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import convcorr
import exact
import oracle
from layouts import DTYPES, VECTOR_DTYPES, Array, guarded, margins_are_untouched, small_integers

FUNCTIONS: dict[str, Any] = {"convolve": convcorr.convolve, "correlate": convcorr.correlate}
VECTOR_BYTES = 64  # the widest vectors of any build
LONGEST_KERNEL = 40
BORDERS = oracle.BOUNDARIES

both_ops = pytest.mark.parametrize("op", ["convolve", "correlate"])
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
vector_dtypes = pytest.mark.parametrize("dtype", VECTOR_DTYPES, ids=str)


def compare_modes(op: str, x: Array, h: Array, total: Array, **keywords: Any) -> None:
    """Every mode of one call against the full result `total` (wide)."""
    with np.errstate(over="ignore"):
        total = total.astype(x.dtype)
    for mode, want in exact.modes_of(total, x.shape, h.shape):
        got = FUNCTIONS[op](x, h, mode, method="direct", **keywords)
        if difference := exact.difference(got, want):
            pytest.fail(f"{op}, {mode}, x {x.dtype} {x.shape}, h {h.shape}, {keywords}: {difference}")


def test_exact_is_the_oracle(rng: np.random.Generator) -> None:
    for x_shape, h_shape in (((9,), (4,)), ((3, 5), (4, 2)), ((3, 1, 4), (2, 2, 3))):
        x, h = small_integers(rng, x_shape, np.int64), small_integers(rng, h_shape, np.int64)
        borders = BORDERS[1 : 1 + x.ndim]
        total = exact.full_with_border(x, h, borders, fill=2)
        np.testing.assert_array_equal(total, oracle.convolve(x, h, boundary=borders, fill_value=2))
        for mode, want in exact.modes_of(exact.full(x, h), x.shape, h.shape):
            np.testing.assert_array_equal(want, oracle.convolve(x, h, mode))
            reverse = exact.full(x, exact.as_convolution("correlate", h))
            for other, cut in exact.modes_of(reverse, x.shape, h.shape):
                np.testing.assert_array_equal(cut, oracle.correlate(x, h, other))


@both_ops
@every_dtype
@pytest.mark.parametrize("threads", [1, 2])
def test_every_small_1d_size(op: str, dtype: np.dtype[Any], threads: int, rng: np.random.Generator) -> None:
    longest = 4 * max(VECTOR_BYTES // dtype.itemsize, 1) + LONGEST_KERNEL
    data, taps = small_integers(rng, (longest + 8,), dtype), small_integers(rng, (LONGEST_KERNEL,), dtype)
    wide_data, wide_taps = exact.wide(data), exact.wide(taps)
    for n, k in itertools.product(range(1, longest + 1), range(1, LONGEST_KERNEL + 1)):
        start = (n + 3 * k) % 8
        total = exact.full(wide_data[start : start + n], exact.as_convolution(op, wide_taps[:k]))
        compare_modes(op, data[start : start + n], taps[:k], total, threads=threads)


@both_ops
@every_dtype
def test_tiny_calls_without_keywords(op: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """As most calls are written: nothing but x, h and the mode. A short cut for them must be no other function."""
    data, taps = small_integers(rng, (64,), dtype), small_integers(rng, (12,), dtype)
    for n, k in itertools.product(range(1, 49), range(1, 13)):
        x, h = data[:n], taps[:k]
        with np.errstate(over="ignore"):
            total = exact.full(exact.wide(x), exact.as_convolution(op, exact.wide(h))).astype(dtype)
        assert not exact.difference(FUNCTIONS[op](x, h), total), f"{n} {k}"
        for mode, want in exact.modes_of(total, x.shape, h.shape):
            for data_view, taps_view in ((x, h), (x[::-1].copy()[::-1], h), (x, np.repeat(h, 2)[::2])):
                wrong = exact.difference(FUNCTIONS[op](data_view, taps_view, mode), want)
                assert not wrong, f"n={n} k={k} {mode} strides {data_view.strides} {taps_view.strides}: {wrong}"


@both_ops
@vector_dtypes
def test_1d_sizes_around_the_wide_register_tiles(op: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Ten accumulators of one vector each make the widest tile; many taps make several rounds of the phase loop."""
    lanes = VECTOR_BYTES // dtype.itemsize
    lengths = [m * lanes + d for m in (8, 10, 12, 16, 20, 30) for d in (-1, 0, 1, lanes // 2)]
    kernels = [1, 2, 3, 5, 9, 16, 17, 31, 33, 64, 100, 127, 255]
    data, taps = small_integers(rng, (max(lengths),), dtype), small_integers(rng, (255,), dtype)
    for n, k in itertools.product(lengths, kernels):
        total = exact.full(exact.wide(data[:n]), exact.as_convolution(op, exact.wide(taps[:k])))
        compare_modes(op, data[:n], taps[:k], total)


LONG_LINE = 2048  # bytes: from about here on an engine may read the data in place and treat only the ends apart


@both_ops
@vector_dtypes
def test_1d_lines_long_enough_to_be_read_in_place(op: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    lanes, start = VECTOR_BYTES // dtype.itemsize, LONG_LINE // dtype.itemsize
    data, taps = small_integers(rng, (start + 99,), dtype), small_integers(rng, (LONGEST_KERNEL,), dtype)
    for n, k in itertools.product(range(start - 2, start + min(2 * lanes, 32) + 2), range(1, LONGEST_KERNEL + 1)):
        x, h = data[n % 7 : n % 7 + n], taps[:k]
        compare_modes(op, x, h, exact.full(exact.wide(x), exact.as_convolution(op, exact.wide(h))))


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "c16", "i4")], ids=str)
@pytest.mark.parametrize("boundary", BORDERS)
def test_long_lines_with_borders(boundary: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    start = LONG_LINE // dtype.itemsize
    data, taps = small_integers(rng, (5, start + 40), dtype), small_integers(rng, (4, LONGEST_KERNEL), dtype)
    for width, k in itertools.product((start, start + 1, start + 13, start + 32), range(1, LONGEST_KERNEL + 1)):
        x, h = data[0, :width], taps[0, :k]
        compare_modes(
            "convolve", x, h, exact.full_with_border(exact.wide(x), exact.wide(h), [boundary]), boundary=boundary
        )
        image, kernel = data[: 1 + k % 5, :width], taps[: 1 + k % 4, : 1 + k % 11]
        total = exact.full_with_border(exact.wide(image), exact.wide(kernel), [boundary] * 2, fill=1)
        compare_modes("convolve", image, kernel, total, boundary=boundary, fill_value=1)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "u1", "i2", "f2", "?")], ids=str)
@pytest.mark.parametrize("boundary", BORDERS)
def test_1d_borders_with_halos_of_any_length(boundary: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    fill = 1 if boundary == "constant" else 0
    data, taps = small_integers(rng, (80,), dtype), small_integers(rng, (LONGEST_KERNEL,), dtype)
    for n, k in itertools.product([*range(1, 36), 47, 48, 49, 63, 64, 65, 80], range(1, LONGEST_KERNEL + 1)):
        x, h = data[:n], taps[:k]
        total = exact.full_with_border(exact.wide(x), exact.wide(h), [boundary], fill)
        compare_modes("convolve", x, h, total, boundary=boundary, fill_value=fill)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c16", "u1", "i4")], ids=str)
@both_ops
def test_1d_stride_and_dilation(op: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    data, taps = small_integers(rng, (90,), dtype), small_integers(rng, (13,), dtype)
    for n, k, dilation in itertools.product((1, 2, 7, 16, 33, 64, 90), (1, 2, 3, 5, 8, 13), (1, 2, 3, 4, 7, 100)):
        x, h = data[:n], taps[:k]
        spread = exact.spread(exact.wide(h), [dilation])
        boundary = BORDERS[(n + k + dilation) % 5]
        total = exact.full_with_border(exact.wide(x), exact.as_convolution(op, spread), [boundary]).astype(dtype)
        for stride, (mode, want) in itertools.product((1, 2, 3, 8, 91), exact.modes_of(total, x.shape, spread.shape)):
            got = FUNCTIONS[op](x, h, mode, stride=stride, dilation=dilation, boundary=boundary, method="direct")
            what = f"{mode} n={n} k={k} dilation={dilation} stride={stride} {boundary}"
            assert not (wrong := exact.difference(got, want[::stride])), f"{what}: {wrong}"


def sizes_2d(kernel: Sequence[int], count: int, tallest: int, widest: int) -> list[tuple[int, int]]:
    """`count` sizes that change with the kernel, so that over all kernels every height meets every width."""
    seed = 11 * kernel[0] + 5 * kernel[1]
    return [(1 + (7 * i + seed) % tallest, 1 + (37 * i + 3 * seed) % widest) for i in range(count)]


@both_ops
@every_dtype
def test_2d_sizes_around_the_register_tile(op: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Three tiles of 3 rows x 4 vectors and the kernel, for all kernels of 1..9 x 1..9."""
    lanes = max(VECTOR_BYTES // dtype.itemsize, 1)
    tallest, widest = 3 * 3 + 9, min(3 * 4 * lanes, 260) + 9
    data, taps = small_integers(rng, (tallest, widest), dtype), small_integers(rng, (9, 9), dtype)
    wide_data, wide_taps = exact.wide(data), exact.wide(taps)
    for kernel in itertools.product(range(1, 10), repeat=2):
        tap_part = tuple(slice(k) for k in kernel)
        for size in sizes_2d(kernel, 16, tallest, widest):
            part = tuple(slice(n) for n in size)
            total = exact.full(wide_data[part], exact.as_convolution(op, wide_taps[tap_part]))
            compare_modes(op, data[part], taps[tap_part], total, threads=1 + sum(size) % 2)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8")], ids=str)
@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (7, 7), (3, 1), (1, 3), (2, 2), (9, 9), (11, 11)], ids=str)
def test_2d_every_width(kernel: tuple[int, int], dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """The kernels that have code of their own, on every width up to two AVX-512 tiles."""
    data, h = small_integers(rng, (7, 150), dtype), small_integers(rng, kernel, dtype)
    for width in range(1, 151):
        x = data[: 1 + width % 7, :width]
        compare_modes("convolve", x, h, exact.full(exact.wide(x), exact.wide(h)))


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "u1", "i4", "?")], ids=str)
def test_2d_borders_stride_and_dilation(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    data, taps = small_integers(rng, (20, 90), dtype), small_integers(rng, (5, 6), dtype)
    for case, boundary in enumerate(itertools.product(BORDERS, repeat=2)):
        for kernel in ((3, 3), (1, 5), (5, 1), (2, 4), (5, 6)):
            height, width = 1 + (7 * case + kernel[0]) % 20, 1 + (31 * case + 13 * kernel[1]) % 90
            stride, dilation = (1 + case % 3, 1 + case % 2), (1 + case // 5 % 3, 1 + case % 4 // 3 * 6)
            x, h = data[:height, :width], taps[: kernel[0], : kernel[1]]
            spread = exact.spread(exact.wide(h), dilation)
            total = exact.full_with_border(exact.wide(x), spread, boundary, fill=1).astype(dtype)
            for mode, want in exact.modes_of(total, x.shape, spread.shape):
                cut = want[:: stride[0], :: stride[1]]
                keywords: dict[str, Any] = {"boundary": boundary, "stride": stride, "dilation": dilation}
                got = convcorr.convolve(x, h, mode, fill_value=1, method="direct", **keywords)
                assert not (wrong := exact.difference(got, cut)), f"{x.shape} {kernel} {mode} {keywords}: {wrong}"


@both_ops
@every_dtype
def test_3d_sizes(op: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    data, taps = small_integers(rng, (8, 10, 70), dtype), small_integers(rng, (5, 5, 5), dtype)
    for case, kernel in enumerate(itertools.product((1, 2, 3, 5), repeat=3)):
        size = (1 + 3 * case % 8, 1 + 7 * case % 10, 1 + 29 * case % 70)
        x, h = data[tuple(slice(n) for n in size)], taps[tuple(slice(k) for k in kernel)]
        total = exact.full(exact.wide(x), exact.as_convolution(op, exact.wide(h)))
        compare_modes(op, x, h, total, threads=1 + case % 2)
        borders = [BORDERS[(case + axis) % 5] for axis in range(3)]
        total = exact.full_with_border(exact.wide(x), exact.as_convolution(op, exact.wide(h)), borders, fill=1)
        compare_modes(op, x, h, total, boundary=tuple(borders), fill_value=1)


LARGE = [
    ((200_003,), (31,)), ((40_000,), (1001,)), ((3_000,), (2_999,)), ((601, 517), (9, 7)), ((517, 601), (3, 3)),
    ((301, 283), (21, 17)), ((5, 40_001), (3, 5)), ((40_001, 5), (5, 3)), ((70, 65, 67), (5, 3, 5)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "c16", "u1", "i2", "u4", "i8")], ids=str)
@pytest.mark.parametrize(("x_shape", "h_shape"), LARGE, ids=str)
def test_arrays_large_enough_for_threads(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    """Many tiles, shared out to the team: each must be computed once and land in its own place."""
    x, h = small_integers(rng, x_shape, dtype, 2), small_integers(rng, h_shape, dtype, 2)
    total = exact.full(exact.wide(x), exact.wide(h))
    for threads in (1, 2, 3):
        compare_modes("convolve", x, h, total, threads=threads)


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f2", "f4", "f8", "c8", "i1", "u2", "i4", "i8", "?")], ids=str)
def test_nothing_is_written_outside_out_1d(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    data, taps = small_integers(rng, (150,), dtype), small_integers(rng, (40,), dtype)
    for n, k in itertools.product(range(1, 151, 2), (1, 2, 3, 5, 8, 16, 31, 40)):
        x, h = data[:n], taps[:k]
        for mode, want in exact.modes_of(exact.full(exact.wide(x), exact.wide(h)).astype(dtype), x.shape, h.shape):
            host, out = guarded(want.shape, dtype)
            convcorr.convolve(x, h, mode, out=out, method="direct")
            assert (out == want).all(), f"n={n} k={k} {mode}"
            assert margins_are_untouched(host, out), f"n={n} k={k} {mode}: wrote outside out"


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in ("f4", "f8", "c8", "u1", "i4")], ids=str)
def test_nothing_is_written_outside_out_2d(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    data, taps = small_integers(rng, (18, 150), dtype), small_integers(rng, (9, 9), dtype)
    for kernel in ((1, 1), (3, 3), (5, 5), (7, 7), (2, 9), (9, 2)):
        for size in sizes_2d(kernel, 30, 18, 150):
            x, h = data[: size[0], : size[1]], taps[: kernel[0], : kernel[1]]
            for mode, want in exact.modes_of(exact.full(exact.wide(x), exact.wide(h)).astype(dtype), size, kernel):
                host, out = guarded(want.shape, dtype)
                convcorr.convolve(x, h, mode, out=out, method="direct")
                assert (out == want).all(), f"{size} {kernel} {mode}"
                assert margins_are_untouched(host, out), f"{size} {kernel} {mode}: wrote outside out"
