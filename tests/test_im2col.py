"""Layers by products of matrices, on every edge of their panels and tiles: integers exactly, floats within the promise.

Panels are 1 to 3 registers wide (48 outputs of float32 under AVX-512), made of planes of samples; or tap by tap, across
batch items, where an item has few outputs. Tiles are of 16, 8, 4, 2 and 1 rows; chunks are 128 or 256 products deep.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from convcorr import _core, nn
from im2col_cases import FOR_INPUT, FOR_OUT, Back, Call, layer, pose, sampled, sampled_back, sampled_turned
from im2col_problems import random_problem
from layouts import guarded, margins_are_untouched, random_values, small_integers
from nn_cases import GRAD_WEIGHT
from oracle import BOUNDARIES, Array
from subprocesses import output_of
from test_nonfinite_taps import kinds, put

NAN, INF = np.nan, np.inf
SIZES = [*range(1, 41), 47, 48, 49, 95, 96, 97, 143, 144, 145, 191, 192, 193, 400, 799, 800, 801, 1207]


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_every_number_of_outputs(dtype: str) -> None:
    """Of one row, and of rows that are joined; alone, and across batch items."""
    for n in SIZES:
        pose(layer(1, padding=1), (1, 3, n), 9, (3,), dtype, bias=True).check()
        pose(layer(1), (1 if n > 200 else 5, 3, n), 7, (1,), dtype).check()
    for rows, columns in itertools.product((1, 2, 3, 5), (1, 2, 7, 15, 16, 17, 23, 24, 25, 47, 48, 49)):
        pose(layer(2), (1, 2, rows, columns), 9, (1, 1), dtype).check()
        pose(layer(2, padding=((0, 1), (1, 1))), (1, 2, rows + 1, columns), 5, (2, 3), dtype, bias=True).check()
        pose(layer(2, padding=((0, 1), (1, 1))), (4, 2, rows + 1, columns), 3, (2, 3), dtype, last=True).check()


@pytest.mark.parametrize("batch", [1, 3])
def test_every_number_of_out_channels(batch: int) -> None:
    for outs in range(2, 71):
        pose(layer(2, padding=1), (batch, 3, 5, 9), outs, (3, 3), bias=True).check()
        pose(layer(2, padding=1, flip=True), (batch, 3, 5, 9), outs, (3, 3), "f8", bias=True).check()


@pytest.mark.parametrize("batch", [1, 3])
def test_every_number_of_in_channels(batch: int) -> None:
    for ins in range(1, 71):
        pose(layer(2, padding=1), (batch, ins, 4, 7), 9, (3, 3)).check()
        pose(layer(2), (batch, ins, 5, 5), 6, (1, 1), last=True).check()


@pytest.mark.parametrize("batch", [1, 5])
def test_every_depth_around_a_chunk(batch: int) -> None:
    """Sums of the chunks before wait in the result, or apart from it."""
    for depth in [*range(60, 70), *range(124, 134), *range(253, 260), *range(382, 388), 511, 512, 513, 1025]:
        pose(layer(1), (batch, depth, 19), 10, (1,), bias=True).check()
        pose(layer(1, stride=2), (batch, 2, depth + 30), 10, (depth,), bias=True, lay_out=FOR_OUT[2]).check()
    for ins, k in ((5, 5), (6, 5), (10, 5), (11, 5), (3, 11), (2, 16), (2, 23), (2, 33)):
        pose(layer(2), (batch, ins, 38, 40), 9, (k, k)).check()
        pose(layer(2, padding=4), (batch, ins, k, k), 9, (k, k), "f8").check()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_every_kernel(stride: int, dilation: int) -> None:
    squares = [(k, k) for k in range(1, 8)]
    for number, kernel in enumerate([*squares, *((1, k) for k in range(2, 8)), *((k, 1) for k in range(2, 8))]):
        pads = [((k - 1) * dilation // 2, (k - 1) * dilation) for k in kernel]
        for batch, mode in itertools.product((1, 4), ("constant", BOUNDARIES[number % 5])):
            own = layer(2, stride, dilation, tuple(pads), flip=number % 2 == 1, padding_mode=mode)
            pose(own, (batch, 3, 8, 11), 6, kernel, last=number % 3 == 1, seed=number).check()


@pytest.mark.parametrize("mode", BOUNDARIES)
def test_padding_longer_than_the_data(mode: Any) -> None:
    for n, pads in itertools.product((1, 2, 5), ((0, 7), (13, 0), (9, 4))):
        for stride, last in itertools.product((1, 2, 3), (False, True)):
            own = layer(2, stride, 2, (pads, pads[::-1]), padding_mode=mode)
            pose(own, (2, 3, n, n + 1), 5, (3, 2), last=last).check()
            pose(own, (1, 3, n, 40), 5, (3, 2), last=last).check()


def test_any_layer() -> None:
    """Strides, dilations, paddings, groups, layouts and views at random."""
    for call in sampled(1000, 1):
        call.check()


def test_layers_of_many_more_taps_than_outputs() -> None:
    for call in sampled_turned(90, 1):
        call.check()


def weight_gradient(call: Call, **keywords: Any) -> Array:
    """Of the layer for the data of a call and a result of small integers."""
    shape = (call.x.shape[0], call.w.shape[0], *call.layer.size(call.x.shape[2:], call.w.shape[2:]))
    y = small_integers(np.random.default_rng(1), shape, call.x.dtype, 1)
    back = GRAD_WEIGHT[call.w.ndim - 2]
    own = {"algorithm": "im2col", **call.keywords(), **keywords}
    got = back(call.lay_x(call.images(call.x)), call.w.shape, call.lay_x(call.images(y)), **own)
    if not keywords:
        want = call.layer.grad_weight(call.x.astype(float), y.astype(float), call.w.shape)
        np.testing.assert_array_equal(got, want.astype(got.dtype), repr(call))
    return got


def test_gradients_of_weights_are_their_definition() -> None:
    """The batch is summed over, and the results of the layer are taps."""
    for call in sampled(150, 11):
        weight_gradient(call)


def test_the_cases_go_this_way() -> None:
    assert {call.algorithm() for call in (*sampled(60, 1), *sampled_turned(60, 1))} == {"im2col"}


@pytest.mark.parametrize("last", [False, True])
def test_arrays_may_lie_anywhere(last: bool) -> None:
    for batch, dtype in itertools.product((1, 3), ("f4", "f8", "f2")):
        for lay_x in FOR_INPUT:
            for lay_w, lay_out in zip(FOR_INPUT, itertools.cycle(FOR_OUT), strict=False):
                own = layer(2, (1, 2), padding=1, groups=3)
                x, outs = (batch, 6, 7, 9), 12
                pose(own, x, outs, (2, 3), dtype, last=last, lay_x=lay_x, lay_w=lay_w, lay_out=lay_out).check()


def test_one_weight_and_one_sample_may_stand_for_all() -> None:
    call = pose(layer(2), (2, 3, 6, 6), 5, (3, 3), bias=True)
    for x_axis, w_axis in itertools.product(range(4), range(4)):
        x = np.broadcast_to(call.x.take([0], x_axis), call.x.shape)
        w = np.broadcast_to(call.w.take([0], w_axis), call.w.shape)
        Call(call.layer, x, w, call.bias, lay_x=np.asarray, lay_w=np.asarray).check()


def test_nothing_is_written_beside_the_result() -> None:
    for call in (*sampled(80, 2), *sampled_back(40, 2), *sampled_turned(10, 2)):
        want = call.want()
        host, view = guarded(want.shape, want.dtype, margin=20 if want.ndim < 5 else 3)
        for step in (1, -1):
            out = view[..., ::step]
            got = type(call)(**{**vars(call), "lay_out": lambda _, out=out: out}).run()
            np.testing.assert_array_equal(got, want, repr(call))
            assert margins_are_untouched(host, view), repr(call)


def test_no_images_have_no_results() -> None:
    x, w = np.ones((0, 3, 9, 9), np.float32), np.ones((4, 3, 9, 9), np.float32)
    assert nn.conv2d(x, w, algorithm="im2col").shape == (0, 4, 1, 1)
    x, w = np.ones((0, 3, 5, 5), np.float32), np.ones((4, 3, 3, 3), np.float32)
    assert nn.conv2d(x, w, algorithm="im2col").shape == (0, 4, 3, 3)
    back = np.ones((3, 4, 3, 3), np.float32)
    assert nn.conv_transpose2d(x, back, stride=2, algorithm="im2col").shape == (0, 4, 11, 11)


def test_problems_that_no_front_poses() -> None:
    """Several axes of batches and groups, in any order in memory; windows far from the data; pairs of types."""
    for number in range(200):
        random_problem(np.random.default_rng((4, number))).check()


REFUSED: dict[str, dict[str, Any]] = {
    "zeros between samples": {"in_dilation": 2}, "fill value": {"fill": 1}, "not real": {"sum": np.zeros(1, "c8")},
    "several axes of channels": {"split": True}, "fixed order": {"summation": 1},
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_what_it_refuses(why: str) -> None:
    change = dict(REFUSED[why])
    outs, ins = change.pop("outs", 2), change.pop("split", False)
    x, h, out = (np.zeros(shape, np.float32) for shape in ((2, 3, 9), (outs, 2, 3, 3), (outs, 7)))
    axis = {"x": 2, "h": 3, "out": 1, "stride": 1, "dilation": 1, "in_dilation": 1, "offset": 0, "border": 0}
    axis["in_dilation"] = change.pop("in_dilation", 1)
    spec = {
        "spatial": [axis], "outer": [(2, -1, 0, 0), (3, 0, 1, -1), (3, 1, 2, -1) if ins else (0, -1, -1, -1)],
        "flip": False, "conjugate": False, "saturate": False, "fill": 0, "sum": np.zeros(1, np.float32), **change,
    }  # fmt: skip
    with pytest.raises(ValueError, match=why):
        _core.solve(x, h, out, spec, "im2col")


def test_layers_back_are_their_definition() -> None:
    """Transposed layers and gradients, each phase of whose outputs is a layer of its own."""
    for call in sampled_back(250, 1):
        call.check()


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("flip", [False, True])
def test_every_phase(stride: int, dilation: int, flip: bool) -> None:
    """Factors shared or not; kernels shorter than the stride, so that some outputs see nothing but the bias."""
    for k, beyond in itertools.product(range(1, 6), range(max(stride, dilation))):
        own = layer(1, stride, dilation, ((k % 3, k % 2),), flip=flip, output_padding=(beyond,))
        given = pose(own, (2, 5, 11), 6, (k,), bias=True, seed=k)
        size = own.transposed_size((11,), (k,))
        if size[0] >= 1:
            w = np.ascontiguousarray(pose(own, (1, 6, 1), 5, (k,), seed=k).w)
            Back(own, given.x, w, given.bias, last=k == 3, size=size).check()


def test_a_plan_packs_its_weights_once() -> None:
    for call in sampled(120, 3):
        x = np.ascontiguousarray(call.images(call.x))
        p = nn.plan(x.shape, call.w, call.bias, x_dtype=x.dtype, algorithm="im2col", **call.keywords())
        for _ in range(2):
            np.testing.assert_array_equal(p(x), call.want(), repr(call))
        np.testing.assert_array_equal(p(call.lay_x(x)), call.want(), repr(call))


def test_bits_do_not_depend_on_threads(rng: np.random.Generator) -> None:
    """Nor on how a result lies."""
    wide = [
        pose(layer(2, padding=1), (1, 40, 30, 31), 150, (3, 3)), pose(layer(2, 2), (5, 30, 13, 12), 130, (3, 3)),
        pose(layer(2), (2, 300, 9, 9), 70, (1, 1), "f8", bias=True), pose(layer(1), (1, 9, 2100), 34, (20,), "f8"),
        pose(layer(2, padding=1), (1, 20, 30, 31), 40, (3, 3), last=True), pose(layer(2), (1, 1, 60, 60), 7, (33, 33)),
    ]  # fmt: skip
    for call in (*wide, *sampled(200, 7), *sampled_back(100, 7), *sampled_turned(20, 7)):
        for a in (call.x, call.w):
            a[...] = random_values(rng, a.shape, a.dtype)
        alone = call.run(threads=1)
        for threads in (2, 3, 4):
            assert call.run(threads=threads).tobytes() == alone.tobytes(), f"{threads} threads: {call!r}"
        apart = type(call)(**{**vars(call), "lay_out": FOR_OUT[2]})
        assert apart.run(threads=2).tobytes() == alone.tobytes(), repr(call)


def assert_as_direct(call: Call) -> None:
    """Kinds and signs of what is not finite, and every finite integer."""
    want = call.run(algorithm="direct")
    for threads in (1, 2):
        got = call.run(threads=threads)
        np.testing.assert_array_equal(kinds(got), kinds(want), repr(call))
        np.testing.assert_array_equal(got, want, repr(call))


@pytest.mark.parametrize("where", ["x", "w", "both"])
def test_what_is_not_finite_stays_in_its_windows(where: str) -> None:
    for number, call in enumerate((*sampled(90, 5), *sampled_back(60, 6))):
        rng = np.random.default_rng(number)
        if where != "w":
            put(rng, call.x, int(rng.integers(1, 4)), [INF, -INF, NAN])
        if where != "x":
            put(rng, call.w, int(rng.choice([1, 3, 30])), [INF, -INF, NAN])
        assert_as_direct(call)


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_tap_over_the_padding_adds_nothing(batch: int, value: float) -> None:
    """Its windows lie over the data, over both, or over nothing but zeros."""
    for tap in ((0, 0), (1, 2), (2, 2)):
        call = pose(layer(2, 2, 2, ((4, 5), (6, 4))), (batch, 3, 6, 9), 5, (3, 3), bias=True)
        call.w[1, 2, tap[0], tap[1]] = value
        assert_as_direct(call)
        got = call.run()
        assert np.isfinite(got[:, [0, 2, 3, 4]]).all()
        assert not np.isfinite(got[:, 1]).all()
        assert np.isfinite(got[:, 1]).any()


@pytest.mark.parametrize("value", [INF, NAN])
def test_outputs_that_see_no_sample_are_the_bias(value: float) -> None:
    """Of a transposed layer whose stride is longer than its kernel, whatever its weights are."""
    x, bias = np.ones((2, 3, 4, 5), np.float32), np.arange(6, dtype=np.float32)
    got = nn.conv_transpose2d(x, np.full((3, 6, 1, 2), value, np.float32), bias, stride=(3, 4), algorithm="im2col")
    seen = np.zeros(got.shape[2:], bool)
    seen[::3, ::4] = seen[::3, 1::4] = True
    assert not np.isfinite(got[:, :, seen]).any()
    np.testing.assert_array_equal(got[:, :, ~seen], np.broadcast_to(bias[:, None], (2, 6, int((~seen).sum()))))


def promised(x: Array, w: Array, terms: int) -> Array:
    """8 u log2(K + 1) norm(x in the window) norm(h), where all of x are one number and all of w are, too."""
    u = np.finfo(x.dtype).eps / 2
    return np.asarray(8 * u * np.log2(terms + 1) * terms * abs(float(x.flat[0]) * float(w.flat[0])))


def assert_promised(shape: tuple[int, ...], kernel: tuple[int, ...], value: float, dtype: Any) -> None:
    x, w = np.full(shape, value, dtype), np.full((4, shape[1], *kernel), 0.9, dtype)
    call = Call(layer(len(kernel)), x, w)
    assert call.algorithm() == "im2col"
    want = np.longdouble(x.flat[0]) * np.longdouble(w.flat[0]) * w[0].size
    assert np.abs(call.run() - want).max() <= promised(x, w, w[0].size), repr(call)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("value", [1.1, 0.7, 1 / 3, 1 / 7])
def test_many_equal_products(value: float, dtype: Any) -> None:
    """Summed one by one they'd all be rounded the same way."""
    for shape, kernel in (
        ((1, 5000, 6), (1,)), ((4, 5000, 6), (1,)), ((1, 50, 300), (100,)), ((3, 5, 1010), (1000,)),
        ((1, 1, 5100), (5000,)), ((1, 556, 5, 6), (3, 3)), ((1, 200, 8, 9), (5, 5)),
    ):  # fmt: skip
        assert_promised(shape, kernel, value, dtype)


