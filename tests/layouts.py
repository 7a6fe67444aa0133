"""Test data of every dtype, and the same array laid out in memory in every way that NumPy allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

INTEGERS = [np.dtype(c) for c in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")]
REAL_FLOATS = [np.dtype(c) for c in ("f2", "f4", "f8", "g")]
COMPLEX = [np.dtype(c) for c in ("c8", "c16", "G")]
DTYPES = [np.dtype(bool), *INTEGERS, *REAL_FLOATS, *COMPLEX]
VECTOR_DTYPES = [np.dtype(c) for c in ("f4", "f8", "c8", "c16", "i1", "u1", "i2", "u2", "i4", "u4")]


def small_integers(rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike, top: int = 3) -> Array:
    """Integers in [-top, top]: sums of their products are exact in floating point, so `==` may compare them."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    low = 0 if dtype.kind == "u" else -top
    values = rng.integers(low, top + 1, shape)
    if dtype.kind == "c":
        return np.asarray(values + 1j * rng.integers(low, top + 1, shape)).astype(dtype)
    return values.astype(dtype)


def random_values(rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Integers over their whole range (so that sums wrap), normal floating point, fair coins for bool."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    if dtype.kind == "c":
        return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def contiguous(a: Array) -> Array:
    return np.ascontiguousarray(a).reshape(a.shape)


def fortran(a: Array) -> Array:
    return np.asfortranarray(a)


def reversed_axes(a: Array) -> Array:
    """Negative strides on every axis."""
    flip = (slice(None, None, -1),) * a.ndim
    return contiguous(a[flip])[flip]


def every_third(a: Array) -> Array:
    """Gaps between the elements, with other values in them."""
    host = np.ones(tuple(3 * n for n in a.shape), a.dtype)
    view = host[(slice(1, None, 3),) * a.ndim]
    view[...] = a
    return view


def inner_block(a: Array) -> Array:
    """Rows of a larger array: unit stride inside, a row stride that isn't the width."""
    host = np.ones(tuple(n + 3 for n in a.shape), a.dtype)
    view = host[(slice(2, -1),) * a.ndim]
    view[...] = a
    return view


def unaligned(a: Array) -> Array:
    """Starts one byte into a buffer."""
    raw = np.empty(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def byte_swapped(a: Array) -> Array:
    return a.astype(a.dtype.newbyteorder())


def swapped_and_strided(a: Array) -> Array:
    """Everything at once: byte order, gaps, and the first axis reversed."""
    return every_third(byte_swapped(a[::-1]))[::-1]


def read_only(a: Array) -> Array:
    b = a.copy()
    b.flags.writeable = False
    return b


def record_field(a: Array) -> Array:
    """A field of a packed record: unaligned, with a stride that is no multiple of the element."""
    host = np.zeros(a.shape, np.dtype([("pad", "u1"), ("value", a.dtype)]))
    host["value"] = a
    return host["value"]


def four_kilobyte_rows(a: Array) -> Array:
    """A row stride of a multiple of 4096 bytes, where cache sets alias."""
    width = -(-a.shape[-1] * a.itemsize // 4096) * 4096 // a.itemsize
    host = np.ones((*a.shape[:-1], width), a.dtype)
    view = host[..., : a.shape[-1]]
    view[...] = a
    return view


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    f.__name__: f
    for f in (
        contiguous, fortran, reversed_axes, every_third, inner_block, unaligned, byte_swapped, swapped_and_strided,
        read_only, record_field, four_kilobyte_rows,
    )
}  # fmt: skip


def guarded(shape: tuple[int, ...], dtype: DTypeLike, margin: int = 70) -> tuple[Array, Array]:
    """An array to be written inside a larger one whose margins must stay zero: (host, view)."""
    host = np.zeros(tuple(n + 2 * margin for n in shape), dtype)
    return host, host[tuple(slice(margin, margin + n) for n in shape)]


def margins_are_untouched(host: Array, view: Array) -> bool:
    """Nothing was written outside the view. Clears the view."""
    view[...] = 0
    return not host.any()


def same_bits(a: Array, b: Array) -> bool:
    """The same bits in every element. (Long doubles have padding bytes that mean nothing.)"""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.char in "gG":
        return bool(np.array_equal(a, b, equal_nan=True))
    return np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
