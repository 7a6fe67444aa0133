"""Winograd's convolution of other kernels than 3 x 3: of one axis and of three, and of taps that take several squares.

What `test_winograd` asks of 3 x 3, asked of these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convcorr
import convcorr.nn
from convcorr import _core
from layouts import Array
from subprocesses import output_of
from test_winograd import WAYS, Layer, assert_close, rms_roundings, sampled

KERNELS = [(5, 5), (3,), (9,), (4,), (8,), (3, 3, 3), (2, 5, 3), (4, 7), (1, 3), (3, 1), (1, 1, 5)]
# Of which each takes another way: F(2 x 2, 5 x 5), tiles of one axis, sections along tiles and across them.
KINDS = [(5, 5), (3,), (9,), (3, 3, 3)]


def layer_of(kernel: tuple[int, ...], out: tuple[int, ...], **others: Any) -> Layer:
    """Make a layer of as many axes as the kernel has: of the last ones of `out`."""
    return Layer(out=out[-len(kernel) :], kernel=kernel, **others)


@pytest.mark.parametrize("executor", WAYS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_any_layer(kernel: tuple[int, ...], executor: str) -> None:
    for layer in sampled(24, 2, kernel, 41 if len(kernel) < 3 else 14):
        assert_close(layer, executor)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("executor", WAYS)
@pytest.mark.parametrize("kernel", KINDS)
def test_every_size_around_the_tile(kernel: tuple[int, ...], executor: str, dtype: Any) -> None:
    for rows in (1, 2, 3, 4, 5, 9):
        for columns in (1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 63, 64, 65, 70, 131):
            assert_close(layer_of(kernel, (3, rows, columns), dtype=dtype), executor)


@pytest.mark.parametrize("executor", WAYS)
@pytest.mark.parametrize("kernel", KINDS)
def test_every_number_of_channels(kernel: tuple[int, ...], executor: str) -> None:
    for ins, outs in [(1, 1), (2, 70), (15, 16), (16, 15), (17, 9), (31, 33), (65, 3), (70, 70)]:
        assert_close(layer_of(kernel, (2, 9, 11), ins=ins, outs=outs, bias=True, flip=ins % 2 == 0), executor)


@pytest.mark.parametrize("kernel", KINDS)
def test_blocks_of_tiles_and_of_channels(kernel: tuple[int, ...]) -> None:
    for layer in (
        layer_of(kernel, (3, 30, 50), ins=40, outs=3, batch=2),
        layer_of(kernel, (1, 9, 14), ins=70, outs=40, batch=2),
        layer_of(kernel, (1, 7, 100), ins=9, outs=34, batch=2, groups=2),
        layer_of(kernel, (2, 9, 300), ins=3, outs=5, batch=2, channels_last=True),
    ):
        assert_close(layer, "winograd 4")
        assert_close(layer, "winograd 2")


def test_axes_that_tiles_do_not_span_may_be_strided_and_dilated() -> None:
    for layer in (
        Layer(out=(7, 9, 18), stride=(2, 1, 1), padding=(1, 1, 1)),
        Layer(out=(7, 9, 18), dilation=(2, 1, 1), padding=(2, 1, 1), border=2),
        Layer(out=(7, 9, 18), kernel=(3, 2, 3), stride=(1, 2, 1), dilation=(2, 3, 1), padding=(2, 3, 1)),
        Layer(out=(9, 18), stride=(2, 1), padding=(1, 1)),
        Layer(out=(9, 18), kernel=(4, 3), stride=(1, 2), padding=(1, 1), flip=True),
    ):
        for executor in WAYS:
            assert_close(layer, executor)


def test_taps_may_lie_anywhere() -> None:
    for kernel in KINDS:
        layer = layer_of(kernel, (4, 9, 21), ins=20, outs=5)
        want = layer.run("winograd 4")
        taps = layer.arrays["h"]
        layer.arrays["h"] = np.ascontiguousarray(taps[..., ::-1])[..., ::-1]
        np.testing.assert_array_equal(layer.run("winograd 4"), want)
        layer.arrays["h"] = np.ascontiguousarray(np.moveaxis(taps, 2, -1)).transpose(
            (0, 1, taps.ndim - 1, *range(2, taps.ndim - 1))
        )
        np.testing.assert_array_equal(layer.run("winograd 4"), want)
        layer.arrays["h"] = np.repeat(taps, 2, axis=2)[:, :, ::2]
        np.testing.assert_array_equal(layer.run("winograd 4"), want)


@pytest.mark.parametrize("executor", WAYS)
@pytest.mark.parametrize("kernel", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_what_is_not_finite_stays_in_its_window(kernel: tuple[int, ...], executor: str, value: float) -> None:
    for layer in (
        layer_of(kernel, (6, 23, 70), ins=6, outs=5, batch=2, bias=True),
        layer_of(kernel, (4, 14, 14), ins=40, outs=40, flip=True),
    ):
        middle = tuple(side // 2 for side in layer.arrays["x"].shape[3:])
        layer.arrays["x"][(-1, 0, 2, *middle)] = value
        layer.arrays["x"][(0, 0, 1, *(0 for _ in middle))] = value
        got, want = layer.run(executor), layer.run("direct")
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
        np.testing.assert_array_equal(np.sign(got[np.isinf(got)]), np.sign(want[np.isinf(want)]))
        assert np.isfinite(got).any()


@pytest.mark.parametrize("kernel", KINDS)
def test_taps_that_are_not_finite_meet_their_own_samples(kernel: tuple[int, ...]) -> None:
    for outs, side in ((5, 30), (70, 8)):
        layer = layer_of(kernel, (3, side, side), ins=6, outs=outs)
        layer.arrays["h"][(0, 1, 3, *(0 for _ in kernel))] = np.inf
        layer.arrays["h"][(0, 0, 0, *(1 for _ in kernel))] = np.nan
        got, want = layer.run("winograd 4"), layer.run("direct")
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(want))


@pytest.mark.parametrize("executor", WAYS)
@pytest.mark.parametrize("kernel", [*KINDS, (8,), (4, 7)])
def test_samples_that_no_output_reads_are_not_looked_at(kernel: tuple[int, ...], executor: str) -> None:
    layer = layer_of(kernel, (9, 9, 9), padding=(0,) * len(kernel), cropped=3)
    want = layer.run(executor)
    for axis in range(len(kernel)):
        np.moveaxis(layer.arrays["x"], 3 + axis, 0)[-3:] = np.nan
    np.testing.assert_array_equal(layer.run(executor), want)


@pytest.mark.parametrize("kernel", KINDS)
def test_threads_leave_every_bit(kernel: tuple[int, ...]) -> None:
    before = convcorr.get_num_threads()
    for layer in (
        layer_of(kernel, (6, 20, 300), ins=20, outs=20),
        layer_of(kernel, (2, 14, 14), ins=64, outs=64, batch=2),
    ):
        results = []
        try:
            for threads in (1, 2, 3):
                convcorr.set_num_threads(threads)
                results.append(layer.run("winograd").tobytes())
        finally:
            convcorr.set_num_threads(before)
        assert len(set(results)) == 1


# Of torch 2.13 in float32, of layers of 64 channels.
TORCH = {(5, 5): 3.02, (3,): 1.11, (9,): 1.84, (3, 3, 3): 2.71}


@pytest.mark.parametrize("kernel", KINDS)
def test_how_far_sums_are_off(kernel: tuple[int, ...]) -> None:
    out = {1: (3136,), 2: (56, 56), 3: (14, 14, 14)}[len(kernel)]
    assert rms_roundings("winograd 2", np.float32, out, kernel) < 3 * TORCH[kernel]
    assert rms_roundings("winograd 4", np.float32, out, kernel) < 3 * TORCH[kernel]


def test_plans_keep_their_taps() -> None:
    rng = np.random.default_rng(4)
    for kernel, x_shape in (((5, 5), (2, 32, 40, 50)), ((9,), (2, 32, 600)), ((3, 3, 3), (1, 32, 6, 12, 20))):
        x: Array = rng.standard_normal(x_shape, np.float32)
        w: Array = rng.standard_normal((24, 32, *kernel), np.float32)
        conv: Any = getattr(convcorr.nn, f"conv{len(kernel)}d")
        want = conv(x, w, padding=kernel[0] // 2, algorithm="winograd")
        planned = convcorr.nn.plan(x.shape, w, padding=kernel[0] // 2, algorithm="winograd")
        for _ in range(2):
            np.testing.assert_array_equal(planned(x), want)
        np.testing.assert_allclose(planned(x[:1]), want[:1], rtol=0, atol=1e-3)  # maybe by other tiles
        assert "winograd" in str(planned.explain())


UNDER_ISA = """
import numpy as np
from convcorr import _core
import test_winograd_kinds as t
for kernel in t.KERNELS:
    for layer in t.sampled(8, 9, kernel, 41 if len(kernel) < 3 else 14):
        for executor in t.WAYS:
            t.assert_close(layer, executor)
for kernel in t.KINDS:
    t.test_what_is_not_finite_stays_in_its_window(kernel, "winograd 4", np.nan)
    t.test_samples_that_no_output_reads_are_not_looked_at(kernel, "winograd 2")
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa
