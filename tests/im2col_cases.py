"""Layers of small integers, whose sums are exact in every type, for the tests of the way through products of matrices.

`want` is taken in float64 from the definition of `nn_oracle`; results are compared with `==`, so that a sample or a tap
in the wrong place can't hide in a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convcorr import nn
from layouts import LAYOUTS, Array, contiguous, small_integers
from nn_cases import CONV, GRAD_INPUT, TRANSPOSED
from nn_oracle import Layer, channels_last
from oracle import BOUNDARIES

View = Callable[[Array], Array]
FOR_INPUT = list(LAYOUTS.values())
NAMES_FOR_OUT = ("fortran", "reversed_axes", "every_third", "inner_block", "four_kilobyte_rows", "unaligned")
FOR_OUT = [LAYOUTS[name] for name in NAMES_FOR_OUT]


def layer(
    axes: int,
    stride: int | tuple[int, ...] = 1,
    dilation: int | tuple[int, ...] = 1,
    padding: int | tuple[tuple[int, int], ...] = 0,
    **others: Any,
) -> Layer:
    """One number stands for all axes."""
    return Layer(
        stride if isinstance(stride, tuple) else (stride,) * axes,
        dilation if isinstance(dilation, tuple) else (dilation,) * axes,
        padding if isinstance(padding, tuple) else ((padding, padding),) * axes,
        **others,
    )


@dataclass(frozen=True)
class Call:
    """A layer's arrays, (N, C, *) and (O, C/groups, *), and how they lie in memory."""

    layer: Layer
    x: Array  # of a transposed layer and of a gradient: what they are given
    w: Array
    bias: Array | None = None
    last: bool = False  # channels
    lay_x: View = contiguous
    lay_w: View = contiguous
    lay_out: View = contiguous

    def keywords(self) -> dict[str, Any]:
        own = self.layer
        return {
            "stride": own.stride, "padding": own.padding, "dilation": own.dilation, "groups": own.groups,
            "flip": own.flip, "padding_mode": own.padding_mode, "layout": "NHWC" if self.last else "NCHW",
        }  # fmt: skip

    def images(self, a: Array) -> Array:
        return channels_last(a) if self.last else a

    def plus_bias(self, value: Array) -> Array:
        value = value if self.bias is None else value + self.bias.reshape(-1, *(1,) * (value.ndim - 2))
        return self.images(value.astype(self.x.dtype))

    def run(self, **keywords: Any) -> Array:
        """By products of matrices, unless another algorithm is asked for, into an array that holds other numbers."""
        shape = self.layer.size(self.x.shape[2:], self.w.shape[2:])
        images = self.images(np.full((self.x.shape[0], self.w.shape[0], *shape), 77, self.x.dtype))
        return CONV[self.w.ndim - 2](
            self.lay_x(self.images(self.x)), self.lay_w(self.w), self.bias, out=self.lay_out(images),
            **{"algorithm": "im2col", **self.keywords(), **keywords},
        )  # fmt: skip

    def want(self) -> Array:
        return self.plus_bias(self.layer.conv(self.x.astype(float), self.w.astype(float)))

    def algorithm(self) -> str:
        """What "im2col" becomes for these."""
        told = nn.explain(self.images(self.x), self.w, self.bias, algorithm="im2col", **self.keywords())
        return told.algorithm

    def check(self) -> None:
        np.testing.assert_array_equal(self.run(), self.want(), repr(self))

    def __repr__(self) -> str:
        names = {v: name for name, v in LAYOUTS.items()}
        lies = [names.get(v) for v in (self.lay_x, self.lay_w, self.lay_out)]
        return f"x {self.x.dtype}{self.x.shape} w {self.w.shape} bias {self.bias is not None} {self.keywords()} {lies}"


