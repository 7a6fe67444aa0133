"""The FFT engine against the references: sizes, tiles, geometry, dtypes, threads, instruction sets.

Floating point is held to the promise of its window (fft_cases.py), integers to `==`.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import convcorr
import exact
import oracle
from convcorr import _core
from fft_cases import (
    FAST_FLOATS,
    Want,
    assert_within,
    bordered,
    complaint,
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
from layouts import INTEGERS, LAYOUTS, Array, guarded, margins_are_untouched, random_values, same_bits
from subprocesses import output_of
from test_random import OUT_LAYOUTS, Call, calls

FUNCTIONS: dict[str, Any] = {"convolve": convcorr.convolve, "correlate": convcorr.correlate}
OPS = list(FUNCTIONS)
METHODS: tuple[Any, ...] = ("fft", "auto")
fast_floats = pytest.mark.parametrize("dtype", FAST_FLOATS, ids=str)


def by_fft(op: str, x: Any, h: Any, mode: Any = "full", **keywords: Any) -> Array:
    result: Array = FUNCTIONS[op](x, h, mode, method="fft", **keywords)
    return result


def compare_modes(op: str, x: Array, h: Array, want: Want, **keywords: Any) -> None:
    """Every mode of one call against the full result."""
    for mode, part in modes(want, x.shape, h.shape):
        if wrong := complaint(by_fft(op, x, h, mode, **keywords), part):
            pytest.fail(f"{op} {mode} x {x.dtype} {x.shape} h {h.dtype} {h.shape} {keywords}: {wrong}")


def test_the_references_agree(rng: np.random.Generator) -> None:
    for dtype, (x_shape, h_shape) in itertools.product(FAST_FLOATS, [((40,), (9,)), ((7,), (30,)), ((8, 9), (3, 4))]):
        x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
        for op in OPS:
            full = scattered(op, x, h)
            if x.ndim == 1:
                outputs = np.arange(full.value.size)
                few = sampled(op, x, h, outputs)
                np.testing.assert_allclose(few.value, full.value, rtol=0, atol=1e-12)
                np.testing.assert_allclose(few.window, full.window, rtol=1e-15)
            for mode, want in modes(full, x_shape, h_shape):
                other = gathered(op, x, h, mode)
                np.testing.assert_allclose(want.value, other.value, rtol=0, atol=1e-12)
                np.testing.assert_allclose(want.window, other.window, rtol=1e-15)
                np.testing.assert_allclose(np.broadcast_to(want.kernel, other.kernel.shape), other.kernel, rtol=1e-15)


@fast_floats
def test_every_small_size(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    data, taps = noise(rng, 80, dtype), noise(rng, 80, dtype)
    for n in range(1, 71):
        for k in range(1, n + 6):
            x, h, op = data[n % 8 : n % 8 + n], taps[k % 5 : k % 5 + k], OPS[(n + k) % 2]
            compare_modes(op, x, h, scattered(op, x, h), threads=1 + k % 2)


# np.convolve, the reference, hands dot products from 10,000 terms on to BLAS's threads, and waits for them each time.
LARGE = [(10_007, 997), (30_011, 127), (9973, 9973), (4099, 8209), (20_000, 2003), (16_384, 4096), (32_767, 61),
         (12_289, 3), (1, 20_011), (2, 9000), (40_009, 513)]  # fmt: skip


@fast_floats
@pytest.mark.parametrize(("n", "k"), LARGE)
def test_large_sizes(n: int, k: int, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    x, h, op = whole_noise(rng, n, dtype), whole_noise(rng, k, dtype), OPS[n % 2]
    compare_modes(op, x, h, scattered(op, x, h), threads=2)


@fast_floats
def test_random_sizes(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    for _ in range(40):
        n, k = (int(2 ** rng.uniform(0, top)) for top in (14, 12))
        x, h, op = noise(rng, n, dtype), noise(rng, k, dtype), OPS[k % 2]
        compare_modes(op, x, h, scattered(op, x, h))


@fast_floats
@pytest.mark.parametrize(("n", "k"), [(100_003, 99_991), (131_072, 131_072), (100_000, 100_001), (999_983, 5003)])
def test_long_rows(n: int, k: int, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Chosen outputs within the bound, all outputs the same bits on any number of threads and in every mode."""
    x, h = whole_noise(rng, n, dtype), whole_noise(rng, k, dtype)
    outputs = some_outputs(rng, n, k, 200)
    full = by_fft("convolve", x, h, threads=1)
    assert_within(full[outputs], sampled("convolve", x, h, outputs), f"{n} {k}")
    assert same_bits(by_fft("convolve", x, h, threads=2), full)
    inside = outputs[(outputs >= k - 1) & (outputs < n)] if n >= k else outputs[:0]
    if inside.size:
        valid = by_fft("convolve", x, h, "valid", threads=2)
        assert_within(valid[inside - (k - 1)], sampled("convolve", x, h, inside), f"valid {n} {k}")
    centre = outputs[(outputs >= (k - 1) // 2) & (outputs < (k - 1) // 2 + n)]
    same = by_fft("correlate", x, h[::-1].conj(), "same", threads=2)
    assert_within(same[centre - (k - 1) // 2], sampled("convolve", x, h, centre), f"same {n} {k}")


@pytest.mark.parametrize(("n", "k"), [(1, 1000), (7, 7000), (97, 97_003), (1000, 1_000_003)])
def test_kernels_a_thousand_times_longer_than_the_data(n: int, k: int, rng: np.random.Generator) -> None:
    for dtype in FAST_FLOATS:
        x, h, outputs = noise(rng, n, dtype), noise(rng, k, dtype), some_outputs(rng, n, k, 500)
        want = sampled("convolve", x, h, outputs)
        assert_within(by_fft("convolve", x, h, threads=2)[outputs], want, f"{dtype} fft")
        assert_within(convcorr.convolve(x, h)[outputs], want, f"{dtype} auto")


def served_by_tile(op: str, x: Array, h: Array, tile: tuple[int, ...]) -> bool:
    """Checks every mode on 1 and 2 threads; whether that tile served the call, and not the direct sum instead."""
    with forced_tile(tile):
        try:
            compare_modes(op, x, h, scattered(op, x, h), threads=2)
            alone = by_fft(op, x, h, threads=1)
            assert same_bits(by_fft(op, x, h, threads=2), alone), f"{tile} {x.shape} {h.shape}"
            return was_transformed(alone, op, x, h)
        except ValueError:
            return False


@fast_floats
@pytest.mark.parametrize("tile", [2**power for power in range(6, 15)])
def test_forced_tiles(tile: int, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Blocks of every length: one, some and many per row, with kernels that leave much or hardly any of a block."""
    for k in sorted({2, 33, tile // 8 + 1, tile // 2, tile - 1}):
        for n in sorted({tile // 3, tile - k + 1, 2 * tile + 5, min(9 * tile + 77, 20_000)}):
            if n * k < 3e7:
                served = served_by_tile("convolve", whole_noise(rng, n, dtype), whole_noise(rng, k, dtype), (tile,))
                # Others may be too short for the kernel or for a register's lanes, or too long for the guard.
                assert served or tile < 1024 or not tile // 8 < k <= tile // 2, f"no block of {tile} for {n} and {k}"


TILES: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
    ((16, 64), (50, 150), (5, 9)), ((32, 128), (70, 301), (11, 13)), ((64, 64), (64, 64), (31, 31)),
    ((128, 16), (300, 40), (60, 5)), ((16, 1024), (33, 1500), (3, 300)), ((64, 512), (90, 700), (17, 33)),
    ((256, 256), (260, 259), (9, 8)), ((128, 1024), (150, 1050), (40, 60)), ((8, 8, 64), (19, 17, 130), (3, 4, 9)),
    ((16, 16, 16), (20, 30, 31), (5, 5, 5)), ((4, 32, 128), (9, 40, 140), (2, 7, 12)),
    ((8, 16, 512), (9, 18, 520), (4, 5, 12)), ((32, 4, 64), (33, 7, 65), (9, 1, 9)),
    ((4, 8, 8, 32), (5, 9, 10, 40), (2, 3, 3, 5)), ((4, 8, 8, 512), (5, 9, 10, 530), (2, 3, 3, 120)),
]  # fmt: skip


@fast_floats
@pytest.mark.parametrize(("tile", "x_shape", "h_shape"), TILES, ids=str)
def test_forced_tiles_of_more_axes(
    tile: tuple[int, ...], x_shape: tuple[int, ...], h_shape: tuple[int, ...], dtype: np.dtype[Any],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Rows of 512 and more suit the registers of every machine."""
    x, h = whole_noise(rng, x_shape, dtype), whole_noise(rng, h_shape, dtype)
    compare_modes("correlate", x, h, scattered("correlate", x, h), threads=2)
    assert served_by_tile("correlate", x, h, tile) or tile[-1] < 512, f"no tile of {tile}"


@fast_floats
@pytest.mark.parametrize(
    ("x_shape", "h_shape"),
    [((1, 700), (1, 90)), ((700, 1), (90, 1)), ((1, 300), (9, 1)), ((200, 190), (45, 3)), ((190, 200), (3, 45)),
     ((97, 89), (97, 89)), ((30, 31), (60, 70)), ((257, 255), (16, 16)), ((40, 41, 43), (7, 11, 13)),
     ((1, 50, 51), (1, 9, 9)), ((50, 1, 51), (9, 1, 9)), ((5, 6, 7), (9, 9, 9))], ids=str,
)  # fmt: skip
def test_shapes(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    x, h = whole_noise(rng, x_shape, dtype), whole_noise(rng, h_shape, dtype)
    compare_modes("convolve", x, h, scattered("convolve", x, h), threads=2)


@fast_floats
def test_the_transform_really_runs(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """method="fft" means it, for all but a few taps: results are rounded otherwise than direct sums are."""
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((40,), (9,)), ((3,), (70,)), ((4000,), (300,)), ((30, 20), (3, 3)), ((5, 300), (1, 20)),
        ((300, 5), (20, 1)), ((12, 13), (12, 12)), ((9, 8, 7), (3, 3, 3)),
    ]  # fmt: skip
    for x_shape, h_shape in shapes:
        x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
        assert was_transformed(by_fft("convolve", x, h), "convolve", x, h), f"{x_shape} {h_shape}"


@fast_floats
@pytest.mark.parametrize("boundary", oracle.BOUNDARIES)
def test_borders(boundary: Any, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """With a halo of a part of the array, of all of it, and of many periods of it."""
    fills = (0, 3) if boundary == "constant" else (0,)
    for (n, k), fill in itertools.product(((500, 70), (300, 300), (50, 333), (3, 200), (1, 65), (9000, 257)), fills):
        x, h = whole_noise(rng, n, dtype), whole_noise(rng, k, dtype)
        full = bordered("convolve", x, h, [boundary], fill)
        for mode, want in itertools.islice(modes(full, (n,), (k,)), 2):
            assert_within(by_fft("convolve", x, h, mode, boundary=boundary, fill_value=fill), want, f"{n} {k} {mode}")
    for second in oracle.BOUNDARIES:
        for x_shape, h_shape in (((40, 70), (9, 11)), ((5, 30), (14, 9)), ((200, 150), (9, 20))):
            x, h = whole_noise(rng, x_shape, dtype), whole_noise(rng, h_shape, dtype)
            full = bordered("correlate", x, h, [boundary, second], 2)
            got = by_fft("correlate", x, h, threads=2, boundary=(boundary, second), fill_value=2)
            assert_within(got, full, f"{x_shape} {h_shape} {second}")


GEOMETRY: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((900,), (25,), {"stride": 2}), ((500,), (45,), {"stride": 7, "dilation": 3}), ((400,), (40,), {"dilation": 9}),
    ((900,), (30,), {"lags": (100, 500)}), ((900,), (30,), {"lags": (-200, 40)}), ((300,), (69,), {"lags": (290, 700)}),
    ((900,), (40,), {"lags": (-70, 333), "stride": 3, "dilation": 2, "boundary": "reflect"}),
    ((40, 50), (7, 8), {"stride": (2, 3)}), ((40, 50), (6, 7), {"dilation": (3, 2), "boundary": "wrap"}),
    ((300, 3), (40, 1), {"axes": 0}), ((300, 16), (40, 1), {"axes": 0}), ((300, 1), (40, 5), {"axes": 0}),
    ((5, 400), (33,), {"axes": -1}), ((5, 400), (5, 33), {"axes": 1}), ((1, 400), (7, 33), {"axes": 1}),
    ((3, 1, 300), (1, 4, 40), {"axes": 2}), ((4, 50, 5), (36,), {"axes": -1}), ((4, 150, 5), (1, 36, 1), {"axes": 1}),
    ((30, 40, 3), (7, 8, 1), {"axes": (0, 1)}), ((3, 30, 40), (7, 8), {"axes": (1, 2)}),
    ((30, 3, 40), (7, 1, 8), {"axes": (0, 2), "boundary": "edge"}), ((1, 40, 41), (3, 5, 4), {"axes": (1, 2)}),
    ((1, 30, 40), (6, 7, 8), {"axes": (1, 2)}), ((40, 50), (7, 9), {"axes": (1, 0)}),
    ((30, 40, 4), (7, 8, 4), {"axes": (1, 0), "boundary": ("wrap", "symmetric")}),
    ((2, 11, 12, 15), (3, 4, 5), {"axes": (1, 2, 3)}), ((11, 12, 15, 2), (3, 4, 5, 1), {"axes": (0, 1, 2)}),
    ((300, 2, 3), (40, 2, 1), {"axes": 0, "stride": 2, "boundary": "symmetric"}),
]  # fmt: skip


@fast_floats
@pytest.mark.parametrize(("x_shape", "h_shape", "keywords"), GEOMETRY, ids=str)
def test_geometry(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], keywords: dict[str, Any], dtype: np.dtype[Any],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
    for mode in ("full",) if "lags" in keywords else ("full", "same"):  # "valid" ones are among the random calls
        want = gathered("correlate", x, h, mode, **keywords)
        for threads in (1, 2):
            assert_within(by_fft("correlate", x, h, mode, threads=threads, **keywords), want, f"{mode} {threads}")


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_random_calls(n_axes: int) -> None:
    """Any call that the direct engine takes: what no FFT serves, another method does."""

    @settings(max_examples=250)
    @given(calls(n_axes), st.sampled_from([1, 2]))
    def check(call: Call, threads: int) -> None:
        note(str(call))
        got = by_fft(call.op, call.x, call.h, call.mode, threads=threads, **call.keywords)
        want = gathered(call.op, call.x, call.h, call.mode, **call.keywords)
        if want.accumulator.char in "gG":  # the reference's path
            oracle.assert_matches(got, oracle.answer(call.op, call.x, call.h, call.mode, **call.keywords))
        else:
            assert_within(got, want)

    check()


@fast_floats
@pytest.mark.parametrize(("x_shape", "h_shape"), [((3000,), (200,)), ((90, 80), (15, 14))], ids=str)
def test_layouts(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator
) -> None:
    """Strided, reversed, unaligned, byte-swapped: x, h and out."""
    x, h = noise(rng, x_shape, dtype), noise(rng, h_shape, dtype)
    want = scattered("convolve", x, h)
    for name, layout in LAYOUTS.items():
        assert_within(by_fft("convolve", layout(x), h), want, f"x {name}")
        assert_within(by_fft("convolve", x, layout(h), threads=2), want, f"h {name}")
    returned = by_fft("convolve", x, h)
    for layout in OUT_LAYOUTS:
        out = layout(np.ones_like(returned))
        assert by_fft("convolve", x, h, out=out) is out
        assert same_bits(out, returned), layout.__name__
    host, out = guarded(returned.shape, dtype)
    by_fft("convolve", x, h, out=out, threads=2)
    assert same_bits(out, returned)
    assert margins_are_untouched(host, out), "wrote outside out"


@fast_floats
def test_out_may_overlap_x(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    h, kernel = noise(rng, 200, dtype), noise(rng, (15, 12), dtype)
    for shift in (-700, -1, 0, 1, 3, 700):
        host = noise(rng, 9000, dtype)
        x, out = host[1000:8000], host[1000 + shift : 8000 + shift]
        want = by_fft("convolve", x.copy(), h, "same")
        by_fft("convolve", x, h, "same", out=out, threads=2)
        assert same_bits(out, want), f"shifted by {shift}"
    image = noise(rng, (90, 80), dtype)
    want = by_fft("convolve", image.copy(), kernel, "same", boundary="wrap")
    by_fft("convolve", image, kernel, "same", boundary="wrap", out=image[::-1])
    assert same_bits(image[::-1], want)


@pytest.mark.parametrize(("real", "joint"), [("f4", "c8"), ("f8", "c16"), ("f4", "c16"), ("f8", "c8")])
@pytest.mark.parametrize(("x_shape", "h_shape"), [((5000,), (301,)), ((70, 75), (12, 13))], ids=str)
def test_real_with_complex(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], real: str, joint: str, rng: np.random.Generator
) -> None:
    """Results are those of the promoted call, within the promise."""
    for x_dtype, h_dtype in ((real, joint), (joint, real)):
        x, h = noise(rng, x_shape, x_dtype), noise(rng, h_shape, h_dtype)
        result = np.result_type(x, h)
        for op in OPS:
            want = scattered(op, x.astype(result), h.astype(result))
            compare_modes(op, x, h, want)
            assert_within(convcorr.convolve(x, h, threads=2), scattered("convolve", x.astype(result), h.astype(result)))


def test_float16_is_summed_in_float32(rng: np.random.Generator) -> None:
    for x_shape, h_shape in (((5000,), (301,)), ((70, 75), (12, 13))):
        x, h = noise(rng, x_shape, "f2"), noise(rng, h_shape, "f2")
        for mode in oracle.MODES:
            assert_within(by_fft("convolve", x, h, mode), gathered("convolve", x, h, mode), mode)
    ones = np.ones(9000, np.float16)
    assert by_fft("convolve", ones, ones[:2051], "valid")[0] == 2052


@pytest.mark.parametrize("dtype", [*INTEGERS, np.dtype(bool)], ids=str)
def test_integers_stay_exact(dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Over their whole range, wrapped as ever, and in results wider than they are."""
    for n, k in ((5000, 301), (3000, 2999), (999, 60)):
        x, h = random_values(rng, (n,), dtype), random_values(rng, (k,), dtype)
        if dtype.kind == "b":
            x, h = x & (rng.random(n) < 0.02), h & (rng.random(k) < 0.02)
        wide: Array = exact.full(x.astype(np.int64), h.astype(np.int64))
        results = [dtype, *(np.dtype(c) for c in ("i4", "u2", "i8") if dtype.kind != "b")]
        for result, method in itertools.product(results, METHODS):
            want = wide > 0 if result.kind == "b" else wide.astype(result)
            got = convcorr.convolve(x, h, dtype=result, method=method)
            assert not (wrong := exact.difference(got, want)), f"{n} {k} {method} to {result}: {wrong}"
    image, kernel = random_values(rng, (80, 90), dtype), random_values(rng, (17, 19), dtype)
    for method in METHODS:
        got = convcorr.correlate(image, kernel, "same", boundary="symmetric", method=method, threads=2)
        want = oracle.correlate(image, kernel, "same", boundary="symmetric")
        assert not (wrong := exact.difference(got, want)), f"{method}: {wrong}"


THREADED: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((300_007,), (1001,), {}), ((60_000,), (59_999,), {}), ((401, 383), (31, 29), {}), ((2000, 17), (300, 1), {}),
    ((24, 9000), (301,), {"axes": -1}), ((5, 160, 170), (25, 23), {"axes": (1, 2)}), ((60, 61, 62), (9, 10, 11), {}),
    ((250, 260), (35, 35), {"stride": 2, "dilation": 2}), ((5000, 6), (400, 1), {"axes": 0, "boundary": "wrap"}),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [*FAST_FLOATS, np.dtype("f2"), np.dtype("u1")], ids=str)
@pytest.mark.parametrize(("x_shape", "h_shape", "keywords"), THREADED, ids=str)
def test_bits_do_not_depend_on_threads(
    x_shape: tuple[int, ...], h_shape: tuple[int, ...], keywords: dict[str, Any], dtype: np.dtype[Any],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    x, h = random_values(rng, x_shape, dtype), random_values(rng, h_shape, dtype)
    x.flat[x.size // 2] = 100  # louder than its surroundings, so that the guard has work too
    for method in METHODS:
        alone = convcorr.convolve(x, h, "same", method=method, threads=1, **keywords)
        for threads in (1, 2, 3, 8):
            again = convcorr.convolve(x, h, "same", method=method, threads=threads, **keywords)
            assert same_bits(again, alone), f"{method}, {threads} threads"


@pytest.mark.parametrize("isa", list(_core.config()["isas_available"]))
def test_every_instruction_set(isa: str) -> None:
    """The battery of fft_battery.py in a process of its own: that set ran, and was right."""
    assert output_of("fft_battery.py", CONVCORR_ISA=isa).split() == [isa, "right"]
