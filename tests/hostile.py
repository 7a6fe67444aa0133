"""Signals on which a plain FFT is wrong where it is quiet, and others that are hard in ways of their own.

The rounding of a transform is as large as its loudest sample makes it, and lands everywhere. So: quiet beside loud, in
every shape, at contrasts from hardly any to more than the square of the type's range; and what else could upset a guard
that measures energies: squares that overflow or vanish, denormals, zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from layouts import Array

Signal = Callable[[np.random.Generator, int], Array]
Image = Callable[[np.random.Generator, tuple[int, int]], Array]


def stretches(n: int, levels: list[float]) -> Array:
    """One level after the other, each over the same share of n samples."""
    return np.asarray(levels)[np.arange(n) * len(levels) // n]


def levels_of_noise(*levels: float) -> Signal:
    return lambda rng, n: rng.standard_normal(n) * stretches(n, list(levels))


def sparse(rng: np.random.Generator, n: int) -> Array:
    """Two spikes in a thousand samples, of all magnitudes, and nothing between."""
    return np.where(rng.random(n) < 0.002, 10 ** rng.uniform(-8, 8, n), 0.0)


def one_at(place: float, height: float) -> Signal:
    """One sample above noise."""

    def signal(rng: np.random.Generator, n: int) -> Array:
        x: Array = rng.standard_normal(n)
        x[int(place * n)] = height
        return x

    return signal


def beside(loud: Signal, contrast: float) -> Signal:
    """A fifth of quiet noise in the middle of something loud."""

    def signal(rng: np.random.Generator, n: int) -> Array:
        return np.where(stretches(n, [0, 0, 1, 0, 0]) > 0, rng.standard_normal(n) / contrast, loud(rng, n))

    return signal


def sine(rng: np.random.Generator, n: int) -> Array:
    return np.sin(2 * np.pi * np.arange(n) / 64 + rng.uniform(0, 6))


def ones(rng: np.random.Generator, n: int) -> Array:
    return np.ones(n)


def noise(rng: np.random.Generator, n: int) -> Array:
    values: Array = rng.standard_normal(n)
    return values


QUIET_BESIDE_LOUD: dict[str, Signal] = {  # a plain FFT breaks the promise on each of them, in every precision
    "a burst of 1e8": levels_of_noise(1, 1, 1, 1, 1e8, 1, 1, 1, 1, 1),
    "a burst of 1e12": levels_of_noise(1, 1, 1, 1e12, 1, 1),
    "a burst at the end": levels_of_noise(*[1] * 9, 1e10),
    "loud and quiet by turns, 1e8 to 1": levels_of_noise(*[1, 1e-8] * 4),
    "decay over 300 dB": lambda rng, n: rng.standard_normal(n) * 10 ** (-15 * np.arange(n) / n),
    "growth over 300 dB": lambda rng, n: rng.standard_normal(n) * 10 ** (15 * np.arange(n) / n - 15),
    "a spike of 1e9 in noise": one_at(0.4, 1e9),
    "the first sample loud": one_at(0, -1e10),
    "the last sample loud": one_at(1 - 1e-9, 1e10),
    "quiet inside loud": levels_of_noise(1, 1, 1e-8, 1, 1),
    "quiet noise between two sines": beside(sine, 1e9),
    "quiet noise between constants": beside(ones, 1e7),
    "spikes of all magnitudes": sparse,
    "stairs of 100": levels_of_noise(*(100.0**-i for i in range(6))),
    "zeros inside noise": levels_of_noise(1, 0, 0, 1, 0),
    "zeros beside quiet beside loud": levels_of_noise(1e6, 0, 1e-6, 0, 1),
}
OTHERS: dict[str, Signal] = {  # here a plain FFT may be right
    "noise": noise,
    "a sine": sine,
    "a constant": ones,
    "a constant and noise": lambda rng, n: 1e6 + rng.standard_normal(n),
    "a ramp": lambda rng, n: np.arange(float(n)),
    "a ramp with a corner at zero": lambda rng, n: np.maximum(np.arange(float(n)) - n // 2, 0),
    "signs by turns": lambda rng, n: np.where(np.arange(n) % 2, 1.0, -1.0),
    "one sample": lambda rng, n: np.where(np.arange(n) == n // 3, 3.0, 0.0),
    "zeros": lambda rng, n: np.zeros(n),
    "negative zeros": lambda rng, n: np.full(n, -0.0),
    "a contrast of 12": levels_of_noise(1, 1, 1 / 12, 1, 1 / 12, 1),
}


def extremes(dtype: np.dtype[Any]) -> dict[str, Signal]:
    """At the ends of the type's range, where the square of a sample is out of it. Kernels must add up to 1 at most."""
    info = np.finfo(dtype)
    top, bottom = float(info.max) / 16, float(info.tiny)
    root = top**0.5
    return {
        "near overflow": levels_of_noise(top / 8),
        "near overflow, all of one sign": lambda rng, n: np.full(n, top),
        "quiet beside near overflow": levels_of_noise(1, top / 8, 1, 1e-3, top / 8),
        "squares that overflow beside quiet": levels_of_noise(1, 1, root * 1e3, 1, 1),
        "squares that vanish beside loud": levels_of_noise(1, 1e-3 / root, 1, 1e-4 / root, 1 / root),
        "everything near the bottom": levels_of_noise(bottom * 100),
        "denormals everywhere": levels_of_noise(bottom / 100),
        "denormals beside loud": levels_of_noise(1, bottom / 100, 1, bottom / 10),
        "the whole range": levels_of_noise(top / 8, 1, bottom * 1e4, 1, 0, bottom, top / 8),
    }


