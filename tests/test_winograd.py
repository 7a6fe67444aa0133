"""Winograd's convolution, through `_core.solve`: every size, border, layout and dtype against the reference.

Results are rounded otherwise than sums of products are, so they're compared within a few roundings of the sum of the
absolute products. What is promised beyond that has tests of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import convcorr
from convcorr import _core
from layouts import Array
from subprocesses import output_of

BATCH, GROUP, OUT, IN = range(4)
WAYS = ["winograd 2", "winograd 4"]
# Roundings of the sum of absolute products: what is lost grows with the magnitude of the transforms' entries.
ROUNDINGS = {"winograd 2": 6, "winograd 4": 30, "winograd": 30, "direct": 6}


@dataclass
class Layer:
    """A layer of one to three axes, its arrays as NumPy would hand them over."""

    out: tuple[int, ...] = (8, 8)
    kernel: tuple[int, ...] = ()  # 3 taps along each axis
    batch: int = 1
    groups: int = 1
    ins: int = 3
    outs: int = 2
    padding: tuple[int, ...] = ()  # in front; 1 along each axis
    stride: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    border: int = 0
    fill: float = 0
    flip: bool = False
    dtype: Any = np.float32
    channels_last: bool = False
    bias: bool = False
    cropped: int = 0  # samples behind those that the outputs read
    seed: int = 0
    arrays: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        ndim = len(self.out)
        self.kernel = self.kernel or (3,) * ndim
        self.padding = self.padding or (1,) * ndim
        self.stride = self.stride or (1,) * ndim
        self.dilation = self.dilation or (1,) * ndim
        sides = [
            max(1, (o - 1) * s + (k - 1) * d + 1 - 2 * p + self.cropped)
            for o, s, k, d, p in zip(self.out, self.stride, self.kernel, self.dilation, self.padding, strict=True)
        ]
        channels = self.groups * self.ins

        def normal(*shape: int) -> Array:
            return rng.standard_normal(shape).astype(self.dtype)

        x = normal(self.batch, *sides, channels) if self.channels_last else normal(self.batch, channels, *sides)
        self.arrays = {
            "x": (np.moveaxis(x, -1, 1) if self.channels_last else x).reshape(
                (self.batch, self.groups, self.ins, *sides)
            ),
            "h": normal(self.groups, self.outs, self.ins, *self.kernel),
            "bias": normal(self.groups, self.outs),
        }

    def spec(self) -> dict[str, Any]:
        sums = np.float64 if self.dtype == np.float64 else np.float32
        spatial = [
            {"x": 3 + a, "h": 3 + a, "out": 3 + a, "stride": self.stride[a], "dilation": self.dilation[a],
             "in_dilation": 1, "offset": -self.padding[a], "border": self.border}
            for a in range(len(self.out))
        ]  # fmt: skip
        spec = {
            "spatial": spatial, "flip": self.flip, "conjugate": False, "saturate": False, "fill": self.fill,
            "outer": [(BATCH, 0, -1, 0), (GROUP, 1, 0, 1), (OUT, -1, 1, 2), (IN, 2, 2, -1)], "sum": np.zeros(1, sums),
        }  # fmt: skip
        return {**spec, "bias": self.arrays["bias"]} if self.bias else spec

    def new_out(self, dtype: Any) -> Array:
        shape = (self.batch, self.groups, self.outs, *self.out)
        if not self.channels_last:
            return np.full(shape, 7, dtype)
        last = np.full((self.batch, *self.out, self.groups * self.outs), 7, dtype)
        return np.moveaxis(last, -1, 1).reshape(shape)

    def run(self, executor: str, dtype: Any = None) -> Array:
        x, h = self.arrays["x"], self.arrays["h"]
        out = self.new_out(dtype or self.dtype)
        return np.asarray(_core.solve(x, h, out, self.spec(), executor))

    def expected(self) -> tuple[Array, Array]:
        """The sums, taken in float64, and the sums of absolute products."""
        exact = Layer(**{k: v for k, v in vars(self).items() if k != "arrays"} | {"dtype": np.float64})
        exact.arrays = {k: v.astype(np.float64) for k, v in self.arrays.items()}
        want = exact.run("reference")
        exact.arrays = {k: np.abs(v) for k, v in exact.arrays.items()}
        exact.fill = abs(exact.fill)
        return want, exact.run("direct")


def assert_close(layer: Layer, executor: str) -> None:
    want, magnitude = layer.expected()
    got = layer.run(executor)
    sums = np.float64 if layer.dtype == np.float64 else np.float32
    # A tile's samples meet in every output of it: its largest sum of magnitudes counts for all.
    tolerance = (
        ROUNDINGS[executor] * np.finfo(sums).eps * magnitude.max(axis=tuple(range(3, magnitude.ndim)), keepdims=True)
    )
    if layer.dtype == np.float16:
        tolerance = tolerance + np.finfo(np.float16).eps * np.abs(want) + 1e-7
    error = np.abs(got.astype(np.float64) - want)
    assert np.all(error <= tolerance), (layer.out, executor, (error / tolerance).max())


def sampled(count: int, seed: int, kernel: tuple[int, ...] = (3, 3), longest: int = 41) -> list[Layer]:
    rng = np.random.default_rng(seed)
    layers = []
    for i in range(count):
        p = tuple(int(rng.integers(0, k + 1)) for k in kernel)
        # Of x something is left.
        out = tuple(max(int(rng.integers(1, longest)), 2 * q + 2 - k) for q, k in zip(p, kernel, strict=True))
        layers.append(
            Layer(
                out=out, kernel=kernel, padding=p, batch=int(rng.choice([1, 1, 2, 3])),
                groups=int(rng.choice([1, 1, 2, 3])),
                ins=int(rng.integers(1, 20)), outs=int(rng.integers(1, 20)),
                border=int(rng.choice([0, 0, 0, 1, 2, 3, 4])),
                fill=float(rng.choice([0, 0, 1.5])), flip=bool(rng.integers(2)), bias=bool(rng.integers(2)),
                dtype=[np.float32, np.float32, np.float64, np.float16][int(rng.integers(4))],
                channels_last=bool(rng.integers(4) == 0), cropped=int(rng.choice([0, 0, 0, 2, 5])), seed=i,
            )
        )  # fmt: skip
    return layers


@pytest.mark.parametrize("executor", WAYS)
def test_any_layer(executor: str) -> None:
    for layer in sampled(80, 1):
        assert_close(layer, executor)


@pytest.mark.parametrize("executor", WAYS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_size_around_the_tile(executor: str, dtype: Any) -> None:
    for rows in (1, 2, 3, 4, 5, 8, 9, 17):
        for columns in (1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 40, 63, 64, 65, 70):
            assert_close(Layer(out=(rows, columns), padding=(0, 0), dtype=dtype), executor)


@pytest.mark.parametrize("executor", WAYS)
def test_every_number_of_channels(executor: str) -> None:
    for ins, outs in [(1, 1), (2, 70), (15, 16), (16, 15), (17, 9), (31, 33), (40, 4), (64, 8), (65, 3), (70, 70)]:
        assert_close(Layer(out=(9, 11), ins=ins, outs=outs, bias=True), executor)


@pytest.mark.parametrize("executor", WAYS)
def test_blocks_of_tiles_and_of_channels(executor: str) -> None:
    for layer in (
        Layer(out=(40, 40), ins=40, outs=7, batch=2),
        Layer(out=(14, 14), ins=70, outs=37, batch=2),
        Layer(out=(7, 7), ins=100, outs=34, batch=2, groups=2),
        Layer(out=(130, 70), ins=3, outs=5, batch=2, channels_last=True),
    ):
        assert_close(layer, executor)


def test_results_may_lie_anywhere() -> None:
    layer = Layer(out=(13, 22), ins=5, outs=6)
    want = layer.run("winograd 4")
    wide = np.full((1, 1, 6, 13, 50), 7, np.float32)
    for view in (wide[..., 3:25], wide[..., 3:47:2], wide[..., 46:2:-2], wide[..., ::-1][..., 5:27]):
        wide[:] = 7
        out = view
        _core.solve(layer.arrays["x"], layer.arrays["h"], out, layer.spec(), "winograd 4")
        np.testing.assert_array_equal(out, want)
        assert np.count_nonzero(wide != 7) <= want.size
    x = np.zeros((1, 1, 5, 13, 60), np.float32)[..., 50:6:-2]
    x[...] = layer.arrays["x"]
    _core.solve(x[..., ::-1, :], layer.arrays["h"], np.empty_like(want), layer.spec(), "winograd 4")
    got = np.asarray(_core.solve(x, layer.arrays["h"], np.empty_like(want), layer.spec(), "winograd 4"))
    np.testing.assert_array_equal(got, want)


def test_a_transposed_image_is_read_along_its_rows() -> None:
    layer = Layer(out=(21, 34), ins=4, outs=3)
    turned = Layer(out=(34, 21), ins=4, outs=3)
    turned.arrays = {k: np.swapaxes(v, -1, -2) if v.ndim > 2 else v for k, v in layer.arrays.items()}
    out = np.swapaxes(layer.new_out(np.float32), -1, -2)
    _core.solve(turned.arrays["x"], turned.arrays["h"], out, turned.spec(), "winograd 4")
    np.testing.assert_array_equal(out, np.swapaxes(layer.run("winograd 4"), -1, -2))
    assert_close(turned, "winograd 4")


@pytest.mark.parametrize(
    "layer", [*sampled(6, 5), Layer(out=(56, 56), ins=32, outs=32), Layer(out=(14, 14), ins=96, outs=64)]
)
def test_threads_leave_every_bit(layer: Layer) -> None:
    before = convcorr.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            convcorr.set_num_threads(threads)
            results.append(layer.run("winograd").tobytes())
    finally:
        convcorr.set_num_threads(before)
    assert len(set(results)) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_what_is_not_finite_stays_in_its_window(value: float) -> None:
    for layer in (Layer(out=(23, 30), ins=6, outs=5, batch=2, bias=True), Layer(out=(14, 14), ins=40, outs=40)):
        layer.arrays["x"][-1, 0, 2, 7, 9] = value
        layer.arrays["x"][0, 0, 1, 0, 0] = value
        got, want = layer.run("winograd 4"), layer.run("direct")
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
        np.testing.assert_array_equal(np.sign(got[np.isinf(got)]), np.sign(want[np.isinf(want)]))
        assert np.isfinite(got).any()


def test_taps_that_are_not_finite_meet_their_own_samples() -> None:
    for outs, side in ((5, 30), (70, 8)):
        layer = Layer(out=(side, side), ins=6, outs=outs)
        layer.arrays["h"][0, 1, 3, 0, 2] = np.inf
        layer.arrays["h"][0, 0, 0, 1, 1] = np.nan
        got, want = layer.run("winograd 4"), layer.run("direct")
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(want))


def test_samples_that_no_output_reads_are_not_looked_at() -> None:
    layer = Layer(out=(9, 9), ins=3, outs=2, padding=(0, 0), cropped=3)
    want = layer.run("winograd 4")
    layer.arrays["x"][..., 11:, :] = np.nan
    layer.arrays["x"][..., :, 11:] = np.nan
    np.testing.assert_array_equal(layer.run("winograd 4"), want)


def rms_roundings(
    executor: str, dtype: Any, out: tuple[int, ...] = (56, 56), kernel: tuple[int, ...] = (3, 3)
) -> float:
    """The root of the mean squared error over that of the results, in roundings."""
    layer = Layer(out=out, kernel=kernel, ins=64, outs=64, dtype=dtype)
    exact = Layer(out=out, kernel=kernel, ins=64, outs=64, dtype=np.float64)
    if dtype == np.float64:
        exact.arrays = {k: v.astype(np.longdouble) for k, v in layer.arrays.items()}
        part = slice(0, 2)
        x, h = exact.arrays["x"], exact.arrays["h"][:, part]
        sums = np.zeros((1, 1, 2, *out), np.longdouble)
        want = _core.solve(x, h, sums, {**exact.spec(), "sum": np.zeros(1, np.longdouble)}, "reference")
        got = layer.run(executor)[:, :, part].astype(np.longdouble)
    else:
        exact.arrays = {k: v.astype(np.float64) for k, v in layer.arrays.items()}
        want, got = exact.run("direct"), layer.run(executor).astype(np.float64)
    error = np.sqrt(np.mean((got - want) ** 2) / np.mean(want**2))
    return float(error / np.finfo(dtype).eps)


def test_how_far_sums_are_off() -> None:
    """torch 2.13 makes 1.83 of this layer: tiles of 2 x 2 are no worse, those of 4 x 4 within thrice that."""
    torch = 1.83
    assert rms_roundings("winograd 2", np.float32) < torch
    assert rms_roundings("winograd 4", np.float32) < 3 * torch
    assert rms_roundings("winograd 4", np.float64) < 3 * torch


REFUSED = {
    "strided": {"stride": 2}, "dilated": {"dilation": 2}, "zeros between samples": {"in_dilation": 2},
}  # fmt: skip


@pytest.mark.parametrize("change", REFUSED)
def test_what_it_refuses(change: str) -> None:
    layer = Layer(out=(3, 3), padding=(0, 0), cropped=8)
    spec = layer.spec()
    for axis in spec["spatial"]:
        axis.update(REFUSED[change])
    with pytest.raises(ValueError, match="dilated"):
        _core.solve(layer.arrays["x"], layer.arrays["h"], layer.new_out(np.float32), spec, "winograd")


def test_it_refuses_other_kernels_and_integers() -> None:
    layer = Layer(out=(6, 6), padding=(0, 0))
    x, h = layer.arrays["x"], layer.arrays["h"]
    out = np.zeros((1, 1, 2, 6, 7), np.float32)
    with pytest.raises(ValueError, match="3 taps"):
        _core.solve(x, np.ascontiguousarray(h[..., :2, :2]), out, layer.spec(), "winograd")
    many = Layer(out=(6,), kernel=(200,), padding=(0,))
    with pytest.raises(ValueError, match="too many taps"):
        many.run("winograd")
    whole = layer.new_out(np.int32)
    with pytest.raises(ValueError, match="floating"):
        _core.solve(x.astype(np.int32), h.astype(np.int32), whole, {**layer.spec(), "sum": whole}, "winograd")


def test_a_single_axis_of_images_may_be_spatial() -> None:
    """A volume under 1 x 3 x 3 taps: its depth is a batch."""
    rng = np.random.default_rng(3)
    x, h = rng.standard_normal((5, 4, 12, 17), np.float32), rng.standard_normal((6, 5, 1, 3, 3), np.float32)
    spec = Layer().spec()
    spec["spatial"] = [
        {"x": 1 + a, "h": 2 + a, "out": 1 + a, "stride": s, "dilation": 1, "in_dilation": 1, "offset": o, "border": 0}
        for a, s, o in ((0, 2, 1), (1, 1, -1), (2, 1, 0))
    ]
    spec["outer"] = [(OUT, -1, 0, 0), (IN, 0, 1, -1)]
    out, want = np.zeros((6, 2, 12, 15), np.float32), np.zeros((6, 2, 12, 15), np.float32)
    _core.solve(x, h, out, spec, "winograd 4")
    np.testing.assert_allclose(out, _core.solve(x, h, want, spec, "reference"), rtol=0, atol=1e-4)


UNDER_ISA = """
import numpy as np
from convcorr import _core
import test_winograd as t
for layer in t.sampled(40, 9):
    for executor in t.WAYS:
        t.assert_close(layer, executor)
t.test_results_may_lie_anywhere()
t.test_what_is_not_finite_stays_in_its_window(np.nan)
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa
