"""What the layers of `convcorr.nn` must compute, in plain NumPy, from their definitions. Slow, and obviously right.

All are sums of products along the same lines: output m of the layer meets sample m * stride + t * dilation of the
padded x with tap t. Arrays are (N, C, *spatial) and (O, C/groups, *kernel) here; callers turn others round first.
Sums are taken as `oracle` takes them, together with those of magnitudes on which the promised error bounds stand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oracle import Answer, Array, dtypes, widened

Bilinear = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Layer:
    """A layer's numbers, one for each spatial axis."""

    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    groups: int = 1
    flip: bool = False
    padding_mode: Any = "constant"
    output_padding: tuple[int, ...] = (0, 0, 0)

    def padded(self, x: Array) -> Array:
        return np.pad(x, ((0, 0), (0, 0), *self.padding), mode=self.padding_mode)

    def size(self, n: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
        """Outputs of the layer over n samples."""
        numbers = zip(n, kernel, self.stride, self.dilation, self.padding, strict=True)
        return tuple((s + sum(p) - (k - 1) * d - 1) // st + 1 for s, k, st, d, p in numbers)

    def transposed_size(self, n: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
        numbers = zip(n, kernel, self.stride, self.dilation, self.padding, self.output_padding, strict=False)
        return tuple((s - 1) * st + (k - 1) * d + 1 - sum(p) + o for s, k, st, d, p, o in numbers)

    def taps(self, kernel: tuple[int, ...], out: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
        """Index of each tap in w, and of the samples of the padded x that it meets."""
        for tap in itertools.product(*map(range, kernel)):
            places = zip(tap, self.dilation, out, self.stride, strict=True)
            samples = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in places]
            own = [k - 1 - t if self.flip else t for t, k in zip(tap, kernel, strict=True)]
            yield (..., *own), (..., *samples)

    def grouped(self, a: Array, axis: int) -> Array:
        return a.reshape(*a.shape[:axis], self.groups, a.shape[axis] // self.groups, *a.shape[axis + 1 :])

    def conv(self, x: Array, w: Array) -> Array:
        x = self.grouped(self.padded(x), 1)
        n, kernel = x.shape[0], w.shape[2:]
        out = self.size(tuple(s - sum(p) for s, p in zip(x.shape[3:], self.padding, strict=True)), kernel)
        w = self.grouped(w, 0)
        y = np.zeros((n, self.groups, w.shape[1], *out), np.result_type(x, w))
        for tap, samples in self.taps(kernel, out):
            y += np.einsum("ngi...,goi->ngo...", x[samples], w[tap])
        return y.reshape(n, -1, *out)

    def transposed(self, y: Array, w: Array, size: tuple[int, ...]) -> Array:
        """What y gives back to x of this size."""
        kernel, out = w.shape[2:], y.shape[2:]
        w, y = self.grouped(w, 0), self.grouped(y, 1)
        whole = [  # at least as much as the windows reach over, padding included
            max(n + sum(p), (o - 1) * s + (k - 1) * d + 1)
            for n, p, o, s, k, d in zip(size, self.padding, out, self.stride, kernel, self.dilation, strict=True)
        ]
        x = np.zeros((y.shape[0], self.groups, w.shape[2], *whole), np.result_type(y, w))
        for tap, samples in self.taps(kernel, out):
            x[samples] += np.einsum("ngo...,goi->ngi...", y, w[tap])
        inner = [slice(p[0], p[0] + n) for p, n in zip(self.padding, size, strict=True)]
        return x.reshape(x.shape[0], -1, *whole)[(..., *inner)]

    def grad_weight(self, x: Array, y: Array, w_shape: tuple[int, ...]) -> Array:
        x, y = self.grouped(self.padded(x), 1), self.grouped(y, 1)
        w = self.grouped(np.zeros(w_shape, np.result_type(x, y)), 0)
        for tap, samples in self.taps(w_shape[2:], y.shape[3:]):
            a, b = x[samples], y
            flat = (*a.shape[:3], -1), (*b.shape[:3], -1)
            w[tap] = np.einsum("ngip,ngop->goi", a.reshape(flat[0]), b.reshape(flat[1]))
        return w.reshape(w_shape)


def answer(bilinear: Bilinear, a: Any, b: Any, terms: int, *, bias: Any = None, dtype: Any = None) -> Answer:
    """The bilinear function of a and b, with the sums of magnitudes of its real and imaginary parts."""
    a, b = np.asarray(a), np.asarray(b)
    result, accumulator = dtypes(a.dtype, b.dtype, dtype)
    a, b = widened(a, accumulator), widened(b, accumulator)
    value = bilinear(a, b)
    if accumulator.kind == "c":
        ar, ai, br, bi = np.abs(a.real), np.abs(a.imag), np.abs(b.real), np.abs(b.imag)
        weight = bilinear(ar, br) + bilinear(ai, bi) + 1j * (bilinear(ar, bi) + bilinear(ai, br))
    elif accumulator.kind == "f":
        weight = bilinear(np.abs(a), np.abs(b))
    else:
        weight = np.zeros_like(value)
    if bias is not None:
        column = widened(np.asarray(bias).astype(result), accumulator)
        column = column.reshape(-1, *(1,) * (value.ndim - 2))
        value = value + column
        if accumulator.kind == "c":
            weight = weight + np.abs(column.real) + 1j * np.abs(column.imag)
        elif accumulator.kind == "f":
            weight = weight + np.abs(column)
        terms += 1
    if result.kind in "iu":
        value = value.astype(f"u{result.itemsize}").view(result)
    return Answer(value, weight, terms, result, accumulator)


def channels_last(a: Array) -> Array:
    """The same numbers in memory of that layout."""
    return np.ascontiguousarray(np.moveaxis(a, 1, -1))


def answer_as(ans: Answer, view: Callable[[Array], Array]) -> Answer:
    return replace(ans, value=view(ans.value), weight=view(ans.weight))
