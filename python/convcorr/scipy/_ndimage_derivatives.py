"""Derivatives: functions of `convcorr.scipy.ndimage`, which says what they have in common."""

# The names and the order of arguments are SciPy's.
# ruff: noqa: A002, PLR0917

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .. import _core
from . import _ndimage_filters as _filters
from ._ndimage_kernels import correlate1d
from ._ndimage_smoothing import gaussian_filter
from ._ndimage_support import answer_of_scipy, checked_axes, per_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from .._types import Array

_NUMBERS = frozenset((int, float))
_LEAST_SIGMA = 1e-15  # below it, nothing is filtered
_PREWITT, _SOBEL = np.array([1.0, 1.0, 1.0]), np.array([1.0, 2.0, 1.0])
_SECOND = np.array([1.0, -2.0, 1.0])


def sobel(
    input: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
) -> Array:
    """Take differences ``[-1, 0, 1]`` along one axis, sums ``[1, 2, 1]`` along the others.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    axis : int
        The axis that is filtered.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    result = _core.ndimage_derivative(input, axis, output, mode, cval, _SOBEL)
    if result is NotImplemented:
        theirs = answer_of_scipy("sobel", input, axis, output, mode, cval)
        return _filters.derivative(input, axis, output, mode, cval, _SOBEL) if theirs is None else theirs
    return cast("Array", result)


def prewitt(
    input: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
) -> Array:
    """Take differences ``[-1, 0, 1]`` along one axis, sums ``[1, 1, 1]`` along the others.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    axis : int
        The axis that is filtered.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    result = _core.ndimage_derivative(input, axis, output, mode, cval, _PREWITT)
    if result is NotImplemented:
        theirs = answer_of_scipy("prewitt", input, axis, output, mode, cval)
        return _filters.derivative(input, axis, output, mode, cval, _PREWITT) if theirs is None else theirs
    return cast("Array", result)


def generic_laplace(
    input: ArrayLike,
    derivative2: Callable[..., Any],
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Add up second derivatives that a function takes along each axis.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    derivative2 : callable
        ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    extra_arguments : sequence
        For the callable.
    extra_keywords : dict or None
        For the callable.
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    theirs = answer_of_scipy(
        "generic_laplace", input, derivative2, output, mode, cval, extra_arguments, extra_keywords, axes=axes
    )
    if theirs is not None:
        return theirs
    return _filters.over_axes(
        input, derivative2, output, mode, cval, axes, extra_arguments, extra_keywords, squares=False
    )


def laplace(
    input: ArrayLike,
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Add up second differences ``[1, -2, 1]`` along each axis.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    if axes is None and output is None and type(input) is np.ndarray and input.dtype.char in "fd":
        kernel = _filters.laplace_kernel(input.ndim, None)
        done = _core.ndimage_correlate(input, kernel, None, mode, cval, 0, None)
        if done is not NotImplemented:
            return cast("Array", done)
    result = answer_of_scipy("laplace", input, output, mode, cval, axes=axes)
    if result is None:
        result = _filters.laplace(input, output, mode, cval, axes)
    if result is not None:
        return result
    return _filters.over_axes(input, _second_difference, output, mode, cval, axes, (), None, squares=False)


def _second_difference(input: Array, axis: int, output: Any, mode: str, cval: complex) -> Array:
    return correlate1d(input, _SECOND, axis, output, mode, cval, 0)


def gaussian_laplace(
    input: ArrayLike,
    sigma: float | Sequence[float],
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    **kwargs: Any,
) -> Array:
    """Add up second derivatives of a Gaussian along each axis.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    sigma : scalar or sequence of scalar
        The standard deviation, or one for each axis.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.
    **kwargs
        For `gaussian_filter`.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    theirs = answer_of_scipy("gaussian_laplace", input, sigma, output, mode, cval, axes=axes, **kwargs)
    if theirs is not None:
        return theirs
    if axes is None and type(sigma) in _NUMBERS:
        return _filters.over_axes(
            input, _gaussian_derivative, output, mode, cval, axes, (2, sigma), kwargs, squares=False
        )
    ndim = np.ndim(input)
    chosen = checked_axes(axes, ndim)
    sigmas: list[Any] = [0] * ndim  # other axes stay as they are
    for axis, width in zip(chosen, per_axis(sigma, len(chosen)), strict=True):
        sigmas[axis] = width
    return _filters.over_axes(input, _gaussian_derivative, output, mode, cval, axes, (2, sigmas), kwargs, squares=False)


def generic_gradient_magnitude(
    input: ArrayLike,
    derivative: Callable[..., Any],
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the root of the sum of squares of derivatives that a function takes along each axis.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    derivative : callable
        ``derivative(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    extra_arguments : sequence
        For the callable.
    extra_keywords : dict or None
        For the callable.
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    theirs = answer_of_scipy(
        "generic_gradient_magnitude", input, derivative, output, mode, cval, extra_arguments, extra_keywords, axes=axes
    )
    if theirs is not None:
        return theirs
    return _filters.over_axes(
        input, derivative, output, mode, cval, axes, extra_arguments, extra_keywords, squares=True
    )


def gaussian_gradient_magnitude(
    input: ArrayLike,
    sigma: float | Sequence[float],
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    **kwargs: Any,
) -> Array:
    """Take the length of the gradient of a Gaussian-smoothed input.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    sigma : scalar or sequence of scalar
        The standard deviation, or one for each axis.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.
    **kwargs
        For `gaussian_filter`.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    theirs = answer_of_scipy("gaussian_gradient_magnitude", input, sigma, output, mode, cval, axes=axes, **kwargs)
    if theirs is not None:
        return theirs
    return _filters.over_axes(input, _gaussian_derivative, output, mode, cval, axes, (1, sigma), kwargs, squares=True)


def _gaussian_derivative(
    input: Array, axis: int, output: Any, mode: str, cval: complex, order: int, sigma: Any, **kwargs: Any
) -> Array:
    if not kwargs and type(sigma) in _NUMBERS and sigma > _LEAST_SIGMA and type(mode) is str:
        kernels = [_filters.gaussian_taps(sigma, 0, 4.0, None)] * input.ndim
        kernels[axis] = _filters.gaussian_taps(sigma, order, 4.0, None)
        target = output if isinstance(output, np.ndarray) else np.empty(input.shape, output)
        if _core.ndimage_axes(input, tuple(kernels), None, target, mode, cval, 0) is not NotImplemented:
            return cast("Array", target)
    orders = [0] * input.ndim
    orders[axis] = order
    return gaussian_filter(input, sigma, orders, output, mode, cval, **kwargs)
