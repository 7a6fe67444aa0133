"""The filters of `convcorr.scipy.ndimage`, for every argument that SciPy takes: the way of all but ordinary calls.

Each function does what SciPy's of that name does, errors included, and leaves the sums to the engine.
"""

# The order of arguments is SciPy's.
# ruff: noqa: PLR0917

from __future__ import annotations

import functools
import numbers
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .. import _core
from . import _ndimage_support as support
from ._ndimage_support import checked_axes, per_axis

if TYPE_CHECKING:
    from .._types import Array


_ORIGIN_1D = "Invalid origin; origin must satisfy -(len(weights) // 2) <= origin <= (len(weights)-1) // 2"
_ORIGIN_ND = (
    "Invalid origin; origin must satisfy -(weights.shape[k] // 2) <= origin[k] <= (weights.shape[k]-1) // 2"
)  # fmt: skip


def filter_axes(
    x: Array, output: Array, kernels: tuple[Any, ...], axes: tuple[int, ...], modes: tuple[str, ...], cval: float,
    origins: tuple[int, ...],
) -> None:  # fmt: skip
    """Filter `x` into `output` along some axes, one after the other, each with a kernel or a size of a mean.

    Whatever lies between two passes has the dtype of `output`, as in SciPy.
    """
    support.apply(
        lambda x, y: _core.ndimage_axes(x, kernels, axes, y, modes, cval, origins), x, output
    )  # fmt: skip


def correlate1d(x: Any, weights: Any, axis: Any, output: Any, mode: Any, cval: Any, origin: Any) -> Array:
    """One axis, any arguments."""
    x, weights = np.asarray(x), np.asarray(weights)
    result = _core.ndimage_correlate1d(x, weights, axis, output, mode, cval, origin)
    if result is not NotImplemented:
        return cast("Array", result)
    if x.dtype.kind == "c" or weights.dtype.kind == "c":
        if weights.dtype.kind == "c":
            weights = weights.conj()
        y = support.output_array(output, x, complex_output=True)
        return support.by_parts(lambda x, w, y, c: correlate1d(x, w, axis, y, mode, c, origin), x, weights, y, cval)
    y = support.output_array(output, x)
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 1 or weights.size < 1:
        raise RuntimeError("no filter weights given")
    axis = support.checked_axis(axis, x.ndim)
    origin = support.checked_origin(origin, weights.size, _ORIGIN_1D)
    mode, cval = support.checked_mode(mode), support.checked_cval(cval)
    filter_axes(x, y, (weights,), (axis,), (mode,), cval, (origin,))
    return y


def convolve1d(x: Any, weights: Any, axis: Any, output: Any, mode: Any, cval: Any, origin: Any) -> Array:
    """One axis, any arguments: a correlation with the weights reversed."""
    weights = np.asarray(weights)[::-1]
    origin = -origin
    if not weights.shape[0] & 1:
        origin -= 1
    if weights.dtype.kind == "c":
        weights = weights.conj()
    return correlate1d(x, weights, axis, output, mode, cval, origin)


def _aligned_kernel(weights: Array, origin: Any, axes: tuple[int, ...], ndim: int) -> tuple[Array, list[Any]]:
    """The kernel and its origins with an axis for each of the data's."""
    origins = per_axis(origin, len(axes))
    if len(axes) < ndim:
        if weights.ndim != len(axes):
            raise RuntimeError(f"weights.ndim ({weights.ndim}) must match len(axes) ({len(axes)})")
        weights = np.expand_dims(weights, tuple(axis for axis in range(ndim) if axis not in axes))
        named = dict(zip(axes, origins, strict=True))
        origins = [named.get(axis, 0) for axis in range(ndim)]
    sizes = [size for size in weights.shape if size > 0]
    if len(sizes) != ndim:
        raise RuntimeError(f"weights.ndim ({len(sizes)}) must match len(axes) ({len(axes)})")
    return weights, origins


