"""`convolve` and `correlate` of SciPy by each of their methods, once the operands are arrays."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ._choice import chosen_method, refuse_not_finite
from ._slide import mode_named, slide

if TYPE_CHECKING:
    from .._types import Array, Method

_BAD_METHOD = "Acceptable method flags are 'auto', 'direct', or 'fft'."
_SPOILED = (
    "Use of fft convolution on input with NAN or inf results in NAN or inf output. "
    "Consider using method='direct' instead."
)


def slide_by_method(x: Array, h: Array, mode: str, method: str, *, correlates: bool) -> Any:
    """Either function, for arrays of as many dimensions; a convolution in "valid" has the longer one first."""
    name = method if isinstance(method, str) and method in ("auto", "direct", "fft") else None
    if name is None:
        raise ValueError(_BAD_METHOD)
    dtype = np.result_type(x, h)
    if name == "auto":
        if mode not in ("full", "same", "valid"):
            raise ValueError(f"Acceptable mode flags are 'valid', 'same', or 'full', not mode={mode}")
        refuse_not_finite(x, h)
    if x.size == 0 or h.size == 0:
        return _of_empty_arrays(x, h, mode, name, correlates)
    # Where SciPy can't leave sums to NumPy they lack these types. Its transforms don't; so all depends on its choice.
    by_scipy = x.ndim > 1 or (mode == "same" and h.size > x.size)
    unknown_to_sums = by_scipy and (dtype.kind == "b" or dtype == np.float16)
    if unknown_to_sums and "direct" in (name, name == "auto" and chosen_method(x, h, mode)):
        raise ValueError("Unsupported type")
    engine: Method = "direct" if name == "direct" else "auto"
    y = slide(x, h, mode_named(mode), range(x.ndim), engine, correlates=correlates)
    if name == "fft" and dtype.kind in "fc" and not np.isfinite(y).all():
        warnings.warn(_SPOILED, RuntimeWarning, stacklevel=3)
    return y


def _of_empty_arrays(x: Array, h: Array, mode: str, method: str, correlates: bool) -> Any:
    """SciPy's answers where there is nothing to sum. Beyond one dimension it may crash; here it is a ValueError."""
    if method == "fft":
        return np.asarray([])[0]  # an IndexError
    mode_named(mode)
    if mode == "same" and x.size == 0 and h.size > 0:
        return np.empty(x.shape, np.result_type(x, h))
    if x.ndim > 1:
        raise ValueError(f"in1 and in2 must not be empty, got shapes {x.shape} and {h.shape}")
    if correlates and method == "direct":
        return np.correlate(x, h, "full")
    return np.convolve(x, h, "full")
