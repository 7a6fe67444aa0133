"""The layers: correlations of signals, images and volumes with weights that sum over channels."""

# As many arguments by position as PyTorch's functions take.
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import TYPE_CHECKING

from ._core import nn_layer as _layer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from ._types import Algorithm, Array, Boundary, Integer, Layout, Padding, PerAxis


def conv1d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    dilation: PerAxis[Integer] = 1,
    groups: Integer = 1,
    *,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
) -> Array:
    """Correlate a batch of signals with the weights of a layer: `conv2d` for one spatial axis.

    The definition::

        y[n, (g, o), p] = bias[g, o] + sum_{i, j} x[n, (g, i), p stride + j dilation - padding] w[(g, o), i, j]

    Parameters
    ----------
    x : array_like
        The signals, (N, C, length), or as `layout` says; without N, one of them.
    w : array_like
        The weights, (O, C/groups, *kernel) in either layout.
    bias, stride, padding, dilation, groups, flip, padding_mode, algorithm, dtype, out, threads : optional
        As for `conv2d`.
    layout : {"NCHW", "NHWC"}
        Channels first or last; "NCL" and "NLC" are the same.

    Returns
    -------
    ndarray
        `out`, or a new array in the layout of x, with the size that `conv2d` tells.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d`.

    Notes
    -----
    As PyTorch has it (`torch.nn.functional.conv1d`): see `conv2d`.

    Examples
    --------
    >>> from convcorr.nn import conv1d
    >>> conv1d([[1.0, 2.0, 3.0, 4.0]], [[[1.0, 10.0]]], dilation=2)
    array([[31., 42.]])
    >>> conv1d([[1.0, 2.0, 3.0, 4.0]], [[[1.0, 10.0]]], padding=((1, 0),), flip=True)
    array([[ 1., 12., 23., 34.]])
    """
    return _layer(
        "conv", 1, x, w, None, bias, stride, padding, 0, dilation, groups, layout, flip, padding_mode, algorithm, dtype,
        out, threads,
    )  # fmt: skip


