"""Depthwise layers, on every edge of their tiles and blocks: integers exactly, floats within the promise.

Tiles are 1 to 8 rows of one register, or 1 to 4 of two; the last register of a line moves back, and lines shorter than
one are stored in part. Taps below each other go by threes. Long lines are cut into blocks, and a single line is four
that are summed side by side.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from convcorr import _core, nn
from depthwise_cases import Depthwise, depthwise, sampled_depthwise
from im2col_cases import FOR_INPUT, FOR_OUT, layer, pose
from layouts import byte_swapped, contiguous, guarded, margins_are_untouched, random_values, small_integers
from oracle import BOUNDARIES
from subprocesses import output_of
from test_im2col import INF, NAN, assert_as_direct, promised

LENGTHS = (127, 128, 129, 255, 256, 257, 511, 1023, 1025, 2047, 2048, 2049, 4093, 5119, 5120, 5121, 6000)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_every_number_of_columns_and_rows(dtype: str) -> None:
    for columns in range(1, 71):
        depthwise((1, 2, 1 + columns % 9, columns), (3, 3), dtype, padding=1, bias=True).check()
        depthwise((2, 2, columns), (3,), dtype, padding=1).check()
    for rows, columns in itertools.product(range(1, 21), (1, 5, 8, 15, 16, 17, 32, 33, 48)):
        last = rows % 3 == 1
        depthwise((1, 2, rows, columns), (rows % 4 + 1, 2), dtype, padding=((3, 0), (0, 1)), last=last).check()


def test_long_lines_are_cut_into_blocks() -> None:
    for n, k in itertools.product(LENGTHS, (1, 2, 3, 31)):
        depthwise((1, 2, n), (k,), padding=((k - 1, k // 2),), bias=True, last=n % 3 == 0).check()
    for n, stride, dilation in itertools.product((300, 2100, 6000), (1, 2, 3), (1, 2, 3)):
        own: dict[str, Any] = {"stride": stride, "dilation": dilation, "padding": 7}
        depthwise((2, 2, n), (5,), "f8", **own).check()
        depthwise((1, 2, 3, n), (3, 3), **own, multiplier=2).check()
    depthwise((1, 2, 200, 90), (5, 5), padding=2, lay_out=FOR_OUT[2]).check()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_every_kernel(stride: int, dilation: int) -> None:
    kernels = [(k, k) for k in range(1, 8)] + [(1, k) for k in range(2, 8)] + [(k, 1) for k in range(2, 8)]
    for number, kernel in enumerate(kernels):
        pads = tuple(((k - 1) * dilation // 2, (k - 1) * dilation) for k in kernel)
        for multiplier, mode in itertools.product((1, 3), ("constant", BOUNDARIES[number % 5])):
            depthwise(
                (2, 2, 8, 19), kernel, multiplier=multiplier, stride=stride, dilation=dilation, padding=pads, mode=mode,
                flip=number % 2 == 1, last=number % 3 == 1, seed=number,
            ).check()  # fmt: skip


def test_strides_and_dilations_of_each_axis() -> None:
    """Taps below each other share a load where a dilation is a stride, or a factor of it is."""
    for stride, dilation in itertools.product(itertools.product((1, 2, 3), repeat=2), repeat=2):
        call = depthwise((1, 2, 17, 21), (5, 3), stride=stride, dilation=dilation, padding=((3, 1), (0, 4)), bias=True)
        call.check()
        assert call.algorithm() == "depthwise"
    for number, steps in enumerate(itertools.product((1, 2, 3), repeat=3)):
        own: dict[str, Any] = {"stride": steps, "dilation": steps[::-1], "padding": 3}
        depthwise((2, 2, 7, 6, 9), (3, 2, 3), **own, last=number % 2 == 0).check()


@pytest.mark.parametrize("mode", BOUNDARIES)
def test_padding_longer_than_the_data(mode: Any) -> None:
    for n, pads in itertools.product((1, 2, 5), ((0, 7), (13, 0), (9, 4))):
        for stride, last in itertools.product((1, 2, 3), (False, True)):
            own: dict[str, Any] = {"stride": stride, "dilation": 2, "padding": (pads, pads[::-1]), "mode": mode}
            depthwise((2, 3, n, n + 1), (3, 2), **own, last=last).check()
            depthwise((1, 3, n, 40), (3, 2), **own, last=last).check()


def test_zeros_before_the_data_of_any_number() -> None:
    """Planes end with the last sample, or with zeros that no row follows."""
    for before, after, below in itertools.product((60, 63, 64, 65, 100, 500, 3000), (0, 1, 70), (0, 1)):
        depthwise((1, 2, 5, 6), (3, 3), padding=((1, below), (before, after))).check()
        depthwise((1, 2, 9), (3,), "f8", padding=((before, after),)).check()
        depthwise((1, 2, 4, 6), (2, 2), padding=((before, below), (after, 0))).check()


def test_any_layer() -> None:
    calls = sampled_depthwise(400, 1)
    for call in calls:
        call.check()
    assert {call.algorithm() for call in calls} == {"depthwise"}


def test_auto_takes_this_way() -> None:
    x, w = np.ones((1, 32, 28, 28), np.float32), np.ones((32, 1, 3, 3), np.float32)
    assert nn.explain(x, w, padding=1, groups=32).algorithm == "depthwise"


@pytest.mark.parametrize("types", [("f4", "f8"), ("f8", "f4"), ("f2", "f4"), ("f4", "f2"), ("i2", "f4"), ("f8", "i1")])
def test_pairs_of_types(types: tuple[str, str], rng: np.random.Generator) -> None:
    own = layer(2, 2, 1, ((1, 2), (0, 1)), groups=3)
    x, w = (small_integers(rng, s, t, 2) for s, t in zip(((2, 3, 9, 20), (6, 1, 3, 3)), types, strict=True))
    want = own.conv(x.astype(float), w.astype(float)).astype(np.result_type(*types))
    keywords: dict[str, Any] = {"stride": 2, "padding": own.padding, "groups": 3, "algorithm": "depthwise"}
    for a, b in ((x, w), (byte_swapped(x), w), (x, byte_swapped(w)), (byte_swapped(x), byte_swapped(w))):
        got = nn.conv2d(a, b, **keywords)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
    assert nn.explain(x, w, **keywords).algorithm == "depthwise"


@pytest.mark.parametrize("kernel", [(1, 1), (3, 2)])
@pytest.mark.parametrize("last", [False, True])
def test_arrays_may_lie_anywhere(last: bool, kernel: tuple[int, int]) -> None:
    """Also the results of a single tap, whose axes would be one to a product of matrices."""
    for dtype, lay_x, lay_out in itertools.product(("f4", "f8", "f2"), FOR_INPUT, (contiguous, *FOR_OUT)):
        own: dict[str, Any] = {"multiplier": 2, "last": last, "lay_x": lay_x, "lay_out": lay_out}
        depthwise((2, 3, 7, 9), kernel, dtype, bias=True, **own).check()
    for lay_w in FOR_INPUT:
        depthwise((2, 3, 7, 9), kernel, multiplier=2, flip=True, padding=1, last=last, lay_w=lay_w).check()
    depthwise((2, 3, 5, 6, 7), (1, 1, 1), last=last, lay_out=FOR_OUT[3]).check()


def test_one_weight_and_one_sample_may_stand_for_all() -> None:
    call = depthwise((2, 3, 6, 20), (3, 3), multiplier=2, bias=True)
    for x_axis, w_axis in itertools.product(range(4), range(4)):
        x = np.broadcast_to(call.x.take([0], x_axis), call.x.shape)
        w = np.broadcast_to(call.w.take([0], w_axis), call.w.shape)
        Depthwise(call.layer, x, w, call.bias, lay_x=np.asarray, lay_w=np.asarray).check()


def test_nothing_is_written_beside_the_result() -> None:
    for call in sampled_depthwise(80, 2):
        want = call.want()
        host, inside = guarded(want.shape, want.dtype, margin=20 if want.ndim < 5 else 3)
        for step in (1, -1):
            out = inside[..., ::step]
            got = Depthwise(**{**vars(call), "lay_out": lambda _, out=out: out}).run()
            np.testing.assert_array_equal(got, want, repr(call))
            assert margins_are_untouched(host, inside), repr(call)


def test_bits_do_not_depend_on_threads(rng: np.random.Generator) -> None:
    """Nor on how a result lies, nor on the images beside it."""
    wide = [
        depthwise((3, 5, 60, 61), (3, 3), padding=1, multiplier=2, bias=True), depthwise((1, 2, 6000), (31,), "f8"),
        depthwise((1, 2, 3, 5000), (3, 5), padding=2), depthwise((1, 3, 9, 30, 31), (3, 3, 3), padding=1),
        depthwise((2, 2, 130, 131), (7, 7), stride=2, padding=3, last=True),
    ]  # fmt: skip
    for call in (*wide, *sampled_depthwise(120, 7)):
        for a in (call.x, call.w):
            a[...] = random_values(rng, a.shape, a.dtype)
        alone = call.run(threads=1)
        for threads in (2, 3):
            assert call.run(threads=threads).tobytes() == alone.tobytes(), f"{threads} threads: {call!r}"
        apart = Depthwise(**{**vars(call), "lay_out": FOR_OUT[2]})
        assert apart.run(threads=2).tobytes() == alone.tobytes(), repr(call)
        if len(call.x) > 1:
            first = Depthwise(**{**vars(call), "x": call.x[:1]})
            assert first.run().tobytes() == np.ascontiguousarray(alone[:1]).tobytes(), repr(call)


def test_a_plan_makes_what_a_call_makes(rng: np.random.Generator) -> None:
    for call in sampled_depthwise(80, 3):
        for a in (call.x, call.w):
            a[...] = random_values(rng, a.shape, a.dtype)
        want, x = call.run(), np.ascontiguousarray(call.images(call.x))
        p = nn.plan(x.shape, call.w, call.bias, x_dtype=x.dtype, algorithm="depthwise", **call.keywords())
        for _ in range(2):
            assert p(x).tobytes() == want.tobytes(), repr(call)
        assert p(call.lay_x(x)).tobytes() == want.tobytes(), repr(call)
        assert p(np.concatenate([x, x])).tobytes() == np.concatenate([want, want]).tobytes(), repr(call)


@pytest.mark.parametrize("where", ["x", "w", "both"])
def test_what_is_not_finite_stays_in_its_windows(where: str) -> None:
    for number, call in enumerate(sampled_depthwise(80, 5)):
        rng = np.random.default_rng(number)
        for name, a in (("x", call.x), ("w", call.w)):
            if where in (name, "both"):
                a.flat[rng.integers(0, a.size, int(rng.choice([1, 3])))] = rng.choice([INF, -INF, NAN])
        assert_as_direct(call)


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_a_tap_over_the_padding_adds_nothing(multiplier: int, value: float) -> None:
    """Its windows lie over the data, over both, or over nothing but zeros; other channels see nothing of it."""
    for tap in ((0, 0), (1, 2), (2, 2)):
        call = depthwise(
            (2, 3, 6, 9), (3, 3), stride=2, dilation=2, padding=((4, 5), (6, 4)), multiplier=multiplier, bias=True
        )
        call.w[1, 0, tap[0], tap[1]] = value
        assert_as_direct(call)
        got = call.run()
        others = [c for c in range(got.shape[1]) if c != 1]
        assert np.isfinite(got[:, others]).all()
        assert not np.isfinite(got[:, 1]).all()
        assert np.isfinite(got[:, 1]).any()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("value", [1.1, 0.7, 1 / 3, 1 / 7])
def test_many_equal_products(value: float, dtype: Any) -> None:
    """As many as are summed one by one, all rounded the same way."""
    for shape, kernel in (((1, 3, 300), (240,)), ((1, 3, 20, 40), (15, 16)), ((1, 2, 7, 9, 20), (5, 6, 8))):
        x, w = np.full(shape, value, dtype), np.full((shape[1], 1, *kernel), 0.9, dtype)
        call = Depthwise(layer(len(kernel), groups=shape[1]), x, w)
        assert call.algorithm() == "depthwise"
        want = np.longdouble(x.flat[0]) * np.longdouble(w.flat[0]) * w[0].size
        assert np.abs(call.run() - want).max() <= promised(x, w, w[0].size), repr(call)


def test_float16_is_rounded_once() -> None:
    """In float32 a sum goes on where float16 sticks, and the bias is added before the one rounding."""
    x, w = np.full((1, 2, 210), 16, np.float16), np.ones((2, 1, 201), np.float16)
    w[:, :, 0] += 1 / 16
    call = Depthwise(layer(1, groups=2), x, w, np.array([1, -3200], np.float16))
    np.testing.assert_array_equal(call.run()[0, :, 0], np.array([3218, 17], np.float16))


@pytest.mark.parametrize(
    ("groups", "ins", "kernel", "why"),
    [(3, 2, (3, 3), "several channels"), (3, 2, (1, 1), "several channels"), (3, 1, (1, 241), "more taps"),
     (2, 1, (16, 16), "more taps")],
    ids=str,
)  # fmt: skip
def test_what_it_refuses(groups: int, ins: int, kernel: tuple[int, int], why: str) -> None:
    """Another way takes these, and `explain` says which and why."""
    own = layer(2, padding=((2, 1), (0, 3)), groups=groups)
    call = Depthwise(**vars(pose(own, (2, groups * ins, 17, 250), groups * 2, kernel, bias=True)))
    call.check()
    told = nn.explain(call.x, call.w, call.bias, algorithm="depthwise", **call.keywords())
    assert told.algorithm != "depthwise"
    assert why in str(told)


def test_no_images_have_no_results() -> None:
    x, w = np.ones((0, 3, 9, 9), np.float32), np.ones((6, 1, 3, 3), np.float32)
    assert nn.conv2d(x, w, groups=3, algorithm="depthwise").shape == (0, 6, 7, 7)


UNDER_ISA = """
from convcorr import _core
import numpy as np
import test_depthwise as t
for call in t.sampled_depthwise(80, 8):
    call.check()
