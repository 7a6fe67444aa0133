"""Kernels of two axes as sums of a few outer products, where the caller allows an error: `rtol` of `convolve`."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._types import Array, ExplanationTuple


EXPLAIN_ORDER = (
    "x", "h", "mode", "op", "axes", "boundary", "fill_value", "method", "stride", "dilation", "lags", "dtype", "out",
    "threads",
)  # fmt: skip


@dataclass(frozen=True)
class Products:
    """A kernel's outer products, and what they leave.

    Attributes
    ----------
    terms : list of ndarray
        Outer products of the kernel's shape, in the type that sums are kept in; empty where the kernel itself is
        computed.
    left : float
        Norm of what they leave of the kernel, over the norm of the kernel.
    """

    terms: list[Array]
    left: float


def _two_axes(h: Array, axes: Any, ndim: int) -> tuple[int, int]:
    """The two axes of `h` with several taps; `axes` counts among `ndim` common ones, as in `convolve`."""
    several = [axis for axis in range(h.ndim) if h.shape[axis] > 1]
    if axes is not None:
        convolved = {axis % ndim - ndim for axis in np.atleast_1d(axes)}
        if not {axis - h.ndim for axis in several} <= convolved:
            raise ValueError(f"rtol is given with several kernels, h of shape {h.shape}; it takes a single one")
    if len(several) != 2:
        raise ValueError(f"rtol is given with h of shape {h.shape}; it takes an h with several taps along two axes")
    return several[0], several[1]


def _check(rtol: Any, method: Any) -> float:
    if isinstance(rtol, bool) or not isinstance(rtol, numbers.Real):
        raise TypeError(f"rtol must be a number, got {rtol!r} ({type(rtol).__name__})")
    if not 0 <= float(rtol) < 1:
        raise ValueError(f"rtol must be at least 0 and below 1, got {rtol!r}")
    if method not in ("auto", "separable"):
        raise ValueError(f"rtol is given with method {method!r}; it takes 'auto' or 'separable'")
    return float(rtol)


def _sum_type(arguments: dict[str, Any]) -> np.dtype[Any]:
    """The type that a call's sums are kept in: products are taken apart anew in it, so they must be ones there."""
    given = [a.dtype for a in map(np.asarray, (arguments["x"], arguments["h"]))]
    if arguments["dtype"] is not None:
        given.append(np.dtype(arguments["dtype"]))
    common = np.result_type(*given).newbyteorder("=")
    return np.dtype(np.float32) if common == np.float16 else common


def outer_products(rtol: Any, arguments: dict[str, Any]) -> Products:
    """The fewest outer products that leave at most `rtol` of the kernel, for a call of _core.explain.

    None where the method is "auto" and the kernel itself is predicted to cost less.

    Raises
    ------
    TypeError, ValueError
        As `convolve` says of its arguments.
    """
    method, h = arguments["method"], arguments["h"]
    rtol = _check(rtol, method)
    explained({**arguments, "method": "direct"})  # for what it says of all others
    taps = np.asarray(h)
    if taps.dtype.kind not in "fc" or taps.dtype.itemsize > (16 if taps.dtype.kind == "c" else 8):
        raise TypeError(f"rtol is given with h of dtype {taps.dtype}; it takes float16, float32, float64 or complex")
    first, second = _two_axes(taps, arguments["axes"], max(np.ndim(arguments["x"]), taps.ndim))
    sums = _sum_type(arguments)
    if not np.isfinite(taps).all() or not taps.any() or sums.char in "gG":
        return Products([], 0.0)
    wide = np.complex128 if taps.dtype.kind == "c" else np.float64
    u, s, vh = np.linalg.svd(taps.reshape(taps.shape[first], taps.shape[second]).astype(wide), full_matrices=False)
    # Norms of what the first r products leave, by r, over the largest s: whose square may be more than a float64 holds.
    left = np.sqrt(np.append(np.cumsum(((s / s[0]) ** 2)[::-1])[::-1], 0))
    rounding = float(np.finfo(sums).eps) / 2
    rank = int(np.argmax(left <= max(rtol, rounding) * left[0]))
    if method == "auto" and rank * (u.shape[0] + vh.shape[1]) >= taps.size:
        return Products([], 0.0)
    tails = rounding / 64  # products of tails could vanish where their factors don't
    terms = [
        np.outer(_without(u[:, r], tails) * s[r], _without(vh[r], tails)).reshape(taps.shape).astype(sums)
        for r in range(rank)
    ]
    try:
        cost = sum(explained(of_product(arguments, term))[1] for term in terms)
    except ValueError:  # so near the least number of their type that they lost bits
        return Products([], 0.0)
    if method == "auto" and cost > explained(arguments)[1]:
        return Products([], 0.0)
    return Products(terms, float(left[rank] / left[0]))


def _without(line: Array, part: float) -> Array:
    """The line, with zeros for what is less than that part of its largest element."""
    sizes = np.abs(line)
    return np.where(sizes < part * sizes.max(), 0, line)


def of_product(arguments: dict[str, Any], term: Array) -> dict[str, Any]:
    """The call that computes one product, to be explained."""
    x = arguments["x"]
    if term.dtype.kind == "c":
        x = np.broadcast_to(np.zeros((), term.dtype), np.shape(x))  # nothing is read
    return {**arguments, "x": x, "h": term, "method": "separable", "dtype": term.dtype, "out": None}


def explained(arguments: dict[str, Any]) -> ExplanationTuple:
    """What _core.explain says of a call."""
    return _core.explain(*(arguments[name] for name in EXPLAIN_ORDER))


def approximate(op: str, rtol: Any, values: tuple[Any, ...]) -> Array:
    """A call of convolve or correlate, its arguments by position, with `rtol`."""
    names = [name for name in EXPLAIN_ORDER if name != "op" and (name != "lags" or op == "correlate")]
    given = dict(zip(names, values, strict=True))
    terms = outer_products(rtol, {"op": op, "lags": None, **given}).terms
    function: Callable[..., Array] = getattr(_core, op)
    if not terms:
        return function(*given.values())
    x, dtype, out = np.asarray(given["x"]), given["dtype"], given["out"]
    result = np.result_type(x, np.asarray(given["h"])) if dtype is None else np.dtype(dtype)
    if terms[0].dtype.kind == "c":  # a real array has no products of its own with a complex kernel
        x = x.astype(terms[0].dtype, copy=False)
    # With an `out` that lies over x or h, x must stay whole until the last product.
    given.update(x=x, h=terms[0], method="separable", dtype=terms[0].dtype, out=None)
    total = function(*given.values())
    part = np.empty_like(total)
    for term in terms[1:]:
        given.update(h=term, out=part)
        total += function(*given.values())
    if out is None:
        return total.astype(result.newbyteorder("="), copy=False)
    out[...] = total
    return cast("Array", out)
