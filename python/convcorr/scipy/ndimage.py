"""The convolution filters of `scipy.ndimage`, faster: the same arguments, results, dtypes and errors.

What all filters here have in common:

- `output` is None (a new array of the dtype of `input`), a dtype or its name, or an array of the shape of `input`,
  which may be `input` itself.
- `mode` says how the input goes on beyond its ends: "reflect" (``d c b a | a b c d | d c b a``, also "grid-mirror"),
  "constant" (`cval` everywhere, also "grid-constant"), "nearest" (``a a a | a b c d | d d d``), "mirror"
  (``d c b | a b c d | c b a``) or "wrap" (``b c d | a b c d | a b c``, also "grid-wrap").
- Sums are taken in double precision; float32 that stays float32, in float32. Integers lose a sum's fraction, then its
  high bits. A filter along several axes keeps what lies between them in the dtype of the output.
- Complex data is filtered part by part.

Other than in SciPy, a NaN stays within reach of the kernel in `uniform_filter`, and no tap is too small to count.
"""

# The names of arguments are SciPy's.
# ruff: noqa: A002

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from . import _ndimage_filters as _filters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from .._types import Array

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]

_PREWITT, _SOBEL = np.array([1.0, 1.0, 1.0]), np.array([1.0, 2.0, 1.0])
_SECOND = np.array([1.0, -2.0, 1.0])
_NUMBERS = frozenset((int, float))
_least_sigma = 1e-15  # below it, nothing is filtered


