"""Gaussians and means: functions of `convcorr.scipy.ndimage`, which says what they have in common."""

# The names and the order of arguments are SciPy's.
# ruff: noqa: A002, PLR0917

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .. import _core
from . import _ndimage_filters as _filters
from ._ndimage_support import answer_of_scipy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from .._types import Array

_NUMBERS = frozenset((int, float))
_LEAST_SIGMA = 1e-15  # below it, nothing is filtered


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
    result = _core.ndimage_correlate1d(input, taps, axis, output, mode, cval, 0)
    if result is NotImplemented:
        theirs = answer_of_scipy(
            "gaussian_filter1d", input, sigma, axis, order, output, mode, cval, truncate, radius=radius
        )
        return _filters.correlate1d(input, taps, axis, output, mode, cval, 0) if theirs is None else theirs
    return cast("Array", result)


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
    if (
        axes is None
        and radius is None
        and type(sigma) in _NUMBERS
        and type(order) is int
        and cast("float", sigma) > _LEAST_SIGMA
    ):
        taps = _filters.gaussian_taps(sigma, order, truncate, None)
        result = _core.ndimage_axes(input, taps, None, output, mode, cval, 0)
        if result is not NotImplemented:
            return cast("Array", result)
    theirs = answer_of_scipy(
        "gaussian_filter", input, sigma, order, output, mode, cval, truncate, radius=radius, axes=axes
    )
    if theirs is not None:
        return theirs
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
    result = _core.ndimage_uniform1d(input, size, axis, output, mode, cval, origin)
    if result is NotImplemented:
        theirs = answer_of_scipy("uniform_filter1d", input, size, axis, output, mode, cval, origin)
        return _filters.uniform_filter1d(input, size, axis, output, mode, cval, origin) if theirs is None else theirs
    return cast("Array", result)


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
            return cast("Array", result)
    theirs = answer_of_scipy("uniform_filter", input, size, output, mode, cval, origin, axes=axes)
    return _filters.uniform_filter(input, size, output, mode, cval, origin, axes) if theirs is None else theirs
