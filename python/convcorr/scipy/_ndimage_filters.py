"""The filters of `convcorr.scipy.ndimage`, for every argument that SciPy takes: the way of all but ordinary calls.

Each function does what SciPy's of that name does, errors included, and leaves the sums to the engine.
"""

# The names of arguments are SciPy's.
# ruff: noqa: A002

from __future__ import annotations

import functools
import numbers
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

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
    input: Array, output: Array, kernels: tuple[Any, ...], axes: tuple[int, ...], modes: tuple[str, ...], cval: float,
    origins: tuple[int, ...],
) -> None:  # fmt: skip
    """Filter `input` into `output` along some axes, one after the other, each with a kernel or a size of a mean.

    Whatever lies between two passes has the dtype of `output`, as in SciPy.
    """
    support.apply(
        lambda x, y: _core.ndimage_axes(x, kernels, axes, y, modes, cval, origins), input, output
    )  # fmt: skip


def correlate1d(input: Any, weights: Any, axis: Any, output: Any, mode: Any, cval: Any, origin: Any) -> Array:
    """One axis, any arguments."""
    input, weights = np.asarray(input), np.asarray(weights)
    if input.dtype.kind == "c" or weights.dtype.kind == "c":
        if weights.dtype.kind == "c":
            weights = weights.conj()
        output = support.output_array(output, input, complex_output=True)
        return support.by_parts(
            lambda x, w, y, c: correlate1d(x, w, axis, y, mode, c, origin), input, weights, output, cval
        )
    output = support.output_array(output, input)
    weights = np.ascontiguousarray(weights, np.float64)
    if weights.ndim != 1 or weights.size < 1:
        raise RuntimeError("no filter weights given")
    axis = support.checked_axis(axis, input.ndim)
    origin = support.checked_origin(origin, weights.size, _ORIGIN_1D)
    mode, cval = support.checked_mode(mode), support.checked_cval(cval)
    filter_axes(input, output, (weights,), (axis,), (mode,), cval, (origin,))
    return output


def convolve1d(input: Any, weights: Any, axis: Any, output: Any, mode: Any, cval: Any, origin: Any) -> Array:
    """One axis, any arguments: a correlation with the weights reversed."""
    weights = np.asarray(weights)[::-1]
    origin = -origin
    if not weights.shape[0] & 1:
        origin -= 1
    if weights.dtype.kind == "c":
        weights = weights.conj()
    return correlate1d(input, weights, axis, output, mode, cval, origin)


def _aligned_kernel(weights: Array, origin: Any, axes: tuple[int, ...], ndim: int) -> tuple[Array, list[Any]]:
    """The kernel and its origins with an axis for each of the data's."""
    origins = per_axis(origin, len(axes))
    if len(axes) < ndim:
        if weights.ndim != len(axes):
            raise RuntimeError(f"weights.ndim ({weights.ndim}) must match len(axes) ({len(axes)})")
        weights = np.expand_dims(weights, tuple(axis for axis in range(ndim) if axis not in axes))
        named = dict(zip(axes, origins))
        origins = [named.get(axis, 0) for axis in range(ndim)]
    sizes = [size for size in weights.shape if size > 0]
    if len(sizes) != ndim:
        raise RuntimeError(f"weights.ndim ({len(sizes)}) must match len(axes) ({len(axes)})")
    return weights, origins


def correlate(
    input: Any, weights: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any, *, convolution: bool
) -> Array:
    """An N-D kernel, any arguments: `correlate`, or `convolve`."""
    input, weights = np.asarray(input), np.asarray(weights)
    if input.dtype.kind == "c" or weights.dtype.kind == "c":
        if weights.dtype.kind == "c" and not convolution:
            weights = weights.conj()
        output = support.output_array(output, input, complex_output=True)
        return support.by_parts(
            lambda x, w, y, c: correlate(x, w, y, mode, c, origin, axes, convolution=convolution),
            input, weights, output, cval,
        )  # fmt: skip
    axes = checked_axes(axes, input.ndim)
    weights, origins = _aligned_kernel(np.asarray(weights, np.float64), origin, axes, input.ndim)
    if convolution:
        weights = weights[(slice(None, None, -1),) * weights.ndim]
        origins = [-o if size & 1 else -o - 1 for o, size in zip(origins, weights.shape)]
    places = tuple(support.checked_origin(o, size, _ORIGIN_ND) for o, size in zip(origins, weights.shape))
    output = support.output_array(output, input)
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise RuntimeError("A sequence of modes is not supported")
    mode, cval = support.checked_mode(mode), support.checked_cval(cval)
    kernel = np.ascontiguousarray(weights)  # of at least one axis
    support.apply(
        lambda x, y: _core.ndimage_correlate(
            np.atleast_1d(x), kernel, np.atleast_1d(y), mode, cval, places or (0,), None
        ),
        input, output,
    )  # fmt: skip
    return output


def uniform_filter1d(input: Any, size: Any, axis: Any, output: Any, mode: Any, cval: Any, origin: Any) -> Array:
    """A mean along one axis, any arguments."""
    input = np.asarray(input)
    axis = support.checked_axis(axis, input.ndim)
    if size < 1:
        raise RuntimeError("incorrect filter size")
    is_complex = input.dtype.kind == "c"
    output = support.output_array(output, input, complex_output=is_complex)
    origin = support.checked_origin(origin, size, "invalid origin")
    mode = support.checked_mode(mode)
    if is_complex:
        if np.may_share_memory(input, output):
            input = input.copy()
        uniform_filter1d(input.real, size, axis, output.real, mode, np.real(cval), origin)
        uniform_filter1d(input.imag, size, axis, output.imag, mode, np.imag(cval), origin)
        return output
    filter_axes(input, output, (operator.index(size),), (axis,), (mode,), support.checked_cval(cval), (origin,))
    return output


