"""Gradients of the layers with respect to their data."""

# As many arguments by position as PyTorch's functions take.
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import TYPE_CHECKING

from ._core import nn_layer as _layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from ._types import Algorithm, Array, Boundary, Integer, Layout, Padding, PerAxis


def conv1d_grad_input(
    x_shape: Sequence[Integer],
    w: ArrayLike,
    grad_out: ArrayLike,
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
    """The gradient of `conv1d` with respect to its x: `conv2d_grad_input` for one spatial axis.

    The definition::

        grad_x[n, (g, i), p] = sum_{o, m, j: m stride + j dilation - padding = p} grad_out[n, (g, o), m] w[(g, o), i, j]

    Parameters
    ----------
    x_shape : sequence of int
        The shape of x, (N, C, length) or as `layout` says.
    w : array_like
        The weights of the layer, (O, C/groups, *kernel).
    grad_out : array_like
        The gradient with respect to the layer's result, of its shape and layout.
    stride, padding, dilation, groups, layout, flip, padding_mode : optional
        Those of the layer, as for `conv2d_grad_input`.
    algorithm, dtype, out, threads : optional
        As for `conv2d_grad_input`.

    Returns
    -------
    ndarray
        `out`, or a new array of the shape of x.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d_grad_input`.

    Notes
    -----
    See `conv2d_grad_input`.

    Examples
    --------
    >>> from convcorr.nn import conv1d_grad_input
    >>> conv1d_grad_input((1, 4), [[[1.0, 10.0]]], [[1.0, 2.0, 3.0]])
    array([[ 1., 12., 23., 30.]])
    """
    return _layer(
        "grad_input", 1, grad_out, w, x_shape, None, stride, padding, 0, dilation, groups, layout, flip, padding_mode,
        algorithm, dtype, out, threads,
    )  # fmt: skip


def conv2d_grad_input(
    x_shape: Sequence[Integer],
    w: ArrayLike,
    grad_out: ArrayLike,
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
    """The gradient of `conv2d` with respect to its x, of two spatial axes.

    The definition, of a loss whose gradient with respect to y = conv2d(x, w) is grad_out::

        grad_x[n, (g, i), p] = sum_{o, m, j: m stride + j dilation - padding = p} grad_out[n, (g, o), m] w[(g, o), i, j]

    Parameters
    ----------
    x_shape : sequence of int
        The shape of x, in its layout.
    w : array_like
        The weights of the layer, (O, C/groups, *kernel).
    grad_out : array_like
        The gradient with respect to the layer's result, of its shape and layout.
    stride, padding, dilation, groups, layout, flip : optional
        Those of the layer, as for `conv2d`.
    padding_mode : {"constant"}
        No other is taken: what lies outside x is no variable then. Pad x yourself and give `padding` 0 for others.
    algorithm, dtype, threads : optional
        As for `conv2d`.
    out : ndarray, optional
        Array for the result, of `x_shape`; as for `conv2d`.

    Returns
    -------
    ndarray
        `out`, or a new array of `x_shape`. w is not conjugated; for complex layers give `w.conj()` where the adjoint is
        meant.

    Raises
    ------
    TypeError, MemoryError
        As for `conv2d`.
    ValueError
        As for `conv2d`; also where `grad_out` has another shape than the layer's result.

    See Also
    --------
    conv_transpose2d : the same sums without a size to reach.

    Notes
    -----
    I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning* (2016), section 9.5, derives it. The gradient with
    respect to a bias is the sum of grad_out over all axes but the channels'.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import conv2d_grad_input
    >>> conv2d_grad_input((1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))
    array([[[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]]])
    """
    return _layer(
        "grad_input", 2, grad_out, w, x_shape, None, stride, padding, 0, dilation, groups, layout, flip, padding_mode,
        algorithm, dtype, out, threads,
    )  # fmt: skip


def conv3d_grad_input(
    x_shape: Sequence[Integer],
    w: ArrayLike,
    grad_out: ArrayLike,
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
    """The gradient of `conv3d` with respect to its x: `conv2d_grad_input` for three spatial axes.

    The definition::

        grad_x[n, (g, i), p] = sum_{o, m, j: m stride + j dilation - padding = p} grad_out[n, (g, o), m] w[(g, o), i, j]

    Parameters
    ----------
    x_shape : sequence of int
        The shape of x, (N, C, depth, height, width) or as `layout` says.
    w : array_like
        The weights of the layer, (O, C/groups, *kernel).
    grad_out : array_like
        The gradient with respect to the layer's result, of its shape and layout.
    stride, padding, dilation, groups, layout, flip, padding_mode : optional
        Those of the layer, as for `conv2d_grad_input`.
    algorithm, dtype, out, threads : optional
        As for `conv2d_grad_input`.

    Returns
    -------
    ndarray
        `out`, or a new array of the shape of x.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d_grad_input`.

    Notes
    -----
    See `conv2d_grad_input`.

    Examples
    --------
    >>> from convcorr.nn import conv3d_grad_input
    >>> import numpy as np
    >>> conv3d_grad_input((1, 2, 3, 3, 3), np.ones((4, 2, 2, 2, 2)), np.ones((1, 4, 2, 2, 2)))[0, 0, 1]
    array([[ 8., 16.,  8.],
           [16., 32., 16.],
           [ 8., 16.,  8.]])
    """
    return _layer(
        "grad_input", 3, grad_out, w, x_shape, None, stride, padding, 0, dilation, groups, layout, flip, padding_mode,
        algorithm, dtype, out, threads,
    )  # fmt: skip
