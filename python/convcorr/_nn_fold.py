"""im2col and col2im: the windows of images as columns, and columns added up to images."""

# As many arguments by position as PyTorch's functions take.
# ruff: noqa: PLR0917

from __future__ import annotations

import itertools
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from ._types import Array, Integer, PerAxis


def _array(name: str, value: ArrayLike) -> Array:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a numpy.ma.MaskedArray, whose mask would be ignored; pass {name}.filled(value)")
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name} has dtype {array.dtype}; it takes numbers")
    return array


def _per_axis(name: str, value: PerAxis[Integer], axes: int, least: int) -> tuple[int, ...]:
    values: Any = value if np.iterable(value) else (value,) * axes
    takes = f"an int of at least {least}, or a tuple of {axes}: one for each spatial axis"
    if isinstance(values, str) or len(values) != axes:
        raise ValueError(f"{name} is {value!r}; it takes {takes}")
    if any(isinstance(v, (bool, np.bool_)) or not hasattr(v, "__index__") for v in values):
        raise TypeError(f"{name} is {value!r}; it takes {takes}")
    numbers = tuple(map(operator.index, values))
    if min(numbers) < least:
        raise ValueError(f"{name} is {value!r}; it takes {takes}")
    return numbers


class _Windows:
    """Where the windows of a kernel lie in padded images."""

    def __init__(
        self,
        size: tuple[int, ...],
        kernel: tuple[int, ...],
        dilation: PerAxis[Integer],
        padding: PerAxis[Integer],
        stride: PerAxis[Integer],
    ) -> None:
        axes = len(kernel)
        self.kernel = kernel
        self.dilation = _per_axis("dilation", dilation, axes, 1)
        self.padding = _per_axis("padding", padding, axes, 0)
        self.stride = _per_axis("stride", stride, axes, 1)
        self.padded = tuple(n + 2 * p for n, p in zip(size, self.padding, strict=True))
        reaches = tuple((k - 1) * d + 1 for k, d in zip(kernel, self.dilation, strict=True))
        if any(reach > n for reach, n in zip(reaches, self.padded, strict=True)):
            raise ValueError(
                f"kernel_size {kernel} with dilation {self.dilation} reaches over {reaches} samples; it takes no more "
                f"than the {self.padded} that there are with padding"
            )
        self.counts = tuple((n - r) // s + 1 for n, r, s in zip(self.padded, reaches, self.stride, strict=True))
        self.inner: Any = (..., *(slice(p, p + n) for p, n in zip(self.padding, size, strict=True)))

    def taps(self) -> Iterator[tuple[Any, Any]]:
        """Indices of each tap in (N, C, *kernel, *windows), and of the samples that it meets in padded images."""
        for tap in itertools.product(*map(range, self.kernel)):
            places = zip(tap, self.dilation, self.counts, self.stride, strict=True)
            samples = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in places]
            yield (slice(None), slice(None), *tap), (..., *samples)


def _kernel(kernel_size: PerAxis[Integer]) -> tuple[int, ...]:
    axes = len(kernel_size) if isinstance(kernel_size, (tuple, list, np.ndarray)) else 2
    if not 1 <= axes <= 3:
        raise ValueError(f"kernel_size is {kernel_size!r}; it takes an int for two spatial axes, or a tuple of 1 to 3")
    return _per_axis("kernel_size", kernel_size, axes, 1)


def _with_batch(name: str, array: Array, ndim: int) -> tuple[Array, bool]:
    if array.ndim not in (ndim - 1, ndim):
        raise ValueError(f"{name} has {array.ndim} axes, shape {array.shape}; it takes {ndim}, or {ndim - 1} for one")
    return (array, True) if array.ndim == ndim else (array[None], False)


