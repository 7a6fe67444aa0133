"""Layers by products of matrices whose planes of samples are made with the zeros around them.

Rows are copied by whole registers, and what is written too far is written over by the zeros or the row that follows; so
the data's end, the plane's, and neighbours that are two or more samples apart, or go backwards, are what matters.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from convcorr import _core, nn
from depthwise_cases import Depthwise, depthwise
from im2col_cases import FOR_OUT, Call, layer, pick, pose
from layouts import Array, contiguous, random_values
from nn_cases import CONV
from subprocesses import output_of
from test_im2col import INF, NAN, assert_as_direct


def every(step: int, axis: int = -1) -> Any:
    """A view whose neighbours along an axis are so many samples apart (backwards, if negative), with NaN between."""

    def lay(a: Array) -> Array:
        shape = list(a.shape)
        shape[axis] = (a.shape[axis] - 1) * abs(step) + 1
        host = np.full(shape, NAN, a.dtype)
        index: list[Any] = [slice(None)] * a.ndim
        index[axis] = slice(None, None, step)
        inside: Array = host[tuple(index)]
        inside[...] = a
        return inside

    return lay


def transposed(a: Array) -> Array:
    """Samples of a line are as far apart as lines should be."""
    return np.ascontiguousarray(a.swapaxes(-1, 2)).swapaxes(-1, 2)


def channels_inside(a: Array) -> Array:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


def inside_of_nan(a: Array) -> Array:
    host = np.full([n + 4 for n in a.shape], NAN, a.dtype)
    inside = host[(slice(2, -2),) * a.ndim]
    inside[...] = a
    return inside


VIEWS: list[Any] = [
    contiguous, every(2), every(-1), every(3), every(-2), every(2, 2), every(-1, 2), every(2, 1), every(-1, 1),
    every(-1, 0), transposed, channels_inside, inside_of_nan,
]  # fmt: skip


def sampled_padded(count: int, seed: int) -> list[Call]:
    """Few in channels and many: of images about as wide as a register, and of volumes; every fourth one depthwise."""
    calls: list[Call] = []
    for number in range(count):
        rng = np.random.default_rng((seed, number, 23))
        axes = int(rng.choice([1, 2, 2, 2, 3]))
        size = tuple(int(n) for n in rng.integers(1, {1: 120, 2: 36, 3: 8}[axes], axes))
        kernel = tuple(int(k) for k in rng.choice([1, 2, 3, 3, 5] if axes < 3 else [1, 2, 3], axes))
        stride, dilation = (tuple(int(n) for n in rng.choice([1, 1, 2, 3], axes)) for _ in range(2))
        padding = []
        for n, k, d in zip(size, kernel, dilation, strict=True):
            least = max((k - 1) * d + 1 - n, 0)
            first = int(rng.integers(0, least + 1))
            more = rng.choice([0, 0, 1, 2, 3, 9, 40] if axes < 3 else [0, 0, 1, 2, 3, 9], 2)
            padding.append((first + int(more[0]), least - first + int(more[1])))
        own: dict[str, Any] = {"stride": stride, "dilation": dilation, "padding": tuple(padding)}
        own["flip"] = bool(rng.random() < 0.2)
        batch, dtype = int(rng.choice([1, 1, 2, 3])), pick(rng, ("f4", "f4", "f8"))
        lies: dict[str, Any] = {"lay_x": pick(rng, VIEWS), "bias": bool(rng.integers(2)), "seed": number}
        if number % 4 == 3:
            calls.append(depthwise((batch, int(rng.integers(2, 6)), *size), kernel, dtype, **own, **lies))
        else:
            x = (batch, int(pick(rng, (1, 2, 3, 5, 16, 33))), *size)
            calls.append(pose(layer(axes, **own), x, int(rng.integers(2, 20)), kernel, dtype, **lies))
    return calls


def test_any_layer() -> None:
    for call in sampled_padded(500, 1):
        call.check()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_every_width(stride: int, dilation: int) -> None:
    """Of images narrower than a register, as wide, and wider, from any neighbours."""
    for columns, lay_x in itertools.product((*range(1, 37), 47, 48, 49), VIEWS[:5]):
        own = layer(2, stride, dilation, padding=3)
        pose(own, (2, 2, 1 + columns % 5, columns), 5, (3, 3), lay_x=lay_x, bias=True).check()
    for depth, lay_x in itertools.product((1, 2, 5), VIEWS):
        own = layer(3, stride, dilation, ((3, 4), (4, 3), (3, 3)))
        pose(own, (1, 3, depth, 4, 5), 4, (3, 3, 3), "f8", lay_x=lay_x).check()


@pytest.mark.parametrize("lay_x", VIEWS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_wherever_samples_lie(dtype: str, lay_x: Any) -> None:
    """Of one tap, too, which planes are read in place for."""
    for stride, kernel in itertools.product((1, 2, 3), ((3, 3), (1, 1), (2, 3), (1, 5), (5, 1))):
        for pads in (((0, 0), (0, 0)), ((1, 1), (1, 1)), ((0, 2), (3, 0))):
            pose(layer(2, stride, 1, pads), (3, 4, 7, 7), 5, kernel, dtype, lay_x=lay_x).check()
            pose(layer(2, stride, 1, pads, groups=2), (2, 6, 6, 35), 4, kernel, dtype, lay_x=lay_x, bias=True).check()


def test_zeros_of_any_number() -> None:
    """Many more than samples, on any side: planes end with the last sample, or with zeros that no row follows."""
    for before, after, below in itertools.product((0, 5, 17, 63, 64, 65, 130, 1000), (0, 1, 70), (0, 1, 9)):
        for columns, stride in ((1, 1), (6, 2), (17, 3)):
            own = layer(2, stride, 1, ((2, below), (before, after)))
            pose(own, (1, 2, 4, columns + 2), 3, (3, 3), bias=True).check()
            pose(layer(1, stride, 1, ((before, after),)), (2, 3, columns + 2), 4, (3,), "f8").check()
            pose(layer(2, stride, 1, ((before, below), (after, 0))), (1, 2, 3, columns + 2), 3, (2, 3)).check()


def test_large_images_are_cut_into_blocks() -> None:
    for shape, kernel in (
        ((1, 3, 70, 80), (3, 3)), ((1, 2, 9, 1300), (3, 5)), ((1, 2, 4000), (7,)), ((2, 9, 40, 48), (3, 3)),
    ):  # fmt: skip
        for stride, lay_x in itertools.product((1, 2), VIEWS[:5]):
            pose(layer(len(kernel), stride, 1, 2), shape, 6, kernel, lay_x=lay_x).check()


def test_views_are_what_their_copies_are(rng: np.random.Generator) -> None:
    """Slices as one writes them."""
    host = random_values(rng, (2, 6, 31, 40), np.dtype("f4"))
    w = random_values(rng, (8, 6, 3, 3), np.dtype("f4"))
    for x in (
        host[..., ::2], host[..., ::-1], host[..., ::-3], host[:, :, ::-1, 1::2], host[..., 3:20], host[:, ::-1],
        host[::-1], host.swapaxes(2, 3), host.swapaxes(2, 3)[..., ::-2], host[:, :, 5], host[:, :, :, 7],
    ):  # fmt: skip
        taps = w if x.ndim == 4 else w[..., 0]
        for stride, algorithm in itertools.product((1, 2), ("im2col", "auto")):
            own: dict[str, Any] = {"stride": stride, "padding": 2, "algorithm": algorithm}
            conv = CONV[x.ndim - 2]
            np.testing.assert_allclose(conv(x, taps, **own), conv(x.copy(), taps, **own), rtol=1e-4, atol=1e-4)


def test_images_backwards_are_read_in_place(rng: np.random.Generator) -> None:
    """Batches, groups and channels in any order, of layers of one tap."""
    host = random_values(rng, (3, 32, 7, 7), np.dtype("f4"))
    for x, groups in itertools.product((host[::-1], host[:, ::-1], host[::-1, ::-1], host[::-2, ::-2]), (1, 2)):
        w = random_values(rng, (6, x.shape[1] // groups, 1, 1), np.dtype("f4"))
        want = nn.conv2d(x.copy(), w, groups=groups, algorithm="im2col")
        np.testing.assert_array_equal(nn.conv2d(x, w, groups=groups, algorithm="im2col"), want)
        np.testing.assert_allclose(nn.conv2d(x, w, groups=groups), want, rtol=1e-4, atol=1e-4)


def test_bits_do_not_depend_on_threads(rng: np.random.Generator) -> None:
    """Nor on how a result lies, nor on the NaN between samples."""
    for call in sampled_padded(120, 7):
        for a in (call.x, call.w):
            a[...] = random_values(rng, a.shape, a.dtype)
        alone = call.run(threads=1)
        assert np.isfinite(alone).all(), repr(call)
        for threads in (2, 3):
            assert call.run(threads=threads).tobytes() == alone.tobytes(), f"{threads} threads: {call!r}"
        apart = type(call)(**{**vars(call), "lay_out": FOR_OUT[2]})
        assert apart.run(threads=2).tobytes() == alone.tobytes(), repr(call)


def test_what_is_not_finite_stays_in_its_windows() -> None:
    for number, call in enumerate(sampled_padded(80, 5)):
        rng = np.random.default_rng(number)
        call.x.flat[rng.integers(0, call.x.size, int(rng.choice([1, 3])))] = rng.choice([INF, -INF, NAN])
        if number % 3 == 0:
            call.w.flat[rng.integers(0, call.w.size)] = rng.choice([INF, -INF, NAN])
        assert_as_direct(call)


def test_the_cases_go_this_way() -> None:
    for call in sampled_padded(80, 1):
        assert call.algorithm() == ("depthwise" if isinstance(call, Depthwise) else "im2col"), repr(call)


UNDER_ISA = """
from convcorr import _core
import numpy as np
import test_padded_planes as t
for call in t.sampled_padded(100, 8):
    call.check()