def correlate(
    x: Any, weights: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any, *, convolution: bool
) -> Array:
    """An N-D kernel, any arguments: `correlate`, or `convolve`."""
    x, weights = np.asarray(x), np.asarray(weights)
    engine = _core.ndimage_convolve if convolution else _core.ndimage_correlate
    result = engine(x, weights, output, mode, cval, origin, axes)
    if result is not NotImplemented:
        return cast("Array", result)
    if x.dtype.kind == "c" or weights.dtype.kind == "c":
        if weights.dtype.kind == "c" and not convolution:
            weights = weights.conj()
        y = support.output_array(output, x, complex_output=True)
        return support.by_parts(
            lambda x, w, y, c: correlate(x, w, y, mode, c, origin, axes, convolution=convolution),
            x, weights, y, cval,
        )  # fmt: skip
    axes = checked_axes(axes, x.ndim)
    weights, origins = _aligned_kernel(np.asarray(weights, np.float64), origin, axes, x.ndim)
    if convolution:
        weights = weights[(slice(None, None, -1),) * weights.ndim]
        origins = [-o if size & 1 else -o - 1 for o, size in zip(origins, weights.shape, strict=True)]
    places = tuple(support.checked_origin(o, size, _ORIGIN_ND) for o, size in zip(origins, weights.shape, strict=True))
    y = support.output_array(output, x)
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise RuntimeError("A sequence of modes is not supported")
    mode, cval = support.checked_mode(mode), support.checked_cval(cval)
    kernel = np.ascontiguousarray(weights)  # of at least one axis
    support.apply(
        lambda x, y: _core.ndimage_correlate(
            np.atleast_1d(x), kernel, np.atleast_1d(y), mode, cval, places or (0,), None
        ),
        x, y,
    )  # fmt: skip
    return y


def uniform_filter1d(x: Any, size: Any, axis: Any, output: Any, mode: Any, cval: Any, origin: Any) -> Array:
    """A mean along one axis, any arguments."""
    x = np.asarray(x)
    axis = support.checked_axis(axis, x.ndim)
    if size < 1:
        raise RuntimeError("incorrect filter size")
    is_complex = x.dtype.kind == "c"
    y = support.output_array(output, x, complex_output=is_complex)
    origin = support.checked_origin(origin, size, "invalid origin")
    mode = support.checked_mode(mode)
    if is_complex:
        if np.may_share_memory(x, y):
            x = x.copy()
        uniform_filter1d(x.real, size, axis, y.real, mode, np.real(cval), origin)
        uniform_filter1d(x.imag, size, axis, y.imag, mode, np.imag(cval), origin)
        return y
    filter_axes(x, y, (operator.index(size),), (axis,), (mode,), support.checked_cval(cval), (origin,))
    return y


def uniform_filter(x: Any, size: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any) -> Array:
    """Means along some axes, any arguments."""
    x = np.asarray(x)
    if axes is None and type(size) is int:
        result = _core.ndimage_axes(x, size, None, output, mode, cval, origin)
        if result is not NotImplemented:
            return cast("Array", result)
    y = support.output_array(output, x, complex_output=x.dtype.kind == "c")
    axes = checked_axes(axes, x.ndim)
    columns = (per_axis(value, len(axes)) for value in (size, origin, mode))
    passes = [(a, int(s), o, m) for a, s, o, m in zip(axes, *columns, strict=True) if s > 1]
    if not passes:
        y[...] = x[...]
        return y
    if x.dtype.kind == "c" or y.dtype.kind == "c":
        for a, s, o, m in passes:
            uniform_filter1d(x, s, a, y, m, cval, o)
            x = y
        return y
    chosen, sizes, origins, modes = zip(*passes, strict=True)
    places = tuple(support.checked_origin(o, s, "invalid origin") for o, s in zip(origins, sizes, strict=True))
    filter_axes(
        x, y, sizes, chosen, support.checked_modes(modes, len(modes)), support.checked_cval(cval), places
    )  # fmt: skip
    return y


def gaussian_taps(sigma: Any, order: Any, truncate: Any, radius: Any) -> Array:
    """The taps of a Gaussian or of its `order`-th derivative, reversed for a correlation; read-only."""
    if isinstance(sigma, np.ndarray):
        sigma = float(sigma)
    return _gaussian_taps(sigma, order, truncate, radius)


@functools.lru_cache(maxsize=256)
def _gaussian_taps(sigma: Any, order: int, truncate: Any, radius: Any) -> Array:
    reach = int(truncate * float(sigma) + 0.5) if radius is None else radius
    if not isinstance(reach, numbers.Integral) or reach < 0:
        raise ValueError("Radius must be a nonnegative integer.")
    if order < 0:
        raise ValueError("order must be non-negative")
    variance = sigma * sigma
    x = np.arange(-int(reach), int(reach) + 1)
    phi = np.exp(-0.5 / variance * x**2)
    phi /= phi.sum()
    if order > 0:
        # With a polynomial q, the derivative of q(x) phi(x) is (q'(x) - x q(x) / sigma^2) phi(x).
        q = np.zeros(order + 1)
        q[0] = 1
        for _ in range(order):
            slope = np.zeros(order + 1)
            slope[:-1] = np.arange(1, order + 1) * q[1:]
            slope[1:] -= q[:-1] / variance
            q = slope
        phi = np.vander(x, order + 1, increasing=True).dot(q) * phi
    taps: Array = np.ascontiguousarray(phi[::-1])
    taps.setflags(write=False)
    return taps


