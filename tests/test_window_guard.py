"""The promise of `auto` and "fft": each output's error is bounded by its own window, with C = 8, against long double.

    |err[n]| <= C u log2(K + 1) ||x in n's window||_2 ||h||_2

K counts taps, u is half the spacing after 1, and zeros lie outside x. A window of zeros gives a zero. No plain FFT can
keep it: where a signal is quiet beside something loud, the loud part's rounding drowns it. test_a_plain_fft_fails and
test_scipy_fails show that these signals would notice.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import convcorr
from fft_cases import FAST_FLOATS, C, Want, assert_within, complaint, forced_tile, gathered, noise, scattered, worst
from hostile import (
    KERNELS,
    OTHERS,
    OTHERS_2D,
    QUIET_BESIDE_LOUD,
    QUIET_BESIDE_LOUD_2D,
    bounded,
    extremes,
    levels_of_noise,
    of_dtype,
    plain_fft,
    smooth,
)
from layouts import Array

N, IMAGE = 12_000, (120, 130)
SIGNALS = {**QUIET_BESIDE_LOUD, **OTHERS}
IMAGES = {**QUIET_BESIDE_LOUD_2D, **OTHERS_2D}
METHODS: tuple[Any, ...] = ("fft", "auto")
WIDE = [np.dtype(c) for c in ("f8", "c16")]
fast_floats = pytest.mark.parametrize("dtype", FAST_FLOATS, ids=str)


def turn(name: str, names: Any, step: int = 1) -> int:
    """The place of a name, so that every kernel meets many signals without meeting all of them."""
    return step * list(names).index(name)


def kernel(rng: np.random.Generator, number: int, k: int, dtype: np.dtype[Any]) -> Array:
    make = list(KERNELS.values())[number % len(KERNELS)]
    return of_dtype(make(rng, k), dtype, rng)


def check(x: Array, h: Array, want: Want, context: str, tiles: tuple[Any, ...] = (None,)) -> None:
    """Both methods, and "fft" with these tiles."""
    __tracebackhide__ = True
    assert_within(convcorr.convolve(x, h), want, f"{context}, auto")
    for tile in tiles:
        with forced_tile(tile):
            got = convcorr.convolve(x, h, method="fft", threads=2)
        assert_within(got, want, f"{context}, fft {tile or ''}")


@pytest.mark.parametrize("dtype", FAST_FLOATS, ids=str)
def test_auto_takes_the_fft_here(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Or else nothing below says anything about it."""
    for x_shape, h_shape in (((N,), (501,)), (IMAGE, (21, 23))):
        x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
        assert convcorr.explain(x, h).algorithm == "fft", f"{x_shape} {h_shape}"
        forced = convcorr.convolve(x, h, method="fft")
        assert not np.array_equal(forced, convcorr.convolve(x, h, method="direct"))
        np.testing.assert_array_equal(forced, convcorr.convolve(x, h, method="auto"))