@pytest.mark.parametrize("value", [0.37, 0.51, 0.7, 1.1, 1 / 3])
@pytest.mark.parametrize(
    ("shape", "kernel"), [((1, 5, 2400), (600,)), ((1, 5, 2400), (1000,)), ((1, 262144, 1), (1,))], ids=str
)
def test_equal_products_of_one_chunk_and_of_very_many(
    shape: tuple[int, ...], kernel: tuple[int, ...], value: float
) -> None:
    """A plane's taps are one chunk, however many they are; chunks are added up one by one."""
    assert_promised(shape, kernel, value, "f4")


@pytest.mark.parametrize("value", [0.37, 0.51, 0.7, 1.1, 1 / 3])
@pytest.mark.parametrize("outs", [1, 2])
@pytest.mark.parametrize("shape", [(1, 5000, 6, 6), (1, 2048, 7, 7), (1, 20000, 1, 1)], ids=str)
def test_auto_keeps_the_promise_over_channels(shape: tuple[int, ...], outs: int, value: float) -> None:
    """Direct sums of layers with few out channels are long, too: their channels count as taps do."""
    x, w = np.full(shape, value, "f4"), np.full((outs, shape[1], 1, 1), 0.9, "f4")
    want = np.longdouble(x.flat[0]) * np.longdouble(w.flat[0]) * shape[1]
    assert np.abs(nn.conv2d(x, w) - want).max() <= promised(x, w, shape[1])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_bits_of_nan_do_not_depend_on_threads(dtype: Any) -> None:
    """Which of two NaN an addition passes on is up to the order of its operands."""
    for outs, side in itertools.product((5, 11, 33, 70), (6, 20, 30)):
        call = pose(layer(2, padding=2, padding_mode="edge"), (1, 11, side, side), outs, (5, 5), dtype)
        call.w[:, 3, 1, 1], call.w[:, 7, 2, 2] = NAN, INF
        assert call.run(threads=2).tobytes() == call.run(threads=1).tobytes(), repr(call)


