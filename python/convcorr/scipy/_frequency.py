"""What `fftconvolve` and `oaconvolve` have in common: which axes are convolved, and in which type."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ._slide import is_swapped, slide

if TYPE_CHECKING:
    from .._types import Array

_BAD_MODE = "acceptable mode flags are 'valid', 'same', or 'full'"


def _numbers(axes: Any, ndim: int) -> list[int]:
    """The axes, counted from the front; the errors are SciPy's."""
    if axes is None:
        return list(range(ndim))
    try:
        given = [operator.index(axes)]
    except TypeError:
        try:
            given = [operator.index(a) for a in axes]
        except TypeError:
            raise ValueError("axes must be a scalar or iterable of integers") from None
    if not given:
        raise ValueError("when provided, axes cannot be empty")
    if any(a >= ndim or a < -ndim for a in given):
        raise ValueError("axes exceeds dimensionality of input")
    counted = [a % ndim for a in given]
    if len(set(counted)) != len(counted):
        raise ValueError("all axes must be unique")
    return counted


def _transformed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that SciPy's transforms take this one for."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def convolve_axes(x: Array, h: Array, mode: Any, axes: Any) -> Array:
    """Convolve along `axes`, the other axes broadcasting, as both functions do."""
    if x.ndim == h.ndim == 0:
        return x * h
    if x.ndim != h.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    if x.size == 0 or h.size == 0:
        return np.asarray([])
    # An axis of one sample in either array is only multiplied: it counts as one that broadcasts.
    convolved = [a for a in _numbers(axes, x.ndim) if x.shape[a] != 1 and h.shape[a] != 1]
    others = [a for a in range(x.ndim) if a not in convolved]
    if not all(x.shape[a] == h.shape[a] or 1 in (x.shape[a], h.shape[a]) for a in others):
        raise ValueError(f"incompatible shapes for in1 and in2: {x.shape} and {h.shape}")
    if is_swapped(x, h, mode, convolved):
        x, h = h, x
    if mode not in ("full", "same", "valid"):
        raise ValueError(_BAD_MODE)
    if mode == "same":
        # The result is cut to x's shape along axes that broadcast, too: what falls away is not computed.
        middle = [(h.shape[a] - x.shape[a]) // 2 if a in others and h.shape[a] > 1 else None for a in range(x.ndim)]
        h = h[tuple(slice(None) if m is None else slice(m, m + x.shape[a]) for a, m in enumerate(middle))]
    if not convolved:
        return x * h
    dtype = np.result_type(_transformed(x.dtype), _transformed(h.dtype))
    return slide(x, h, mode, convolved, dtype=dtype)
