"""The second oracle, for sweeps of thousands of sizes: whole arrays at a time, on data whose sums are exact.

oracle.py gathers for each output; this scatters each tap, out[t : t + n] += x * h[t], in int64 or complex128. On small
integers both are exact, so results of every dtype are compared with `==`. test_exact_is_the_oracle ties the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from layouts import Array
from oracle import border_index


def wide(a: Array) -> Array:
    """In int64 or complex128, where small integers stay exact."""
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.int64)


def full(x: Array, h: Array) -> Array:
    """Full convolution over all axes of wide data."""
    if x.ndim == 1:
        return np.asarray(np.convolve(x, h))
    shape = tuple(n + k - 1 for n, k in zip(x.shape, h.shape, strict=True))
    total = np.zeros(shape, np.result_type(x, h))
    for tap in np.ndindex(h.shape):
        total[tuple(slice(t, t + n) for t, n in zip(tap, x.shape, strict=True))] += x * h[tap]
    return total


def as_convolution(op: str, h: Array) -> Array:
    """The kernel whose convolution is the operation: a correlation's is reversed and conjugated."""
    return h if op == "convolve" else np.flip(h).conj()


def spread(h: Array, dilation: Sequence[int]) -> Array:
    """h with zeros between its taps."""
    out = np.zeros(tuple((k - 1) * d + 1 for k, d in zip(h.shape, dilation, strict=True)), h.dtype)
    out[tuple(slice(None, None, d) for d in dilation)] = h
    return out


def extended(x: Array, halos: Sequence[int], boundary: Sequence[str], fill: int = 0) -> Array:
    """x with `halos[axis]` border samples on both sides of each axis."""
    for axis, (halo, border) in enumerate(zip(halos, boundary, strict=True)):
        index = border_index(np.arange(-halo, x.shape[axis] + halo), x.shape[axis], border)
        outside = (index < 0).reshape((-1,) + (1,) * (x.ndim - 1 - axis))
        x = np.where(outside, fill, np.take(x, np.maximum(index, 0), axis))
    return x


def full_with_border(x: Array, h: Array, boundary: Sequence[str], fill: int = 0) -> Array:
    """Full convolution of wide data whose surroundings the border defines."""
    if fill == 0 and all(b == "constant" for b in boundary):
        return full(x, h)
    halos = [k - 1 for k in h.shape]
    inner = tuple(slice(k - 1, n + 2 * (k - 1)) for n, k in zip(x.shape, h.shape, strict=True))
    return full(extended(x, halos, boundary, fill), h)[inner]


def modes_of(total: Array, n: Sequence[int], k: Sequence[int]) -> Iterator[tuple[Any, Array]]:
    """The modes that exist for these sizes, each cut from the full result."""
    yield "full", total
    yield "same", total[tuple(slice((b - 1) // 2, (b - 1) // 2 + a) for a, b in zip(n, k, strict=True))]
    if all(a >= b for a, b in zip(n, k, strict=True)):
        yield "valid", total[tuple(slice(b - 1, a) for a, b in zip(n, k, strict=True))]


def difference(got: Any, want: Array) -> str:
    """Empty where both are equal in every bit that matters, else the first place where they differ."""
    if type(got) is not np.ndarray or got.dtype != want.dtype or got.shape != want.shape:
        return f"got {type(got).__name__} {got.dtype} {got.shape}, want {want.dtype} {want.shape}"
    if (got == want).all():
        return ""
    where = tuple(int(i) for i in np.argwhere(got != want)[0])
    return f"{int((got != want).sum())} of {got.size} differ, first {where}: got {got[where]!r}, want {want[where]!r}"
