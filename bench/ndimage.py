"""SciPy's filters: what is timed of `convcorr.scipy` against SciPy, and against OpenCV where it has the same.

`bench.compare` races these rows after its grid; `python -m bench.ndimage` races them alone, with the same options.

SciPy's result is the definition: floats agree within rounding errors, integers to the bit. Where OpenCV takes part, the
border is the one that it takes by itself, and everybody has the same number of taps.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from bench import peers
from bench.cases import DTYPES, POWERS, SEED, Array, normal

Make = Callable[[Any, Array], peers.Call]  # takes a module and data; gives the call to time

INTEGERS: dict[str, np.dtype[Any]] = {"u8": np.dtype(np.uint8), "u16": np.dtype(np.uint16)}
KERNEL = np.random.default_rng(1).random((7, 7))
MEAN = KERNEL[:5, :5] / KERNEL[:5, :5].sum()  # keeps integers in their range
SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
TRUNCATE = 4  # SciPy cuts a Gaussian off at so many sigmas


@dataclass(frozen=True)
class Rival:
    """Somebody who computes a filter.

    Parameters
    ----------
    name : str
        As printed.
    package : str
        Module that must import, and that `make` gets.
    make : callable
        Takes the module and the data; gives the call to time.
    goal : float or None
        Times we should be faster; None for ourselves.
    """

    name: str
    package: str
    make: Make
    goal: float | None

    def call(self, x: Array) -> peers.Call:
        """Prepare the call that is timed."""
        return self.make(peers.load(self.package), x)


@dataclass(frozen=True)
class Filter:
    """One row: a function of SciPy's on an image or volume of side `n`.

    Parameters
    ----------
    function : str
        Its name, in SciPy and in ours.
    n : int
        Side of the data [samples].
    what : str
        What tells the row from others of the function, as in `size=3`; only the value enters the cell's name.
    dtype : {"f32", "f64", "u8", "u16"}
        Of data and result.
    make : callable
        Takes SciPy's module or ours, and the data; gives the call to time.
    goal : float
        Speed-up over SciPy at which the row is done.
    opencv : Rival, optional
        The same by OpenCV.
    ndim : int
        Axes of the data.
    module : {"ndimage", "signal"}
        Of SciPy.
    """

    function: str
    n: int
    what: str
    dtype: str
    make: Make
    goal: float
    opencv: Rival | None = None
    ndim: int = 2
    module: str = "ndimage"

    @property
    def id(self) -> str:
        """Name of the cell, as in `scipy-gaussian_filter-2048-3-f32`."""
        value = self.what.rpartition("=")[2]
        return "-".join(part for part in ("scipy", self._short, str(self.n), value, self.dtype) if part)

    @property
    def label(self) -> str:
        """The row in words, for a reader's eyes."""
        return f"{self._short} {self.what}".rstrip() + f", {self.n}{POWERS[self.ndim]}, {self.data_type.name}"

    @property
    def _short(self) -> str:
        """The function's name, but for one that would be wider than tables and pictures have room for."""
        return self.function.replace("gaussian_gradient", "gradient")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data, and of the result."""
        return (self.n,) * self.ndim

    @property
    def data_type(self) -> np.dtype[Any]:
        """Type of data and result."""
        return (DTYPES | INTEGERS)[self.dtype]

    @property
    def rivals(self) -> tuple[Rival, ...]:
        """SciPy, OpenCV where it has the same, and ourselves."""
        scipy = Rival("SciPy", f"scipy.{self.module}", self.make, self.goal)
        ours = Rival(peers.OURS, f"convcorr.scipy.{self.module}", self.make, None)
        return (scipy, ours) if self.opencv is None else (scipy, self.opencv, ours)

    @property
    def goals(self) -> tuple[float, ...]:
        """Speed-ups at which the row is done: one over each peer, the fastest peer's first."""
        return tuple(sorted(one.goal for one in self.rivals if one.goal is not None))

    def data(self) -> Array:
        """Make the data: standard normal, or integers of the whole range; the same in every run."""
        rng = np.random.default_rng([SEED, zlib.crc32(self.id.encode())])
        if self.dtype in DTYPES:
            return normal(rng, self.shape, self.dtype)
        return rng.integers(0, np.iinfo(self.data_type).max, self.shape, self.data_type, endpoint=True)

    def expected(self, x: Array) -> Array:
        """Compute SciPy's result."""
        return np.asarray(self.rivals[0].call(x)())