def of_dtype(x: Array, dtype: DTypeLike, rng: np.random.Generator) -> Array:
    """In this dtype; complex numbers turn by any angle."""
    dtype = np.dtype(dtype)
    if dtype.kind != "c":
        return x.astype(dtype)
    wide: Array = x * np.exp(2j * np.pi * rng.random(x.shape))
    return wide.astype(dtype)


def spot(shape: tuple[int, int], top: float, left: float, height: float, width: float) -> Array:
    """True on a rectangle, given by its share of the picture."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    down, right = y / shape[0] - top, x / shape[1] - left
    return np.asarray((down >= 0) & (down < height) & (right >= 0) & (right < width))


def pattern(inside: Callable[[tuple[int, int]], Array], there: float, elsewhere: float) -> Image:
    return lambda rng, shape: rng.standard_normal(shape) * np.where(inside(shape), there, elsewhere)


def checkers(shape: tuple[int, int]) -> Array:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.asarray((y * 3 // shape[0] + x * 3 // shape[1]) % 2 == 1)


QUIET_BESIDE_LOUD_2D: dict[str, Image] = {
    "a loud spot": pattern(lambda s: spot(s, 0.4, 0.5, 0.1, 0.1), 1e9, 1),
    "a loud corner": pattern(lambda s: spot(s, 0, 0, 0.05, 0.05), 1e10, 1),
    "one loud pixel": pattern(lambda s: spot(s, 0.5, 0.5, 1 / s[0], 1 / s[1]), 1e11, 1),
    "a quiet field": pattern(lambda s: spot(s, 0.3, 0.25, 0.5, 0.5), 1e-8, 1),
    "loud columns": pattern(lambda s: spot(s, 0, 0.5, 1, 0.1), 1e8, 1),
    "loud rows": pattern(lambda s: spot(s, 0.7, 0, 0.1, 1), 1e8, 1),
    "checkers": pattern(checkers, 1, 1e-8),
    "black with a bright field": pattern(lambda s: spot(s, 0.5, 0.6, 0.3, 0.3), 1, 0),
    "a black field": pattern(lambda s: spot(s, 0.2, 0.3, 0.6, 0.5), 0, 1),
    "decay along both axes": lambda rng, s: (
        rng.standard_normal(s) * np.multiply.outer(*(10 ** (-9 * np.arange(n) / n) for n in s))
    ),
}
OTHERS_2D: dict[str, Image] = {
    "noise": lambda rng, s: rng.standard_normal(s),
    "flat and bright": lambda rng, s: 1e4 + rng.standard_normal(s),
    "one pixel": lambda rng, s: np.where(spot(s, 0.5, 0.5, 1 / s[0], 1 / s[1]), 1.0, 0.0),
    "black": lambda rng, s: np.zeros(s),
    "near overflow": lambda rng, s: np.clip(rng.standard_normal(s), -4, 4) * 1e37,
}

KERNELS: dict[str, Signal] = {
    "noise": noise,
    "ones": ones,
    "decay": lambda rng, k: rng.standard_normal(k) * 10 ** (-12 * np.arange(k) / k),
    "decay to nothing": lambda rng, k: np.exp(-60 * np.linspace(-1, 1, k) ** 2),
    "one loud tap": one_at(0.3, 1e6),
    "signs by turns": lambda rng, k: np.where(np.arange(k) % 2, 1.0, -1.0),
    "two taps": lambda rng, k: np.where((np.arange(k) == 0) | (np.arange(k) == k - 1), 1.0, 0.0),
}


def bounded(h: Array) -> Array:
    """Scaled so that no result is larger than the largest sample."""
    return np.asarray(h / np.abs(h).sum())


def smooth(rng: np.random.Generator, n: int) -> Array:
    """Nearly all of its energy at frequency 0, so that a transform's roundings add up; quiet somewhere."""
    place, steps = np.arange(n) / n, rng.standard_normal(n)
    kinds: list[Callable[[], Array]] = [
        lambda: np.cumsum(steps), lambda: np.cumsum(np.cumsum(steps)), lambda: place ** rng.uniform(0.3, 3),
        lambda: np.exp(rng.uniform(0, 20) * place), lambda: np.where(place < rng.random(), 1.0, rng.uniform(3, 60)),
    ]  # fmt: skip
    x = kinds[int(rng.integers(len(kinds)))]()
    x /= np.abs(x).max()
    return x[::-1] if rng.random() < 0.3 else x


def plain_fft(x: Array, h: Array) -> Array:
    """The full convolution as most libraries do it: one transform over everything, in NumPy's precision."""
    shape = [n + k - 1 for n, k in zip(x.shape, h.shape, strict=True)]
    room, axes = [1 << (n - 1).bit_length() for n in shape], list(range(x.ndim))
    spectrum = np.fft.fftn(x, room, axes) * np.fft.fftn(h, room, axes)
    y = np.fft.ifftn(spectrum, room, axes)[tuple(slice(n) for n in shape)]
    return np.asarray(y if x.dtype.kind == "c" else y.real).astype(x.dtype)
