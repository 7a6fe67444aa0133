"""Gradients of the layers with respect to their weights."""

# As many arguments by position as PyTorch's functions take.
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import TYPE_CHECKING

from ._core import nn_layer as _layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from ._types import Algorithm, Array, Boundary, Integer, Layout, Padding, PerAxis


def conv1d_grad_weight(
    x: ArrayLike,
    w_shape: Sequence[Integer],
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
    """The gradient of `conv1d` with respect to its w: `conv2d_grad_weight` for one spatial axis.

    The definition::

        grad_w[(g, o), i, j] = sum_{n, p} grad_out[n, (g, o), p] x[n, (g, i), p stride + j dilation - padding]

    Parameters
    ----------
    x : array_like
        The data that the layer was given, (N, C, length) or as `layout` says.
    w_shape : sequence of int
        The shape of w, (O, C/groups, *kernel).
    grad_out : array_like
        The gradient with respect to the layer's result, of its shape and layout.
    stride, padding, dilation, groups, layout, flip, padding_mode : optional
        Those of the layer, as for `conv2d_grad_weight`.
    algorithm, dtype, out, threads : optional
        As for `conv2d_grad_weight`.

    Returns
    -------
    ndarray
        `out`, or a new array of the shape of w.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d_grad_weight`.

    Notes
    -----
    See `conv2d_grad_weight`.

    Examples
    --------
    >>> from convcorr.nn import conv1d_grad_weight
    >>> conv1d_grad_weight([[1.0, 2.0, 3.0, 4.0]], (1, 1, 2), [[1.0, 10.0, 100.0]])
    array([[[321., 432.]]])
    """
    return _layer(
        "grad_weight", 1, x, grad_out, w_shape, None, stride, padding, 0, dilation, groups, layout, flip, padding_mode,
        algorithm, dtype, out, threads,
    )  # fmt: skip


def conv2d_grad_weight(
    x: ArrayLike,
    w_shape: Sequence[Integer],
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
    """The gradient of `conv2d` with respect to its w, of two spatial axes.

    The definition, of a loss whose gradient with respect to y = conv2d(x, w) is grad_out::

        grad_w[(g, o), i, j] = sum_{n, p} grad_out[n, (g, o), p] x[n, (g, i), p stride + j dilation - padding]

    Parameters
    ----------
    x : array_like
        The data that the layer was given.
    w_shape : sequence of int
        The shape of w, (O, C/groups, *kernel).
    grad_out : array_like
        The gradient with respect to the layer's result, of its shape and layout.
    stride, padding, dilation, groups, layout, flip, padding_mode : optional
        Those of the layer, as for `conv2d`.
    algorithm, dtype, threads : optional
        As for `conv2d`.
    out : ndarray, optional
        Array for the result, of `w_shape`; as for `conv2d`.

    Returns
    -------
    ndarray
        `out`, or a new array of `w_shape`; zeros where the batch is empty. x is not conjugated.

    Raises
    ------
    TypeError, MemoryError
        As for `conv2d`.
    ValueError
        As for `conv2d`; also where `grad_out` has another shape than the layer's result.

    Notes
    -----
    I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning* (2016), section 9.5, derives it.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import conv2d_grad_weight
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_grad_weight(x, (1, 1, 2, 2), np.ones((1, 1, 2, 2)))
    array([[[[ 8., 12.],
             [20., 24.]]]])
    """
    return _layer(
        "grad_weight", 2, x, grad_out, w_shape, None, stride, padding, 0, dilation, groups, layout, flip, padding_mode,
        algorithm, dtype, out, threads,
    )  # fmt: skip


def conv3d_grad_weight(
    x: ArrayLike,
    w_shape: Sequence[Integer],
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
    """The gradient of `conv3d` with respect to its w: `conv2d_grad_weight` for three spatial axes.

    The definition::

        grad_w[(g, o), i, j] = sum_{n, p} grad_out[n, (g, o), p] x[n, (g, i), p stride + j dilation - padding]

    Parameters
    ----------
    x : array_like
        The data that the layer was given, (N, C, depth, height, width) or as `layout` says.
    w_shape : sequence of int
        The shape of w, (O, C/groups, *kernel).
    grad_out : array_like
        The gradient with respect to the layer's result, of its shape and layout.
    stride, padding, dilation, groups, layout, flip, padding_mode : optional
        Those of the layer, as for `conv2d_grad_weight`.
    algorithm, dtype, out, threads : optional
        As for `conv2d_grad_weight`.

    Returns
    -------
    ndarray
        `out`, or a new array of the shape of w.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d_grad_weight`.

    Notes
    -----
    See `conv2d_grad_weight`.

    Examples
    --------
    >>> from convcorr.nn import conv3d_grad_weight
    >>> import numpy as np
    >>> conv3d_grad_weight(np.ones((2, 3, 4, 4, 4)), (6, 3, 3, 3, 3), np.ones((2, 6, 2, 2, 2)))[0, 0, 0, 0]
    array([16., 16., 16.])
    """
    return _layer(
        "grad_weight", 3, x, grad_out, w_shape, None, stride, padding, 0, dilation, groups, layout, flip, padding_mode,
        algorithm, dtype, out, threads,
    )  # fmt: skip
