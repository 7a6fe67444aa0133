"""Runs calls whose operands end, or begin, at a page that must not be touched; a stray read ends the process.

A vector load past the end of an array is silent almost always, since the next bytes belong to the process too.
Here each operand lies flush against a page without any permission (Linux mprotect).
"""

from __future__ import annotations

import ctypes
import itertools
import mmap
from typing import Any

import numpy as np

import convcorr
import exact
from layouts import Array, small_integers

PAGE = mmap.PAGESIZE
PROT_NONE, PROT_READ_WRITE = 0, 3
libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Fence:
    """Room for `size` bytes between two forbidden pages."""

    def __init__(self, size: int) -> None:
        self.room = -(-size // PAGE) * PAGE
        self.memory = mmap.mmap(-1, self.room + 2 * PAGE)
        self.bytes = np.frombuffer(self.memory, np.uint8)
        for start in (0, self.room + PAGE):
            if libc.mprotect(self.bytes.ctypes.data + start, PAGE, PROT_NONE) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")

    def place(self, shape: tuple[int, ...], dtype: np.dtype[Any], at_end: bool) -> Array:
        """An array flush against the page after it, or the page before it."""
        size = int(np.prod(shape)) * dtype.itemsize
        start = PAGE + self.room - size if at_end else PAGE
        return self.bytes[start : start + size].view(dtype).reshape(shape)


def sweep(dtype: np.dtype[Any], h_dtype: np.dtype[Any], shapes: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
    result = np.result_type(dtype, h_dtype)
    rng = np.random.default_rng(3)
    fences = [Fence(1 << 16) for _ in range(3)]
    for (x_shape, h_shape), at_end in itertools.product(shapes, (True, False)):
        x, h = fences[0].place(x_shape, dtype, at_end), fences[1].place(h_shape, h_dtype, at_end)
        x[...], h[...] = small_integers(rng, x_shape, dtype), small_integers(rng, h_shape, h_dtype)
        total = exact.full(exact.wide(x), exact.wide(h)).astype(result)
        for mode, want in exact.modes_of(total, x_shape, h_shape):
            out = fences[2].place(want.shape, result, at_end)
            convcorr.convolve(x, h, mode, out=out, method="direct")
            assert (out == want).all(), f"{dtype} {h_dtype} {x_shape} {h_shape} {mode}"
        wrapped = exact.full_with_border(exact.wide(x), exact.wide(h), ["wrap"] * x.ndim).astype(result)
        out = fences[2].place(wrapped.shape, result, at_end)
        convcorr.convolve(x, h, boundary="wrap", out=out, method="direct")
        assert (out == wrapped).all(), f"{dtype} {h_dtype} {x_shape} {h_shape} wrap"


def shapes_to_try(lanes: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    lengths = [*range(1, 3 * lanes + 9), 10 * lanes - 1, 10 * lanes, 10 * lanes + 1, 32 * lanes, 32 * lanes + 5, 700]
    rows: list[tuple[tuple[int, ...], tuple[int, ...]]]
    rows = [((n,), (k,)) for n in lengths for k in (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33)]
    kernels = [(1, 1), (3, 3), (5, 5), (7, 7), (2, 9), (9, 4)]
    images = [((1 + n % 9, n), kernel) for n in range(1, 4 * lanes + 12) for kernel in kernels]
    wide = [((3, 2048 // (64 // lanes) + n), kernel) for n in (0, 1, lanes - 1, lanes + 3) for kernel in kernels]
    solids = [((3, 1 + n % 4, n), (3, 2, 3)) for n in range(1, 2 * lanes + 4)]
    return [*rows, *images, *wide, *solids]


if __name__ == "__main__":
    for char in ("f4", "f8", "c8", "c16", "u1", "i2", "i4", "i8", "f2", "?"):
        kind = np.dtype(char)
        sweep(kind, kind, shapes_to_try(min(64 // kind.itemsize, 16)))
    for real, joint in (("f4", "c8"), ("f8", "c16")):
        for pair in ((real, joint), (joint, real)):
            sweep(np.dtype(pair[0]), np.dtype(pair[1]), shapes_to_try(64 // np.dtype(joint).itemsize))
    print("no stray access")