def conv2d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    dilation: PerAxis[Integer] = 1,
    groups: Integer = 1,
    *,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
) -> Array:
    """Correlate a batch of images, of two spatial axes, with the weights of a layer.

    The definition, with g a group, o one of its O/groups output channels, i and j running over its C/groups input
    channels and the taps::

        y[n, (g, o), p] = bias[g, o] + sum_{i, j} x[n, (g, i), p stride + j dilation - padding] w[(g, o), i, j]

    w is not conjugated. Positions outside x are zero, or what `padding_mode` says.

    Parameters
    ----------
    x : array_like
        The images, (N, C, height, width) or (N, height, width, C) as `layout` says; without N, one image. float16,
        float32, float64, longdouble, their complex kinds, or any integers. Never changed.
    w : array_like
        The weights, (O, C/groups, *kernel) in either layout.
    bias : array_like, optional
        O numbers, added to the output channels. Their type must be of the kind of the result's.
    stride : int or tuple of int
        Distance of neighbouring outputs, at least 1 [samples]. Here and below, a tuple has one for each spatial axis.
    padding : int, tuple of int, tuple of pairs, "same" or "valid"
        Samples before and after each spatial axis, at least 0: the same number at both ends, or a pair (before, after).
        "valid" is 0. "same" keeps the size, for stride 1; an odd number of samples has its last one at the end.
    dilation : int or tuple of int
        Distance of neighbouring taps, at least 1 [samples].
    groups : int
        Groups of channels that don't see each other. It divides C and O; groups = C is a depthwise layer.
    layout : {"NCHW", "NHWC"}
        Whether channels come first or last in x and in the result; also "NCL" and "NLC" for signals, "NCDHW" and
        "NDHWC" for volumes. The first two serve any number of axes.
    flip : bool
        Take the taps of w back to front: a convolution, where without it the layer is a correlation.
    padding_mode : {"constant", "edge", "symmetric", "reflect", "wrap"}
        What is outside x, with the meanings of `numpy.pad`; "constant" is zeros.
    algorithm : {"auto", "direct", "im2col", "winograd", "fft", "depthwise"}
        How to compute. One that can't serve is replaced by "auto", the one predicted to be fastest.
    dtype : dtype, optional
        Type of the result and, if it is wider, of the sums; by default `numpy.result_type(x, w)`. With integers, sums
        are exact modulo 2**bits: give `numpy.int32` for uint8 or int8 images, whose own type would wrap round.
    out : ndarray, optional
        Array for the result: exact shape and dtype, writable, any strides. It may overlap the inputs.
    threads : int, optional
        Threads for this call, at least 1. By default as many as `convcorr.get_num_threads` says.

    Returns
    -------
    ndarray
        `out`, or a new array in the layout of x with O channels and, along a spatial axis of N samples and K taps,
        (N + before + after - (K - 1) dilation - 1)//stride + 1 outputs.

    Raises
    ------
    TypeError
        For data that is not numeric, a masked array, an argument of the wrong type, a `dtype` or a `bias` of another
        kind than the result, or sums of bool, which have no type to be counted in.
    ValueError
        For shapes that don't fit each other, an axis without channels, samples or taps (a batch of no image is taken),
        a kernel longer than the padded x, "same" with a stride, a number or a name out of range, or an `out` of the
        wrong shape or dtype or that is read-only. The message names the argument and the numbers.
    MemoryError
        If the result or the scratch memory cannot be had; checked before anything is allocated.

    See Also
    --------
    conv_transpose2d, conv2d_grad_input, conv2d_grad_weight : the other ways through the same weights.
    plan : the same weights for many x.
    explain : which algorithm would be taken.

    Notes
    -----
    This is the cross-correlation of I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning* (2016), section 9.1,
    with the conventions of `torch.nn.functional.conv2d`. float16 is summed in float32 and rounded before or after
    `bias` is added; integers are exact. The number of threads never changes a bit of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import conv2d
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> conv2d(x, np.ones((1, 1, 3, 3)), [100.0], stride=2, padding=1)
    array([[[[110., 124.],
             [151., 190.]]]])

    The same for images with channels last, and for integers:

    >>> conv2d(np.ones((8, 32, 32, 3)), np.ones((16, 3, 5, 5)), padding="same", layout="NHWC").shape
    (8, 32, 32, 16)
    >>> pixels = np.full((3, 8, 8), 200, np.uint8)
    >>> conv2d(pixels, np.full((1, 3, 8, 8), -100, np.int8), dtype=np.int32)
    array([[[-3840000]]], dtype=int32)
    """
    return _layer(
        "conv", 2, x, w, None, bias, stride, padding, 0, dilation, groups, layout, flip, padding_mode, algorithm, dtype,
        out, threads,
    )  # fmt: skip


def conv3d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    dilation: PerAxis[Integer] = 1,
    groups: Integer = 1,
    *,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
) -> Array:
    """Correlate a batch of volumes with the weights of a layer: `conv2d` for three spatial axes.

    The definition::

        y[n, (g, o), p] = bias[g, o] + sum_{i, j} x[n, (g, i), p stride + j dilation - padding] w[(g, o), i, j]

    Parameters
    ----------
    x : array_like
        The volumes, (N, C, depth, height, width), or as `layout` says; without N, one of them.
    w : array_like
        The weights, (O, C/groups, *kernel) in either layout.
    bias, stride, padding, dilation, groups, flip, padding_mode, algorithm, dtype, out, threads : optional
        As for `conv2d`.
    layout : {"NCHW", "NHWC"}
        Channels first or last; "NCDHW" and "NDHWC" are the same.

    Returns
    -------
    ndarray
        `out`, or a new array in the layout of x, with the size that `conv2d` tells.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d`.

    Notes
    -----
    As PyTorch has it (`torch.nn.functional.conv3d`): see `conv2d`.

    Examples
    --------
    >>> from convcorr.nn import conv3d
    >>> import numpy as np
    >>> conv3d(np.ones((2, 4, 8, 8, 8), np.float32), np.ones((6, 4, 3, 3, 3), np.float32), padding=1, stride=2).shape
    (2, 6, 4, 4, 4)
    """
    return _layer(
        "conv", 3, x, w, None, bias, stride, padding, 0, dilation, groups, layout, flip, padding_mode, algorithm, dtype,
        out, threads,
    )  # fmt: skip
