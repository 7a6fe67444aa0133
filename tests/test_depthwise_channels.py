"""Depthwise layers whose lanes are channels: channels innermost, and small or strided planes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from convcorr import _core, nn
from oracle import Array
from subprocesses import output_of

LAYOUTS = ("NCHW", "NHWC")

UNDER_ISA = """
    import numpy as np
    from convcorr import _core
    from test_depthwise_channels import LAYOUTS, assert_like_direct, random_layer

    rng = np.random.default_rng(20)
    for layout in LAYOUTS:
        for dtype in ("f4", "f8"):
            for _ in range(60):
                layer = random_layer(rng, dtype, layout)
                assert (layer.run(threads=2) == assert_like_direct(layer)).all()
    print(_core.kernel_isa())
"""


@dataclass(frozen=True)
class Depthwise:
    """x (N, C, H, W) in the layout of the call, with what is said of its layer."""

    x: Array
    w: Array
    bias: Array | None
    keywords: dict[str, Any] = field(default_factory=dict)

    def run(self, algorithm: str = "depthwise", **more: Any) -> Array:
        with np.errstate(all="ignore"):
            keywords: Any = {**self.keywords, "algorithm": algorithm, **more}
            return nn.conv2d(self.x, self.w, self.bias, **keywords)

    def __repr__(self) -> str:
        return f"x {self.x.dtype}{self.x.shape} w {self.w.shape} {self.keywords}"


def in_layout(x: Array, layout: str) -> Array:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if layout == "NHWC" else x


def random_layer(rng: np.random.Generator, dtype: str, layout: str, *, channels: int | None = None) -> Depthwise:
    channels = channels or int(rng.integers(1, 41))
    size = tuple(int(n) for n in rng.integers(1, 31, 2))
    stride, dilation = (tuple(int(n) for n in rng.integers(1, 4, 2)) for _ in range(2))
    padding = tuple((int(rng.integers(0, 4)), int(rng.integers(0, 4))) for _ in range(2))
    kernel = [
        k if (k - 1) * d < n + sum(p) else 1
        for k, d, n, p in zip((int(k) for k in rng.integers(1, 6, 2)), dilation, size, padding, strict=True)
    ]
    x = rng.standard_normal((int(rng.integers(1, 4)), channels, *size)).astype(dtype)
    w = rng.standard_normal((channels, 1, *kernel)).astype(dtype)
    bias = rng.standard_normal(channels).astype(dtype) if rng.random() < 0.5 else None
    keywords = {
        "stride": stride, "dilation": dilation, "padding": padding, "groups": channels, "layout": layout,
        "flip": bool(rng.random() < 0.3),
    }  # fmt: skip
    return Depthwise(in_layout(x, layout), w, bias, keywords)


def assert_like_direct(layer: Depthwise) -> Array:
    """To 8 u log2(K + 2) of the products' magnitudes; NaN and Inf are where direct sums have them."""
    got, want = layer.run(), layer.run("direct")
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite], want[~finite], err_msg=repr(layer))
    x, w = (np.abs(np.where(np.isfinite(a), a, 0)) for a in (layer.x, layer.w))
    bias = None if layer.bias is None else np.abs(layer.bias)
    magnitudes = Depthwise(x, w, bias, layer.keywords).run("direct")
    bound = 8 * np.finfo(got.dtype).eps / 2 * np.log2(layer.w[0].size + 2) * magnitudes
    assert (np.abs(got[finite] - want[finite]) <= bound[finite]).all(), repr(layer)
    return got


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_random_layers_are_direct_sums(dtype: str, layout: str, rng: np.random.Generator) -> None:
    for _ in range(150):
        layer = random_layer(rng, dtype, layout)
        got = assert_like_direct(layer)
        np.testing.assert_array_equal(layer.run(threads=2), got, err_msg=repr(layer))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_channels_around_registers(dtype: str, layout: str, rng: np.random.Generator) -> None:
    """Whole registers of channels and what is left of them, for images that fit a job and for some that don't."""
    for channels in range(1, 41):
        for size in ((7, 7), (14, 9), (3, 2)):
            x = in_layout(rng.standard_normal((2, channels, *size)).astype(dtype), layout)
            w = rng.standard_normal((channels, 1, 3, 3)).astype(dtype)
            for stride in (1, 2):
                for padding in (0, 1):
                    if min(size) + 2 * padding < 3:
                        continue
                    keywords = {"stride": stride, "padding": padding, "groups": channels, "layout": layout}
                    assert_like_direct(Depthwise(x, w, None, keywords))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_threads_and_batches_make_the_same_bits(layout: str, rng: np.random.Generator) -> None:
    """However images and chunks of channels are cut into jobs."""
    for channels, size, stride in ((300, 7, 1), (72, 56, 2), (33, 112, 2), (130, 14, 2)):
        x = in_layout(rng.standard_normal((3, channels, size, size)).astype("f4"), layout)
        w = rng.standard_normal((channels, 1, 3, 3)).astype("f4")
        keywords = {"stride": stride, "padding": 1, "groups": channels, "layout": layout}
        got = assert_like_direct(Depthwise(x, w, None, keywords))
        np.testing.assert_array_equal(Depthwise(x, w, None, keywords).run(threads=1), got)
        np.testing.assert_array_equal(Depthwise(x, w, None, keywords).run(threads=2), got)
        if channels > 100:  # one image alone may be taken another way, but not another one's neighbour
            for i in range(3):
                np.testing.assert_array_equal(Depthwise(x[i : i + 1], w, None, keywords).run(threads=2)[0], got[i])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_y_looks_like_decides_no_bit(layout: str, rng: np.random.Generator) -> None:
    for _ in range(60):
        layer = random_layer(rng, "f4", layout)
        got = layer.run()
        n, a, b, c = got.shape
        every_other = np.full((n, a, b, 2 * c), np.float32(7))
        backwards = np.empty((n, a, b, c), np.float32)[:, ::-1, ::-1]
        other_layout = np.empty((n, b, c, a), np.float32).transpose(0, 3, 1, 2)
        last_first = np.empty((c, n, a, b), np.float32).transpose(1, 2, 3, 0)
        for out in (every_other[..., ::2], backwards, other_layout, last_first):
            assert layer.run(out=out) is out
            np.testing.assert_array_equal(out, got, err_msg=repr(layer))
        assert (every_other[..., 1::2] == 7).all()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_infinities_spread_as_in_direct_sums(value: float, layout: str, rng: np.random.Generator) -> None:
    for i in range(60):
        layer = random_layer(rng, "f4", layout)
        if i % 3 != 1:
            layer.x.flat[rng.integers(layer.x.size)] = value
        if i % 3 != 0:
            layer.w.flat[rng.integers(layer.w.size)] = value
        assert_like_direct(layer)


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_borders_and_types(layout: str, mode: str, rng: np.random.Generator) -> None:
    for dtype in ("f4", ">f4", "f8"):
        x = in_layout(rng.standard_normal((2, 21, 9, 8)), layout).astype(dtype)
        w = rng.standard_normal((21, 1, 3, 5)).astype(dtype.strip(">"))
        for stride in (1, 2):
            keywords = {"stride": stride, "padding": 2, "groups": 21, "layout": layout, "padding_mode": mode}
            assert_like_direct(Depthwise(x, w, None, keywords))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_signals_and_volumes(layout: str, rng: np.random.Generator) -> None:
    """One axis, longer than a job's columns, and three."""
    x, w = rng.standard_normal((2, 20, 700)).astype("f4"), rng.standard_normal((20, 1, 5)).astype("f4")
    v, k = rng.standard_normal((2, 20, 5, 6, 7)).astype("f4"), rng.standard_normal((20, 1, 3, 2, 3)).astype("f4")
    if layout == "NHWC":
        x, v = (np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, v))
    for stride in (1, 2):
        for conv, data, weights in ((nn.conv1d, x, w), (nn.conv3d, v, k)):
            keywords: dict[str, Any] = {"stride": stride, "padding": 1, "groups": 20, "layout": layout}
            want = conv(data, weights, algorithm="direct", **keywords)
            for threads in (1, 2):
                got = conv(data, weights, algorithm="depthwise", threads=threads, **keywords)
                np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas_available"] if i != _core.kernel_isa()])