def correlate(
    input: ArrayLike,
    weights: ArrayLike,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Correlate with a kernel of any number of axes.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    weights : array_like
        The kernel, of as many axes as `input`, or as `axes` names.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str
        The boundary.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    origin : int or sequence of int
        Moves the kernel: 0 is centred, positive values move it to the left; or one for each axis.
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.

    Returns
    -------
    ndarray
        Of the shape of `input`.

    Notes
    -----
    Complex weights are conjugated. Taps that are zero see nothing: no NaN comes through them.

    Examples
    --------
    >>> from convcorr.scipy import ndimage
    >>> ndimage.correlate([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, -1.0])
    array([-1., -2., -2., -1.])
    """
    result = _core.ndimage_correlate(input, weights, output, mode, cval, origin, axes)
    if result is NotImplemented:
        return _filters.correlate(input, weights, output, mode, cval, origin, axes, convolution=False)
    return result


def convolve(
    input: ArrayLike,
    weights: ArrayLike,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Convolve with a kernel of any number of axes: `correlate` with the kernel reversed, its origin too.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    weights : array_like
        The kernel, of as many axes as `input`, or as `axes` names.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str
        The boundary.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    origin : int or sequence of int
        Moves the kernel: 0 is centred, positive values move it to the left; or one for each axis.
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.

    Returns
    -------
    ndarray
        Of the shape of `input`.

    Examples
    --------
    >>> from convcorr.scipy import ndimage
    >>> ndimage.convolve([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, -1.0])
    array([1., 2., 2., 1.])
    """
    result = _core.ndimage_convolve(input, weights, output, mode, cval, origin, axes)
    if result is NotImplemented:
        return _filters.correlate(input, weights, output, mode, cval, origin, axes, convolution=True)
    return result


def correlate1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Correlate along one axis.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    weights : array_like, 1-D
        The kernel.
    axis : int
        The axis that is filtered.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str
        The boundary.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    origin : int
        Moves the kernel: 0 is centred, positive values move it to the left.

    Returns
    -------
    ndarray
        Of the shape of `input`.

    Notes
    -----
    Complex weights are conjugated.
    """
    result = _core.ndimage_axes(input, weights, axis, output, mode, cval, origin)
    if result is NotImplemented:
        return _filters.correlate1d(input, weights, axis, output, mode, cval, origin)
    return result


def convolve1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Convolve along one axis.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    weights : array_like, 1-D
        The kernel.
    axis : int
        The axis that is filtered.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str
        The boundary.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    origin : int
        Moves the kernel: 0 is centred, positive values move it to the left.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    result = _core.ndimage_convolve1d(input, weights, axis, output, mode, cval, origin)
    if result is NotImplemented:
        return _filters.convolve1d(input, weights, axis, output, mode, cval, origin)
    return result


def gaussian_filter1d(
    input: ArrayLike,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Array:
    """Smooth along one axis with a Gaussian, or take a derivative of one.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    sigma : scalar
        The standard deviation.
    axis : int
        The axis that is filtered.
    order : int
        0 smoothes; a positive one takes that derivative of the Gaussian.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str
        The boundary.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    truncate : float
        Where the kernel ends, in standard deviations.
    radius : int or None
        Where the kernel ends, in samples; `truncate` is ignored then.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    taps = _filters.gaussian_taps(sigma, order, truncate, radius)
    return correlate1d(input, taps, axis, output, mode, cval, 0)


def gaussian_filter(
    input: ArrayLike,
    sigma: float | Sequence[float],
    order: int | Sequence[int] = 0,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | Sequence[int] | None = None,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Smooth with a Gaussian, or take derivatives of one.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    sigma : scalar or sequence of scalar
        The standard deviation, or one for each axis.
    order : int or sequence of int
        0 smoothes; a positive one takes that derivative of the Gaussian; or one for each axis.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str
        The boundary.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    truncate : float
        Where the kernel ends, in standard deviations.
    radius : int, sequence of int or None
        Where the kernel ends, in samples, or one for each axis; `truncate` is ignored then.
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.

    Returns
    -------
    ndarray
        Of the shape of `input`.

    Examples
    --------
    >>> from convcorr.scipy import ndimage
    >>> ndimage.gaussian_filter([0.0, 0.0, 1.0, 0.0, 0.0], 0.5).round(3)
    array([0.   , 0.106, 0.787, 0.106, 0.   ])
    """
    if axes is None and radius is None and type(sigma) in _NUMBERS and type(order) is int and sigma > _least_sigma:
        taps = _filters.gaussian_taps(sigma, order, truncate, None)
        result = _core.ndimage_axes(input, taps, None, output, mode, cval, 0)
        if result is not NotImplemented:
            return result
    return _filters.gaussian_filter(input, sigma, order, output, mode, cval, truncate, radius, axes)


def uniform_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Take means along one axis.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    size : int
        Samples of a mean.
    axis : int
        The axis that is filtered.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str
        The boundary.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    origin : int
        Moves the kernel: 0 is centred, positive values move it to the left.

    Returns
    -------
    ndarray
        Of the shape of `input`.
    """
    if type(size) is int:
        result = _core.ndimage_axes(input, size, axis, output, mode, cval, origin)
        if result is not NotImplemented:
            return result
    return _filters.uniform_filter1d(input, size, axis, output, mode, cval, origin)


def uniform_filter(
    input: ArrayLike,
    size: int | Sequence[int] = 3,
    output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take means over boxes.

    Parameters
    ----------
    input : array_like
        Of bool, integers, float32, float64, complex64 or complex128.
    size : int or sequence of int
        Samples of a mean along each axis.
    output : ndarray, dtype, str or None
        Where the result goes, or its dtype.
    mode : str or sequence of str
        The boundary, or one for each axis.
    cval : scalar
        Beyond the ends, where the mode is "constant".
    origin : int or sequence of int
        Moves the kernel: 0 is centred, positive values move it to the left; or one for each axis.
    axes : int, sequence of int or None
        The axes that are filtered; None takes all.

    Returns
    -------
    ndarray
        Of the shape of `input`.

    Examples
    --------
    >>> from convcorr.scipy import ndimage
    >>> ndimage.uniform_filter([0.0, 0.0, 3.0, 0.0, 0.0], 3)
    array([0., 1., 1., 1., 0.])
    """
    if type(size) is int and axes is None:
        result = _core.ndimage_axes(input, size, None, output, mode, cval, origin)
        if result is not NotImplemented:
            return result
    return _filters.uniform_filter(input, size, output, mode, cval, origin, axes)


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
        return _filters.derivative(input, axis, output, mode, cval, _SOBEL)
    return result


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
        return _filters.derivative(input, axis, output, mode, cval, _PREWITT)
    return result


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
    if output is None and axes is None and type(input) is np.ndarray:
        kernel = _filters.laplace_kernel(input.ndim, input.dtype.char)
        if kernel is not None:
            result = _core.ndimage_correlate(input, kernel, None, mode, cval, 0, None)
            if result is not NotImplemented:
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
    ndim = np.ndim(input)
    chosen = _filters.checked_axes(axes, ndim)
    named = dict(zip(chosen, _filters.per_axis(sigma, len(chosen)), strict=True))
    sigmas = [named.get(axis, 0) for axis in range(ndim)]
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
    return _filters.over_axes(input, _gaussian_derivative, output, mode, cval, axes, (1, sigma), kwargs, squares=True)


def _gaussian_derivative(
    input: Array, axis: int, output: Any, mode: str, cval: complex, order: int, sigma: Any, **kwargs: Any
) -> Array:
    orders = [0] * input.ndim
    orders[axis] = order
    return gaussian_filter(input, sigma, orders, output, mode, cval, **kwargs)
