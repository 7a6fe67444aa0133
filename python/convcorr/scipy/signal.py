"""`scipy.signal`'s convolution and correlation, faster: the same arguments, results, dtypes and errors.

SciPy need not be installed. If it is, it answers what is left to it: object arrays, longdouble, arrays of other
libraries.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ._choice import chosen_method, least_seconds
from ._frequency import convolve_axes
from ._methods import slide_by_method
from ._operands import read
from ._peer import ask
from ._signal_2d import convolve2d, correlate2d, sepfir2d
from ._slide import is_swapped, mode_named

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._types import Array

__all__ = [
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "fftconvolve",
    "oaconvolve",
    "sepfir2d",
]


def convolve(in1: ArrayLike, in2: ArrayLike, mode: str = "full", method: str = "auto") -> Any:
    """Convolve two N-dimensional arrays, as `scipy.signal.convolve` does.

    The definition, with n and m running over all axes::

        c[n] = sum_m in1[n - m] in2[m]

    with both arrays zero outside. Below, N and K are their lengths along an axis.

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions.
    mode : {"full", "same", "valid"}
        N + K - 1 outputs along each axis; or N, those of "full" from (K - 1)//2 on; or the abs(N - K) + 1 where one
        array contains the other, whichever of them that is.
    method : {"auto", "direct", "fft"}
        "direct" sums the products as they stand. "auto" and "fft" take what the engine predicts to be fastest.

    Returns
    -------
    ndarray or scalar
        Of dtype `numpy.result_type(in1, in2)`. A scalar where both arrays are 0-d.

    Raises
    ------
    ValueError
        As SciPy: if the numbers of dimensions differ, a name is unknown, an array is empty, neither array contains the
        other in "valid", or sums are asked of bool or float16 arrays of several dimensions. Under "auto" also where
        one array holds integers and the other NaN (OverflowError for infinity).
    TypeError
        For arrays that are not numeric, where SciPy is not installed.

    Warns
    -----
    RuntimeWarning
        With "fft", if a result is NaN or infinite. Here it is alone: it doesn't spread as in SciPy.

    See Also
    --------
    convcorr.convolve : axes, boundaries, strides, output arrays; never exchanges its arguments.

    Notes
    -----
    The contract is SciPy's documentation of `scipy.signal.convolve`, and SciPy's tests are run against this function.
    Integers are exact modulo 2**bits under every method. Rounding is as for `convcorr.convolve`.

    Examples
    --------
    >>> from convcorr.scipy.signal import convolve
    >>> convolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    >>> convolve([[1, 2], [3, 4]], [[1, 1], [1, 1]], mode="same")
    array([[ 1,  3],
           [ 4, 10]])
    """
    x, h, reason = read(in1, in2)
    if reason:
        return ask("scipy.signal.convolve", reason, in1, in2, mode, method)
    if x.ndim == h.ndim == 0:
        return x * h
    if x.ndim != h.ndim:
        raise ValueError("volume and kernel should have the same dimensionality")
    if is_swapped(x, h, mode, range(x.ndim)):
        x, h = h, x
    return slide_by_method(x, h, mode, method, correlates=False)


def correlate(in1: ArrayLike, in2: ArrayLike, mode: str = "full", method: str = "auto") -> Any:
    """Correlate two N-dimensional arrays, as `scipy.signal.correlate` does.

    The definition, with n and m running over all axes::

        c[n] = sum_m in1[n + m] conj(in2[m])

    with both arrays zero outside.

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions.
    mode : {"full", "same", "valid"}
        Which outputs are kept, as for `convolve`. Along each axis "full" begins at n = -(K - 1), "same" at
        -(K - 1) + (K - 1)//2, and "valid" at 0, or at N - K where in2 is the longer one.
    method : {"auto", "direct", "fft"}
        As for `convolve`.

    Returns
    -------
    ndarray or scalar
        Of dtype `numpy.result_type(in1, in2)`. A scalar where both arrays are 0-d.

    Raises
    ------
    ValueError, TypeError
        As for `convolve`.

    See Also
    --------
    correlation_lags : the lags of the outputs, in one dimension.
    convcorr.correlate : axes, boundaries, ranges of lags; never exchanges its arguments.

    Notes
    -----
    The contract is SciPy's documentation of `scipy.signal.correlate`, and SciPy's tests are run against this function.

    Examples
    --------
    >>> from convcorr.scipy.signal import correlate
    >>> correlate([1, 2, 3], [0, 1, 0.5])
    array([0.5, 2. , 3.5, 3. , 0. ])
    >>> correlate([1j, 2], [1j, 1], mode="valid").real
    array([3.])
    """
    x, h, reason = read(in1, in2)
    if reason:
        return ask("scipy.signal.correlate", reason, in1, in2, mode, method)
    if x.ndim == h.ndim == 0:
        return x * np.conj(h) if h.dtype.kind == "c" else x * h
    if x.ndim != h.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    mode_named(mode)
    is_swapped(x, h, mode, range(x.ndim))
    return slide_by_method(x, h, mode, method, correlates=True)


def fftconvolve(in1: ArrayLike, in2: ArrayLike, mode: str = "full", axes: Any = None) -> Any:
    """Convolve two N-dimensional arrays along some axes, as `scipy.signal.fftconvolve` does.

    The definition, with n and m running over the convolved axes::

        c[n] = sum_m in1[n - m] in2[m]

    with both arrays zero outside.

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions.
    mode : {"full", "same", "valid"}
        As for `convolve`. "same" is cut to in1's shape along the axes that broadcast, too.
    axes : int or sequence of int, optional
        The axes convolved, by default all. The others broadcast (equal, or 1).

    Returns
    -------
    ndarray or scalar
        Integers and bool become float64, float16 float32; other types are kept. Where every convolved axis has one
        sample in either array, the result is `in1 * in2` in its own type. An empty array gives an empty result.

    Raises
    ------
    ValueError
        As SciPy: for numbers of dimensions that differ, shapes that don't broadcast, axes that are repeated, empty or
        out of range, an unknown mode, or arrays neither of which contains the other in "valid".
    TypeError
        For arrays that are not numeric, where SciPy is not installed.

    See Also
    --------
    convcorr.convolve : boundaries, strides, output arrays, integers that stay integers.

    Notes
    -----
    Whether transforms are used is the engine's choice: they are where they are faster. Unlike in SciPy, NaN and
    infinities stay within the reach of the shorter array, and a loud sample doesn't spoil quiet ones far away.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.scipy.signal import fftconvolve
    >>> fftconvolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    >>> fftconvolve(np.ones((3, 100)), np.ones((1, 9)), mode="same", axes=1).shape
    (3, 100)
    """
    x, h, reason = read(in1, in2)
    if reason:
        return ask("scipy.signal.fftconvolve", reason, in1, in2, mode, axes)
    return convolve_axes(x, h, mode, axes)


def oaconvolve(in1: ArrayLike, in2: ArrayLike, mode: str = "full", axes: Any = None) -> Any:
    """Convolve two N-dimensional arrays of unlike sizes, as `scipy.signal.oaconvolve` does.

    The definition, with n and m running over the convolved axes::

        c[n] = sum_m in1[n - m] in2[m]

    with both arrays zero outside. The engine works in blocks wherever that is faster, so that this is `fftconvolve`
    by another name.

    Parameters
    ----------
    in1, in2, mode, axes
        As for `fftconvolve`.

    Returns
    -------
    ndarray or scalar
        As `fftconvolve`: integers and bool become float64, float16 float32.

    Raises
    ------
    ValueError, TypeError
        As for `fftconvolve`.

    See Also
    --------
    fftconvolve : the same.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.scipy.signal import oaconvolve
    >>> oaconvolve(np.arange(5), [1, 1], mode="valid")
    array([1., 3., 5., 7.])
    """
    x, h, reason = read(in1, in2)
    if reason:
        return ask("scipy.signal.oaconvolve", reason, in1, in2, mode, axes)
    return convolve_axes(x, h, mode, axes)


def correlation_lags(in1_len: int, in2_len: int, mode: str = "full") -> Array:
    """Lags of the outputs of `correlate` in one dimension, as `scipy.signal.correlation_lags` has them.

    Output i of a correlation is sum_m in1[lags[i] + m] conj(in2[m]); but see the notes.

    Parameters
    ----------
    in1_len, in2_len : int
        The lengths of the two signals [samples].
    mode : {"full", "same", "valid"}
        As given to `correlate`.

    Returns
    -------
    ndarray of int
        Ascending, one per output [samples].

    Raises
    ------
    ValueError
        If the mode is unknown.

    See Also
    --------
    convcorr.correlation_lags : right for every parity of the two lengths.

    Notes
    -----
    In "same" with an odd in1_len and an even in2_len, SciPy's lags are one too large, and so are these.

    Examples
    --------
    >>> from convcorr.scipy.signal import correlation_lags
    >>> correlation_lags(4, 3)
    array([-2, -1,  0,  1,  2,  3])
    >>> correlation_lags(5, 4, mode="same")
    array([-1,  0,  1,  2,  3])
    """
    if mode == "valid":
        extra = in1_len - in2_len
        return np.arange(extra + 1) if extra >= 0 else np.arange(extra, 1)
    if mode not in ("full", "same"):
        raise ValueError(f"Mode {mode} is invalid")
    lags = np.arange(1 - in2_len, in1_len)
    if mode == "full":
        return lags
    first = lags.size // 2 - in1_len // 2
    return lags[first : first + in1_len]


def choose_conv_method(in1: ArrayLike, in2: ArrayLike, mode: str = "full", measure: bool = False) -> Any:
    """The method that SciPy would take for a convolution, as `scipy.signal.choose_conv_method` says.

    ::

        "fft" if c1 3 P log(P) < c2 S + c3 else "direct"

    where P is the number of points of the "full" result, S that of the products of direct sums, and c1, c2 and c3 are
    times measured on SciPy's own routines. Integers that float64 can't hold exactly are "direct", and so are bools.

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions.
    mode : {"full", "same", "valid"}
        As for `convolve`.
    measure : bool
        Time this module's `convolve` with both methods instead.

    Returns
    -------
    method : str
        "fft" or "direct".
    times : dict of str to float
        The times of both [s]. Only with `measure`.

    Raises
    ------
    ValueError
        If the mode is unknown.

    See Also
    --------
    convcorr.explain : what this package's engine would take, and why.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.scipy.signal import choose_conv_method
    >>> choose_conv_method(np.ones(100), np.ones(5))
    'direct'
    >>> choose_conv_method(np.ones((500, 500)), np.ones((50, 50)))
    'fft'
    """
    x, h, reason = read(in1, in2)
    if reason:
        return ask("scipy.signal.choose_conv_method", reason, in1, in2, mode, measure)
    if not measure:
        return chosen_method(x, h, mode)
    times = {name: least_seconds(partial(convolve, x, h, mode, name)) for name in ("fft", "direct")}
    return min(times, key=times.__getitem__), times
