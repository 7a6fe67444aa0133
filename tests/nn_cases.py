"""Random layers of one to three spatial axes, for the tests of `convcorr.nn`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convcorr import nn
from nn_oracle import Layer, channels_last
from oracle import BOUNDARIES, Array

FLOATS = ("f2", "f4", "f8", "c8", "c16", "g")
INTEGERS = ("u1", "i1", "i2", "u4", "i8")
PAIRS = (("f4", "f8"), ("f4", "c16"), ("c8", "f4"), ("i2", "f4"), ("u1", "i1"))

CONV = {1: nn.conv1d, 2: nn.conv2d, 3: nn.conv3d}
TRANSPOSED = {1: nn.conv_transpose1d, 2: nn.conv_transpose2d, 3: nn.conv_transpose3d}
GRAD_INPUT = {1: nn.conv1d_grad_input, 2: nn.conv2d_grad_input, 3: nn.conv3d_grad_input}
GRAD_WEIGHT = {1: nn.conv1d_grad_weight, 2: nn.conv2d_grad_weight, 3: nn.conv3d_grad_weight}


@dataclass(frozen=True)
class Case:
    """Arrays (N, C, *) with what their layer is, and how a call says it."""

    layer: Layer
    x: Array
    w: Array
    y: Array  # of the layer's result
    bias: Array | None
    last: bool  # channels
    batched: bool
    keywords: dict[str, Any]

    def images(self, a: Array) -> Array:
        """As the call takes and gives them."""
        if not self.batched:
            a = a[0]
            return np.moveaxis(a, 0, -1) if self.last else a
        return channels_last(a) if self.last else a

    def __repr__(self) -> str:
        return f"x {self.x.dtype}{self.x.shape} w {self.w.dtype}{self.w.shape} {self.keywords}"


def numbers(rng: np.random.Generator, dtype: Any, shape: tuple[int, ...]) -> Array:
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    a = rng.standard_normal(shape)
    return (a + 1j * rng.standard_normal(shape) if dtype.kind == "c" else a).astype(dtype)


def spoken(rng: np.random.Generator, values: tuple[Any, ...]) -> Any:
    """One number where all are alike, sometimes."""
    return values[0] if len(set(values)) == 1 and rng.random() < 0.5 else values


def random_case(rng: np.random.Generator, axes: int, *, dtype: str | None = None, constant: bool = False) -> Case:
    groups = int(rng.choice([1, 1, 2, 3]))
    wide, narrow = (groups * int(rng.integers(1, 4)) for _ in range(2))
    batched = bool(rng.random() < 0.8)
    batch = int(rng.integers(1, 4)) if batched else 1
    most = {1: 40, 2: 14, 3: 7}[axes]
    size = tuple(int(n) for n in rng.integers(1, most, axes))
    kernel = tuple(int(n) for n in rng.integers(1, 5 if axes < 3 else 4, axes))
    stride, dilation = (tuple(int(n) for n in rng.integers(1, 4, axes)) for _ in range(2))
    padding = []
    for n, k, d in zip(size, kernel, dilation, strict=True):
        least = max((k - 1) * d + 1 - n, 0)  # without it the kernel would not fit
        first = int(rng.integers(0, least + 1))
        pair = (first + int(rng.integers(0, 3)), least - first + int(rng.integers(0, 3)))
        padding.append(pair if rng.random() < 0.5 else (max(pair), max(pair)))
    mode = "constant" if constant or rng.random() < 0.5 else str(rng.choice(BOUNDARIES))
    layer = Layer(stride, dilation, tuple(padding), groups, bool(rng.random() < 0.3), mode)
    both = (dtype, dtype)
    if dtype is None:
        kind = rng.random()
        one = str(rng.choice(FLOATS if kind < 0.5 else INTEGERS))
        both = tuple(PAIRS[rng.integers(len(PAIRS))]) if kind > 0.8 else (one, one)
    x, w = numbers(rng, both[0], (batch, wide, *size)), numbers(rng, both[1], (narrow, wide // groups, *kernel))
    y = numbers(rng, both[1], (batch, narrow, *layer.size(size, kernel)))
    bias = numbers(rng, np.result_type(x, w), (narrow,)) if rng.random() < 0.5 else None
    last = bool(rng.random() < 0.5)
    says = [p[0] if p[0] == p[1] else p for p in padding]
    keywords = {
        "stride": spoken(rng, stride), "padding": spoken(rng, tuple(says)) if says[0] in range(99) else tuple(says),
        "dilation": spoken(rng, dilation), "groups": groups, "layout": "NHWC" if last else "NCHW", "flip": layer.flip,
        "padding_mode": mode,
    }  # fmt: skip
    return Case(layer, x, w, y, bias, last, batched, keywords)
