"""Kernels about as large as the data: one tile that threads share, had in parts, and no longer than it must be.

A `full` result of n samples and k taps takes a transform of n + k - 1 samples; of the lengths that there are, 2^m,
3 2^m and 5 2^m, these tests take some that are just long enough and one that is too short.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import convcorr
from fft_cases import (
    FAST_FLOATS,
    assert_within,
    bordered,
    gathered,
    modes,
    noise,
    sampled,
    scattered,
    some_outputs,
    was_transformed,
    whole_noise,
)
from layouts import Array, same_bits
from subprocesses import output_of

fast_floats = pytest.mark.parametrize("dtype", FAST_FLOATS, ids=str)


def tile_of(x: Array, h: Array, mode: Any = "full", **keywords: Any) -> tuple[int, ...]:
    """The transform that method="fft" takes."""
    found = next(c for c in convcorr.explain(x, h, mode, method="fft", **keywords).candidates if c.chosen)
    assert found.tile is not None
    return found.tile


def by_fft(x: Array, h: Array, mode: Any = "full", op: str = "convolve", **keywords: Any) -> Array:
    """On two threads; on one, and from a plan, the bits are the same."""
    function: Any = getattr(convcorr, op)
    got: Array = function(x, h, mode, method="fft", threads=2, **keywords)
    assert same_bits(function(x, h, mode, method="fft", threads=1, **keywords), got)
    p = convcorr.plan(x.shape, h, mode, op=op, method="fft", x_dtype=x.dtype, **keywords)
    assert same_bits(p(x), got)
    return got


@fast_floats
@pytest.mark.parametrize("tile", [2**14, 3 * 2**12, 5 * 2**12])
def test_no_longer_than_the_result(tile: int, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for outputs in (tile, tile - 900):
        k = outputs // 2 - 70
        n = outputs + 1 - k
        x, h = whole_noise(rng, n, dtype), whole_noise(rng, k, dtype)
        assert tile_of(x, h) == (tile,)
        want = scattered("convolve", x, h)
        full = by_fft(x, h)
        assert_within(full, want, f"{tile} {n} {k}")
        assert was_transformed(full, "convolve", x, h)
        for mode, part in itertools.islice(modes(want, (n,), (k,)), 1, None):
            assert_within(by_fft(x, h, mode), part, f"{tile} {n} {k} {mode}")
    assert tile_of(x[: n - 1], np.ones(tile + 3 - n, dtype)) > (tile,)


@fast_floats
@pytest.mark.parametrize(
    ("x_shape", "h_shape"),
    [((60, 70), (69, 59)), ((40, 90), (41, 39)), ((300, 21), (213, 12)), ((17, 300), (16, 213)),
     ((12, 13, 20), (13, 12, 13)), ((5, 6, 7, 20), (6, 3, 4, 13))], ids=str,
)  # fmt: skip
def test_several_axes(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    x, h = whole_noise(rng, x_shape, dtype), whole_noise(rng, h_shape, dtype)
    tile = tile_of(x, h)
    assert all(t <= 2 * (n + k - 1) for t, n, k in zip(tile[:-1], x_shape, h_shape, strict=False)), tile
    for op in ("convolve", "correlate"):
        for mode, want in modes(scattered(op, x, h), x_shape, h_shape):
            assert_within(by_fft(x, h, mode, op), want, f"{op} {mode}")


def test_what_must_be_converted(rng: np.random.Generator) -> None:
    """Rows of x and h that look otherwise than a block's: other types and strides, or the other way round."""
    kinds = [("f2", "f4", 1), ("i2", "f8", -1), ("f4", "f8", 2), (">f4", "f4", 3), ("f4", ">f8", -2),
             ("c8", ">c16", 1), (">c8", "c8", -3), ("f8", "c16", 1)]  # fmt: skip
    for x_type, h_type, step in kinds:
        for x_shape, h_shape in (((5001,), (4900,)), ((30, 70), (40, 60))):
            x = whole_noise(rng, [n * abs(step) for n in x_shape], x_type)[(slice(None, None, step),) * len(x_shape)]
            h = whole_noise(rng, [n * abs(step) for n in h_shape], h_type)[(slice(None, None, step),) * len(h_shape)]
            for op in ("convolve", "correlate"):
                assert_within(by_fft(x, h, op=op), scattered(op, x, h), f"{x_type} {h_type} {step} {op}")


GEOMETRY: list[dict[str, Any]] = [
    {"dilation": 2}, {"stride": 3}, {"lags": (-3400, 1000)}, {"lags": (-5000, 5000)}, {"lags": (100, 4000)},
    {"stride": 2, "dilation": 3, "lags": (-9000, 500)}, {"boundary": "wrap"}, {"boundary": "reflect"},
    {"fill_value": 2},
]  # fmt: skip


@pytest.mark.parametrize("keywords", GEOMETRY, ids=str)
@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_geometry(keywords: dict[str, Any], dtype: str, rng: np.random.Generator) -> None:
    x, h = whole_noise(rng, 4701, dtype), whole_noise(rng, 3600, dtype)
    for op in ("convolve", "correlate"):
        if op == "convolve" and "lags" in keywords:
            continue
        if "boundary" in keywords or "fill_value" in keywords:
            want = bordered(op, x, h, [keywords.get("boundary", "constant")], keywords.get("fill_value", 0))
        else:
            want = gathered(op, x, h, **keywords)
        assert_within(by_fft(x, h, op=op, **keywords), want, f"{op} {keywords}")


