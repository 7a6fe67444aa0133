"""Convolution and correlation of arrays: the two functions that the package is named after, and their lags.

Each `def` hands its arguments on by position, because a call on a short signal costs less
than a Python keyword dictionary. What they mean is written here; what they do is in the compiled `_core`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._arguments import count
from ._core import convolve as _convolve
from ._core import correlate as _correlate
from ._low_rank import approximate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from ._types import Array, Axes, Boundary, Integer, Lags, Method, Mode, Number, PerAxis


def convolve(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode = "full",
    *,
    axes: Axes = None,
    boundary: PerAxis[Boundary] = "constant",
    fill_value: Number = 0,
    method: Method = "auto",
    stride: PerAxis[Integer] = 1,
    dilation: PerAxis[Integer] = 1,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
    rtol: float | None = None,
) -> Array:
    """Convolve the data `x` with the kernel `h`, along any of their axes.

    The definition, with n and m running over the convolved axes::

        y[n] = sum_m x[n - m] h[m]

    Outside its array x is what `boundary` says. `x` is the data and `h` the kernel: they are never swapped, whichever
    is longer. Below, N and K are their lengths along a convolved axis.

    Parameters
    ----------
    x : array_like
        The data: bool, any integer, float16, float32, float64, longdouble or their complex kinds; at least 1-D; any
        strides, alignment and byte order. Never changed.
    h : array_like
        The kernel, of the same kinds.
    mode : {"full", "same", "valid"}
        Which outputs are kept, along each convolved axis.

        - "full": every n where x and h overlap, N + K - 1 outputs;
        - "same": N outputs, those of "full" from (K - 1)//2 on, so that they lie centred on x;
        - "valid": only where h lies inside x, N - K + 1 outputs; needs K <= N.
    axes : int or sequence of int, optional
        The axes convolved. The shapes are aligned at the right as NumPy broadcasting does, and `axes` counts in the
        longer one. The other axes broadcast (equal, or 1), so that one call takes a batch of signals, a kernel for each
        signal, or a bank of filters. None: all axes, and then `x.ndim == h.ndim`.
    boundary : {"constant", "edge", "symmetric", "reflect", "wrap"} or a sequence with one per convolved axis
        How x goes on outside its array in "full" and "same", with the meanings of `numpy.pad`, for kernels of any
        length. "valid" never looks outside.
    fill_value : scalar
        The value outside x for the boundary "constant"; it must be exact in an integer result. With 0, samples outside
        contribute nothing at all: an infinite tap over them makes no NaN.
    method : {"auto", "direct", "fft", "separable"}
        The algorithm.

        - "auto": the one predicted to be fastest, and safe: see the notes. `explain` shows the choice;
        - "direct": sums the products as they stand;
        - "fft": by Fourier transforms of stretches of x (overlap-save), made for long kernels. Where no transform
          serves, an exact method computes it: integers and bool, which must not be rounded; longdouble; kernels of one
          tap; more than 4 convolved axes with several taps;
        - "separable": axis after axis, of a kernel that is an outer product of kernels along one axis each, as a
          Gaussian is: sums of K0 + K1 products instead of K0 K1. "auto" takes it too where a kernel is one. Bool,
          longdouble, a bank of kernels and a complex kernel on real data (or the reverse) are computed directly.
    stride : int or a sequence with one per convolved axis
        Keep outputs 0, s, 2s, ... of what stride 1 gives: ceil(length/s) of them. At least 1 [samples].
    dilation : int or a sequence with one per convolved axis
        Distance between neighbouring taps; K counts as (K - 1) d + 1 everywhere above. At least 1 [samples].
    dtype : dtype, optional
        Type of the result, by default `numpy.result_type(x, h)`. Sums are kept in the wider of the two.
    out : ndarray, optional
        Array for the result: exact shape and dtype, writable, any strides. It may overlap `x` and `h`.
    threads : int, optional
        Threads for this call, at least 1. By default as many as `get_num_threads` says.
    rtol : float, optional
        Take the fewest outer products that leave at most this part of h, norm(h - products) <= rtol norm(h), each of
        them as with "separable"; at least 0, below 1. For an h of floats with several taps along two axes, and
        "separable" or, where they are predicted to be faster, "auto". Each output is then off by up to rtol
        norm(x in n's window) norm(h) more; `explain` tells how many products there are and what they leave. None: no
        approximation is made.

    Returns
    -------
    ndarray
        `out` if it was given. The shape is that of `x` and `h` broadcast together, with each convolved axis as long as
        `mode` and `stride` say. The values have the units of x times those of h.

    Raises
    ------
    TypeError
        For data that is not numeric (object, string, datetime), a masked array, an argument of the wrong type, or a
        `dtype` that cannot hold the result's kind.
    ValueError
        For an array that is 0-d or empty along a convolved axis, shapes that do not fit, repeated or out-of-range
        `axes`, an unknown name, a kernel longer than the data in "valid", a `stride`, `dilation` or `threads` below 1,
        a `fill_value` that the result cannot hold, an `out` of the wrong shape or dtype or that is read-only, an `h`
        that "separable" can't take apart, or an `rtol` out of range or with another kernel than it takes.
    MemoryError
        If the result or the scratch memory cannot be had; checked before anything is allocated.

    See Also
    --------
    correlate : the same sum with the kernel the other way round.
    plan : the same for many arrays of one shape, with the kernel prepared once.
    explain : which algorithm would be taken, and why.
    convcorr.numpy.convolve : in place of `numpy.convolve`, with its arguments and its habits.

    Notes
    -----
    The sum is that of A. V. Oppenheim and R. W. Schafer, *Discrete-Time Signal Processing*, 3rd ed., section 2.3.

    Integers are exact modulo 2**bits under every method; bool is the or of ands; float16 is summed in float32 and
    rounded once. With "direct" each float output is off by at most K u/(1 - K u) (abs(x) * abs(h))[n], where K is the
    number of taps and u the unit roundoff (N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed.,
    section 3.1). With "auto" and "fft" it is off by at most 8 u log2(K + 1) norm(x in n's window) norm(h), with
    Euclidean norms: a loud sample elsewhere in x doesn't count, and a window of zeros gives zero. NaN and infinities
    reach the same outputs under every method. The number of threads never changes a bit of the result.

    That h is an outer product is proved tap by tap: each product of factors is within 16 u of its tap, or within u/256
    of the largest one. So "separable" is off by at most (K0 + K1 + 20) u (abs(x) * abs(h))[n] on two axes, and u/256 of
    the largest tap for each sample. Whole numbers are taken apart exactly. A sum along one axis that overflows is
    infinite, even where the sum along all of them would not be.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr import convolve
    >>> convolve([1, 2, 3], [0, 1, 2])
    array([0, 1, 4, 7, 6])
    >>> convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], "same")
    array([1. , 2.5, 4. ])
    >>> convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], "same", boundary="edge")
    array([1.5, 2.5, 4. ])

    A picture, blurred by the mean of 3 by 3 pixels:

    >>> picture = np.zeros((4, 4))
    >>> picture[0, 0] = 9
    >>> convolve(picture, np.full((3, 3), 1 / 9), "same", boundary="symmetric")
    array([[4., 2., 0., 0.],
           [2., 1., 0., 0.],
           [0., 0., 0., 0.],
           [0., 0., 0., 0.]])

    A bank of 8 filters over 64 signals:

    >>> convolve(np.ones((64, 1000)), np.ones((8, 1, 31)), "same", axes=-1).shape
    (8, 64, 1000)
    """
    if rtol is None:
        return _convolve(x, h, mode, axes, boundary, fill_value, method, stride, dilation, dtype, out, threads)
    return approximate(
        "convolve", rtol, (x, h, mode, axes, boundary, fill_value, method, stride, dilation, dtype, out, threads)
    )


def correlate(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode = "full",
    *,
    axes: Axes = None,
    boundary: PerAxis[Boundary] = "constant",
    fill_value: Number = 0,
    method: Method = "auto",
    stride: PerAxis[Integer] = 1,
    dilation: PerAxis[Integer] = 1,
    lags: Lags = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
    rtol: float | None = None,
) -> Array:
    """Correlate the data `x` with the kernel `h`, along any of their axes.

    The definition, with n and m running over the convolved axes::

        y[n] = sum_m x[n + m] conj(h[m])

    The output at lag n says how well x, from sample n on, looks like h: a copy of h that begins at x[n] makes a peak
    there. It equals the convolution with the kernel reversed along the convolved axes and conjugated.

    Parameters
    ----------
    x, h : array_like
        The data and the kernel, as for `convolve`. Never swapped: lag n always means x shifted against h by n.
    mode : {"full", "same", "valid"}
        Which lags are kept, along each convolved axis; `correlation_lags` lists them.

        - "full": every overlap, lags -(K - 1) to N - 1;
        - "same": N of them, from -(K - 1) + (K - 1)//2 on;
        - "valid": only where h lies inside x, lags 0 to N - K; needs K <= N.
    axes, boundary, fill_value, method, stride, dilation : optional
        As for `convolve`.
    lags : (int, int), optional
        The first and the last lag wanted, both included [samples], at the cost of those lags alone. One convolved axis
        and mode "full" only. Lags without any overlap are allowed: x goes on there as `boundary` says. `stride` then
        counts from the first of them.
    dtype, out, threads, rtol : optional
        As for `convolve`.

    Returns
    -------
    ndarray
        `out` if it was given. As for `convolve`; with `lags=(lo, hi)` the convolved axis is hi - lo + 1 long.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `convolve`; also ValueError for `lags` that are reversed, or given with several convolved axes or another
        mode than "full".

    See Also
    --------
    convolve : the same sum with the kernel the other way round.
    correlation_lags : the lag of each output.
    plan, explain : as for `convolve`; with `op="correlate"`.
    convcorr.numpy.correlate : in place of `numpy.correlate`, with its arguments and its habits.

    Notes
    -----
    The sum is that of `numpy.correlate` and of J. G. Proakis and D. G. Manolakis, *Digital Signal Processing*, 4th ed.,
    section 2.6, where the second sequence is conjugated. Exactness, rounding, methods and threads are as for
    `convolve`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr import correlate, correlation_lags
    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    array([0.5, 2. , 3.5, 3. , 0. ])
    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], lags=(-1, 1))
    array([2. , 3.5, 3. ])
    >>> correlate([1j, 2], [1j, 1], "valid").real
    array([3.])

    Where does a pulse begin that was sent as h?

    >>> pulse = np.array([1, -1, 1, 1])
    >>> received = np.zeros(20, dtype=int)
    >>> received[7:11] = pulse
    >>> int(correlation_lags(20, 4)[correlate(received, pulse).argmax()])
    7
    """
    if rtol is None:
        return _correlate(x, h, mode, axes, boundary, fill_value, method, stride, dilation, lags, dtype, out, threads)
    return approximate(
        "correlate", rtol, (x, h, mode, axes, boundary, fill_value, method, stride, dilation, lags, dtype, out, threads)
    )


def correlation_lags(n_x: int, n_h: int, mode: Mode = "full") -> NDArray[np.intp]:
    """Lags of the outputs of `correlate`, for data of `n_x` samples and a kernel of `n_h`.

    Lag n compares h[m] with x[n + m]: positive lags move the kernel to the right.

    Parameters
    ----------
    n_x, n_h : int
        Lengths, at least 1 [samples]. A kernel of K taps at dilation d counts as (K - 1) d + 1.
    mode : {"full", "same", "valid"}
        As given to `correlate`.

    Returns
    -------
    ndarray of intp, shape (n_out,)
        Ascending, one per output [samples]. With a stride s, take every s-th.

    Raises
    ------
    TypeError
        If a length is not an int, or `mode` is not a string.
    ValueError
        If a length is below 1, `mode` is unknown, or `n_h > n_x` in "valid".

    Notes
    -----
    "full" has the lags -(n_h - 1) to n_x - 1. "same" has n_x of them, starting (n_h - 1)//2 later, whatever the
    parities of the two lengths, so that they are the lags of what `correlate` returns. (Those of
    `scipy.signal.correlation_lags` are off by one there for odd n_x and even n_h.) "valid" has 0 to n_x - n_h.

    Examples
    --------
    >>> from convcorr import correlation_lags
    >>> correlation_lags(4, 3)
    array([-2, -1,  0,  1,  2,  3])
    >>> correlation_lags(5, 4, "same")
    array([-2, -1,  0,  1,  2])
    >>> correlation_lags(4, 3, "valid")
    array([0, 1])
    """
    n_x, n_h = count("n_x", n_x), count("n_h", n_h)
    if not isinstance(mode, str):
        raise TypeError(f"mode must be a string, got {mode!r} ({type(mode).__name__})")
    if mode == "full":
        return np.arange(1 - n_h, n_x, dtype=np.intp)
    if mode == "same":
        first = (n_h - 1) // 2 - (n_h - 1)
        return np.arange(first, first + n_x, dtype=np.intp)
    if mode == "valid":
        if n_h > n_x:
            raise ValueError(f"mode 'valid' needs n_h <= n_x, got n_h={n_h} and n_x={n_x}")
        return np.arange(n_x - n_h + 1, dtype=np.intp)
    raise ValueError(f"mode must be 'full', 'same' or 'valid', got {mode!r}")
