"""Kernels that are outer products, and the bound that sums axis after axis are held to.

|err| <= (K0 + K1 + ... + 20) u (|x| * |h|)  +  u/256 max|h| (sum of |x| in the window)

The first part is the roundings of the sums and of factors within 16 u of each tap, the second what a tap far below the
largest one may be off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import oracle
from fft_cases import unit
from layouts import Array


def outer(factors: Sequence[Any], dtype: DTypeLike) -> Array:
    """The kernel, rounded to dtype once; integers modulo 2**bits."""
    product: Array = np.ones(())
    for factor in factors:
        product = np.multiply.outer(product, factor)
    return product.astype(dtype)


def gaussian(radius: int, sigma: float, dtype: DTypeLike = "f8", ndim: int = 2) -> Array:
    """exp(-r^2 / 2 sigma^2) of the distance from the middle, as most people write it: in dtype from end to end."""
    axis = np.arange(-radius, radius + 1, dtype=dtype)
    squares = sum(np.meshgrid(*[axis**2] * ndim, indexing="ij"), np.zeros((), dtype))
    kernel: Array = np.exp(-squares / np.dtype(dtype).type(2 * sigma**2))
    return kernel


def assert_near(got: Array, call: tuple[str, Array, Array, str], context: Any = "", **keywords: Any) -> None:
    """The result of a call (op, x, h, mode) is within the bound above; integers exactly."""
    __tracebackhide__ = True
    op, x, h, mode = call
    want = oracle.answer(op, x, h, mode, **keywords)
    assert (got.dtype, got.shape) == (want.result, want.value.shape), context
    if want.result.kind not in "fc":
        np.testing.assert_array_equal(got, want.rounded(), err_msg=str(context))
        return
    sums = {**keywords, "fill_value": abs(keywords.get("fill_value", 0)), "dtype": None}
    weight = oracle.answer(op, np.abs(x), np.abs(h), mode, **sums).value
    window = oracle.answer(op, np.abs(x), np.ones(h.shape, np.abs(h).dtype), mode, **sums).value
    u, taps = unit(want.accumulator), h.size
    tiny = 2 * taps * np.longdouble(np.finfo(want.accumulator).smallest_subnormal)
    allowed = (sum(k for k in h.shape if k > 1) + 20) * u * weight + u / 256 * np.abs(h).max() * window + tiny
    if np.finfo(want.result).eps > np.finfo(want.accumulator).eps:
        narrow = np.longdouble(np.finfo(want.result).smallest_subnormal)
        allowed = allowed + unit(want.result) * (np.abs(want.value) + allowed) + narrow
    away = np.abs(got.astype(want.value.dtype) - want.value)
    wrong = ~(away <= allowed)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{context}: {int(wrong.sum())} of {wrong.size} beyond the bound, first {place}: got {got[place]!r}, "
            f"want {want.value[place]!r}, off by {away[place]:.3g}, allowed {allowed[place]:.3g}"
        )


def kinds(a: Array) -> Array:
    """What each element is: NaN, which infinity, or finite; of complex numbers whether they are finite."""
    if a.dtype.kind == "c":
        return np.isfinite(a).astype(int)
    return np.where(np.isnan(a), 2, np.where(np.isinf(a), np.sign(a), 0)).astype(int)
