"""Depthwise layers of small integers, where each in channel is a group of its own, for the tests of their own way."""

from __future__ import annotations

from typing import Any

import numpy as np

from convcorr import nn
from im2col_cases import FOR_INPUT, FOR_OUT, Call, layer, pick, pose, view
from oracle import BOUNDARIES, Array


class Depthwise(Call):
    """By the taps of one channel at a time, unless another algorithm is asked for."""

    def run(self, **keywords: Any) -> Array:
        return super().run(**{"algorithm": "depthwise", **keywords})

    def algorithm(self) -> str:
        told = nn.explain(self.images(self.x), self.w, self.bias, algorithm="depthwise", **self.keywords())
        return told.algorithm


def depthwise(
    x: tuple[int, ...], kernel: tuple[int, ...], dtype: Any = "f4", *, multiplier: int = 1, stride: Any = 1,
    dilation: Any = 1, padding: Any = 0, mode: str = "constant", flip: bool = False, **others: Any,
) -> Depthwise:  # fmt: skip
    """A call over x of this shape, with so many out channels for each of x's."""
    own = layer(len(kernel), stride, dilation, padding, groups=x[1], flip=flip, padding_mode=mode)
    return Depthwise(**vars(pose(own, x, x[1] * multiplier, kernel, dtype, **others)))


def sampled_depthwise(count: int, seed: int) -> list[Depthwise]:
    """Of one to three axes: every stride, dilation, padding, type and place in memory, lines longer than a block."""
    calls = []
    for number in range(count):
        rng = np.random.default_rng((seed, number, 5))
        axes = int(rng.choice([1, 2, 2, 2, 3]))
        most = {1: pick(rng, (80, 300, 6000)), 2: pick(rng, (12, 24, 70)), 3: 8}[axes]
        size = tuple(int(n) for n in rng.integers(1, most, axes))
        kernel = tuple(int(k) for k in rng.choice([1, 2, 3, 3, 4, 5, 7] if axes < 3 else [1, 2, 3], axes))
        stride, dilation = (tuple(int(n) for n in rng.choice([1, 1, 2, 3], axes)) for _ in range(2))
        padding = []
        for n, k, d in zip(size, kernel, dilation, strict=True):
            least = max((k - 1) * d + 1 - n, 0)
            first = int(rng.integers(0, least + 1))
            padding.append((first + int(rng.choice([0, 1, 2, 5])), least - first + int(rng.choice([0, 0, 1, 3]))))
        x = (int(rng.choice([1, 1, 2, 5])), int(rng.choice([2, 3, 8, 17] if most < 300 else [2, 3])), *size)
        calls.append(
            depthwise(
                x, kernel, pick(rng, ("f4", "f4", "f8", "f2")), multiplier=int(rng.choice([1, 1, 2, 3])), stride=stride,
                dilation=dilation, padding=tuple(padding), mode=pick(rng, ("constant", "constant", *BOUNDARIES)),
                flip=bool(rng.random() < 0.3), bias=bool(rng.integers(2)), seed=number,
                last=bool(rng.random() < 0.4), lay_x=view(rng, FOR_INPUT), lay_w=view(rng, FOR_INPUT),
                lay_out=view(rng, FOR_OUT),
            )
        )  # fmt: skip
    return calls