def unfold(
    x: ArrayLike,
    kernel_size: PerAxis[Integer],
    dilation: PerAxis[Integer] = 1,
    padding: PerAxis[Integer] = 0,
    stride: PerAxis[Integer] = 1,
) -> Array:
    """Lay the windows of images out as columns (im2col).

    The definition, with l counting the window positions p in C order and j the taps in C order::

        y[n, (c, j), l] = x[n, c, p(l) stride + j dilation - padding]

    Parameters
    ----------
    x : array_like
        Images (N, C, *spatial), or one without N, of any numeric type. Never changed.
    kernel_size : int or tuple of int
        Size of the windows, at least 1 [samples]. A tuple has one for each of 1 to 3 spatial axes; an int means two
        axes.
    dilation : int or tuple of int
        Distance of neighbouring taps, at least 1 [samples].
    padding : int or tuple of int
        Zeros at both ends of each spatial axis, at least 0.
    stride : int or tuple of int
        Distance of neighbouring windows, at least 1 [samples].

    Returns
    -------
    ndarray
        A new array (N, C prod(kernel_size), L) of L windows, or without N as x is.

    Raises
    ------
    TypeError
        For x that isn't numeric or is masked, or numbers that are no ints.
    ValueError
        For shapes that don't fit, numbers out of range, or a kernel longer than the padded x.

    See Also
    --------
    fold : its adjoint.

    Notes
    -----
    As `torch.nn.functional.unfold`, for any of 1 to 3 spatial axes. A layer is the product of its weights, reshaped to
    (O, C prod(kernel)), with these columns; `conv2d` computes it without making them.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import unfold
    >>> unfold(np.arange(9).reshape(1, 3, 3), 2)
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    """
    kernel = _kernel(kernel_size)
    images, batched = _with_batch("x", _array("x", x), len(kernel) + 2)
    n, channels, *size = images.shape
    windows = _Windows(tuple(size), kernel, dilation, padding, stride)
    padded = images
    if any(windows.padding):
        padded = np.zeros((n, channels, *windows.padded), images.dtype)
        padded[windows.inner] = images
    columns = np.empty((n, channels, *kernel, *windows.counts), images.dtype)
    for tap, samples in windows.taps():
        columns[tap] = padded[samples]
    columns = columns.reshape(n, channels * math.prod(kernel), math.prod(windows.counts))
    return columns if batched else columns[0]


def fold(
    x: ArrayLike,
    output_size: PerAxis[Integer],
    kernel_size: PerAxis[Integer],
    dilation: PerAxis[Integer] = 1,
    padding: PerAxis[Integer] = 0,
    stride: PerAxis[Integer] = 1,
) -> Array:
    """Add columns up to images, each at its window (col2im): the adjoint of `unfold`.

    The definition, with l counting the window positions p in C order and j the taps in C order::

        y[n, c, q] = sum_{l, j: p(l) stride + j dilation - padding = q} x[n, (c, j), l]

    Parameters
    ----------
    x : array_like
        Columns (N, C prod(kernel_size), L), or without N, of any numeric type but bool. Never changed.
    output_size : int or tuple of int
        Size of the images along each spatial axis, at least 1 [samples].
    kernel_size, dilation, padding, stride : int or tuple of int
        As for `unfold`.

    Returns
    -------
    ndarray
        A new array (N, C, *output_size), or without N as x is. float16 is summed in float32.

    Raises
    ------
    TypeError
        For x that isn't numeric, is bool or is masked, or numbers that are no ints.
    ValueError
        For shapes that don't fit: L must be the number of windows in `output_size`. Numbers out of range.

    See Also
    --------
    unfold : the windows of images.

    Notes
    -----
    As `torch.nn.functional.fold`, for any of 1 to 3 spatial axes.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import fold, unfold
    >>> fold(unfold(np.ones((1, 3, 3)), 2), 3, 2)
    array([[[1., 2., 1.],
            [2., 4., 2.],
            [1., 2., 1.]]])
    """
    kernel = _kernel(kernel_size)
    size = _per_axis("output_size", output_size, len(kernel), 1)
    columns, batched = _with_batch("x", _array("x", x), 3)
    if columns.dtype.kind == "b":
        raise TypeError("x is bool, and so would be the sums; pass integers to count")
    windows = _Windows(size, kernel, dilation, padding, stride)
    n, rows, length = columns.shape
    if rows % math.prod(kernel) or rows == 0 or length != math.prod(windows.counts):
        raise ValueError(
            f"x has shape {columns.shape if batched else columns.shape[1:]}; for kernel_size {kernel} over output_size "
            f"{size} it takes a multiple of {math.prod(kernel)} rows and {math.prod(windows.counts)} columns"
        )
    channels = rows // math.prod(kernel)
    columns = columns.reshape(n, channels, *kernel, *windows.counts)
    half = columns.dtype == np.float16
    padded = np.zeros((n, channels, *windows.padded), np.float32 if half else columns.dtype.newbyteorder("="))
    for tap, samples in windows.taps():
        padded[samples] += columns[tap]
    images = padded[windows.inner].astype(columns.dtype.newbyteorder("="), order="C")
    return images if batched else np.asarray(images[0])