for stride, dilation in ((1, 1), (3, 2)):
    t.test_every_width(stride, dilation)
for lay_x in t.VIEWS:
    t.test_wherever_samples_lie("f4", lay_x)
t.test_zeros_of_any_number()
t.test_bits_do_not_depend_on_threads(np.random.default_rng(3))
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa


FENCED = """
import numpy as np
from convcorr import _core
from depthwise_cases import Depthwise
from guarded_sweep import Fence
from nn_cases import CONV
from test_padded_planes import sampled_padded

fence, kept = Fence(1 << 22), [Fence(1 << 20) for _ in range(2)]
for number, call in enumerate(sampled_padded(200, 10)):
    for at_end in (True, False):
        step, axis = ((1, -1), (2, -1), (3, -1), (-1, -1), (-2, -1), (2, 2), (-1, 2), (-1, 1), (-1, 0))[number % 9]
        shape = list(call.x.shape)
        shape[axis] = (shape[axis] - 1) * abs(step) + 1
        swap = number // 9 % 3 == 1
        if swap:
            shape[2], shape[-1] = shape[-1], shape[2]
        host = fence.place(tuple(shape), call.x.dtype, at_end)
        host[...] = np.nan
        x = host.swapaxes(2, -1) if swap else host
        index = [slice(None)] * x.ndim
        index[axis] = slice(None, None, step)
        x = x[tuple(index)]
        x[...] = call.x
        w, out = (f.place(a.shape, a.dtype, at_end) for f, a in zip(kept, (call.w, call.want())))
        w[...], out[...] = call.w, 77
        algorithm = "depthwise" if isinstance(call, Depthwise) else "im2col"
        CONV[w.ndim - 2](x, w, call.bias, out=out, algorithm=algorithm, threads=1 + number % 2, **call.keywords())
        np.testing.assert_array_equal(out, call.want(), repr((call, step, axis, swap)))
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", _core.config()["isas_available"])
def test_no_stray_access_under(isa: str) -> None:
    """The first and the last sample of a view lie flush against pages that must not be touched."""
    assert output_of(FENCED, CONVCORR_ISA=isa) == isa
