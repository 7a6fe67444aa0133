"""The shapes over which the choice of an algorithm is judged: drawn once from a seed, the same every time.

Lengths are uniform in their logarithms, two fifths of them powers of two; types, modes and threads are drawn too. A
group is named after what is hard about it: "1d", "2d", "3d", "aliased" (rows a multiple of 4096 bytes apart), "batch"
(rows, columns, a kernel for each, banks of kernels) and "large" (a kernel as large as the data, or nearly).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench.cases import DTYPES, Array, normal

MODES = ("full", "same", "valid")
PAGE = 4096  # rows so many bytes apart meet in the same sets of the cache
SEED = 20240302

Draw = np.random.Generator


@dataclass(frozen=True)
class Shape:
    """One call whose algorithm is to be chosen.

    Parameters
    ----------
    group : str
        What is hard about it; see above.
    x, h : tuple of int
        Shapes of data and kernel.
    dtype : {"f32", "f64", "c64"}
        Of both.
    mode : {"full", "same", "valid"}
        Outputs kept.
    threads : int
        Threads of the call.
    axes : int, optional
        The axis convolved; None for all.
    pitch : int
        Bytes from one row of the data to the next; 0 for contiguous data.
    """

    group: str
    x: tuple[int, ...]
    h: tuple[int, ...]
    dtype: str
    mode: str
    threads: int
    axes: int | None = None
    pitch: int = 0

    @property
    def id(self) -> str:
        """Name of the shape, as in `2d-640x480-7x7-f32-same-2t`."""
        x, h = ("x".join(map(str, shape)) for shape in (self.x, self.h))
        axis = "" if self.axes is None else f"-axis{self.axes}"
        pitch = f"-pitch{self.pitch}" if self.pitch else ""
        return f"{self.group}-{x}-{h}{axis}{pitch}-{self.dtype}-{self.mode}-{self.threads}t"

    def keywords(self) -> dict[str, Any]:
        """Keywords of `convolve` and `explain`."""
        return {"mode": self.mode, "axes": self.axes, "threads": self.threads}

    def arrays(self) -> tuple[Array, Array]:
        """Make data and kernel, standard normal."""
        rng = np.random.default_rng([SEED, zlib.crc32(self.id.encode())])
        x, h = normal(rng, self.x, self.dtype), normal(rng, self.h, self.dtype)
        if self.pitch:
            apart = np.zeros((*self.x[:-1], self.pitch // x.itemsize), x.dtype)[..., : self.x[-1]]
            apart[:] = x
            x = apart
        return x, h


def length(rng: Draw, low: float, high: float) -> int:
    """Draw a length, uniform in its logarithm; two in five become the nearest power of two within the bounds."""
    value = math.exp(rng.uniform(math.log(low), math.log(high + 0.999)))
    power = 2 ** round(math.log2(value))
    return power if rng.random() < 0.4 and low <= power <= high else int(value)


def sides(rng: Draw, ndim: int, low: int, high: int, alike: float) -> tuple[int, ...]:
    """Draw the sides of an array, all the same with the probability `alike`."""
    if rng.random() < alike:
        return (length(rng, low, high),) * ndim
    return tuple(length(rng, low, high) for _ in range(ndim))


def common(rng: Draw) -> tuple[str, str, int]:
    """Draw type, mode and threads."""
    return (
        str(rng.choice(list(DTYPES), p=(0.45, 0.3, 0.25))),
        str(rng.choice(MODES)),
        int(rng.choice((1, 2))),
    )


def one_d(rng: Draw) -> Shape:
    """A signal of 10 to 1e6 samples, a kernel from one tap to as many."""
    n = length(rng, 10, 1e6)
    return Shape("1d", (n,), (length(rng, 1, n),), *common(rng))


def two_d(rng: Draw) -> Shape:
    """An image with sides of 32 to 1500, kernels of 2 to 100."""
    x = sides(rng, 2, 32, 1500, 0.4)
    h = sides(rng, 2, 2, min(100, *x), 0.7)
    return Shape("2d", x, h, *common(rng))


def three_d(rng: Draw) -> Shape:
    """A volume with sides of 16 to 100, kernels of 2 to 15."""
    return Shape("3d", sides(rng, 3, 16, 100, 0.5), sides(rng, 3, 2, 15, 0.7), *common(rng))


def aliased(rng: Draw) -> Shape:
    """An image, or some signals, whose rows lie multiples of 4096 bytes apart."""
    dtype, mode, threads = common(rng)
    pitch = PAGE * int(rng.choice((1, 2, 4)))
    longest = pitch // DTYPES[dtype].itemsize
    x = (length(rng, 32, 1024), int(rng.integers(longest // 2, longest + 1)))
    if rng.random() < 0.3:
        return Shape("aliased", x, (1, length(rng, 2, x[1])), dtype, mode, threads, -1, pitch)
    return Shape("aliased", x, sides(rng, 2, 2, min(64, *x), 0.7), dtype, mode, threads, None, pitch)


def batch(rng: Draw) -> Shape:
    """Signals in rows or in columns, with one kernel, with one each, or with a bank of kernels."""
    n = length(rng, 50, 50_000)
    rows = length(rng, 2, max(2, min(64, 1_000_000 // n)))
    k = length(rng, 2, n)
    kind = int(rng.integers(4))
    if kind == 3:
        return Shape("batch", (n, rows), (k, 1), *common(rng), 0)
    h = ((1, k), (rows, k), (min(rows, 8), 1, k))[kind]
    return Shape("batch", (rows, n), h, *common(rng), -1)


def large(rng: Draw) -> Shape:
    """A kernel at least half as long as the data along each axis."""
    ndim = int(rng.choice((1, 1, 2, 3)))
    low, high = ((300, 1_000_000), (32, 400), (16, 48))[ndim - 1]
    x = sides(rng, ndim, low, high, 0.7)
    h = x if rng.random() < 0.4 else tuple(length(rng, max(2, n // 2), n) for n in x)
    return Shape("large", x, h, *common(rng))


GROUPS: dict[Callable[[Draw], Shape], int] = {one_d: 130, two_d: 90, three_d: 40, aliased: 20, batch: 24, large: 16}


def fits(shape: Shape) -> bool:
    """Whether the kernel fits into the data where it must."""
    if shape.mode != "valid" or shape.axes is not None:  # rows are drawn longer than their kernels
        return True
    return all(k <= n for n, k in zip(shape.x, shape.h, strict=True))


def every_shape() -> list[Shape]:
    """All of them, shuffled, so that every part of the list is a sample."""
    chosen: dict[str, Shape] = {}
    for number, (draw, count) in enumerate(GROUPS.items()):
        rng = np.random.default_rng([SEED, number])
        wanted = len(chosen) + count
        while len(chosen) < wanted:
            shape = draw(rng)
            if fits(shape):
                chosen[shape.id] = shape
    found = list(chosen.values())
    return [found[place] for place in np.random.default_rng(SEED).permutation(len(found))]
