"""Layers of one tap by products of matrices: images read in place, their last outputs, and lines multiplied apart.

All axes of an image are one where its samples lie so, however the results lie. Of 49, 81, 196 or 33 outputs few are
left behind the last whole register: those are summed with lanes along the channels, whose chunks are up to 240 deep.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from convcorr import _core
from im2col_cases import FOR_INPUT, FOR_OUT, Call, layer, pick, pose, view
from layouts import Array, guarded, margins_are_untouched, random_values
from subprocesses import output_of
from test_im2col import INF, NAN, assert_as_direct, promised

SQUARES = ((1, 1), (3, 3), (5, 5), (7, 7), (9, 9), (14, 14), (3, 11), (2, 8), (4, 13), (16, 16), (5, 32), (13, 20))
CHANNELS = (*range(1, 36), 47, 63, 64, 65, 119, 120, 121, 127, 128, 129, 239, 240, 241, 255, 256, 257, 300)


def padded_rows(a: Array) -> Array:
    """Channels apart from each other, with NaN between them; each one's samples are neighbours."""
    host = np.full((*a.shape[:2], a.shape[2] + 2, *a.shape[3:]), NAN, a.dtype)
    host[:, :, : a.shape[2]] = a
    return host[:, :, : a.shape[2]]


def every_other_channel(a: Array) -> Array:
    host = np.full((a.shape[0], 2 * a.shape[1], *a.shape[2:]), NAN, a.dtype)
    host[:, ::2] = a
    return host[:, ::2]


def channels_backwards(a: Array) -> Array:
    return np.ascontiguousarray(a[:, ::-1])[:, ::-1]


def samples_backwards(a: Array) -> Array:
    return np.ascontiguousarray(a[..., ::-1])[..., ::-1]


def every_other_sample(a: Array) -> Array:
    host = np.full((*a.shape[:-1], 2 * a.shape[-1]), NAN, a.dtype)
    host[..., ::2] = a
    return host[..., ::2]


def columns_first(a: Array) -> Array:
    return np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)


VIEWS = [*FOR_INPUT, padded_rows, every_other_channel, channels_backwards, samples_backwards, every_other_sample]
VIEWS += [columns_first]


