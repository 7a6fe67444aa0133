"""A battery of FFT convolutions for a process of its own: prints the kernels that ran, and that they were right."""

from __future__ import annotations

import itertools

import numpy as np

import convcorr
import exact
from convcorr import _core
from fft_cases import (
    FAST_FLOATS,
    assert_within,
    forced_tile,
    gathered,
    modes,
    noise,
    sampled,
    scattered,
    some_outputs,
    was_transformed,
    whole_noise,
)
from layouts import LAYOUTS, random_values

SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((1,), (1,)), ((700,), (65,)), ((5003,), (499,)), ((2048,), (2048,)), ((20,), (1000,)), ((20_000,), (1500,)),
    ((6000,), (6200,)), ((9000,), (11_000,)), ((60, 70), (9, 11)), ((60, 70), (69, 59)), ((90, 50), (70, 40)),
     ((130, 257), (31, 17)), ((20, 21, 40), (5, 6, 7)),
]  # fmt: skip
TILES: list[tuple[tuple[int, ...], int]] = [((2**power,), 3 * 2**power + 7) for power in range(6, 16)]
TILES_ND: list[tuple[tuple[int, ...], ...]] = [
    ((16, 64), (40, 90), (5, 9)), ((64, 128), (100, 200), (9, 20)), ((128, 32), (200, 50), (30, 5)),
    ((16, 1024), (33, 1200), (5, 90)), ((8, 16, 64), (20, 21, 80), (3, 5, 9)),
]  # fmt: skip


def every_small_size() -> None:
    rng = np.random.default_rng(21)
    for dtype in FAST_FLOATS:
        data, taps = noise(rng, 80, dtype), noise(rng, 80, dtype)
        for n, k in itertools.product(range(1, 71, 2), range(1, 76, 3)):
            x, h = data[n % 8 : n % 8 + n], taps[:k]
            got = convcorr.correlate(x, h, method="fft", threads=1 + n % 2)
            assert_within(got, scattered("correlate", x, h), f"{dtype} {n} {k}")


def shapes_and_borders() -> None:
    rng = np.random.default_rng(22)
    for dtype, (x_shape, h_shape) in itertools.product(FAST_FLOATS, SHAPES):
        x, h = whole_noise(rng, x_shape, dtype), whole_noise(rng, h_shape, dtype)
        for mode, want in modes(scattered("convolve", x, h), x_shape, h_shape):
            got = convcorr.convolve(x, h, mode, method="fft", threads=2)
            assert_within(got, want, f"{dtype} {x_shape} {h_shape} {mode}")
        if x.size * h.size < 400_000:
            layout = LAYOUTS["swapped_and_strided"]
            got = convcorr.correlate(layout(x), h, "same", method="fft", boundary="reflect")
            assert_within(got, gathered("correlate", x, h, "same", boundary="reflect"), f"{dtype} {x_shape} {h_shape}")


def tiles() -> None:
    rng = np.random.default_rng(23)
    rows = [(tile, (n,), (min(tile[0] // 3, 1500),)) for tile, n in TILES]
    for dtype, (tile, x_shape, h_shape) in itertools.product(FAST_FLOATS, [*rows, *TILES_ND]):
        x, h = whole_noise(rng, x_shape, dtype), whole_noise(rng, h_shape, dtype)
        try:
            with forced_tile(tile):
                got = convcorr.convolve(x, h, method="fft", threads=2)
            assert_within(got, scattered("convolve", x, h), f"{dtype} {tile} {x_shape} {h_shape}")
            served = was_transformed(got, "convolve", x, h)
        except ValueError:
            served = False
        assert served or tile[-1] < 1024, f"{dtype}: no tile of {tile} for {h_shape}"


def long_rows() -> None:
    """Twiddles out of two tables, and the kernel in parts."""
    rng = np.random.default_rng(26)
    for dtype, n in itertools.product(FAST_FLOATS, (150_000, 1_100_000)):
        k = n - 20_000
        x, h, outputs = whole_noise(rng, n, dtype), whole_noise(rng, k, dtype), some_outputs(rng, n, k, 10)
        got = convcorr.convolve(x, h, method="fft", threads=2)
        assert_within(got[outputs], sampled("convolve", x, h, outputs), f"{dtype} {n}")


def loud_and_quiet() -> None:
    """The guard has work, and a NaN stays where it is."""
    rng = np.random.default_rng(24)
    for dtype in FAST_FLOATS:
        x, h = noise(rng, 20_000, dtype), noise(rng, 600, dtype)
        x[3000:9000] *= 1e-8
        x[15_000:17_000] = 0
        assert_within(convcorr.convolve(x, h, method="fft"), scattered("convolve", x, h), f"{dtype}")
        x[12_345] = np.nan
        held = np.isnan(convcorr.convolve(x, h, method="fft"))
        assert held[12_345 : 12_345 + 600].all()
        assert held.sum() == 600


def real_with_complex() -> None:
    rng = np.random.default_rng(26)
    for (real, joint), (x_shape, h_shape) in itertools.product((("f4", "c8"), ("f8", "c16")), SHAPES):
        x, h = whole_noise(rng, x_shape, real), whole_noise(rng, h_shape, joint)
        got = convcorr.correlate(x, h, method="fft", threads=2)
        assert_within(got, scattered("correlate", x, h), f"{real} {joint} {x_shape} {h_shape}")


def integers() -> None:
    rng = np.random.default_rng(25)
    for char in ("u1", "i2", "i4", "i8"):
        x, h = random_values(rng, (4000,), char), random_values(rng, (900,), char)
        want = exact.full(x.astype(np.int64), h.astype(np.int64)).astype(char)
        np.testing.assert_array_equal(convcorr.convolve(x, h, method="fft"), want)


if __name__ == "__main__":
    every_small_size()
    shapes_and_borders()
    tiles()
    long_rows()
    loud_and_quiet()
    real_with_complex()
    integers()
    print(_core.kernel_isa(), "right")