for dtype in ("f4", "f8"):
    t.test_every_number_of_columns_and_rows(dtype)
t.test_every_kernel(2, 1)
t.test_zeros_before_the_data_of_any_number()
t.test_bits_do_not_depend_on_threads(np.random.default_rng(3))
t.test_a_tap_over_the_padding_adds_nothing(2, t.NAN)
t.test_many_equal_products(0.7, "f4")
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa


FENCED = """
import numpy as np
from convcorr import _core
from depthwise_cases import sampled_depthwise
from guarded_sweep import Fence
from nn_cases import CONV

fences = [Fence(1 << 22) for _ in range(4)]
for number, call in enumerate(sampled_depthwise(200, 10)):
    given = [np.ascontiguousarray(call.images(call.x)), call.w, call.want()]
    if call.bias is not None:
        given.append(call.bias)
    own = [fence.place(a.shape, a.dtype, number % 2 == 0) for fence, a in zip(fences, given)]
    for to, a in zip(own, given):
        to[...] = a
    x, w, out, *bias = own
    out[...] = 77
    CONV[w.ndim - 2](x, w, *bias, out=out, algorithm="depthwise", threads=1 + number % 2, **call.keywords())
    np.testing.assert_array_equal(out, given[2], repr(call))
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", _core.config()["isas_available"])
def test_no_stray_access_under(isa: str) -> None:
    """Data, weights, bias and results lie flush against pages that must not be touched."""
    assert output_of(FENCED, CONVCORR_ISA=isa) == isa