@pytest.mark.parametrize(("dtype", "n", "k"), [("f4", 2_200_003, 1_900_000), ("f8", 1_300_000, 1_299_999),
                                               ("c8", 800_001, 1_500_000), ("c16", 500_000, 600_000)])  # fmt: skip
def test_large_tiles_in_parts(dtype: str, n: int, k: int, rng: np.random.Generator) -> None:
    """From 16 MB on, the kernel's first pass is made once for each part."""
    x, h = whole_noise(rng, n, dtype), whole_noise(rng, k, dtype)
    outputs = some_outputs(rng, n, k, 60)
    assert_within(by_fft(x, h)[outputs], sampled("convolve", x, h, outputs))
    backwards = by_fft(x, h[::-1].conj(), op="correlate")
    assert_within(backwards[outputs], sampled("convolve", x, h, outputs))


def test_large_tiles_of_two_axes(rng: np.random.Generator) -> None:
    x, h = whole_noise(rng, (1500, 1100), "f4"), whole_noise(rng, (1400, 900), "f4")
    got = by_fft(x, h)
    exact = np.fft.irfft2(np.fft.rfft2(x.astype("f8"), (3072, 2048)) * np.fft.rfft2(h.astype("f8"), (3072, 2048)))
    want = np.rint(exact[: got.shape[0], : got.shape[1]])
    scale = np.linalg.norm(x) * np.linalg.norm(h) * np.finfo("f4").eps
    assert np.abs(got - want).max() < 4 * scale


def hard(rng: np.random.Generator, n: int, dtype: Any) -> list[Array]:
    """Data that a tile must not take as they are."""
    quiet, broken, empty, wild = (noise(rng, n, dtype) for _ in range(4))
    quiet[n // 3 :] *= 1e-7
    broken[[5, n // 2, n - 1]] = np.nan, np.inf, -np.inf
    empty[:] = 0
    wild[n // 4] = 1e30
    return [quiet, broken, empty, wild]


@fast_floats
def test_what_needs_care(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    k = 5000
    h = noise(rng, k, dtype)
    for x in hard(rng, 5500, dtype):
        with np.errstate(invalid="ignore"):
            direct = convcorr.convolve(x, h, method="direct")
            got = by_fft(x, h)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(direct))
        if np.isfinite(x).all():
            assert_within(got, scattered("convolve", x, h))
    x = noise(rng, 5500, dtype)
    for tap in (np.nan, np.inf, 1e-30):
        h[77] = tap
        taps = h * 1e-25 if tap == 1e-30 else h
        with np.errstate(invalid="ignore"):
            direct = convcorr.convolve(x, taps, method="direct")
            got = by_fft(x, taps)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(direct))
        if np.isfinite(taps).all():
            assert_within(got, scattered("convolve", x, taps))


@fast_floats
@pytest.mark.parametrize(("n", "k"), [(5000, 4000), (140_000, 130_000)])
def test_many_at_a_time(n: int, k: int, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A kernel for all, one for each, and a plan: each slice has the bits that it has alone."""
    x, each = noise(rng, (3, n), dtype), noise(rng, (3, k), dtype)
    x[1, n // 2] = np.nan
    p = convcorr.plan(n, each[0], x_dtype=dtype, method="fft")
    for threads in (1, 2):
        one = convcorr.convolve(x, each[:1], axes=-1, method="fft", threads=threads)
        own = convcorr.convolve(x, each, axes=-1, method="fft", threads=threads)
        planned = convcorr.plan((3, n), each, axes=-1, x_dtype=dtype, method="fft", threads=threads)(x)
        for i in range(3):
            assert same_bits(one[i], convcorr.convolve(x[i], each[0], method="fft"))
            assert same_bits(own[i], convcorr.convolve(x[i], each[i], method="fft"))
        assert same_bits(planned, own)
        assert same_bits(p(x), one)


def test_a_plan_with_taps_that_are_not_finite(rng: np.random.Generator) -> None:
    x, h = noise(rng, 6000, "f4"), noise(rng, 5000, "f4")
    h[500] = np.nan
    with np.errstate(invalid="ignore"):
        got = convcorr.plan(x.size, h, x_dtype="f4", method="fft")(x)
        assert same_bits(got, convcorr.convolve(x, h, method="fft"))
    assert np.isnan(got).sum() == x.size


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("shape", "most"), [((6_000_000,), 2), ((4_200_000,), 2), ((2048, 2048), 3)])
def test_scratch_is_a_few_times_the_data(shape: Sequence[int], most: float) -> None:
    """Pages that one call adds at its peak, over the bytes of x and h."""
    printed = output_of(
        """
        import sys
        import numpy as np
        import convcorr

        def pages(key):
            with open("/proc/self/status") as lines:
                return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))

        shape = tuple(int(n) for n in sys.argv[1:])
        rng = np.random.default_rng(1)
        x, h = (rng.standard_normal(shape, np.float32) for _ in range(2))
        out = np.full([2 * n - 1 for n in shape], 1, np.float32)
        convcorr.convolve(x.ravel()[:100], h.ravel()[:90])
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
        before = pages("VmRSS")
        convcorr.convolve(x, h, out=out, method="fft")
        print((pages("VmHWM") - before) / (x.nbytes + h.nbytes))
        """,
        *map(str, shape),
    )
    assert float(printed) < most
