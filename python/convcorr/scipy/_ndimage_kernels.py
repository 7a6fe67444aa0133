"""Given kernels: functions of `convcorr.scipy.ndimage`, which says what they have in common."""

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
        theirs = answer_of_scipy("correlate", input, weights, output, mode, cval, origin, axes=axes)
        if theirs is not None:
            return theirs
        return _filters.correlate(input, weights, output, mode, cval, origin, axes, convolution=False)
    return cast("Array", result)


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
        theirs = answer_of_scipy("convolve", input, weights, output, mode, cval, origin, axes=axes)
        if theirs is not None:
            return theirs
        return _filters.correlate(input, weights, output, mode, cval, origin, axes, convolution=True)
    return cast("Array", result)


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
    result = _core.ndimage_correlate1d(input, weights, axis, output, mode, cval, origin)
    if result is NotImplemented:
        theirs = answer_of_scipy("correlate1d", input, weights, axis, output, mode, cval, origin)
        return _filters.correlate1d(input, weights, axis, output, mode, cval, origin) if theirs is None else theirs
    return cast("Array", result)


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
        theirs = answer_of_scipy("convolve1d", input, weights, axis, output, mode, cval, origin)
        return _filters.convolve1d(input, weights, axis, output, mode, cval, origin) if theirs is None else theirs
    return cast("Array", result)