@functools.lru_cache(maxsize=64)
def laplace_kernel(ndim: int, axes: tuple[int, ...] | None) -> Array:
    """Second differences along each axis at once; None takes all axes."""
    axes = tuple(range(ndim)) if axes is None else axes
    kernel = np.zeros([3 if axis in axes else 1 for axis in range(ndim)])
    middle = tuple(size // 2 for size in kernel.shape)
    for axis in axes:
        kernel[(*middle[:axis], slice(None), *middle[axis + 1 :])] += [1, -2, 1]
    kernel.setflags(write=False)
    return kernel


def laplace(x: Any, output: Any, mode: Any, cval: Any, axes: Any) -> Array | None:
    """Floats at once, under one boundary; None where each axis' differences are to be stored before they are added."""
    x = np.asarray(x)
    if x.dtype.char not in "fd" or not isinstance(mode, str):
        return None
    y = support.output_array(output, x)
    axes = checked_axes(axes, x.ndim)
    if not axes or len(axes) > support.MOST_AXES or y.dtype.char != x.dtype.char:
        return None
    kernel = laplace_kernel(x.ndim, tuple(axis % x.ndim for axis in axes))
    cval = support.checked_cval(cval)
    mode = support.checked_mode(mode)
    support.apply(lambda x, y: _core.ndimage_correlate(x, kernel, y, mode, cval, 0, None), x, y)
    return y


def gaussian_filter(
    x: Any, sigma: Any, order: Any, output: Any, mode: Any, cval: Any, truncate: Any, radius: Any, axes: Any
) -> Array:
    """Gaussians along some axes, any arguments."""
    x = np.asarray(x)
    y = support.output_array(output, x)
    axes = checked_axes(axes, x.ndim)
    columns = (per_axis(value, len(axes)) for value in (sigma, order, mode, radius))
    passes = [(a, m, s, o, r) for a, s, o, m, r in zip(axes, *columns, strict=True) if s > 1e-15]
    if not passes:
        y[...] = x[...]
        return y
    kernels = tuple(gaussian_taps(s, o, truncate, r) for _, _, s, o, r in passes)
    chosen, modes = zip(*(p[:2] for p in passes), strict=True)
    if x.dtype.kind == "c" or y.dtype.kind == "c":
        for axis, taps, m in zip(chosen, kernels, modes, strict=True):
            correlate1d(x, taps, axis, y, m, cval, 0)
            x = y
        return y
    modes = support.checked_modes(modes, len(modes))
    filter_axes(x, y, kernels, chosen, modes, support.checked_cval(cval), (0,) * len(chosen))
    return y


def derivative(x: Any, axis: Any, output: Any, mode: Any, cval: Any, smooth: Array) -> Array:
    """Differences along one axis and `smooth` along the others, any arguments: `sobel`, `prewitt`."""
    x = np.asarray(x)
    result = _core.ndimage_derivative(x, axis, output, mode, cval, smooth)
    if result is not NotImplemented:
        return cast("Array", result)
    axis = support.checked_axis(axis, x.ndim)
    y = support.output_array(output, x)
    modes = per_axis(mode, x.ndim)
    result = _core.ndimage_derivative(x, axis, y, tuple(modes), cval, smooth)  # bool stays bytes between its passes
    if result is not NotImplemented:
        return cast("Array", result)
    order = (axis, *(other for other in range(x.ndim) if other != axis))
    for i in order:
        correlate1d(x, [-1, 0, 1] if i == axis else smooth, i, y, modes[i], cval, 0)
        x = y
    return y


def over_axes(
    x: Any, function: Callable[..., Any], output: Any, mode: Any, cval: Any, axes: Any,
    extra: tuple[Any, ...], keywords: dict[str, Any] | None, *, squares: bool,
) -> Array:  # fmt: skip
    """The sum of a filter's results along some axes, or the root of the sum of their squares."""
    x = np.asarray(x)
    y = support.output_array(output, x)
    axes = checked_axes(axes, x.ndim)
    if len(axes) == 0:
        y[...] = x[...]
        return y
    keywords = {} if keywords is None else keywords
    modes = per_axis(mode, len(axes))
    if len(axes) > 1 and np.may_share_memory(x, y):
        x = x.copy()
    function(x, axes[0], y, modes[0], cval, *extra, **keywords)
    if squares:
        np.multiply(y, y, y)
    for axis, m in zip(axes[1:], modes[1:], strict=True):
        term = function(x, axis, y.dtype, m, cval, *extra, **keywords)
        if squares:
            np.multiply(term, term, term)
        y += term
    if squares:
        np.sqrt(y, y, casting="unsafe")
    return y
