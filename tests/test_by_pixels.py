"""Layers whose channels are innermost, or made so: products by pixels, and Winograd's tiles over turned planes.

By pixels, registers run along out channels (1 to 3 of them, 48 channels of float32 under AVX-512, share a panel),
samples are read where they lie or copied with their border, and weights are turned by all threads, by the jobs, or once
for a plan. Images in planes come this way where they are small.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from convcorr import _core, nn
from im2col_cases import FOR_INPUT, FOR_OUT, Call, layer, pick, pose, view
from layouts import contiguous, guarded, margins_are_untouched, random_values
from nn_oracle import channels_last
from oracle import BOUNDARIES, Array
from subprocesses import output_of
from test_im2col import INF, NAN, assert_as_direct

OUTS = (8, 9, 15, 16, 17, 23, 24, 25, 31, 33, 47, 48, 49, 63, 64, 65, 80, 97, 113, 145)


def sampled_pixels(count: int, seed: int) -> list[Call]:
    """Layers of every kind with enough out channels for registers, most of them with channels innermost."""
    calls: list[Call] = []
    while len(calls) < count:
        rng = np.random.default_rng((seed, len(calls), 77))
        axes, groups = int(rng.choice([1, 2, 2, 2, 3])), int(rng.choice([1, 1, 1, 2, 3]))
        size = tuple(int(n) for n in rng.integers(1, {1: 300, 2: 22, 3: 7}[axes], axes))
        kernel = tuple(int(k) for k in rng.choice([1, 1, 2, 3, 3, 5] if axes < 3 else [1, 2, 3], axes))
        stride, dilation = (tuple(int(n) for n in rng.choice([1, 1, 1, 2, 3], axes)) for _ in range(2))
        padding = []
        for n, k, d in zip(size, kernel, dilation, strict=True):
            least = max((k - 1) * d + 1 - n, 0)
            first = int(rng.integers(0, least + 1))
            padding.append((first + int(rng.choice([0, 0, 1, 2, 4])), least - first + int(rng.choice([0, 0, 1, 3]))))
        own = layer(
            axes, stride, dilation, tuple(padding), groups=groups, flip=bool(rng.random() < 0.3),
            padding_mode=pick(rng, ("constant", "constant", *BOUNDARIES)),
        )  # fmt: skip
        ins = int(rng.choice([2, 3, 4, 7, 16, 17, 33, 65, 130]))
        calls.append(
            pose(
                own, (int(rng.choice([1, 1, 2, 3, 9])), groups * ins, *size), groups * int(pick(rng, OUTS)), kernel,
                pick(rng, ("f4", "f4", "f8", "f2")), bias=bool(rng.integers(2)), seed=len(calls),
                last=bool(rng.random() < 0.75), lay_x=contiguous if rng.random() < 0.7 else pick(rng, FOR_INPUT),
                lay_w=view(rng, FOR_INPUT), lay_out=view(rng, FOR_OUT),
            )
        )  # fmt: skip
    return calls


def test_any_layer() -> None:
    calls = sampled_pixels(500, 1)
    for call in calls:
        call.check()
    assert {call.algorithm() for call in calls[:40]} == {"im2col"}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_every_number_of_out_channels(dtype: str) -> None:
    for outs in range(4, 115):
        pose(layer(2, padding=1), (1, 3, 5, 9), outs, (3, 3), dtype, bias=True, last=True).check()
        pose(layer(2), (1, 5, 7, 7), outs, (1, 1), dtype, last=outs % 2 == 0).check()


def test_every_number_of_outputs() -> None:
    """Of one row; of rows and images that share a job or not; cut into columns and blocks of rows."""
    for n in [*range(1, 41), 95, 96, 97, 127, 128, 129, 255, 256, 257, 383, 384, 385, 400, 513, 800, 1207]:
        pose(layer(1, padding=1), (1, 3, n), 17, (3,), last=True, bias=True).check()
        pose(layer(1), (3, 4, n), 33, (1,), last=True).check()
    for rows, columns in itertools.product((1, 2, 3, 7, 16, 17, 40), (1, 2, 7, 15, 16, 17, 41)):
        for batch, last in itertools.product((1, 7), (False, True)):
            pose(layer(2, padding=1), (batch, 3, rows, columns), 18, (3, 3), bias=True, last=last).check()


@pytest.mark.parametrize("last", [False, True])
def test_every_depth_around_a_chunk(last: bool) -> None:
    for ins in [*range(2, 40), 63, 64, 65, 127, 128, 129, 150, 159, 160, 161, 239, 240, 241, 321, 700]:
        pose(layer(2), (1, ins, 6, 7), 34, (1, 1), bias=True, last=last).check()
        pose(layer(2, padding=1), (1, ins, 6, 7), 20, (3, 3), "f8", last=last).check()
    for ins, k in ((2, 11), (3, 7), (2, 16), (20, 5), (2, 31)):
        pose(layer(2, 2, padding=k // 2), (1, ins, 38, 40), 17, (k, k), last=last).check()


@pytest.mark.parametrize("mode", BOUNDARIES)
def test_padding_longer_than_the_data(mode: Any) -> None:
    for n, pads in itertools.product((1, 2, 5), ((0, 7), (13, 0), (9, 4))):
        for stride in (1, 2, 3):
            own = layer(2, stride, 2, (pads, pads[::-1]), padding_mode=mode)
            pose(own, (2, 3, n, n + 1), 17, (3, 2), last=True).check()
            pose(own, (3, 3, n, 40), 17, (3, 2), last=n == 2).check()


def test_bits_do_not_depend_on_threads(rng: np.random.Generator) -> None:
    """Nor on how a result lies."""
    wide = [
        pose(layer(2, padding=1), (1, 40, 30, 31), 150, (3, 3), last=True),
        pose(layer(2, 2), (5, 30, 13, 12), 130, (3, 3), last=True),
        pose(layer(2), (1, 300, 7, 7), 170, (1, 1), bias=True), pose(layer(2), (1, 64, 40, 40), 100, (1, 1), last=True),
        pose(layer(2, padding=1), (4, 120, 7, 7), 256, (3, 3)), pose(layer(1), (2, 60, 700), 40, (5,), "f8", last=True),
    ]  # fmt: skip
    for call in (*wide, *sampled_pixels(120, 7)):
        for a in (call.x, call.w):
            a[...] = random_values(rng, a.shape, a.dtype)
        alone = call.run(threads=1)
        for threads in (2, 3, 4):
            assert call.run(threads=threads).tobytes() == alone.tobytes(), f"{threads} threads: {call!r}"
        apart = type(call)(**{**vars(call), "lay_out": FOR_OUT[2]})
        assert apart.run(threads=2).tobytes() == alone.tobytes(), repr(call)


@pytest.mark.parametrize("where", ["x", "w", "both"])
def test_what_is_not_finite_stays_in_its_windows(where: str) -> None:
    for number, call in enumerate(sampled_pixels(80, 5)):
        rng = np.random.default_rng(number)
        for name, a in (("x", call.x), ("w", call.w)):
            if where in (name, "both"):
                a.flat[rng.integers(0, a.size, int(rng.choice([1, 3])))] = rng.choice([INF, -INF, NAN])
        assert_as_direct(call)


def test_nothing_is_written_beside_the_result() -> None:
    for call in sampled_pixels(80, 2):
        want = call.want()
        host, inside = guarded(want.shape, want.dtype, margin=20 if want.ndim < 5 else 3)
        for step in (1, -1):
            out = inside[..., ::step]
            got = type(call)(**{**vars(call), "lay_out": lambda _, out=out: out}).run()
            np.testing.assert_array_equal(got, want, repr(call))
            assert margins_are_untouched(host, inside), repr(call)


def test_a_plan_turns_its_weights_once() -> None:
    """And takes other layouts and other batches, for which it may have nothing prepared."""
    for call in sampled_pixels(80, 3):
        x = np.ascontiguousarray(call.images(call.x))
        p = nn.plan(x.shape, call.w, call.bias, x_dtype=x.dtype, algorithm="im2col", **call.keywords())
        for _ in range(2):
            np.testing.assert_array_equal(p(x), call.want(), repr(call))
        np.testing.assert_array_equal(p(call.lay_x(x)), call.want(), repr(call))
        np.testing.assert_array_equal(p(np.concatenate([x, x])), np.concatenate([call.want()] * 2), repr(call))


def winograd(x: Array, w: Array, bias: Array | None = None, **keywords: Any) -> tuple[Array, Array]:
    """Of channels first and of channels last, both with channels first."""
    keywords = {"padding": 1, "algorithm": "winograd", **keywords}
    first = nn.conv2d(x, w, bias, **keywords)
    return first, np.moveaxis(nn.conv2d(channels_last(x), w, bias, layout="NHWC", **keywords), -1, 1)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_planes_and_pixels_make_the_same_bits(rng: np.random.Generator, dtype: str) -> None:
    """Winograd's tiles: images larger and smaller than what is turned at once, batches of several blocks."""
    for shape, outs, groups in (
        ((1, 2, 4, 5), 2, 1), ((1, 17, 7, 7), 19, 1), ((2, 32, 14, 15), 33, 1), ((1, 6, 40, 41), 4, 2),
        ((3, 5, 64, 64), 16, 1), ((9, 16, 160, 160), 16, 1), ((1, 100, 33, 9), 64, 1), ((5, 48, 1, 7), 24, 3),
    ):  # fmt: skip
        x = random_values(rng, shape, np.dtype(dtype))
        w = random_values(rng, (outs, shape[1] // groups, 3, 3), np.dtype(dtype))
        bias = random_values(rng, (outs,), np.dtype(dtype))
        for own in ({}, {"padding": (2, 0) if shape[3] > 2 else 1}, {"padding_mode": "reflect", "threads": 2}):
            if own.get("padding_mode") and min(shape[2:]) < 2:
                continue
            first, last = winograd(x, w, bias, groups=groups, **own)
            assert last.tobytes() == first.tobytes(), (shape, own)


def test_winograd_of_pixels_in_any_order(rng: np.random.Generator) -> None:
    """x as a view whose rows don't follow each other, results anywhere, dilated taps, plans, infinite samples."""
    host = random_values(rng, (2, 24, 30, 40), np.dtype("f4"))
    w = random_values(rng, (18, 20, 3, 3), np.dtype("f4"))
    for x in (host[:, 2:18, 1:29, 5:25], host[:, ::-1, ::2, 20:], host[:, :, ::-1, :20]):
        plain = np.ascontiguousarray(np.moveaxis(x, -1, 1))
        for dilation in (1, 2):
            own: dict[str, Any] = {"padding": dilation, "dilation": dilation, "algorithm": "winograd"}
            want = nn.conv2d(plain, w, **own)
            got = nn.conv2d(x, w, layout="NHWC", **own)
            np.testing.assert_array_equal(np.moveaxis(got, -1, 1), want)
            out = np.moveaxis(np.empty_like(want), 1, -1)
            np.testing.assert_array_equal(nn.conv2d(x, w, layout="NHWC", out=out, **own), got)
            p = nn.plan(x.shape, w, layout="NHWC", x_dtype="f4", **own)
            np.testing.assert_array_equal(p(x), got)
            np.testing.assert_array_equal(p(np.ascontiguousarray(x)), got)
    x, w = np.round(plain), np.round(w)
    x[1, 3, 5, 4], x[0, 0, 0, 0] = INF, NAN
    first, last = winograd(x, w)
    np.testing.assert_array_equal(last, first)


UNDER_ISA = """
from convcorr import _core
import numpy as np
import test_by_pixels as t
for call in t.sampled_pixels(150, 8):
    call.check()
t.test_every_number_of_out_channels("f4")
t.test_every_depth_around_a_chunk(True)
t.test_bits_do_not_depend_on_threads(np.random.default_rng(3))
t.test_winograd_of_pixels_in_any_order(np.random.default_rng(4))
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa


FENCED = """
import numpy as np
from convcorr import _core, nn
from guarded_sweep import Fence
from nn_cases import CONV
from test_by_pixels import sampled_pixels

fences = [Fence(1 << 24) for _ in range(4)]
for number, call in enumerate(sampled_pixels(250, 10)):
    algorithm = "winograd" if call.w.shape[2:] == (3, 3) and number % 3 == 0 else "im2col"
    given = [np.ascontiguousarray(call.images(call.x)), call.w, call.want()]
    if call.bias is not None:
        given.append(call.bias)
    own = [fence.place(a.shape, a.dtype, number % 2 == 0) for fence, a in zip(fences, given)]
    for to, a in zip(own, given):
        to[...] = a
    x, w, out, *bias = own
    CONV[w.ndim - 2](x, w, *bias, out=out, algorithm=algorithm, threads=1 + number % 2, **call.keywords())
    tolerance = 0 if algorithm == "im2col" else 0.02
    np.testing.assert_allclose(out, given[2], rtol=tolerance, atol=tolerance, err_msg=repr(call))
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", _core.config()["isas_available"])
def test_no_stray_access_under(isa: str) -> None:
    """Data, weights, bias and results lie flush against pages that must not be touched."""
    assert output_of(FENCED, CONVCORR_ISA=isa) == isa
