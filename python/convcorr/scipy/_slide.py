"""Either operand may be the longer one here, as in SciPy; the engine wants to know which is the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._types import Array, Method, Mode, Number

BAD_MODE = "Acceptable mode flags are 'valid', 'same', or 'full'."
MODES: dict[Any, Mode] = {"valid": "valid", "same": "same", "full": "full"}
_CONTAINED = "For 'valid' mode, one must be at least as large as the other in every dimension"


def mode_named(mode: object) -> Mode:
    """`mode` if it is one, or SciPy's error; numbers are none, however NumPy reads them."""
    try:
        return MODES[mode]
    except KeyError:
        raise ValueError(BAD_MODE) from None


def is_swapped(x: Array, h: Array, mode: object, axes: Sequence[int]) -> bool:
    """Whether "valid" takes `x` for the kernel. The error is SciPy's where neither contains the other."""
    if mode != "valid" or all(x.shape[a] >= h.shape[a] for a in axes):
        return False
    if all(h.shape[a] >= x.shape[a] for a in axes):
        return True
    raise ValueError(_CONTAINED)


def reversed_conjugate(h: Array, axes: Sequence[int]) -> Array:
    """The kernel whose convolution is the correlation with `h`."""
    flipped = h[tuple(slice(None, None, -1 if a in axes else None) for a in range(h.ndim))]
    return flipped.conj() if h.dtype.kind == "c" else flipped


def slide(
    x: Array,
    h: Array,
    mode: Mode,
    axes: Sequence[int],
    method: Method = "auto",
    *,
    correlates: bool = False,
    dtype: np.dtype[Any] | None = None,
) -> Array:
    """Convolve or correlate along `axes`; neither array is empty, and "valid" outputs exist.

    Outputs are those of `mode` as SciPy counts them: "same" has the shape of x, whichever is longer.
    """
    if mode == "same":
        if any(h.shape[a] > x.shape[a] for a in axes):
            return _centre_under_a_longer_kernel(x, h, axes, method, correlates=correlates, dtype=dtype)
        exchanged = False
    elif mode == "valid":
        exchanged = is_swapped(x, h, mode, axes)
    else:
        exchanged = math.prod(h.shape[a] for a in axes) > math.prod(x.shape[a] for a in axes)
    if exchanged:
        # The longer array is the data for the engine. Sums commute bit by bit, since each product does.
        x, h, correlates = (reversed_conjugate(h, axes) if correlates else h), x, False
    return run(x, h, mode, axes, method, correlates=correlates, dtype=dtype)


def run(
    x: Array,
    h: Array,
    mode: Mode,
    axes: Sequence[int] | None,
    method: Method = "auto",
    *,
    correlates: bool = False,
    dtype: np.dtype[Any] | None = None,
    boundary: Any = "constant",
    fill_value: Number = 0,
    out: Array | None = None,
) -> Array:
    """The engine, called by position: x is the data and h the kernel."""
    where = None if axes is None or len(axes) == x.ndim else tuple(axes)
    if correlates:
        return _core.correlate(x, h, mode, where, boundary, fill_value, method, 1, 1, None, dtype, out, None)
    return _core.convolve(x, h, mode, where, boundary, fill_value, method, 1, 1, dtype, out, None)


def _centre_under_a_longer_kernel(
    x: Array, h: Array, axes: Sequence[int], method: Method, *, correlates: bool, dtype: np.dtype[Any] | None
) -> Array:
    """Mode "same" where h is longer than x on some axis: only the taps that reach x in these outputs are looked at."""
    if correlates:
        h = reversed_conjugate(h, axes)
    reach, centre = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for a in axes:
        n, first = x.shape[a], (h.shape[a] - 1) // 2
        begin = max(0, first - n + 1)
        reach[a] = slice(begin, first + n)
        centre[a] = slice(first - begin, first - begin + n)
    return slide(x, h[tuple(reach)], "full", axes, method, dtype=dtype)[tuple(centre)].copy()
