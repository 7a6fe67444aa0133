"""The grid: which convolutions are timed, on what data, and how fast they should be.

A case is one `same` convolution of an array of side `n` with a kernel of side `k`. Its goal is the least speed-up over
the best peer that counts as done.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DTYPES: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "c64": np.dtype(np.complex64),
}
POWERS = {2: "\N{SUPERSCRIPT TWO}", 3: "\N{SUPERSCRIPT THREE}"}
FLOPS_PER_TAP = {"f32": 2, "f64": 2, "c64": 8}
SEED = 20240229


@dataclass(frozen=True)
class Case:
    """One cell of the grid.

    Parameters
    ----------
    ndim : int
        Axes convolved.
    n, k : int
        Side of the data and of the kernel, the same along every convolved axis [samples].
    dtype : {"f32", "f64", "c64"}
        Of the data, the kernel and the result.
    goal : float
        Speed-up over the best peer at which the cell is done.
    against : str
        A peer that counts in this cell though it is outside the grid elsewhere.
    rows : int
        Independent signals, each with its own kernel; 0 for a single signal.
    """

    ndim: int
    n: int
    k: int
    dtype: str
    goal: float
    against: str = ""
    rows: int = 0

    @property
    def id(self) -> str:
        """Name of the cell, as in `1d-1000000-31-f32`."""
        rows = f"{self.rows}x" if self.rows else ""
        return f"{self.ndim}d-{rows}{self.n}-{self.k}-{self.dtype}"

    @property
    def label(self) -> str:
        """The cell in words, for a reader's eyes."""
        side = f"{self.n:,}" if self.ndim == 1 else f"{self.n}{POWERS[self.ndim]}"
        taps = "\N{MULTIPLICATION SIGN}".join([f"{self.k:,}"] * self.ndim)
        rows = f"{self.rows} rows of " if self.rows else ""
        return f"{rows}{side} \N{ASTERISK OPERATOR} {taps}, {DTYPES[self.dtype].name}"

    @property
    def goals(self) -> tuple[float, ...]:
        """The one goal, against whoever is fastest."""
        return (self.goal,)

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the axes that are not convolved."""
        return (self.rows,) if self.rows else ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data, and of the result."""
        return self.batch + (self.n,) * self.ndim

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """Shape of the kernel."""
        return self.batch + (self.k,) * self.ndim

    @property
    def macs(self) -> int:
        """Products that a direct sum needs: taps outside the data are not counted."""
        left, right = (self.k - 1) // 2, self.k // 2
        per_axis: int = self.n * self.k - left * (left + 1) // 2 - right * (right + 1) // 2
        return max(self.rows, 1) * int(per_axis**self.ndim)

    @property
    def flops(self) -> int:
        """Real operations of a direct sum, a multiply-add counted as two."""
        return self.macs * FLOPS_PER_TAP[self.dtype]

    @property
    def bytes_moved(self) -> int:
        """Data and kernel read once, result written once [bytes]."""
        return (2 * math.prod(self.shape) + math.prod(self.kernel_shape)) * DTYPES[self.dtype].itemsize

    def arrays(self) -> tuple[Array, Array]:
        """Make data and kernel: standard normal, the same in every run, no denormals, C-contiguous."""
        rng = np.random.default_rng([SEED, zlib.crc32(self.id.encode())])
        return normal(rng, self.shape, self.dtype), normal(rng, self.kernel_shape, self.dtype)


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Draw standard normal samples; a complex one has independent normal parts."""
    real = np.float64 if dtype in ("f64", "c128") else np.float32
    if dtype in ("f32", "f64"):
        return rng.standard_normal(shape, dtype=real)
    return rng.standard_normal((*shape, 2), dtype=real).view(np.result_type(real, np.complex64))[..., 0]


ONE_D = (
    Case(1, 5, 3, "f32", 1.8, against="np.correlate"),
    Case(1, 100, 7, "f32", 3),
    Case(1, 1_000, 11, "f32", 5),
    Case(1, 1_000, 101, "f32", 6),
    Case(1, 100_000, 5, "f32", 5),
    Case(1, 1_000_000, 9, "f32", 5),
    Case(1, 1_000_000, 31, "f32", 8),
    Case(1, 1_000_000, 31, "f64", 6),
    Case(1, 100_000, 31, "c64", 6),
    Case(1, 1_000_000, 127, "f32", 4),
    Case(1, 1_000_000, 127, "f64", 4),
    Case(1, 1_000_000, 127, "c64", 8),
    Case(1, 1_000_000, 1_001, "f32", 4),
    Case(1, 1_000_000, 1_001, "f64", 4),
    Case(1, 1_000_000, 4_001, "c64", 8),
    Case(1, 1_000_000, 10_001, "f32", 4),
    Case(1, 1_000_000, 10_001, "f64", 4),
    Case(1, 1_000_000, 1_000_000, "f32", 5),
    Case(1, 1_000_000, 1_000_000, "f64", 6),
    Case(1, 100_000, 129, "f32", 12, rows=64),
)

TWO_D = (
    Case(2, 8, 3, "f32", 3),
    Case(2, 64, 3, "f32", 3),
    Case(2, 256, 5, "f32", 2.5),
    Case(2, 1024, 3, "f32", 1.5),
    Case(2, 1024, 5, "f32", 2),
    Case(2, 1024, 7, "f32", 2),
    Case(2, 1024, 11, "f32", 2),
    Case(2, 4096, 3, "f32", 2),
    Case(2, 4096, 7, "f32", 2),
    Case(2, 1024, 3, "f64", 2),
    Case(2, 1024, 5, "f64", 3),
    Case(2, 1024, 7, "f64", 3.5),
    Case(2, 1024, 11, "f64", 5),
    Case(2, 4096, 3, "f64", 2),
    Case(2, 4096, 7, "f64", 3),
    Case(2, 1024, 15, "f32", 7),
    Case(2, 1024, 15, "f64", 5),
    Case(2, 1024, 31, "f32", 8),
    Case(2, 1024, 31, "f64", 4),
    Case(2, 1024, 63, "f32", 7),
    Case(2, 1024, 63, "f64", 4),
)

THREE_D = (
    Case(3, 64, 3, "f32", 30),
    Case(3, 128, 3, "f32", 45),
    Case(3, 128, 5, "f32", 14),
    Case(3, 256, 3, "f32", 25),
    Case(3, 128, 9, "f32", 5),
)

GRID = ONE_D + TWO_D + THREE_D


def expected_at(case: Case, x: Array, h: Array, where: NDArray[np.intp]) -> Array:
    """Sum the result at some outputs from the definition, in double precision.

    Parameters
    ----------
    case : Case
        The convolution.
    x, h : ndarray
        What `case.arrays` gave.
    where : ndarray of intp, shape (m, x.ndim)
        Outputs wanted.

    Returns
    -------
    ndarray of float64 or complex128, shape (m,)
        sum over t of h[t] x[where + (K-1)//2 - t], x being zero outside.
    """
    wide = np.result_type(x.dtype, np.float64)
    first = len(case.batch)
    right, left = (case.k - 1) // 2, case.k // 2
    padded = np.pad(x, [(0, 0)] * first + [(left, right)] * case.ndim)
    windows = np.lib.stride_tricks.sliding_window_view(padded, h.shape[first:], tuple(range(first, x.ndim)))
    taps = np.flip(h, tuple(range(first, h.ndim))).astype(wide)
    indices = map(tuple, where)
    return np.array([np.vdot(taps[i[:first]].conj(), windows[i].astype(wide)) for i in indices], dtype=wide)


def sample_outputs(case: Case, most_macs: int = 4_000_000) -> NDArray[np.intp]:
    """Choose outputs at which to check: all of a small result, else corners, edges and random places."""
    size = math.prod(case.shape)
    count = int(np.clip(most_macs // case.k**case.ndim, 8, 600))
    if size <= count:
        return np.argwhere(np.ones(case.shape, dtype=bool))
    rng = np.random.default_rng(SEED)
    where = rng.integers(0, case.shape, size=(count, len(case.shape)), dtype=np.intp)
    last = np.array(case.shape, dtype=np.intp) - 1
    near = min(case.n, case.k + 2)
    ends = rng.integers(0, near, size=(count // 2, len(case.shape)), dtype=np.intp)
    from_end = rng.integers(0, 2, size=ends.shape, dtype=bool)
    inside = rng.integers(0, 2, size=ends.shape, dtype=bool)
    edges = np.where(inside, where[: count // 2], np.where(from_end, last - ends, ends))
    corners = np.stack([np.zeros_like(last), last])
    every: NDArray[np.intp] = np.clip(np.concatenate([corners, edges, where]), 0, last)
    return every