def sampled_one_by_one(count: int, seed: int) -> list[Call]:
    """Layers of one tap of every kind; many of an image whose last outputs are few."""
    calls = []
    for number in range(count):
        rng = np.random.default_rng((seed, number, 11))
        axes = int(rng.choice([1, 2, 2, 2, 3]))
        most = {1: 400, 2: 40, 3: 9}[axes]
        size = tuple(int(n) for n in rng.integers(1, most, axes))
        if axes == 2 and rng.random() < 0.5:
            size = pick(rng, SQUARES)
        plain = rng.random() < 0.6
        groups = int(rng.choice([1, 1, 1, 2, 3]))
        stride = (1,) * axes if plain else tuple(int(n) for n in rng.integers(1, 4, axes))
        padding = 0 if plain else tuple((int(a), int(b)) for a, b in rng.integers(0, 2, (axes, 2)))
        calls.append(
            pose(
                layer(axes, stride, padding=padding, groups=groups), (int(rng.choice([1, 1, 2, 5])),
                groups * int(pick(rng, CHANNELS[: 60 // groups])), *size), groups * int(rng.integers(1, 71)),
                (1,) * axes, pick(rng, ("f4", "f4", "f8", "f2")), bias=bool(rng.integers(2)), seed=number,
                lay_x=view(rng, VIEWS[:-1] if axes == 1 else VIEWS), lay_w=view(rng, FOR_INPUT),
                lay_out=view(rng, FOR_OUT),
            )
        )  # fmt: skip
    return calls


def test_any_layer() -> None:
    calls = sampled_one_by_one(400, 1)
    for call in calls:
        call.check()
    assert {call.algorithm() for call in calls if call.w.shape[0] > call.layer.groups} == {"im2col"}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_every_size_of_an_image(dtype: str) -> None:
    for n in range(1, 41):
        pose(layer(2), (1, 20, n, n), 9, (1, 1), dtype, bias=True).check()
        pose(layer(2, padding=((0, 1), (1, 0))), (2, 17, n, 41 - n), 5, (1, 1), dtype).check()
        pose(layer(3), (1, 18, 1 + n % 4, 3, 1 + n % 13), 6, (1, 1, 1), dtype, bias=True).check()
    for n in (*range(1, 140), 160, 196, 255, 256, 257, 260, 273):
        pose(layer(1), (1, 33, n), 7, (1,), dtype).check()
        pose(layer(1, stride=2), (1, 33, n), 7, (1,), dtype, bias=True).check()


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_every_number_of_channels(dtype: str) -> None:
    """Of images that end with one to four outputs behind a register, read in place or copied."""
    for ins, (side, stride) in itertools.product(CHANNELS, ((7, 1), (9, 1), (14, 2), (13, 2))):
        pose(layer(2, stride), (1, ins, side, side), 6, (1, 1), dtype, bias=True).check()
    for last in (33, 34, 35, 36, 37):
        for ins in (130, 241, 300, 500):
            pose(layer(1), (2, ins, last), 5, (1,), dtype).check()


def test_every_number_of_out_channels() -> None:
    for outs in range(1, 71):
        for side, stride in ((7, 1), (14, 1), (17, 2), (16, 1)):
            pose(layer(2, stride), (2, 19, side, side), outs, (1, 1), bias=outs % 2 == 0).check()
        pose(layer(2, groups=2), (1, 130, 7, 7), 2 * outs, (1, 1), "f8", bias=True).check()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_lines_may_lie_anywhere(stride: int, padding: int) -> None:
    """Lines of whole registers go into a result whose rows are neighbours, others by way of a buffer."""
    for columns, lay_x in itertools.product((7, 8, 16, 32, 48, 49), VIEWS):
        for lay_out in (np.asarray, *FOR_OUT):
            own = layer(2, stride, padding=padding)
            pose(own, (2, 18, 6, columns), 5, (1, 1), bias=True, lay_x=lay_x, lay_out=lay_out).check()


def test_long_images_are_cut_into_jobs() -> None:
    for shape in ((1, 5, 40, 40), (1, 24, 56, 56), (2, 20, 33, 64), (1, 9, 3, 900), (1, 3, 2500, 1)):
        for lay_x, lay_out in itertools.product((np.asarray, samples_backwards, padded_rows), (np.asarray, *FOR_OUT)):
            pose(layer(2), shape, 7, (1, 1), lay_x=lay_x, lay_out=lay_out).check()
    pose(layer(3), (1, 9, 7, 16, 32), 7, (1, 1, 1), lay_out=FOR_OUT[3]).check()


def test_bits_do_not_depend_on_threads_nor_on_the_result(rng: np.random.Generator) -> None:
    for number, call in enumerate(sampled_one_by_one(120, 7)):
        for a in (call.x, call.w):
            a[...] = random_values(rng, a.shape, a.dtype)
        alone = call.run(threads=1)
        for threads in (2, 3):
            assert call.run(threads=threads).tobytes() == alone.tobytes(), f"{threads} threads: {call!r}"
        for lay_out in (np.asarray, FOR_OUT[number % len(FOR_OUT)], FOR_OUT[2]):
            apart = Call(**{**vars(call), "lay_out": lay_out})
            assert apart.run(threads=1 + number % 2).tobytes() == alone.tobytes(), repr(apart)


def test_what_lies_between_samples_does_not_matter(rng: np.random.Generator) -> None:
    """NaN there would send a layer to direct sums, in part of the jobs or in all."""
    for size, stride in itertools.product(((7, 7), (9, 9), (6, 32), (5, 40)), (1, 2, 3)):
        call = pose(layer(2, stride), (2, 40, *size), 11, (1, 1))
        call.x[...] = random_values(rng, call.x.shape, call.x.dtype)
        for lay_x in (padded_rows, every_other_channel, every_other_sample):
            lain = Call(**{**vars(call), "lay_x": lay_x})
            alone = lain.run(threads=1)
            assert lain.run(threads=2).tobytes() == alone.tobytes(), repr(lain)
            np.testing.assert_allclose(alone, call.want(), rtol=1e-4, atol=1e-4)


def test_nothing_is_written_beside_the_result() -> None:
    for call in sampled_one_by_one(80, 2):
        want = call.want()
        host, inside = guarded(want.shape, want.dtype, margin=20 if want.ndim < 5 else 3)
        for step in (1, -1):
            out = inside[..., ::step]
            got = Call(**{**vars(call), "lay_out": lambda _, out=out: out}).run()
            np.testing.assert_array_equal(got, want, repr(call))
            assert margins_are_untouched(host, inside), repr(call)


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize("ins", [16, 70, 300])
def test_what_is_not_finite_at_the_end_stays_there(ins: int, value: float) -> None:
    """One of the last outputs of one image, or one of their out channels."""
    for side, stride in ((7, 1), (9, 1), (14, 1), (13, 2)):
        for image, channel in ((0, 0), (1, ins - 1), (0, ins // 2)):
            call = pose(layer(2, stride), (2, ins, side, side), 6, (1, 1), bias=True)
            call.x[image, channel, -1, -1] = value
            call.w[call.w == 0] = 1
            assert_as_direct(call)
            wrong = ~np.isfinite(call.run())
            assert wrong[image, :, -1, -1].all()
            assert wrong.sum() == 6
        call = pose(layer(2, stride), (2, ins, side, side), 6, (1, 1), bias=True)
        call.w[4, ins - 1] = value
        assert_as_direct(call)
        assert np.isfinite(call.run()[:, [0, 1, 2, 3, 5]]).all()


def test_what_is_not_finite_anywhere() -> None:
    for number, call in enumerate(sampled_one_by_one(80, 5)):
        rng = np.random.default_rng(number)
        call.x.flat[rng.integers(0, call.x.size, int(rng.choice([1, 3])))] = rng.choice([INF, -INF, NAN])
        if number % 3 == 0:
            call.w.flat[rng.integers(0, call.w.size)] = rng.choice([INF, -INF, NAN])
        assert_as_direct(call)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("value", [0.37, 0.51, 0.7, 1.1, 1 / 3])
def test_many_equal_products(value: float, dtype: Any) -> None:
    """No lane sums more than 240 of them one by one, whether lanes are outputs or channels."""
    for ins, (side, stride) in itertools.product((240, 300, 1920, 3840, 5000, 12800), ((7, 1), (9, 1), (13, 2))):
        x, w = np.full((1, ins, side, side), value, dtype), np.full((5, ins, 1, 1), 0.9, dtype)
        call = Call(layer(2, stride), x, w)
        assert call.algorithm() == "im2col"
        want = np.longdouble(x.flat[0]) * np.longdouble(w.flat[0]) * ins
        assert np.abs(call.run() - want).max() <= promised(x, w, ins), repr(call)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_any_numbers_keep_the_promise(dtype: Any, rng: np.random.Generator) -> None:
    for ins, shape in itertools.product((16, 240, 1000), ((7, 7), (9, 9), (33,), (3, 3, 9))):
        call = pose(layer(len(shape)), (1, ins, *shape), 8, (1,) * len(shape), dtype)
        call.x[...], call.w[...] = (random_values(rng, a.shape, a.dtype) for a in (call.x, call.w))
        x, w = (a.astype(np.longdouble) for a in (call.x, call.w))
        norms = np.sqrt(call.layer.conv(x**2, np.ones((1, *w.shape[1:]), x.dtype)))
        norms = norms * np.sqrt((w**2).sum(1)).reshape(1, -1, *(1,) * len(shape))
        bound = 4 * np.finfo(dtype).eps * np.log2(ins + 1) * norms
        assert (np.abs(call.run() - call.layer.conv(x, w)) <= bound).all(), repr(call)


UNDER_ISA = """
from convcorr import _core
import numpy as np
import test_one_by_one as t
for call in t.sampled_one_by_one(80, 8):
    call.check()
t.test_every_number_of_channels("f8")
for dtype in ("f4", "f8"):
    t.test_any_numbers_keep_the_promise(dtype, np.random.default_rng(5))
t.test_every_size_of_an_image("f4")
t.test_bits_do_not_depend_on_threads_nor_on_the_result(np.random.default_rng(3))
t.test_what_is_not_finite_at_the_end_stays_there(70, t.NAN)
t.test_many_equal_products(1 / 3, "f4")
t.test_many_equal_products(0.37, "f8")
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa


FENCED = """
import numpy as np
from convcorr import _core
from guarded_sweep import Fence
from im2col_cases import layer, pose
from nn_cases import CONV
from test_one_by_one import SQUARES, sampled_one_by_one

fences = [Fence(1 << 23) for _ in range(4)]
small = [
    pose(layer(2, stride), (1, ins, *size), outs, (1, 1), dtype, bias=True)
    for size in SQUARES for ins in (3, 16, 17, 130) for outs in (5, 8) for stride in (1, 2) for dtype in ("f4", "f8")
]
for number, call in enumerate((*sampled_one_by_one(150, 10), *small, *small)):
    given = [call.x, call.w, call.want()]
    if call.bias is not None:
        given.append(call.bias)
    at_end = number % 2 == 0 if number < 150 else number < 150 + len(small)
    own = [fence.place(a.shape, a.dtype, at_end) for fence, a in zip(fences, given)]
    for to, a in zip(own, given):
        to[...] = a
    x, w, out, *bias = own
    out[...] = 77
    CONV[w.ndim - 2](x, w, *bias, out=out, algorithm="im2col", threads=1 + number % 2, **call.keywords())
    np.testing.assert_array_equal(out, given[2], repr(call))
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", _core.config()["isas_available"])
def test_no_stray_access_under(isa: str) -> None:
    """Images and weights are read in registers, up to the last channel's last sample and no further."""
    assert output_of(FENCED, CONVCORR_ISA=isa) == isa
