"""Layers of neural networks against their definitions: every operation, over random shapes, layouts and dtypes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convcorr import nn
from nn_cases import CONV, FLOATS, GRAD_INPUT, GRAD_WEIGHT, INTEGERS, TRANSPOSED, Case, numbers, random_case
from nn_oracle import answer, answer_as, channels_last
from oracle import Answer, Array, assert_matches, gamma

AXES = [1, 2, 3]
CASES = {1: 300, 2: 300, 3: 150}  # of each operation


def forward(case: Case, dtype: Any = None) -> Answer:
    terms = case.w[0].size
    return answer_as(answer(case.layer.conv, case.x, case.w, terms, bias=case.bias, dtype=dtype), case.images)


def assert_near(got: Array, ans: Answer, case: Case) -> None:
    """As `assert_matches`; a float16 with a bias is rounded twice."""
    if ans.result == np.float16 and case.bias is not None:
        once = float(np.finfo(np.float16).eps) / 2  # relative to the sum without the bias
        ans = replace(ans, weight=ans.weight * (1 + once / gamma(ans.terms, np.dtype(np.float32))))
    assert_matches(got, ans, repr(case))


def cases(axes: int, seed: int, **keywords: Any) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [random_case(rng, axes, **keywords) for _ in range(CASES[axes])]


@pytest.mark.parametrize("axes", AXES)
def test_layers_are_their_definition(axes: int) -> None:
    for case in cases(axes, 1):
        got = CONV[axes](case.images(case.x), case.w, case.bias, algorithm="direct", **case.keywords)
        assert_near(got, forward(case), case)
        assert got.flags.c_contiguous


@pytest.mark.parametrize("axes", AXES)
def test_transposed_layers_are_their_definition(axes: int) -> None:
    rng = np.random.default_rng(5)
    for case in cases(axes, 2, constant=True):
        layer, w = case.layer, case.w
        pairs = zip(layer.stride, layer.dilation, strict=True)
        layer = replace(layer, output_padding=tuple(int(rng.integers(0, max(s, d))) for s, d in pairs))
        size = layer.transposed_size(case.y.shape[2:], w.shape[2:])
        if min(size) < 1:
            continue
        bias = None if case.bias is None else numbers(rng, np.result_type(case.y, w), (w.shape[1] * layer.groups,))
        terms = w[:, 0].size // layer.groups
        # `answer` calls it at once, within this turn of the loop.
        ans = answer(lambda y, w: layer.transposed(y, w, size), case.y, w, terms, bias=bias)  # noqa: B023
        got = TRANSPOSED[axes](
            case.images(case.y), w, bias, output_padding=layer.output_padding, algorithm="direct", **case.keywords
        )
        assert_near(got, answer_as(ans, case.images), replace(case, bias=bias))


@pytest.mark.parametrize("axes", AXES)
def test_gradients_of_data_are_their_definition(axes: int) -> None:
    for case in cases(axes, 3, constant=True):
        size = case.x.shape[2:]
        terms = case.w[:, 0].size // case.layer.groups
        # `answer` calls it at once, within this turn of the loop.
        ans = answer(lambda y, w: case.layer.transposed(y, w, size), case.y, case.w, terms)  # noqa: B023
        shape = case.images(case.x).shape
        got = GRAD_INPUT[axes](shape, case.w, case.images(case.y), algorithm="direct", **case.keywords)
        assert_matches(got, answer_as(ans, case.images), repr(case))


@pytest.mark.parametrize("axes", AXES)
def test_gradients_of_weights_are_their_definition(axes: int) -> None:
    for case in cases(axes, 4):
        shape = case.w.shape
        terms = case.y[:, 0].size
        # `answer` calls it at once, within this turn of the loop.
        ans = answer(lambda x, y: case.layer.grad_weight(x, y, shape), case.x, case.y, terms)  # noqa: B023
        got = GRAD_WEIGHT[axes](case.images(case.x), shape, case.images(case.y), algorithm="direct", **case.keywords)
        assert_matches(got, ans, repr(case))


@pytest.mark.parametrize("algorithm", ["auto", "im2col", "winograd", "fft", "depthwise"])
def test_other_algorithms_keep_the_normwise_bound(algorithm: Any, rng: np.random.Generator) -> None:
    """8 u log2(K + 1) norm(x in the window) norm(w), u that of the type sums are taken in; integers exactly."""
    for axes in (1, 2, 2, 2, 3):
        for dtype in ("f4", "f8", "c8", "i2"):
            case = random_case(rng, axes, dtype=dtype)
            case = replace(case, bias=None)
            got = CONV[axes](case.images(case.x), case.w, algorithm=algorithm, **case.keywords)
            ans = forward(case)
            assert (got.dtype, got.shape) == (ans.result, ans.value.shape)
            if dtype == "i2":
                np.testing.assert_array_equal(got, ans.value)
                continue
            ones, squares = np.ones(case.w.shape), np.abs(case.x.astype(np.clongdouble)) ** 2
            window = np.sqrt(case.layer.conv(squares.real, ones))
            norms = np.sqrt((np.abs(case.w.astype(np.clongdouble)) ** 2).reshape(len(case.w), -1).sum(1))
            bound = 8 * np.finfo(dtype).eps / 2 * np.log2(case.w[0].size + 1) * window
            bound = case.images(bound * norms.reshape(-1, *(1,) * axes))
            assert (np.abs(got - ans.value) <= bound).all(), repr(case)


@pytest.mark.parametrize("algorithm", ["auto", "im2col", "winograd", "fft", "depthwise"])
def test_other_algorithms_make_the_same_gradients(algorithm: Any, rng: np.random.Generator) -> None:
    """To 8 u log2(K + 1) norm(a) norm(b), of the whole arrays; integers exactly."""
    for axes in (1, 2, 2, 2, 3):
        for dtype in ("f4", "f8", "c8", "i2"):
            case = random_case(rng, axes, dtype=dtype, constant=True)
            x, y = case.images(case.x), case.images(case.y)

            def gradients(algorithm: Any, case: Case = case, x: Array = x, y: Array = y) -> list[tuple[Array, ...]]:
                keywords = {**case.keywords, "algorithm": algorithm}
                axes = case.w.ndim - 2
                return [
                    (GRAD_INPUT[axes](x.shape, case.w, y, **keywords), y, case.w),
                    (GRAD_WEIGHT[axes](x, case.w.shape, y, **keywords), x, y),
                    (TRANSPOSED[axes](y, case.w, **{**keywords, "padding": 0}), y, case.w),
                ]

            for (got, a, b), (want, *_) in zip(gradients(algorithm), gradients("direct"), strict=True):
                assert (got.dtype, got.shape) == (want.dtype, want.shape)
                bound = 0.0
                if dtype != "i2":
                    terms = min(a.size, b.size) + 1
                    bound = 8 * float(np.finfo(dtype).eps) / 2 * np.log2(terms + 1)
                    bound *= float(np.linalg.norm(a.ravel()) * np.linalg.norm(b.ravel()))
                assert (np.abs(got - want) <= bound).all(), repr(case)


def test_wide_sums_of_narrow_integers(rng: np.random.Generator) -> None:
    for x_type, w_type in (("u1", "i1"), ("i1", "i1"), ("u1", "u1"), ("i2", "i1"), ("?", "i1")):
        x = rng.integers(0, 2, (2, 4, 9, 9)).astype(x_type) if x_type == "?" else numbers(rng, x_type, (2, 4, 9, 9))
        w = numbers(rng, w_type, (6, 4, 3, 3))
        exact = nn.conv2d(x.astype(float), w.astype(float), padding=1)
        got = nn.conv2d(x, w, np.arange(6), padding=1, dtype=np.int32)
        assert got.dtype == np.int32
        np.testing.assert_array_equal(got, exact + np.arange(6)[:, None, None])
        np.testing.assert_array_equal(nn.conv2d(x, w, padding=1, dtype=np.float64), exact)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_same_padding_keeps_the_size(dtype: str, rng: np.random.Generator) -> None:
    """Even kernels: one sample more at the end."""
    for kernel, dilation in (((3, 3), 1), ((2, 4), 1), ((2, 3), (3, 2)), ((1, 6), 1)):
        x, w = numbers(rng, dtype, (2, 3, 8, 9)), numbers(rng, dtype, (4, 3, *kernel))
        d = dilation if isinstance(dilation, tuple) else (dilation, dilation)
        both = [(k - 1) * n for k, n in zip(kernel, d, strict=True)]
        pairs = tuple((b // 2, b - b // 2) for b in both)
        got = nn.conv2d(x, w, padding="same", dilation=dilation)
        assert got.shape == (2, 4, 8, 9)
        np.testing.assert_array_equal(got, nn.conv2d(x, w, padding=pairs, dilation=dilation))
        np.testing.assert_array_equal(nn.conv2d(x, w, padding="valid"), nn.conv2d(x, w, padding=0))
        back = nn.conv2d_grad_input(x.shape, w, got, padding="same", dilation=dilation)
        np.testing.assert_array_equal(back, nn.conv_transpose2d(got, w, padding="same", dilation=dilation))


def test_names_of_layouts(rng: np.random.Generator) -> None:
    layouts: dict[int, Any] = {1: ("NCL", "NLC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
    for axes, (first, last) in layouts.items():
        x, w = numbers(rng, "f8", (2, 3, *(6,) * axes)), numbers(rng, "f8", (4, 3, *(3,) * axes))
        want = CONV[axes](x, w)
        np.testing.assert_array_equal(CONV[axes](x, w, layout=first), want)
        for name in (last, "NHWC"):
            got = CONV[axes](channels_last(x), w, layout=name)
            np.testing.assert_allclose(got, channels_last(want), rtol=0, atol=1e-12)


def test_an_empty_batch(rng: np.random.Generator) -> None:
    x, w = np.empty((0, 4, 7, 7), np.float32), numbers(rng, "f4", (6, 4, 3, 3))
    y = nn.conv2d(x, w, np.ones(6), padding=1)
    assert (y.shape, y.dtype) == ((0, 6, 7, 7), np.float32)
    assert nn.conv_transpose2d(y, w).shape == (0, 4, 9, 9)
    assert nn.conv2d_grad_input(x.shape, w, y, padding=1).shape == x.shape
    out = np.full((6, 4, 3, 3), 7, np.float32)
    assert nn.conv2d_grad_weight(x, w.shape, y, padding=1, out=out) is out
    assert (out == 0).all()
    assert nn.explain(x, w).algorithm == "none"


def outs(shape: tuple[int, ...], dtype: Any) -> list[Array]:
    """Arrays for a result: plain, every other element, backwards, and with axes in another order."""
    wide = np.zeros([2 * n for n in shape], dtype)
    return [
        np.zeros(shape, dtype), wide[tuple(slice(None, None, 2) for _ in shape)],
        np.zeros(shape, dtype)[tuple(slice(None, None, -1) for _ in shape)], np.zeros(shape[::-1], dtype).T,
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f4", "f2", "i1"])
def test_results_in_your_own_array(dtype: str, rng: np.random.Generator) -> None:
    x, w, bias = (numbers(rng, dtype, shape) for shape in ((2, 4, 9, 8), (6, 2, 3, 3), (6,)))
    keywords: dict[str, Any] = {"padding": 1, "groups": 2, "algorithm": "direct"}
    want = nn.conv2d(x, w, bias, **keywords)
    for out in outs(want.shape, want.dtype):
        assert nn.conv2d(x, w, bias, out=out, **keywords) is out
        np.testing.assert_array_equal(out, want)
    for flip in (False, True):
        want = nn.conv2d_grad_weight(x, w.shape, x[:, [0, 1, 2, 3, 0, 1]], flip=flip, **keywords)
        for out in outs(want.shape, want.dtype):
            nn.conv2d_grad_weight(x, w.shape, x[:, [0, 1, 2, 3, 0, 1]], flip=flip, out=out, **keywords)
            np.testing.assert_array_equal(out, want)


def test_a_result_over_its_inputs(rng: np.random.Generator) -> None:
    """As if nothing overlapped."""
    memory = numbers(rng, "f4", (3, 4, 9, 8))
    w = numbers(rng, "f4", (4, 4, 3, 3))
    want = nn.conv2d(memory[:2], w, memory[0, 0, 0, :4], padding=1)
    for first in (0, 1):
        space = memory.copy()
        got = nn.conv2d(space[:2], w, space[0, 0, 0, :4], padding=1, out=space[first : first + 2])
        np.testing.assert_array_equal(got, want)
    space = w.copy()
    nn.conv2d_grad_weight(memory, w.shape, memory, padding=1, out=space)
    assert nn.conv2d(space, space, padding=1, out=space) is space


def test_strides_alignment_and_byte_order(rng: np.random.Generator) -> None:
    x, w, bias = (numbers(rng, "f8", shape) for shape in ((2, 4, 9, 8), (6, 4, 3, 3), (6,)))
    want = nn.conv2d(x, w, bias, algorithm="direct")
    raw = np.zeros(x.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(x.dtype).reshape(x.shape)
    unaligned[...] = x
    for a, b, c in (
        (unaligned, w, bias), (x.astype(">f8"), w.astype(">f8"), bias.astype(">f8")), (x, w.T.copy().T, bias),
        (np.repeat(x, 2, 3)[..., ::2], np.repeat(w, 2, 1)[:, ::2], np.repeat(bias, 2)[::2]),
        (x.tolist(), w.tolist(), bias.tolist()),
    ):  # fmt: skip
        np.testing.assert_allclose(nn.conv2d(a, b, c, algorithm="direct"), want, rtol=0, atol=1e-12)
    one = np.broadcast_to(x[:1], x.shape)
    np.testing.assert_array_equal(nn.conv2d(one, w, bias), nn.conv2d(one.copy(), w, bias))


@pytest.mark.parametrize("algorithm", ["auto", "direct"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_threads_change_no_bit(algorithm: Any, layout: Any, rng: np.random.Generator) -> None:
    x, w = numbers(rng, "f4", (3, 16, 40, 40)), numbers(rng, "f4", (24, 16, 3, 3))
    data = x if layout == "NCHW" else channels_last(x)
    keywords: dict[str, Any] = {"padding": 1, "layout": layout, "algorithm": algorithm}
    one, two = (nn.conv2d(data, w, np.ones(24), threads=n, **keywords) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    for f in (
        lambda n: nn.conv2d_grad_weight(data, w.shape, one, threads=n, **keywords),
        lambda n: nn.conv2d_grad_input(data.shape, w, one, threads=n, **keywords),
    ):
        np.testing.assert_array_equal(f(1), f(2))


def test_infinities_reach_what_they_meet_and_no_more(rng: np.random.Generator) -> None:
    """Padding contributes nothing: no NaN comes of an infinite tap over it."""
    x, w = np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3))
    w[0, 0, 0, 0] = np.inf
    assert not np.isnan(nn.conv2d(x, w, padding=1)).any()
    x[0, 0, 2, 2] = np.nan
    assert np.isnan(nn.conv2d(x, np.ones((1, 1, 3, 3)), padding=1)).sum() == 9


def test_inputs_are_left_alone(rng: np.random.Generator) -> None:
    for case in (random_case(rng, 2, constant=True) for _ in range(20)):
        arrays = [a for a in (case.x, case.w, case.y, case.bias) if a is not None]
        copies = [a.copy() for a in arrays]
        nn.conv2d(case.images(case.x), case.w, case.bias, **case.keywords)
        nn.conv2d_grad_input(case.images(case.x).shape, case.w, case.images(case.y), **case.keywords)
        nn.conv2d_grad_weight(case.images(case.x), case.w.shape, case.images(case.y), **case.keywords)
        for a, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(a, copy)