def given(function: str, *arguments: Any, **options: Any) -> Make:
    """Call that function with the data and these arguments; it allocates its result."""
    return lambda module, x: partial(getattr(module, function), x, *arguments, **options)


def row(function: str, n: int, what: str, dtype: str, goal: float, *arguments: Any) -> Filter:
    """Make the row of a function called with these arguments."""
    return Filter(function, n, what, dtype, given(function, *arguments), goal)


def opencv(name: str, goal: float, *arguments: Any, **options: Any) -> Rival:
    """Let that function of OpenCV take part."""
    return Rival(f"cv2.{name}", "cv2", given(name, *arguments, **options), goal)


def gaussian(sigma: int, goal: float, over_opencv: float) -> Filter:
    """Smooth a large image; OpenCV gets the taps that SciPy takes."""
    side = 2 * TRUNCATE * sigma + 1
    make = given("gaussian_filter", sigma, mode="mirror")
    rival = opencv("GaussianBlur", over_opencv, (side, side), sigma)
    return Filter("gaussian_filter", 2048, f"{SIGMA}={sigma}", "f32", make, goal, rival)


def uniform(size: int, goal: float, over_opencv: float) -> Filter:
    """Take means of a large image."""
    make = given("uniform_filter", size, mode="mirror")
    return Filter("uniform_filter", 2048, f"size={size}", "f32", make, goal, opencv("blur", over_opencv, (size, size)))


def sobel(goal: float, over_opencv: float) -> Filter:
    """Differentiate a large image along its rows."""
    rival = opencv("Sobel", over_opencv, -1, 1, 0, ksize=3)
    return Filter("sobel", 2048, "", "f32", given("sobel", mode="mirror"), goal, rival)


def along(axis: int, goal: float) -> Filter:
    """Correlate a volume along one axis, into memory that was touched before: a first touch costs more than sums."""

    def make(module: Any, x: Array) -> peers.Call:
        return partial(module.correlate1d, x, KERNEL[0], axis, output=np.full_like(x, 0))

    return Filter("correlate1d", 256, f"axis={axis}", "f64", make, goal, ndim=3)


LARGE = (
    Filter("convolve2d", 1024, "k=7", "f64", given("convolve2d", KERNEL, "same"), 50, module="signal"),
    row("convolve", 1024, "k=7", "f64", 50, KERNEL),
    row("convolve", 1024, "k=7", "f32", 50, KERNEL),
    gaussian(1, 15, 1.3),
    gaussian(3, 15, 2),
    gaussian(8, 15, 3),
    uniform(3, 8, 1),
    uniform(15, 8, 1),
    sobel(10, 1),
    row("laplace", 1024, "", "f64", 1),
    *(along(axis, 8) for axis in range(3)),
)
INTEGER = tuple(
    made
    for dtype in INTEGERS
    for made in (
        row("convolve", 1024, "k=5", dtype, 20, MEAN),
        row("gaussian_filter", 1024, f"{SIGMA}=1", dtype, 20, 1),
        row("uniform_filter", 1024, "size=3", dtype, 20, 3),
        row("sobel", 1024, "", dtype, 20),
    )
)
TINY = (
    row("correlate", 8, "k=3", "f64", 5, KERNEL[:3, :3]),
    row("convolve", 8, "k=3", "f64", 5, KERNEL[:3, :3]),
    row("convolve", 8, "k=3", "u8", 5, MEAN[:3, :3]),
    row("correlate1d", 8, "k=3", "f64", 5, KERNEL[0, :3]),
    row("convolve1d", 8, "k=3", "f64", 5, KERNEL[0, :3]),
    row("gaussian_filter", 8, f"{SIGMA}=1", "f64", 5, 1),
    row("gaussian_filter", 8, f"{SIGMA}=1", "u8", 5, 1),
    row("gaussian_filter1d", 8, f"{SIGMA}=1", "f64", 5, 1),
    row("uniform_filter", 8, "size=3", "f64", 5, 3),
    row("uniform_filter1d", 8, "size=3", "f64", 5, 3),
    row("sobel", 8, "", "f64", 5),
    row("prewitt", 8, "", "f64", 5),
    row("laplace", 8, "", "f64", 5),
    row("gaussian_laplace", 8, f"{SIGMA}=1", "f64", 5, 1),
    row("gaussian_gradient_magnitude", 8, f"{SIGMA}=1", "f64", 5, 1),
)
FILTERS = LARGE + INTEGER + TINY


def main(argv: Sequence[str] | None = None) -> int:
    """Race these rows alone."""
    from bench import compare

    return compare.main(["--cells", "^scipy-", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    sys.exit(main())