def pose(
    own: Layer, x: tuple[int, ...], outs: int, kernel: tuple[int, ...], dtype: Any = "f4", *, bias: bool = False,
    seed: int = 0, **lies: Any,
) -> Call:  # fmt: skip
    """A call over x of this shape; float16 holds sums of ones, others those of up to 3 times 3."""
    rng, top = np.random.default_rng(seed), 1 if np.dtype(dtype) == np.float16 else 3
    w = small_integers(rng, (outs, x[1] // own.groups, *kernel), dtype, top)
    column = small_integers(rng, (outs,), dtype, top) if bias else None
    return Call(own, small_integers(rng, x, dtype, top), w, column, **lies)


def pick(rng: np.random.Generator, among: Any) -> Any:
    return among[int(rng.integers(len(among)))]


def view(rng: np.random.Generator, among: list[View]) -> View:
    """Every other one is the plain one."""
    return pick(rng, among) if rng.random() < 0.5 else contiguous


def sampled(count: int, seed: int) -> list[Call]:
    """Layers that this way takes, of every kind: the numbers around its edges more often than others."""
    calls = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        axes = int(rng.choice([1, 2, 2, 2, 3]))
        groups = int(rng.choice([1, 1, 1, 2, 3, 5]))
        most = {1: 200, 2: 24, 3: 7}[axes]
        size = tuple(int(n) for n in rng.integers(1, most, axes))
        kernel = tuple(int(n) for n in rng.choice([1, 1, 2, 3, 3, 5, 7] if axes < 3 else [1, 2, 3], axes))
        stride, dilation = (tuple(int(n) for n in rng.choice([1, 1, 2, 3], axes)) for _ in range(2))
        padding = []
        for n, k, d in zip(size, kernel, dilation, strict=True):
            least = max((k - 1) * d + 1 - n, 0)
            first = int(rng.integers(0, least + 1))
            padding.append((first + int(rng.choice([0, 0, 1, 2, 4])), least - first + int(rng.choice([0, 0, 1, 3]))))
        own = layer(
            axes, stride, dilation, tuple(padding), groups=groups, flip=bool(rng.random() < 0.3),
            padding_mode=pick(rng, ("constant", "constant", *BOUNDARIES)),
        )  # fmt: skip
        ins, outs = int(rng.integers(1, 1 + 24 // groups)), int(rng.integers(2, 2 + 30 // groups))
        calls.append(
            pose(
                own, (int(rng.choice([1, 1, 2, 3, 7])), groups * ins, *size), groups * outs, kernel,
                pick(rng, ("f4", "f4", "f8", "f2")), bias=bool(rng.integers(2)), seed=number,
                last=bool(rng.random() < 0.4), lay_x=view(rng, FOR_INPUT),
                lay_w=view(rng, FOR_INPUT), lay_out=view(rng, FOR_OUT),
            )
        )  # fmt: skip
    return calls


@dataclass(frozen=True)
class Back(Call):
    """x goes back through the layer, to `size` samples: a transposed layer, or a gradient where that has no bias."""

    size: tuple[int, ...] = ()

    def run(self, **keywords: Any) -> Array:
        axes = self.w.ndim - 2
        own = {"algorithm": "im2col", **self.keywords(), **keywords}
        y, w = self.lay_x(self.images(self.x)), self.lay_w(self.w)
        room = self.images(np.full((len(self.x), self.w.shape[1] * self.layer.groups, *self.size), 77, self.x.dtype))
        if not self.layer.output_padding:
            return GRAD_INPUT[axes](room.shape, w, y, out=self.lay_out(room), **own)
        del own["padding_mode"]
        return TRANSPOSED[axes](
            y, w, self.bias, output_padding=self.layer.output_padding, out=self.lay_out(room), **own
        )

    def want(self) -> Array:
        return self.plus_bias(self.layer.transposed(self.x.astype(float), self.w.astype(float), self.size))


def sampled_back(count: int, seed: int) -> list[Back]:
    """Transposed layers and gradients of data: outputs that see the same taps go together, some see none.

    Strides share factors with the dilation or not, and may be longer than the kernel.
    """
    calls: list[Back] = []
    while len(calls) < count:
        number = len(calls)
        rng = np.random.default_rng((seed, number))
        axes, groups = int(rng.choice([1, 2, 2, 3])), int(rng.choice([1, 1, 2, 3]))
        n = tuple(int(n) for n in rng.integers(1, {1: 60, 2: 14, 3: 6}[axes], axes))
        kernel = tuple(int(k) for k in rng.choice([1, 2, 3, 4, 5] if axes < 3 else [1, 2, 3], axes))
        stride, dilation = (tuple(int(s) for s in rng.integers(1, 5, axes)) for _ in range(2))
        whole = [(m - 1) * s + (k - 1) * d + 1 for m, s, k, d in zip(n, stride, kernel, dilation, strict=True)]
        padding = tuple((int(rng.integers(0, max(1, w // 2))), int(rng.integers(0, max(1, w // 3)))) for w in whole)
        beyond = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True))
        own = layer(axes, stride, dilation, padding, groups=groups, flip=bool(rng.integers(2)), output_padding=beyond)
        size = own.transposed_size(n, kernel)
        transposed = bool(rng.integers(2)) or any(b >= s for b, s in zip(beyond, stride, strict=True))
        outs, ins = groups * int(rng.integers(2, 14)), groups * int(rng.integers(1, 14))
        dtype = pick(rng, ("f4", "f4", "f8", "f2"))
        given = pose(own, (int(rng.choice([1, 2, 3])), ins, *n), 1, (1,) * axes, dtype, seed=number)
        taps = small_integers(rng, (ins, outs // groups, *kernel), dtype, 1)
        bias = small_integers(rng, (outs,), dtype, 1) if transposed and rng.integers(2) else None
        if not transposed:
            own = replace(own, output_padding=())
        calls.append(
            Back(
                own, given.x, taps, bias, bool(rng.integers(2)), view(rng, FOR_INPUT), view(rng, FOR_INPUT),
                view(rng, FOR_OUT), size,
            )
        )  # fmt: skip
    return calls


def sampled_turned(count: int, seed: int) -> list[Call]:
    """Layers of many more taps than outputs, as gradients of weights are: outputs and taps change places."""
    calls = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        axes, groups = int(rng.choice([1, 2, 2, 3])), int(rng.choice([1, 1, 2, 3]))
        least, most = {1: (64, 500), 2: (8, 24), 3: (4, 7)}[axes]
        kernel = tuple(int(k) for k in rng.integers(least, most, axes))
        out = tuple(int(n) for n in rng.integers(1, {1: 33, 2: 7, 3: 4}[axes], axes))
        stride, dilation = (tuple(int(s) for s in rng.choice([1, 1, 2, 3], axes)) for _ in range(2))
        padding = tuple((int(rng.choice([0, 1, 5])), int(rng.choice([0, 2, 3]))) for _ in range(axes))
        numbers = zip(out, stride, kernel, dilation, padding, strict=True)
        size = tuple(max((n - 1) * s + (k - 1) * d + 1 - sum(p), 1) for n, s, k, d, p in numbers)
        mode = pick(rng, ("constant", "constant", *BOUNDARIES))
        own = layer(axes, stride, dilation, padding, groups=groups, flip=bool(rng.random() < 0.3), padding_mode=mode)
        calls.append(
            pose(
                own, (int(rng.choice([1, 1, 2, 5, 30])), groups * int(rng.integers(1, 5)), *size),
                groups * pick(rng, (4, 5, 8, 17, 33, 49, 70)), kernel, pick(rng, ("f4", "f4", "f8", "f2")),
                bias=bool(rng.integers(2)), seed=number, last=bool(rng.integers(2)), lay_x=view(rng, FOR_INPUT),
                lay_w=view(rng, FOR_INPUT), lay_out=view(rng, FOR_OUT),
            )
        )  # fmt: skip
    return calls
