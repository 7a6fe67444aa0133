"""`python -m convcorr demo`: the package at work on photographs and an EEG, and the times that others take for it.

The photographs ship inside scikit-image and the EEG inside Matplotlib: nothing is fetched. Start reading at `run`. How
a result is drawn is in `_demo_pictures`, how it is timed in `_demo_times`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import cbook
from scipy import ndimage, signal
from skimage import data

from . import _demo_pictures as pictures
from . import convolve, correlate
from ._demo_times import Work, print_times

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.figure import Figure

    from ._types import Array

GAUSSIAN = np.array(
    [[1, 4, 7, 4, 1], [4, 16, 26, 16, 4], [7, 26, 41, 26, 7], [4, 16, 26, 16, 4], [1, 4, 7, 4, 1]], dtype=np.float32
)
SOBEL_X = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], dtype=np.float32) / 4  # positive where x grows to the right
SOBEL = np.stack([SOBEL_X, SOBEL_X.T])


def run(directory: Path) -> int:
    """Filter the pictures and the EEG, write the results as PNG files into `directory`, print the times.

    Parameters
    ----------
    directory : Path
        Where the pictures go; it must be there.

    Returns
    -------
    int
        0, or 1 if a result differs from another library's by more than rounding.
    """
    shows: dict[str, Callable[[], tuple[Figure, Work]]] = {
        "1-face-gaussian": _face,
        "2-coins-edges": _coins,
        "3-moon-flip": _moon,
        "4-eeg-smoothing": _eeg,
    }
    works = []
    for name, show in shows.items():
        figure, work = show()
        figure.savefig(directory / f"{name}.png", dpi=110)
        works.append(work)
    agree = print_times(works)
    print(f"\nThe pictures are in {directory.resolve()}:")
    for name in shows:
        print(f"    {name}.png")
    return 0 if agree else 1


def _photograph(name: str) -> Array:
    """One of the photographs that ship inside scikit-image's wheel, in grey levels 0 to 255."""
    return np.asarray(getattr(data, name)(), dtype=np.float32)


def _face() -> tuple[Figure, Work]:
    """A 5 by 5 Gaussian on the three channels of a colour photograph, in one call."""
    photo = _photograph("astronaut")
    kernel = GAUSSIAN / 273
    over_channels = kernel[:, :, np.newaxis]

    def ours(threads: int | None = None) -> Array:
        return convolve(photo, over_channels, "same", axes=(0, 1), boundary="symmetric", threads=threads)

    def convolve2d() -> Array:
        channels = [signal.convolve2d(photo[:, :, c], kernel, "same", "symm") for c in range(3)]
        return np.stack(channels, axis=-1)

    def ndimage_convolve() -> Array:
        return np.asarray(ndimage.convolve(photo, over_channels, mode="reflect"))

    figure = pictures.face(photo, GAUSSIAN, ours())
    return figure, Work("face: 512x512x3, 5x5", photo, kernel, ours, None, convolve2d, ndimage_convolve)


def _coins() -> tuple[Figure, Work]:
    """Sobel's two derivatives as a bank of two filters, and the strength of the edges from them."""
    photo = _photograph("coins")

    def ours(threads: int | None = None) -> Array:
        return convolve(photo, SOBEL, "same", axes=(-2, -1), boundary="symmetric", threads=threads)

    def convolve2d() -> Array:
        return np.stack([signal.convolve2d(photo, h, "same", "symm") for h in SOBEL])

    def ndimage_convolve() -> Array:
        return np.stack([ndimage.convolve(photo, h, mode="reflect") for h in SOBEL])

    figure = pictures.coins(photo, ours())
    return figure, Work("coins: 303x384, two 3x3", photo, SOBEL_X, ours, None, convolve2d, ndimage_convolve)


def _moon() -> tuple[Figure, Work]:
    """One asymmetric kernel, convolved and correlated: the flip."""
    photo = _photograph("moon")
    kernel = _arrow()
    impulses = np.zeros((34, 34), dtype=np.float32)
    impulses[[7, 15, 27], [9, 25, 11]] = 1

    def ours(threads: int | None = None) -> Array:
        return convolve(photo, kernel, "same", boundary="symmetric", threads=threads)

    def convolve2d() -> Array:
        return np.asarray(signal.convolve2d(photo, kernel, "same", "symm"))

    def ndimage_convolve() -> Array:
        return np.asarray(ndimage.convolve(photo, kernel, mode="reflect"))

    figure = pictures.flip(
        kernel,
        (impulses, convolve(impulses, kernel, "same"), correlate(impulses, kernel, "same")),
        (photo, ours(), correlate(photo, kernel, "same", boundary="symmetric")),
    )
    return figure, Work("moon: 512x512, 9x9", photo, kernel, ours, None, convolve2d, ndimage_convolve)


def _arrow() -> Array:
    """A 9 by 9 kernel in the shape of an arrow to the upper right: head positive, tail negative, sum zero."""
    row, column = np.indices((9, 9))
    head = column - row >= 3
    tail = (abs(row + column - 8) <= 1) & ~head
    return np.asarray(head / head.sum() - tail / tail.sum(), dtype=np.float32)


def _eeg() -> tuple[Figure, Work]:
    """Smoothing of one channel by a Hann window."""
    recording = np.fromfile(cbook.get_sample_data("eeg.dat", asfileobj=False), dtype="<f8")
    channel = recording.reshape(800, 4)[:, 0].astype(np.float64)  # 10 s, one channel of four
    kernel = np.hanning(19)[1:-1]
    kernel /= kernel.sum()

    def ours(threads: int | None = None) -> Array:
        return convolve(channel, kernel, "same", threads=threads)

    def np_convolve() -> Array:
        return np.asarray(np.convolve(channel, kernel, "same"))

    def convolve2d() -> Array:
        return np.asarray(signal.convolve2d(channel[np.newaxis], kernel[np.newaxis], "same")[0])

    def ndimage_convolve() -> Array:
        return np.asarray(ndimage.convolve(channel, kernel, mode="constant"))

    figure = pictures.eeg(channel, kernel, ours(), sample_rate=80.0)
    return figure, Work("EEG: 800, 17", channel, kernel, ours, np_convolve, convolve2d, ndimage_convolve)
