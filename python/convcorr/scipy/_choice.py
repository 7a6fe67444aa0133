"""SciPy's own choice between sums and transforms, whose outcome `choose_conv_method` has to repeat.

Our engine chooses by its own cost model (`convcorr.explain`). SciPy's rule matters where a program asks for it, and
where SciPy's sums refuse a type that its transforms take.
"""

from __future__ import annotations

import math
import timeit
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._types import Array

# Seconds per operation of a transform and of a direct sum, and an offset: what SciPy measured on its own routines.
# Facts about it, and not about us. By (1-D?, mode); a kernel longer than 1-D data has its own row.
_SECONDS = {
    (True, "valid"): (1.89095737e-9, 2.1364985e-10, -1e-3),
    (True, "full"): (1.7649070e-9, 2.1414831e-10, -1e-3),
    (True, "same"): (3.2646654e-9, 2.8478277e-10, -1e-3),
    (False, "valid"): (1.85927e-9, 2.11242e-8, -1e-4),
    (False, "full"): (1.99817e-9, 1.66174e-8, -1e-4),
    (False, "same"): (2.04735e-9, 1.55367e-8, -1e-4),
}
_SECONDS_LONG_KERNEL = (3.21635404e-9, 1.1773253e-8, -1e-5)
_LARGEST_EXACT = 2**52 - 1  # SciPy trusts a transform of integers up to here


def refuse_not_finite(x: Array, h: Array) -> None:
    """SciPy's `auto` turns the largest value into an int when the other array has integers; that of NaN it can't."""
    kinds = x.dtype.kind + h.dtype.kind
    if not ("i" in kinds or "u" in kinds):
        return
    for array in (x, h):
        if array.dtype.kind not in "fc" and array.size:
            continue
        with np.errstate(all="ignore"):
            if array.size and np.isfinite(array.sum()):
                continue  # the cheap question: only what isn't finite, or overflows, has such a sum
        int(np.max(np.abs(array)))


def _products_of_sums(n: Sequence[int], k: Sequence[int], mode: str) -> int:
    """How many products SciPy counts for its direct sums."""
    size, taps = math.prod(n), math.prod(k)
    if len(n) == 1:
        if mode == "valid":
            return (abs(size - taps) + 1) * min(size, taps)
        if mode == "same" and taps <= size:
            return size * taps - (taps // 2) * ((taps + 1) // 2)
        return size * taps
    if mode == "same":
        return size * taps
    outputs = (a + b - 1 if mode == "full" else abs(a - b) + 1 for a, b in zip(n, k, strict=False))
    return min(size, taps) * math.prod(outputs)


def chosen_method(x: Array, h: Array, mode: object) -> str:
    """What SciPy would choose, "fft" or "direct"; the errors are SciPy's too."""
    kinds = x.dtype.kind + h.dtype.kind
    if "i" in kinds or "u" in kinds:
        bound = int(np.max(np.abs(x))) * int(np.max(np.abs(h))) * min(x.size, h.size)
        if bound > _LARGEST_EXACT:
            return "direct"
    if kinds == "bb" or not all(kind in "buifc" for kind in kinds):
        return "direct"
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"Acceptable mode flags are 'valid', 'same', or 'full', not mode={mode}")
    points = math.prod(a + b - 1 for a, b in zip(x.shape, h.shape, strict=False))
    if points <= 0:
        return "direct"  # an empty array
    seconds = _SECONDS[x.ndim == 1, str(mode)]
    if x.ndim == 1 and mode == "same" and h.size > x.size:
        seconds = _SECONDS_LONG_KERNEL
    transform = seconds[0] * 3 * points * math.log(points)
    sums = seconds[1] * _products_of_sums(x.shape, h.shape, str(mode)) + seconds[2]
    return "fft" if transform < sums else "direct"


def least_seconds(call: Callable[[], object]) -> float:
    """The time of one call: the shortest of some runs of about 5 ms each, or of one run if it takes longer."""
    timer = timeit.Timer(call)
    once = timer.timeit(1)
    if once > 1:
        return once
    number = max(1, round(5e-3 / max(once, 1e-7)))
    return min(timer.repeat(3, number)) / number