def test_layers_under(isa: str) -> None:
    assert output_of(UNDER_ISA, CONVCORR_ISA=isa) == isa


FENCED = """
import numpy as np
from convcorr import _core, nn
from guarded_sweep import Fence
from test_depthwise_channels import LAYOUTS, random_layer

rng = np.random.default_rng(21)
fences = [Fence(1 << 20) for _ in range(4)]
for number in range(300):
    layer = random_layer(rng, "f4" if number % 3 else "f8", LAYOUTS[number % 2])
    given = [layer.x, layer.w, layer.run("direct")] + ([] if layer.bias is None else [layer.bias])
    own = [fence.place(a.shape, a.dtype, number % 4 < 2) for fence, a in zip(fences, given)]
    for to, a in zip(own, given):
        to[...] = a
    x, w, out, *bias = own
    nn.conv2d(x, w, *bias, out=out, algorithm="depthwise", threads=1 + number % 2, **layer.keywords)
    np.testing.assert_allclose(out, given[2], rtol=1e-4, atol=1e-4, err_msg=repr(layer))
print(_core.kernel_isa())
"""


@pytest.mark.parametrize("isa", _core.config()["isas_available"])
def test_no_stray_access_under(isa: str) -> None:
    """Data, weights, bias and results lie flush against pages that must not be touched."""
    assert output_of(FENCED, CONVCORR_ISA=isa) == isa
