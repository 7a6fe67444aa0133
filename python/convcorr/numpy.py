"""`numpy.convolve` and `numpy.correlate`, faster: the same arguments, results, dtypes and errors.

Whatever is out of the ordinary (object arrays, subclasses, arrays of other libraries, odd modes, bad input) is answered
by NumPy itself, so that a program may exchange one name for the other and notice nothing but the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._core import numpy_convolve as _convolve
from ._core import numpy_correlate as _correlate
from ._passed import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from ._types import Array, Mode

# NumPy's own, as they are now: they stay the ones to ask even where somebody later puts ours in their place.
_numpy_convolve: Callable[..., Array] = np.convolve
_numpy_correlate: Callable[..., Array] = np.correlate

__all__ = ["convolve", "correlate"]


def _reason(a: object, v: object) -> str:
    """Why NumPy answers: the first operand that is out of the ordinary, else some argument is."""
    for operand in (a, v):
        if type(operand) is np.ndarray:
            if operand.dtype.kind not in "biufc":
                return f"dtype {operand.dtype}"
        elif not isinstance(operand, (bool, int, float, complex, list, tuple, np.generic)):
            return f"{type(operand).__module__}.{type(operand).__qualname__}"
    return "an argument out of the ordinary"


def _left_to_numpy(name: str, function: Callable[..., Array], a: ArrayLike, v: ArrayLike, mode: Mode) -> Array:
    note(f"numpy.{name}", _reason(a, v))
    return function(a, v, mode)


def convolve(a: ArrayLike, v: ArrayLike, mode: Mode = "full") -> Array:
    """Convolve two 1-D sequences, as `numpy.convolve` does.

    The definition::

        c[n] = sum_m a[n - m] v[m]

    with a and v zero outside. Other than in `convcorr.convolve` the two are equals: the longer one counts as the data.
    Below, M and N are the lengths of the longer and the shorter one.

    Parameters
    ----------
    a, v : array_like, shapes (M,) and (N,) in either order
        Of any dtype; neither may be empty. A scalar counts as one sample.
    mode : {"full", "same", "valid"}
        M + N - 1 outputs, or the M central ones, or the M - N + 1 where the two overlap completely.

    Returns
    -------
    ndarray
        1-D, of dtype `numpy.result_type(a, v)`; integers wrap modulo 2**bits.

    Raises
    ------
    ValueError
        As NumPy: if an array is empty or has more than one dimension, or the mode is unknown.

    See Also
    --------
    convcorr.convolve : any number of dimensions, boundaries, strides, output arrays.

    Notes
    -----
    The contract is NumPy's own documentation of `numpy.convolve`, and its test suite is run against this function.

    Examples
    --------
    >>> from convcorr.numpy import convolve
    >>> convolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    """
    result = _convolve(a, v, mode)
    return _left_to_numpy("convolve", _numpy_convolve, a, v, mode) if result is NotImplemented else result


def correlate(a: ArrayLike, v: ArrayLike, mode: Mode = "valid") -> Array:
    """Correlate two 1-D sequences, as `numpy.correlate` does.

    The definition::

        c[n] = sum_m a[n + m] conj(v[m])

    with a and v zero outside. Where v is the longer one the two are exchanged, and the result is reversed and
    conjugated so that the definition still holds. Below, M and N are the lengths of the longer and the shorter one.

    Parameters
    ----------
    a, v : array_like, shapes (M,) and (N,) in either order
        Of any dtype; neither may be empty.
    mode : {"valid", "same", "full"}
        The M - N + 1 outputs where the two overlap completely (the default here), or the M central ones of "full", or
        all M + N - 1.

    Returns
    -------
    ndarray
        1-D, of dtype `numpy.result_type(a, v)`; integers wrap modulo 2**bits.

    Raises
    ------
    ValueError
        As NumPy: if an array is empty or not 1-D, or the mode is unknown.

    See Also
    --------
    convcorr.correlate : any number of dimensions, boundaries, ranges of lags; never exchanges its arguments.

    Notes
    -----
    The contract is NumPy's own documentation of `numpy.correlate`, and its test suite is run against this function.

    Examples
    --------
    >>> from convcorr.numpy import correlate
    >>> correlate([1, 2, 3], [0, 1, 0.5])
    array([3.5])
    >>> correlate([1, 2, 3], [0, 1, 0.5], "full")
    array([0.5, 2. , 3.5, 3. , 0. ])
    """
    result = _correlate(a, v, mode)
    return _left_to_numpy("correlate", _numpy_correlate, a, v, mode) if result is NotImplemented else result
