"""The functions of `convcorr.scipy.signal` for pictures: `convolve2d`, `correlate2d` and `sepfir2d`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._operands import read
from ._peer import ask
from ._planes import filter_separably, slide_planes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._types import Array


def convolve2d(in1: ArrayLike, in2: ArrayLike, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Array:
    """Convolve two 2-D arrays with a border of choice, as `scipy.signal.convolve2d` does.

    The definition, with n and m running over both axes::

        c[n] = sum_m in1[n - m] in2[m]

    where in1 goes on outside its array as `boundary` says.

    Parameters
    ----------
    in1, in2 : array_like, 2-D
        The data and the kernel.
    mode : {"full", "same", "valid"}
        As for `convolve`. The boundary counts in "full" too.
    boundary : {"fill", "wrap", "symm"}
        Outside in1: `fillvalue` (also "pad"), in1 again (also "circular"), or in1 reversed (also "symmetric").
    fillvalue : scalar
        In an integer result it loses its fraction.

    Returns
    -------
    ndarray
        Of dtype `numpy.result_type(in1, in2)`; integers wrap modulo 2**bits.

    Raises
    ------
    ValueError
        As SciPy: for arrays that are not 2-D, an unknown mode or boundary, bool or float16 arrays, a fillvalue that
        the result can't hold. Also for an empty array, which ends a process that asks SciPy.
    TypeError
        For arrays that are not numeric, where SciPy is not installed.

    See Also
    --------
    convcorr.convolve : other boundaries, any number of dimensions, strides, output arrays.

    Notes
    -----
    The contract is SciPy's documentation of `scipy.signal.convolve2d`, and SciPy's tests are run against this function.
    Large kernels are transformed under every boundary.

    Examples
    --------
    >>> from convcorr.scipy.signal import convolve2d
    >>> convolve2d([[1, 2], [3, 4]], [[1, 0, -1]], mode="same", boundary="wrap")
    array([[0, 0],
           [0, 0]])
    >>> convolve2d([[1, 2], [3, 4]], [[1, 0, -1]], mode="same")
    array([[ 2, -1],
           [ 4, -3]])
    """
    x, h, reason = read(in1, in2)
    if reason:
        theirs: Array = ask("scipy.signal.convolve2d", reason, in1, in2, mode, boundary, fillvalue)
        return theirs
    return slide_planes("convolve2d", x, h, mode, boundary=boundary, fillvalue=fillvalue)


def correlate2d(
    in1: ArrayLike, in2: ArrayLike, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Array:
    """Correlate two 2-D arrays with a border of choice, as `scipy.signal.correlate2d` does.

    The definition, with n and m running over both axes::

        c[n] = sum_m in1[n + m] conj(in2[m])

    where in1 goes on outside its array as `boundary` says.

    Parameters
    ----------
    in1, in2, boundary, fillvalue
        As for `convolve2d`.
    mode : {"full", "same", "valid"}
        Which outputs are kept. "same" begins at n = -((K - 1)//2) along an axis with a kernel of K: for even K that is
        one later than `correlate`.

    Returns
    -------
    ndarray
        Of dtype `numpy.result_type(in1, in2)`; integers wrap modulo 2**bits.

    Raises
    ------
    ValueError, TypeError
        As for `convolve2d`.

    See Also
    --------
    convcorr.correlate : other boundaries, any number of dimensions, strides, output arrays.

    Notes
    -----
    The contract is SciPy's documentation of `scipy.signal.correlate2d`, and SciPy's tests are run against this
    function. In "valid" with the larger array second, SciPy returns the conjugate of what it defines, and so does this;
    `correlate` is right there.

    Examples
    --------
    >>> from convcorr.scipy.signal import correlate, correlate2d
    >>> correlate2d([[1, 2, 3]], [[1, 10]], mode="same")
    array([[21, 32,  3]])
    >>> correlate([[1, 2, 3]], [[1, 10]], mode="same")
    array([[10, 21, 32]])
    """
    x, h, reason = read(in1, in2)
    if reason:
        theirs: Array = ask("scipy.signal.correlate2d", reason, in1, in2, mode, boundary, fillvalue)
        return theirs
    return slide_planes("correlate2d", x, h, mode, boundary=boundary, fillvalue=fillvalue)


def sepfir2d(input: ArrayLike, hrow: ArrayLike, hcol: ArrayLike, /) -> Array:  # noqa: A002  # SciPy's name
    """Convolve an image with a separable kernel, as `scipy.signal.sepfir2d` does.

    The definition, with K and L the lengths of `hrow` and `hcol`::

        y[r, c] = sum_i sum_j hcol[i] hrow[j] input[r + (L - 1)/2 - i, c + (K - 1)/2 - j]

    where the image goes on outside its array as its own reflection, edge samples repeated.

    Parameters
    ----------
    input : array_like, 2-D
        The image.
    hrow, hcol : array_like, 1-D, of odd lengths
        The taps along each row, and along each column. An array must be safe to cast to the image's type.

    Returns
    -------
    ndarray
        In the image's type as SciPy has it: `numpy.result_type(input, numpy.float32)`.

    Raises
    ------
    ValueError
        As SciPy: for an even length, a wrong number of dimensions, or longdouble. Also for an empty array.
    TypeError
        As SciPy: if the image is not numeric, or taps would lose digits.

    See Also
    --------
    convcorr.convolve : other boundaries and axes.

    Notes
    -----
    Kernels longer than the image, for which SciPy reads outside it, are right here.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.scipy.signal import sepfir2d
    >>> image = np.zeros((3, 4))
    >>> image[0, 1] = 4
    >>> sepfir2d(image, [0.25, 0.5, 0.25], [0.25, 0.5, 0.25])
    array([[0.75, 1.5 , 0.75, 0.  ],
           [0.25, 0.5 , 0.25, 0.  ],
           [0.  , 0.  , 0.  , 0.  ]])
    """
    return filter_separably(input, hrow, hcol)
