"""Transposed layers: what a layer's outputs give back to its inputs."""

# As many arguments by position as PyTorch's functions take.
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import TYPE_CHECKING

from ._core import nn_layer as _layer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from ._types import Algorithm, Array, Boundary, Integer, Layout, Padding, PerAxis


def conv_transpose1d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    output_padding: PerAxis[Integer] = 0,
    groups: Integer = 1,
    dilation: PerAxis[Integer] = 1,
    *,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
) -> Array:
    """Spread signals over the outputs of a layer: `conv_transpose2d` for one spatial axis.

    The definition::

        y[n, (g, o), p] = bias[g, o] + sum_{i, m, j} x[n, (g, i), m] w[(g, i), o, j]

    over the m and j with m stride + j dilation - padding = p.

    Parameters
    ----------
    x : array_like
        The signals, (N, C, length), or as `layout` says; without N, one of them.
    w : array_like
        The weights, (C, O/groups, *kernel) in either layout.
    bias, stride, padding, output_padding, groups, dilation : optional
        As for `conv_transpose2d`.
    layout, flip, padding_mode, algorithm, dtype, out, threads : optional
        As for `conv_transpose2d`.

    Returns
    -------
    ndarray
        `out`, or a new array in the layout of x, with the size that `conv_transpose2d` tells.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv_transpose2d`.

    Notes
    -----
    As PyTorch has it (`torch.nn.functional.conv_transpose1d`): see `conv_transpose2d`.

    Examples
    --------
    >>> from convcorr.nn import conv_transpose1d
    >>> conv_transpose1d([[1.0, 2.0, 3.0]], [[[1.0, 0.5]]])
    array([[1. , 2.5, 4. , 1.5]])
    """
    return _layer(
        "conv_transpose", 1, x, w, None, bias, stride, padding, output_padding, dilation, groups, layout, flip,
        padding_mode, algorithm, dtype, out, threads,
    )  # fmt: skip


def conv_transpose2d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    output_padding: PerAxis[Integer] = 0,
    groups: Integer = 1,
    dilation: PerAxis[Integer] = 1,
    *,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
) -> Array:
    """Spread images over the outputs of a layer: the adjoint of `conv2d`, of two spatial axes.

    The definition, with g a group, i running over its C/groups channels of x, o one of its output channels::

        y[n, (g, o), p] = bias[g, o] + sum_{i, m, j} x[n, (g, i), m] w[(g, i), o, j]

    over the m and j with m stride + j dilation - padding = p. Every sample of x sets down a copy of its taps, `stride`
    apart. With the same w, sum(conv2d(a, w) b) = sum(a conv_transpose2d(b, w)).

    Parameters
    ----------
    x : array_like
        The images, (N, C, height, width) or as `layout` says; without N, one image. Types are those of `conv2d`.
    w : array_like
        The weights, (C, O/groups, *kernel) in either layout: those of the layer that takes O channels to C.
    bias : array_like, optional
        O numbers, added to the output channels.
    stride : int or tuple of int
        Distance at which samples of x stand in the result, at least 1 [samples].
    padding : int, tuple of int, tuple of pairs, "same" or "valid"
        Samples left out at the ends of the result: those that the layer pads with. As for `conv2d`.
    output_padding : int or tuple of int
        Samples more at the end of each spatial axis, at least 0 and less than the larger of stride and dilation: it
        tells apart the sizes that a layer with a stride takes to the same one.
    groups, dilation, layout, flip, algorithm, dtype, out, threads : optional
        As for `conv2d`.
    padding_mode : {"constant"}
        No other is taken.

    Returns
    -------
    ndarray
        `out`, or a new array in the layout of x with O channels and, along a spatial axis of N samples and K taps,
        (N - 1) stride + (K - 1) dilation + 1 - before - after + output_padding outputs.

    Raises
    ------
    TypeError, MemoryError
        As for `conv2d`.
    ValueError
        As for `conv2d`; also for an `output_padding` that is too large, and a padding that leaves no output.

    See Also
    --------
    conv2d_grad_input : the same sums, to a size that is given.

    Notes
    -----
    As `torch.nn.functional.conv_transpose2d`; V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep
    learning* (2016), chapter 4, draws it.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import conv_transpose2d
    >>> x = np.array([[[[1.0, 2.0]]]])
    >>> conv_transpose2d(x, np.array([[[[1.0, 1.0], [5.0, 5.0]]]]), stride=2)
    array([[[[ 1.,  1.,  2.,  2.],
             [ 5.,  5., 10., 10.]]]])
    """
    return _layer(
        "conv_transpose", 2, x, w, None, bias, stride, padding, output_padding, dilation, groups, layout, flip,
        padding_mode, algorithm, dtype, out, threads,
    )  # fmt: skip


def conv_transpose3d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    output_padding: PerAxis[Integer] = 0,
    groups: Integer = 1,
    dilation: PerAxis[Integer] = 1,
    *,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
) -> Array:
    """Spread volumes over the outputs of a layer: `conv_transpose2d` for three spatial axes.

    The definition::

        y[n, (g, o), p] = bias[g, o] + sum_{i, m, j} x[n, (g, i), m] w[(g, i), o, j]

    over the m and j with m stride + j dilation - padding = p.

    Parameters
    ----------
    x : array_like
        The volumes, (N, C, depth, height, width), or as `layout` says; without N, one of them.
    w : array_like
        The weights, (C, O/groups, *kernel) in either layout.
    bias, stride, padding, output_padding, groups, dilation : optional
        As for `conv_transpose2d`.
    layout, flip, padding_mode, algorithm, dtype, out, threads : optional
        As for `conv_transpose2d`.

    Returns
    -------
    ndarray
        `out`, or a new array in the layout of x, with the size that `conv_transpose2d` tells.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv_transpose2d`.

    Notes
    -----
    As PyTorch has it (`torch.nn.functional.conv_transpose3d`): see `conv_transpose2d`.

    Examples
    --------
    >>> from convcorr.nn import conv_transpose3d
    >>> import numpy as np
    >>> conv_transpose3d(np.ones((6, 4, 4, 4)), np.ones((6, 2, 3, 3, 3)), stride=2, padding=1, output_padding=1).shape
    (2, 8, 8, 8)
    """
    return _layer(
        "conv_transpose", 3, x, w, None, bias, stride, padding, output_padding, dilation, groups, layout, flip,
        padding_mode, algorithm, dtype, out, threads,
    )  # fmt: skip