def uniform_filter(input: Any, size: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any) -> Array:
    """Means along some axes, any arguments."""
    input = np.asarray(input)
    output = support.output_array(output, input, complex_output=input.dtype.kind == "c")
    axes = checked_axes(axes, input.ndim)
    columns = (per_axis(value, len(axes)) for value in (size, origin, mode))
    passes = [(a, int(s), o, m) for a, s, o, m in zip(axes, *columns) if s > 1]
    if not passes:
        output[...] = input[...]
        return output
    if input.dtype.kind == "c" or output.dtype.kind == "c":
        for a, s, o, m in passes:
            uniform_filter1d(input, s, a, output, m, cval, o)
            input = output
        return output
    chosen, sizes, origins, modes = zip(*passes)
    places = tuple(support.checked_origin(o, s, "invalid origin") for o, s in zip(origins, sizes))
    filter_axes(
        input, output, sizes, chosen, support.checked_modes(modes, len(modes)), support.checked_cval(cval), places
    )  # fmt: skip
    return output


@functools.lru_cache(maxsize=256)
def gaussian_kernel(sigma: float, order: int, radius: int) -> Array:
    """The taps of a Gaussian or of its `order`-th derivative, reversed for a correlation; read-only."""
    if order < 0:
        raise ValueError("order must be non-negative")
    variance = sigma * sigma
    x = np.arange(-radius, radius + 1)
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


def kernel_radius(sigma: Any, truncate: Any, radius: Any) -> int:
    """How far a Gaussian kernel reaches."""
    reach = int(truncate * float(sigma) + 0.5) if radius is None else radius
    if not isinstance(reach, numbers.Integral) or reach < 0:
        raise ValueError("Radius must be a nonnegative integer.")
    return int(reach)


def gaussian_taps(sigma: Any, order: Any, truncate: Any, radius: Any) -> Array:
    """The kernel that these arguments of `gaussian_filter1d` ask for."""
    if not isinstance(sigma, (int, float, np.generic)):
        sigma = float(sigma)
    return gaussian_kernel(sigma, order, kernel_radius(sigma, truncate, radius))


@functools.lru_cache(maxsize=64)
def laplace_kernel(ndim: int, dtype: str) -> Array | None:
    """Second differences along every axis at once; None where each axis' are to be stored before they are added."""
    if dtype not in "fdbBhH" or not 0 < ndim < 6:
        return None
    kernel = np.zeros((3,) * ndim)
    for axis in range(ndim):
        along = np.moveaxis(kernel, axis, -1)[(1,) * (ndim - 1)]
        along += [1, -2, 1]
    kernel.setflags(write=False)
    return kernel


def gaussian_filter(
    input: Any, sigma: Any, order: Any, output: Any, mode: Any, cval: Any, truncate: Any, radius: Any, axes: Any
) -> Array:
    """Gaussians along some axes, any arguments."""
    input = np.asarray(input)
    output = support.output_array(output, input)
    axes = checked_axes(axes, input.ndim)
    columns = (per_axis(value, len(axes)) for value in (sigma, order, mode, radius))
    passes = [(a, m, s, o, r) for a, s, o, m, r in zip(axes, *columns) if s > 1e-15]
    if not passes:
        output[...] = input[...]
        return output
    kernels = tuple(gaussian_taps(s, o, truncate, r) for _, _, s, o, r in passes)
    chosen, modes = zip(*(p[:2] for p in passes))
    if input.dtype.kind == "c" or output.dtype.kind == "c":
        for axis, taps, m in zip(chosen, kernels, modes):
            correlate1d(input, taps, axis, output, m, cval, 0)
            input = output
        return output
    modes = support.checked_modes(modes, len(modes))
    filter_axes(input, output, kernels, chosen, modes, support.checked_cval(cval), (0,) * len(chosen))
    return output


def derivative(input: Any, axis: Any, output: Any, mode: Any, cval: Any, smooth: Array) -> Array:
    """Differences along one axis and `smooth` along the others, any arguments: `sobel`, `prewitt`."""
    input = np.asarray(input)
    axis = support.checked_axis(axis, input.ndim)
    output = support.output_array(output, input)
    modes = per_axis(mode, input.ndim)
    order = (axis, *(other for other in range(input.ndim) if other != axis))
    for i in order:
        correlate1d(input, [-1, 0, 1] if i == axis else smooth, i, output, modes[i], cval, 0)
        input = output
    return output


def over_axes(
    input: Any, function: Callable[..., Any], output: Any, mode: Any, cval: Any, axes: Any,
    extra: tuple[Any, ...], keywords: dict[str, Any] | None, *, squares: bool,
) -> Array:  # fmt: skip
    """The sum of a filter's results along some axes, or the root of the sum of their squares."""
    input = np.asarray(input)
    output = support.output_array(output, input)
    axes = checked_axes(axes, input.ndim)
    if len(axes) == 0:
        output[...] = input[...]
        return output
    keywords = {} if keywords is None else keywords
    modes = per_axis(mode, len(axes))
    if len(axes) > 1 and np.may_share_memory(input, output):
        input = input.copy()
    function(input, axes[0], output, modes[0], cval, *extra, **keywords)
    if squares:
        np.multiply(output, output, output)
    for axis, m in zip(axes[1:], modes[1:]):
        term = function(input, axis, output.dtype, m, cval, *extra, **keywords)
        if squares:
            np.multiply(term, term, term)
        output += term
    if squares:
        np.sqrt(output, output, casting="unsafe")
    return output
