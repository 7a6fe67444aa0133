"""Real data with complex kernels and the reverse: fewer products, and nothing else that anybody could notice.

The parts of a complex number are multiplied apart. What that leaves out, the NaN that 0 times an infinite part is,
comes out as in the promoted call, which the oracle computes.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import convcorr
import convcorr.numpy
import oracle
from fft_cases import assert_within, forced_tile, gathered, scattered
from layouts import LAYOUTS, Array, guarded, margins_are_untouched, random_values, same_bits, small_integers

NAN, INF = np.nan, np.inf
OPS = ("convolve", "correlate")
PAIRS = [(a, b) for real, joint in (("f4", "c8"), ("f8", "c16")) for a, b in ((real, joint), (joint, real))]
MIXED = [("f2", "c8"), ("f4", "c16"), ("f8", "c8"), ("i1", "c8"), ("u2", "c8"), ("i4", "c8"), ("u8", "c16"),
         ("?", "c8"), ("g", "c8"), ("f4", "G")]  # fmt: skip
MIXED += [(b, a) for a, b in MIXED]
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((1,), (1,)), ((1,), (5,)), ((37,), (3,)), ((200,), (31,)), ((64,), (65,)), ((5003,), (9,)), ((2100,), (40,)),
    ((9, 50), (3, 3)), ((13, 37), (5, 7)), ((40, 33), (7, 7)), ((13, 600), (4, 1)), ((4, 5, 33), (3, 2, 4)),
]  # fmt: skip
dtype_pairs = pytest.mark.parametrize(("x_dtype", "h_dtype"), PAIRS, ids=str)


@dtype_pairs
@pytest.mark.parametrize(("x_shape", "h_shape"), SHAPES, ids=str)
def test_exact(x_shape: Any, h_shape: Any, x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    x, h = small_integers(rng, x_shape, x_dtype), small_integers(rng, h_shape, h_dtype)
    for op, mode in itertools.product(OPS, oracle.MODES):
        if mode == "valid" and any(k > n for n, k in zip(x_shape, h_shape, strict=True)):
            continue
        for boundary in oracle.BOUNDARIES if x.size < 3000 else ("constant",):
            want = oracle.solve(op, x, h, mode, boundary=boundary)
            got = getattr(convcorr, op)(x, h, mode, boundary=boundary, method="direct")
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want, err_msg=f"{op} {mode} {boundary}")


@pytest.mark.parametrize(("x_dtype", "h_dtype"), [*PAIRS, *MIXED], ids=str)
def test_types_and_layouts(x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    """Types that are promoted together, in every layout, within the bound of direct sums."""
    for x_shape, h_shape in (((300,), (11,)), ((20, 31), (3, 4))):
        x = small_integers(rng, x_shape, x_dtype) if x_dtype[0] in "iu?" else random_values(rng, x_shape, x_dtype)
        h = small_integers(rng, h_shape, h_dtype) if h_dtype[0] in "iu?" else random_values(rng, h_shape, h_dtype)
        for op in OPS:
            ans = oracle.answer(op, x, h, "same", boundary="reflect")
            for name, layout in LAYOUTS.items():
                for laid_x, laid_h in ((layout(x), h), (x, layout(h))):
                    got = getattr(convcorr, op)(laid_x, laid_h, "same", boundary="reflect", method="direct")
                    oracle.assert_matches(got, ans, f"{op} {name}")


@dtype_pairs
def test_keywords(x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    cases: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
        ((200,), (9,), {"stride": 3}), ((200,), (9,), {"dilation": 4}), ((90,), (7,), {"stride": 2, "dilation": 3}),
        ((40, 45), (3, 5), {"stride": (2, 1), "dilation": (1, 2)}), ((6, 150), (8,), {"axes": 1}),
        ((6, 150), (6, 8), {"axes": 1}), ((1, 150), (5, 8), {"axes": 1}), ((150, 4), (8, 1), {"axes": 0}),
        ((150, 40), (8, 1), {"axes": 0}), ((150,), (8,), {"fill_value": 2}), ((30, 31), (4, 5), {"fill_value": -1.5}),
        ((150,), (8,), {"fill_value": 2 - 3j}), ((30, 31), (4, 5), {"fill_value": 1j}),
        ((600,), (300,), {}), ((40, 45), (20, 9), {}), ((150,), (8,), {"dtype": np.complex128}),
    ]  # fmt: skip
    for x_shape, h_shape, keywords in cases:
        x, h = random_values(rng, x_shape, x_dtype), random_values(rng, h_shape, h_dtype)
        for op, mode in itertools.product(OPS, ("same", "full")):
            ans = oracle.answer(op, x, h, mode, **keywords)
            got = getattr(convcorr, op)(x, h, mode, method="direct", **keywords)
            oracle.assert_matches(got, ans, f"{op} {x_shape} {h_shape} {mode} {keywords}")


def kinds(y: Array) -> Array:
    """Of each part: 0 finite, 1 or -1 infinite, 2 NaN."""
    return np.stack([np.where(np.isnan(p), 2, np.where(np.isinf(p), np.sign(p), 0)) for p in (y.real, y.imag)], -1)


BAD = [complex(NAN, 1), complex(1, NAN), complex(INF, 1), complex(1, -INF), complex(INF, NAN), complex(-INF, INF),
       complex(0, INF), complex(NAN, 0)]  # fmt: skip
BAD_SHAPES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((50,), (5,), {}), ((5003,), (9,), {}), ((700,), (270,), {}), ((30, 41), (3, 3), {}), ((30, 41), (4, 6), {}),
    ((40, 5), (6, 1), {"axes": 0}), ((3, 90), (3, 6), {"axes": 1}), ((1, 90), (4, 6), {"axes": 1}),
    ((90,), (6,), {"stride": 2, "dilation": 3}), ((6, 7, 20), (2, 3, 4), {}),
]  # fmt: skip


def check_kinds(op: str, x: Array, h: Array, mode: Any, context: str, **keywords: Any) -> None:
    __tracebackhide__ = True
    with np.errstate(invalid="ignore"):
        want = oracle.answer(op, x, h, mode, **keywords)
    p = convcorr.plan(x.shape, h, mode, op=op, x_dtype=x.dtype, **keywords)
    results = [getattr(convcorr, op)(x, h, mode, method=m, **keywords) for m in ("direct", "fft", "auto")]
    for got in [*results, p(x)]:
        assert (kinds(got) == kinds(want.rounded())).all(), f"{context} {op} {mode}"
    finite = np.isfinite(want.value)
    assert np.abs(results[0][finite] - want.value[finite]).max(initial=0) < 1e-3
    alone = getattr(convcorr, op)(x, h, mode, method="direct", threads=1, **keywords)
    assert same_bits(results[0], alone)


@dtype_pairs
@pytest.mark.parametrize("call", BAD_SHAPES, ids=str)
def test_what_is_not_finite_spreads_as_in_the_promoted_call(
    call: Any, x_dtype: str, h_dtype: str, rng: np.random.Generator
) -> None:
    x_shape, h_shape, keywords = call
    clean, taps = random_values(rng, x_shape, x_dtype), random_values(rng, h_shape, h_dtype)
    taps.flat[1] = 0
    for number, value in enumerate(BAD):
        op, mode = OPS[number % 2], ("full", "same")[number // 2 % 2]
        x, h = clean.copy(), taps.copy()
        x.flat[x.size // 3] = value if x.dtype.kind == "c" else value.real
        check_kinds(op, x, taps, mode, f"sample {value}", **keywords)
        h.flat[h.size // 2] = value if h.dtype.kind == "c" else value.imag
        check_kinds(op, clean, h, mode, f"tap {value}", **keywords)
        check_kinds(op, x, h, mode, f"both {value}", **keywords)
        if not keywords:
            fill = value if "c" in x_dtype else value.real
            check_kinds(op, clean, taps, mode, f"fill {value}", fill_value=fill)


@dtype_pairs
def test_everything_infinite_and_overflow(x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    x, h = random_values(rng, (3000,), x_dtype), random_values(rng, (31,), h_dtype)
    check_kinds("convolve", np.full_like(x, INF), h, "same", "Inf everywhere")
    check_kinds("correlate", np.full_like(x, NAN), h, "full", "NaN everywhere")
    joint = np.result_type(x, h)
    loud, ones = np.full(3000, np.finfo(x_dtype).max / 3, x_dtype), np.ones(9, h_dtype)
    promoted = convcorr.convolve(loud.astype(joint), ones.astype(joint), method="direct")
    assert np.isinf(promoted.real).sum() > 2900
    assert (kinds(convcorr.convolve(loud, ones, method="direct")) == kinds(promoted)).all()


@dtype_pairs
def test_out_threads_and_plans(x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    """The same bits, wherever they are stored and whoever computes them."""
    for x_shape, h_shape in (((50_003,), (31,)), ((20_000,), (200,)), ((301, 283), (7, 5)), ((60, 70), (3, 3))):
        x, h = random_values(rng, x_shape, x_dtype), random_values(rng, h_shape, h_dtype)
        for op, method in itertools.product(OPS, ("direct", "auto", "fft")):
            function = getattr(convcorr, op)
            alone = function(x, h, "same", method=method, threads=1)
            for threads in (2, 3):
                assert same_bits(function(x, h, "same", method=method, threads=threads), alone), f"{op} {method}"
            host, out = guarded(alone.shape, alone.dtype)
            function(x, h, "same", method=method, out=out, threads=2)
            assert same_bits(out, alone), f"{op} {method}"
            assert margins_are_untouched(host, out)
            p = convcorr.plan(x_shape, h, "same", op=op, x_dtype=x_dtype, method=method)
            assert same_bits(p(x), alone), f"{op} {method}"
            assert same_bits(p(LAYOUTS["reversed_axes"](x)), alone) or method != "direct"


@dtype_pairs
def test_numpy_dropin(x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    for n, k in ((5, 3), (3, 5), (300, 20), (20, 3000)):
        x, h = small_integers(rng, (n,), x_dtype), small_integers(rng, (k,), h_dtype)
        for name, mode in itertools.product(OPS, oracle.MODES):
            want = getattr(np, name)(x, h, mode)
            got = getattr(convcorr.numpy, name)(x, h, mode)
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)


@dtype_pairs
def test_it_takes_less_than_the_promoted_call(x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    """By the cost model, and `auto` follows it."""
    for x_shape, h_shape in (((100_000,), (127,)), ((256, 256), (15, 15))):
        x, h = random_values(rng, x_shape, x_dtype), random_values(rng, h_shape, h_dtype)
        joint = np.result_type(x, h)
        told = convcorr.explain(x, h, method="direct")
        promoted = convcorr.explain(x.astype(joint), h.astype(joint), method="direct")
        assert told.algorithm == promoted.algorithm == "direct"
        assert told.predicted_us < 0.75 * promoted.predicted_us
        assert told.candidates[0].by_parts
        assert not promoted.candidates[0].by_parts
        assert "by parts" in str(told)
    with_complex_fill = convcorr.explain(np.ones(500, "f4"), np.ones(9, "c8"), "same", fill_value=1j)
    assert not any(c.by_parts for c in with_complex_fill.candidates)


FFT_CALLS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((700,), (90,), {}), ((3000,), (65,), {}), ((60, 70), (9, 11), {}), ((9, 10, 20), (4, 3, 5), {}),
    ((3, 700), (1, 80), {"axes": 1}), ((3, 700), (3, 80), {"axes": 1}), ((1, 700), (3, 80), {"axes": 1}),
    ((2, 1, 600), (2, 3, 50), {"axes": -1}), ((600, 1), (50, 3), {"axes": 0}), ((600, 40), (50, 1), {"axes": 0}),
    ((700,), (40,), {"stride": 3}), ((700,), (40,), {"dilation": 3}), ((700,), (40,), {"boundary": "wrap"}),
    ((700,), (40,), {"fill_value": 2}), ((700,), (40,), {"fill_value": 1 - 2j}), ((700,), (40,), {"dtype": "c8"}),
]  # fmt: skip


@dtype_pairs
@pytest.mark.parametrize("call", FFT_CALLS, ids=str)
def test_fft(call: Any, x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    """Every role that an axis may have, in odd layouts, planned and not, into any `out`."""
    x_shape, h_shape, keywords = call
    x, h = random_values(rng, x_shape, x_dtype), random_values(rng, h_shape, h_dtype)
    for op, mode in itertools.product(OPS, ("same", "full")):
        want, function = gathered(op, x, h, mode, **keywords), getattr(convcorr, op)
        alone = function(x, h, mode, method="fft", threads=1, **keywords)
        assert_within(alone, want, f"{op} {mode}")
        for name in ("byte_swapped", "every_third", "record_field"):
            got = function(x, LAYOUTS[name](h), mode, method="fft", threads=2, **keywords)
            assert same_bits(got, alone), f"{op} {mode} {name}"
            out = LAYOUTS[name](np.zeros_like(alone)) if name != "byte_swapped" else np.zeros_like(alone)
            function(x, h, mode, method="fft", out=out, **keywords)
            assert_within(np.array(out), want, f"{op} {mode} out {name}")
        p = convcorr.plan(x.shape, h, mode, op=op, x_dtype=x.dtype, method="fft", **keywords)
        assert same_bits(p(x), alone)
        assert_within(p(LAYOUTS["fortran"](x)), want, f"{op} {mode} planned")


def test_which_transforms_go_by_parts(rng: np.random.Generator) -> None:
    """Real data with a complex kernel, where that is faster; complex data are one complex transform anyway."""
    for real, joint in (("f4", "c8"), ("f8", "c16")):
        for x_shape, h_shape in (((20_000,), (1001,)), ((300, 300), (31, 31))):
            x, h = random_values(rng, x_shape, real), random_values(rng, h_shape, joint)
            told = convcorr.explain(x, h)
            chosen = next(c for c in told.candidates if c.chosen)
            assert (chosen.algorithm, chosen.by_parts) == ("fft", True)
            assert convcorr.plan(x_shape, h, x_dtype=real).explain() == told
            for a, b in ((x.astype(joint), h.real.copy()), (x.astype(joint), h)):
                assert not next(c for c in convcorr.explain(a, b, method="fft").candidates if c.chosen).by_parts


@dtype_pairs
def test_the_promise_of_each_window(x_dtype: str, h_dtype: str, rng: np.random.Generator) -> None:
    for n, k in ((6000, 120), (6000, 250), (9000, 700)):
        noisy, taps = random_values(rng, (n,), x_dtype), random_values(rng, (k,), h_dtype)
        level = np.repeat([1, 1e-7, 1e5, 1e-3, 0, 1], n // 6).astype(np.dtype(x_dtype).type(0).real.dtype)
        for x, h in ((noisy * level, taps), (np.full(n, 0.1, x_dtype), np.ones(k, h_dtype)),
                     (np.full(n, 0.1, x_dtype) * level, np.ones(k, h_dtype))):  # fmt: skip
            want = scattered("correlate", x, h)
            for tile in (None, (2048,), (8192,)):
                with forced_tile(tile):
                    assert_within(convcorr.correlate(x, h, method="fft", threads=2), want, f"{n} {k} {tile}")
            assert_within(convcorr.correlate(x, h), want, f"{n} {k} auto")
