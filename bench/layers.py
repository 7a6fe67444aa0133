"""Layers of neural networks: which are timed, on what data, how fast they should be, and what is right.

`GRID` has single layers and gradients with a goal each; `model_layers` gives every distinct layer of four networks. A
layer correlates: y[n, o, p] = sum over c and t of x[n, c, p * stride - padding + t * dilation] w[o, c, t], zeros
outside x, the channels c being those of o's group. Its padding is the one that keeps the size at stride 1.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from bench.cases import SEED, Array, normal
from numpy.typing import NDArray

Index = tuple[Any, ...]
MODEL_GOAL = 1.0, 0  # of each layer of a network
MODEL_MEAN_GOAL = 1.7  # of their geometric mean


@dataclass(frozen=True)
class Layer:
    """One layer, or one of its gradients.

    Parameters
    ----------
    channels : tuple of int
        In and out.
    size : tuple of int
        Of x along each spatial axis [samples].
    kernel : int
        Side, the same along every axis [taps].
    goal : float
        Times that a plain call should be faster than the fastest of PyTorch's.
    planned : float or None
        Times that a reused plan should be faster than the fastest of all peers; 0 where no goal was set, None where it
        is `goal`.
    stride, dilation, groups, batch : int
        As everywhere.
    dtype : {"f32", "f64"}
        Of everything.
    op : {"forward", "grad_input", "grad_weight"}
        What is computed.
    """

    channels: tuple[int, int]
    size: tuple[int, ...]
    kernel: int
    goal: float
    planned: float | None = None
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    batch: int = 1
    dtype: str = "f32"
    op: str = "forward"

    @property
    def id(self) -> str:
        """Name of the row, as in `conv2d-3x3-64-128-56x56-s2-f32`."""
        sizes = "x".join([str(self.kernel)] * self.ndim), *map(str, self.channels), "x".join(map(str, self.size))
        extras = {"s": self.stride, "d": self.dilation, "g": self.groups, "b": self.batch}
        parts = [f"conv{self.ndim}d", *sizes, *(f"{letter}{n}" for letter, n in extras.items() if n > 1), self.dtype]
        return "-".join(parts if self.op == "forward" else [*parts, self.op])

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.size)

    @property
    def padding(self) -> int:
        """Zeros on either side of each axis."""
        return self.dilation * (self.kernel - 1) // 2

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of the data, channels first."""
        return (self.batch, self.channels[0], *self.size)

    @property
    def w_shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return (self.channels[1], self.channels[0] // self.groups, *(self.kernel,) * self.ndim)

    @property
    def y_shape(self) -> tuple[int, ...]:
        """Shape of the layer's outputs."""
        reach = self.dilation * (self.kernel - 1)
        size = ((n + 2 * self.padding - reach - 1) // self.stride + 1 for n in self.size)
        return (self.batch, self.channels[1], *size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        return {"forward": self.y_shape, "grad_input": self.x_shape, "grad_weight": self.w_shape}[self.op]

    @property
    def flops(self) -> int:
        """Operations of direct sums, a multiply-add counted as two, taps on padding counted as well (as usual)."""
        return 2 * math.prod(self.y_shape) * math.prod(self.w_shape[1:])

    @property
    def goals(self) -> tuple[float, float]:
        """Of a plain call over PyTorch, and of a plan over everybody."""
        return self.goal, self.goal if self.planned is None else self.planned

    def arrays(self) -> tuple[Array, Array, Array]:
        """Give x, w and the gradient with respect to y, channels first; the same arrays to all who ask in a row."""
        return _draw(self)


@lru_cache(maxsize=1)
def _draw(layer: Layer) -> tuple[Array, Array, Array]:
    """Draw standard normal samples, the same in every run."""
    rng = np.random.default_rng([SEED, zlib.crc32(layer.id.encode())])
    x, w, g = (normal(rng, shape, layer.dtype) for shape in (layer.x_shape, layer.w_shape, layer.y_shape))
    return x, w, g


def sample_outputs(layer: Layer, count: int = 100) -> NDArray[np.intp]:
    """Choose outputs at which to check: the first, the last, and random places."""
    where = np.random.default_rng(SEED).integers(0, layer.shape, (count, len(layer.shape)), dtype=np.intp)
    where[0], where[1] = 0, np.array(layer.shape, dtype=np.intp) - 1
    return where


def expected_at(layer: Layer, arrays: tuple[Array, Array, Array], where: NDArray[np.intp]) -> Array:
    """Sum the result at some outputs from the definition, in double precision."""
    at = {"forward": _output_at, "grad_input": _grad_input_at, "grad_weight": _grad_weight_at}[layer.op]
    return np.array([at(layer, arrays, [int(i) for i in index]) for index in where])


def _dot(a: Array, at_a: Index, b: Array, at_b: Index) -> float:
    return float(np.vdot(a[at_a].astype(np.float64), b[at_b].astype(np.float64)))


def _group(layer: Layer, channel: int, side: int) -> tuple[slice, slice]:
    """Channels of x and of y that the group has, of which `channel` is one; side 0 is x's, 1 is y's."""
    per_group = [channels // layer.groups for channels in layer.channels]
    group = channel // per_group[side]
    inputs, outputs = (slice(group * n, (group + 1) * n) for n in per_group)
    return inputs, outputs


def _output_at(layer: Layer, arrays: tuple[Array, Array, Array], index: list[int]) -> float:
    x, w, _ = arrays
    n, o, *place = index
    inputs, _ = _group(layer, o, 1)
    total = 0.0
    for tap in itertools.product(range(layer.kernel), repeat=layer.ndim):
        at = [p * layer.stride - layer.padding + t * layer.dilation for p, t in zip(place, tap, strict=True)]
        if all(0 <= a < size for a, size in zip(at, layer.size, strict=True)):
            total += _dot(x, (n, inputs, *at), w, (o, slice(None), *tap))
    return total


def _grad_input_at(layer: Layer, arrays: tuple[Array, Array, Array], index: list[int]) -> float:
    _, w, g = arrays
    n, c, *place = index
    inputs, outputs = _group(layer, c, 0)
    total = 0.0
    for tap in itertools.product(range(layer.kernel), repeat=layer.ndim):
        ahead = [p + layer.padding - t * layer.dilation for p, t in zip(place, tap, strict=True)]
        at = [a // layer.stride for a in ahead]
        seen = all(a % layer.stride == 0 for a in ahead)
        if seen and all(0 <= a < size for a, size in zip(at, layer.y_shape[2:], strict=True)):
            total += _dot(g, (n, outputs, *at), w, (outputs, c - inputs.start, *tap))
    return total


def _grad_weight_at(layer: Layer, arrays: tuple[Array, Array, Array], index: list[int]) -> float:
    x, _, g = arrays
    o, c, *tap = index
    inputs, _ = _group(layer, o, 1)
    of_x, of_g = [], []
    for t, n_in, n_out in zip(tap, layer.size, layer.y_shape[2:], strict=True):
        start = t * layer.dilation - layer.padding  # of x, under output 0
        low = max(0, -(start // layer.stride))
        high = min(n_out, (n_in - 1 - start) // layer.stride + 1)
        of_g.append(slice(low, high))
        of_x.append(slice(low * layer.stride + start, (high - 1) * layer.stride + start + 1, layer.stride))
    return _dot(x, (slice(None), inputs.start + c, *of_x), g, (slice(None), o, *of_g))


def square(channels: tuple[int, int], side: int, kernel: int, goal: float, planned: float | None = None) -> Layer:
    """Make a layer on square images."""
    return Layer(channels, (side, side), kernel, goal, planned)


THREES = (
    square((64, 64), 224, 3, 2.2),
    square((64, 64), 56, 3, 2.6),
    square((128, 128), 28, 3, 2.6, 3),
    square((256, 256), 14, 3, 1.9, 2.6),
    square((512, 512), 7, 3, 1.25, 1.7),
)
LOADED = replace(square((128, 128), 28, 3, 2.8), batch=8)
GRID = (
    *THREES,
    LOADED,
    square((64, 256), 56, 1, 1.08),
    square((1024, 256), 14, 1, 1.03),
    square((2048, 512), 7, 1, 1.08),
    replace(square((3, 64), 224, 7, 1.3), stride=2),
    replace(square((128, 128), 56, 3, 1.4), stride=2),
    square((96, 256), 27, 5, 2),
    replace(square((256, 256), 32, 3, 2.5), dilation=2),
    replace(square((144, 144), 56, 3, 2.3), groups=144),
    replace(square((240, 240), 28, 5, 1.4), groups=240),
    replace(square((256, 256), 28, 3, 2.5), groups=32),
    replace(LOADED, op="grad_input", goal=3, planned=0),
    replace(LOADED, op="grad_weight", goal=3.5, planned=0),
    *(replace(layer, dtype="f64", goal=2.3, planned=None) for layer in THREES),
    Layer((256, 256), (4096,), 3, 1.8),
    Layer((256, 256), (4096,), 9, 1.8),
    Layer((64, 64), (28, 28, 28), 3, 3),
    # Products of matrices, nothing else: a plan over NumPy's, PyTorch's and all.
    Layer((512, 512), (512,), 1, 0, 0.95),
    Layer((512, 512), (512,), 1, 0, 0.95, dtype="f64"),
)


def _vgg16() -> Iterator[Layer]:
    """VGG-16 (Simonyan and Zisserman, 2014), configuration D."""
    channels, side = 3, 224
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            yield square((channels, width), side, 3, *MODEL_GOAL)
            channels = width
        side //= 2


def _resnet50(groups: int = 1, group_width: int = 64) -> Iterator[Layer]:
    """ResNet-50 (He et al., 2015) with the stride at its 3x3 layers; with groups ResNeXt-50 (Xie et al., 2016)."""
    yield replace(square((3, 64), 224, 7, *MODEL_GOAL), stride=2)
    channels, side = 64, 56
    for stage, depth in enumerate((3, 4, 6, 3)):
        planes = 64 << stage
        width = planes * group_width * groups // 64
        for block in range(depth):
            stride = 2 if block == 0 and stage > 0 else 1
            yield square((channels, width), side, 1, *MODEL_GOAL)
            yield replace(square((width, width), side, 3, *MODEL_GOAL), stride=stride, groups=groups)
            yield square((width, 4 * planes), side // stride, 1, *MODEL_GOAL)
            if block == 0:  # beside the block
                yield replace(square((channels, 4 * planes), side, 1, *MODEL_GOAL), stride=stride)
            channels, side = 4 * planes, side // stride


def _mobilenet_v2() -> Iterator[Layer]:
    """MobileNet-v2 (Sandler et al., 2018), table 2."""
    yield replace(square((3, 32), 224, 3, *MODEL_GOAL), stride=2)
    channels, side = 32, 112
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, width, depth, first_stride in stages:
        for block in range(depth):
            stride, inner = first_stride if block == 0 else 1, expansion * channels
            if expansion > 1:
                yield square((channels, inner), side, 1, *MODEL_GOAL)
            yield replace(square((inner, inner), side, 3, *MODEL_GOAL), stride=stride, groups=inner)
            side //= stride
            yield square((inner, width), side, 1, *MODEL_GOAL)
            channels = width
    yield square((channels, 1280), side, 1, *MODEL_GOAL)


MODELS = {
    "ResNet-50": Counter(_resnet50()),
    "VGG-16": Counter(_vgg16()),
    "MobileNet-v2": Counter(_mobilenet_v2()),
    "ResNeXt-50": Counter(_resnet50(groups=32, group_width=4)),
}


def model_layers(batches: tuple[int, ...] = (1, 8)) -> tuple[Layer, ...]:
    """List every layer that a network has, once."""
    distinct = dict.fromkeys(layer for model in MODELS.values() for layer in model)
    return tuple(replace(layer, batch=batch) for batch in batches for layer in distinct)


def uses(layer: Layer) -> dict[str, int]:
    """How often each network has this layer, for those that have it."""
    single = replace(layer, batch=1)
    return {name: model[single] for name, model in MODELS.items() if single in model}