@pytest.mark.parametrize("value", [INF, NAN])
def test_what_is_not_finite_stays_in_its_windows_of_many_taps(value: float) -> None:
    """Also where the weights are not of the type, in the order or at the distance that products read them in."""
    for call in sampled_turned(60, 12):
        call.x.flat[call.x.size // 3] = value
        assert_as_direct(call)
        np.testing.assert_array_equal(weight_gradient(call, threads=1), weight_gradient(call, algorithm="direct"))


def test_float16_is_rounded_once() -> None:
    """A sum of ones in float16 sticks at 2048: in float32 it goes on, and the bias is added before the one rounding."""
    call = Call(layer(1), np.ones((1, 2051, 5), np.float16), np.ones((3, 2051, 1), np.float16))
    np.testing.assert_array_equal(call.run(), 2052)
    call = Call(call.layer, call.x, call.w, np.array([2048, -2048, 0.25], np.float16))
    np.testing.assert_array_equal(call.run()[0, :, 0], np.array([4100, 3, 2052], np.float16))


UNDER_ISA = """
from convcorr import _core
import test_im2col as t
for call in (*t.sampled(120, 8), *t.sampled_back(60, 8), *t.sampled_turned(25, 8)):
    call.check()
for dtype in ("f4", "f8"):
    t.test_every_number_of_outputs(dtype)
for batch in (1, 3):
    t.test_every_number_of_out_channels(batch)
    t.test_every_depth_around_a_chunk(batch)
    t.test_a_tap_over_the_padding_adds_nothing(batch, t.NAN)
for number in range(60):
    t.random_problem(t.np.random.default_rng((9, number))).check()
t.test_bits_do_not_depend_on_threads(t.np.random.default_rng(3))
t.test_many_equal_products(0.7, "f4")
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa


FENCED = """
import numpy as np
from convcorr import _core, nn
from guarded_sweep import Fence
from im2col_cases import sampled, sampled_turned
from nn_cases import CONV

fences = [Fence(1 << 23) for _ in range(4)]
for number, call in enumerate((*sampled(500, 10), *sampled_turned(50, 10))):
    at_end = number % 2 == 0
    given = [np.ascontiguousarray(call.images(call.x)), call.w, call.want()]
    if call.bias is not None:
        given.append(call.bias)
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
    """Data, weights, bias and results lie flush against pages that must not be touched."""
    assert output_of(FENCED, CONVCORR_ISA=isa) == isa