@fast_floats
@pytest.mark.parametrize("name", SIGNALS)
def test_rows(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for i, k in enumerate((501, 1500, 120)):
        x, h = of_dtype(SIGNALS[name](rng, N), dtype, rng), kernel(rng, turn(name, SIGNALS, 3) + i, k, dtype)
        check(x, h, scattered("convolve", x, h), f"{name}, {k} taps", (None, (4096,), (16_384,)))


@fast_floats
@pytest.mark.parametrize("name", extremes(np.dtype("f4")))
def test_rows_at_the_ends_of_the_range(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for i, k in enumerate((501, 120)):
        x = of_dtype(extremes(dtype)[name](rng, N), dtype, rng)
        h = bounded(kernel(rng, turn(name, extremes(dtype), 2) + i, k, dtype)).astype(dtype)
        want = scattered("convolve", x, h)
        assert np.isfinite(want.value).all()
        check(x, h, want, f"{name}, {k} taps", (None, (4096,)))


@fast_floats
def test_products_of_tiny_and_huge(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """x denormal and h near overflow, or the reverse: the products are ordinary, and so is what is asked of them."""
    info = np.finfo(dtype)
    for low, high in ((info.tiny / 1000, info.max / 1e6), (info.max / 1e6, info.tiny / 1000), (info.tiny, 1)):
        x, h = noise(rng, N, dtype) * low.astype(dtype), noise(rng, 501, dtype) * dtype.type(high)
        check(x.astype(dtype), h.astype(dtype), scattered("convolve", x.astype(dtype), h.astype(dtype)), f"{low:.0e}")


@fast_floats
@pytest.mark.parametrize("k", [65, 501, 2000])
def test_every_contrast(k: int, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A guard that lets too much pass is found out at the contrast where it begins to work, whatever that is."""
    for power in range(26):
        low = 2.0**-power
        x = of_dtype(levels_of_noise(1, low, 1, 1, low, low, 1)(rng, N), dtype, rng)
        h = kernel(rng, power, k, dtype)
        check(x, h, scattered("convolve", x, h), f"1 : {low:.1e}, {k} taps")


@fast_floats
def test_random_levels(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Stretches of any length, any level, of noise, sines, spikes and nothing."""
    kinds = [OTHERS[name] for name in ("noise", "a sine", "a constant", "one sample", "zeros")]
    for trial in range(50):
        n, k = int(rng.integers(2000, 9000)), int(2 ** rng.uniform(4, 11))
        edges = np.sort(rng.integers(0, n, rng.integers(1, 12)))
        pieces = [
            kinds[int(rng.integers(len(kinds)))](rng, int(m)) * 10 ** rng.uniform(-10, 0)
            for m in np.diff(np.r_[0, edges, n])
            if m
        ]
        x, h = of_dtype(np.concatenate(pieces), dtype, rng), kernel(rng, trial, k, dtype)
        check(x, h, scattered("convolve", x, h), f"trial {trial}, n = {x.size}, k = {k}")


@fast_floats
def test_sums_of_one_sign(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Equal products, whose roundings all point the same way: nothing that sums them one by one keeps the promise."""
    for n, k, loud in ((3000, 500, 500), (3000, 1000, 500), (20_000, 2500, 5000)):
        x, h = np.full(n, 0.1, dtype), np.ones(k, dtype)
        check(x, h, scattered("convolve", x, h), f"a constant, {k} taps")
        x[:loud] *= 1e6
        check(x, h, scattered("convolve", x, h), f"a constant beside a loud one, {k} taps")
        check(np.arange(n).astype(dtype), h, scattered("convolve", np.arange(n).astype(dtype), h), f"a ramp, {k} taps")
    image, square = np.full((200, 210), 0.1, dtype), np.ones((40, 35), dtype)
    image[:40] *= 1e6
    check(image, square, scattered("convolve", image, square), "a constant field below a loud one")


@fast_floats
def test_smooth_data(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Drifts, steps and growth under a long mean, of real numbers in every type."""
    for trial in range(300):
        tile = int(2 ** rng.integers(9, 13))
        n, k = int(tile * rng.uniform(0.5, 3)), int(tile * rng.uniform(0.02, 0.5)) + 2
        h = (np.ones(k), np.hanning(k + 2)[1:-1], np.arange(k) + 1.0)[trial % 3].astype(dtype)
        x = smooth(rng, n).astype(dtype)
        want = scattered("convolve", x, h)
        assert_within(convcorr.convolve(x, h, method="fft"), want, f"trial {trial}: {n} {k}")
        with forced_tile((tile,)):
            assert_within(convcorr.convolve(x, h, method="fft"), want, f"trial {trial}: {n} {k}, blocks of {tile}")
    for seed in (2, 14, 19, 24):
        x, h = np.cumsum(np.random.default_rng(seed).standard_normal(20_000)).astype(dtype), np.ones(1500, dtype)
        check(x, h, scattered("convolve", x, h), f"a random walk, seed {seed}")


@fast_floats
def test_few_taps(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """The promise to an output of two taps is strict, and noise has many a quiet pair of neighbours."""
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((7, 16), (2, 1)), ((8, 14), (2, 1)), ((15, 16), (3, 1)), ((16, 16), (6, 1)), ((40, 50), (2, 1)),
        ((50, 40), (1, 2)), ((300,), (2,)), ((40, 41), (2, 2)), ((13, 20, 22), (1, 2, 1)), ((14, 5, 19), (3, 1, 1)),
    ]  # fmt: skip
    for (x_shape, h_shape), trial in itertools.product(shapes, range(40)):
        x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
        got = convcorr.convolve(x, h, method="fft")
        assert_within(got, scattered("convolve", x, h), f"{x_shape} {h_shape}, trial {trial}")


@fast_floats
@pytest.mark.parametrize("name", IMAGES)
def test_images(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    with np.errstate(over="ignore"):
        x = of_dtype(IMAGES[name](rng, IMAGE), dtype, rng)
    for i, (height, width) in enumerate(((17, 21), (7, 40))):
        rows = kernel(rng, turn(name, IMAGES) + i, height, dtype)
        h = np.multiply.outer(rows, kernel(rng, turn(name, IMAGES) + 3 * i, width, dtype))
        h = bounded(h + noise(rng, h.shape, dtype) * np.abs(h).mean() / 10).astype(dtype)
        check(x, h, scattered("convolve", x, h), f"{name}, {h.shape}", (None, (64, 128)))


@fast_floats
def test_solids(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = noise(rng, (24, 40, 42), dtype), noise(rng, (5, 9, 8), dtype)
    for change in ((slice(4, 12), slice(None), slice(10, 30)), (slice(None), slice(20, None), slice(None))):
        x[change] *= 1e-7
        check(x, h, scattered("convolve", x, h), "a quiet part")
    x[:12] = 0
    x[13, 20, 21] = 1e9
    check(x, h, scattered("convolve", x, h), "a loud sample beside nothing")


@fast_floats
@pytest.mark.parametrize("boundary", ["edge", "symmetric", "reflect", "wrap"])
def test_borders_and_modes(boundary: Any, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = of_dtype(levels_of_noise(1e8, *[1] * 8)(rng, 2500), dtype, rng), noise(rng, 120, dtype)
    image, square = noise(rng, (70, 60), dtype), noise(rng, (14, 13), dtype)
    image[:5] *= 1e8
    for mode in ("same", "full"):
        for data, taps in ((x, h), (image, square)):
            got = convcorr.correlate(data, taps, mode, boundary=boundary, method="fft")
            assert_within(got, gathered("correlate", data, taps, mode, boundary=boundary), f"{mode} {data.shape}")


@fast_floats
def test_calls_of_every_shape(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """A loud row beside quiet ones, a loud sample that a stride or a gap steps over, columns, kernels by the row."""
    rows = noise(rng, (6, 1500), dtype)
    rows[2] *= 1e9
    rows[4, 700:] *= 1e-9
    holes = noise(rng, 1500, dtype)
    holes[::3] *= 1e9
    cases: list[tuple[Array, Array, dict[str, Any]]] = [
        (rows, noise(rng, 100, dtype), {"axes": 1}), (rows, noise(rng, (6, 100), dtype), {"axes": 1}),
        (rows.T.copy(), noise(rng, (100, 1), dtype), {"axes": 0}), (rows[4:5], noise(rng, (7, 90), dtype), {"axes": 1}),
        (holes, noise(rng, 100, dtype), {"dilation": 3}), (holes, noise(rng, 100, dtype), {"stride": 3}),
        (rows[4], noise(rng, 100, dtype), {"lags": (500, 1300)}), (rows[4], noise(rng, 100, dtype), {"stride": 5}),
        (rows.reshape(2, 3, 1500), noise(rng, (2, 1, 90), dtype), {"axes": -1, "boundary": "reflect"}),
    ]  # fmt: skip
    for x, h, keywords in cases:
        got = convcorr.correlate(x, h, method="fft", **keywords)
        assert_within(got, gathered("correlate", x, h, **keywords), f"{x.shape} {h.shape} {keywords}")


def test_a_quiet_window_is_measured_by_its_own_samples(rng: np.random.Generator) -> None:
    """The test's own measure, on the case that a running sum with a subtraction gets wrong."""
    x = np.r_[1e12, np.full(50, 1e-6)]
    want = scattered("convolve", x, np.ones(4))
    np.testing.assert_allclose(np.asarray(want.window, float)[10:45], 2e-6, rtol=1e-12)
    spoiled = np.asarray(want.value, float)
    assert not complaint(spoiled, want)
    spoiled[30] += 1e-20
    assert "1 of 54 beyond the bound" in complaint(spoiled, want)


@pytest.mark.parametrize("dtype", WIDE, ids=str)  # NumPy before 2.0 transforms the others in double precision
@pytest.mark.parametrize("name", QUIET_BESIDE_LOUD)
def test_a_plain_fft_fails(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h = of_dtype(QUIET_BESIDE_LOUD[name](rng, N), dtype, rng), noise(rng, 501, dtype)
    want = scattered("convolve", x, h)
    assert worst(plain_fft(x, h), want) > 2 * C
    assert complaint(plain_fft(x, h), want)


def test_a_plain_fft_is_right_on_noise(rng: np.random.Generator) -> None:
    """So that what fails above is the signal, not the test: away from the ends, where windows are nearly empty."""
    x, h = noise(rng, N, "f8"), noise(rng, 501, "f8")
    want = scattered("convolve", x, h)
    inner = slice(50, -50)
    assert not complaint(plain_fft(x, h)[inner], want.cut(inner))


@fast_floats
@pytest.mark.parametrize("name", [*QUIET_BESIDE_LOUD, *QUIET_BESIDE_LOUD_2D])
def test_scipy_fails(name: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """SciPy's own `auto` takes an FFT for each of these, and breaks the bound that ours keeps."""
    signal = pytest.importorskip("scipy.signal", reason="SciPy is absent: nothing shows that it breaks the bound")
    if name in QUIET_BESIDE_LOUD:
        x, h = of_dtype(QUIET_BESIDE_LOUD[name](rng, N), dtype, rng), noise(rng, 1500, dtype)
    else:
        x, h = of_dtype(QUIET_BESIDE_LOUD_2D[name](rng, IMAGE), dtype, rng), noise(rng, (21, 23), dtype)
    assert signal.choose_conv_method(x, h) == "fft"
    want = scattered("convolve", x, h)
    assert complaint(np.asarray(signal.convolve(x, h, method="auto")), want)
    assert_within(convcorr.convolve(x, h), want, name)
