"""The demo's pictures: arrays in, Matplotlib figures out. Nothing here computes a filter or touches pyplot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from ._types import Array

_FACE = (slice(20, 200), slice(130, 310))  # rows, columns of the photograph
_EYE = (slice(86, 124), slice(232, 270))
_CRATERS = (slice(30, 230), slice(30, 230))
_BLUE, _ORANGE, _GREY = "#1b6ca8", "#d1495b", "#9aa5b1"


def face(photo: Array, kernel: Array, blurred: Array) -> Figure:
    """The face before and after the Gaussian, the kernel's numbers, a close-up, and what the blur took away."""
    figure, axes = _grid(2, 3, (13.2, 9.0), "A 5x5 Gaussian on a face: convolve(photo, h, 'same', axes=(0, 1))")
    _show(axes[0, 0], photo[_FACE] / 255, "Photograph")
    _show(axes[0, 1], blurred[_FACE].clip(0, 255) / 255, "Convolved")
    _numbers(axes[0, 2], kernel, "The kernel h, times 273")
    _show(axes[1, 0], photo[_EYE] / 255, "Photograph, close up")
    _show(axes[1, 1], blurred[_EYE].clip(0, 255) / 255, "Convolved, close up")
    lost = np.abs(blurred - photo).mean(axis=-1)[_FACE]
    image = _show(axes[1, 2], lost, "What the blur took away", cmap="magma", vmin=0, vmax=50)
    _bar(image, axes[1, 2], "mean |difference| [grey levels]", extend="max")
    return figure


def coins(photo: Array, gradient: Array) -> Figure:
    """A photograph, its two derivatives, and the length of the gradient. `gradient` has shape (2, rows, columns)."""
    figure, axes = _grid(2, 2, (11.6, 8.6), "Sobel's edge filter on coins: two kernels in one call")
    limit = float(np.abs(gradient).max()) * 0.6
    _show(axes[0, 0], photo, "Photograph", cmap="gray")
    strength = np.hypot(gradient[0], gradient[1])
    image = _show(axes[0, 1], strength, "Edges: length of the gradient", cmap="magma", vmin=0)
    _bar(image, axes[0, 1], "grey levels per pixel")
    for axis, part, title in zip(axes[1], gradient, ["Change to the right", "Change downwards"], strict=True):
        image = _show(axis, part, title, cmap="RdBu_r", vmin=-limit, vmax=limit)
        _bar(image, axis, "grey levels per pixel")
    return figure


def flip(kernel: Array, impulses: tuple[Array, Array, Array], photo: tuple[Array, Array, Array]) -> Figure:
    """One kernel on single bright pixels and on the moon; each triple is the input, convolved, correlated."""
    figure, axes = _grid(2, 4, (15.2, 8.2), "The flip: one asymmetric kernel, convolved and correlated")
    limit = float(np.abs(kernel).max())
    colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    _show(axes[0, 0], kernel, "The kernel h: red 1/21, blue -1/16", **colours)
    _show(axes[0, 1], impulses[0], "Three bright pixels", cmap="gray")
    _show(axes[0, 2], impulses[1], "convolve: h as it is", **colours)
    _show(axes[0, 3], impulses[2], "correlate: h turned by 180°", **colours)
    _explain_flip(axes[1, 0])
    _show(axes[1, 1], photo[0][_CRATERS], "The moon", cmap="gray")
    limit = float(np.percentile(np.abs(photo[1]), 99.5))
    _show(axes[1, 2], photo[1][_CRATERS], "convolve", cmap="gray", vmin=-limit, vmax=limit)
    _show(axes[1, 3], photo[2][_CRATERS], "correlate: light and shade swap", cmap="gray", vmin=-limit, vmax=limit)
    return figure


def eeg(channel: Array, kernel: Array, smooth: Array, sample_rate: float) -> Figure:
    """A recording and its smoothed self, whole and close up, with the kernel beside."""
    figure = _figure((13.0, 7.4), "Smoothing an EEG: convolve(eeg, h, 'same')")
    axes = figure.subplot_mosaic([["whole", "whole"], ["part", "kernel"]], width_ratios=[2.6, 1])
    seconds = np.arange(channel.size) / sample_rate
    for axis, part, marker in ((axes["whole"], slice(None), ""), (axes["part"], slice(240, 400), ".")):
        axis.plot(seconds[part], channel[part], color=_GREY, linewidth=0.9, marker=marker, label="recorded")
        axis.plot(seconds[part], smooth[part], color=_ORANGE, linewidth=2, label="smoothed")
        axis.set_ylabel("amplitude, as recorded")
        axis.margins(x=0)
    axes["whole"].set_title("One channel, ten seconds")
    axes["whole"].legend(loc="upper left", ncols=2, frameon=False)
    axes["part"].set_title("The seconds 3 to 5, close up")
    tap = (np.arange(kernel.size) - kernel.size // 2) / sample_rate
    axes["kernel"].vlines(tap, 0, kernel, color=_BLUE)
    axes["kernel"].plot(tap, kernel, "o", color=_BLUE, markersize=5)
    axes["kernel"].set_title(f"The kernel h: Hann window, {kernel.size} taps")
    axes["kernel"].set_ylabel("weight")
    axes["kernel"].set_ylim(bottom=0)
    for axis in axes.values():
        axis.set_xlabel("time [s]")
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _figure(size: tuple[float, float], title: str) -> Figure:
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    figure.suptitle(title, fontsize=15, fontweight="bold")
    return figure


def _grid(rows: int, columns: int, size: tuple[float, float], title: str) -> tuple[Figure, Array]:
    figure = _figure(size, title)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _show(axis: Axes, image: Array, title: str, **style: Any) -> AxesImage:
    """An image without ticks, its pixels as they are."""
    axis.set_title(title)
    axis.set_xticks([])
    axis.set_yticks([])
    return axis.imshow(image, interpolation="nearest", **style)


def _bar(image: AxesImage, axis: Axes, label: str, extend: str = "neither") -> None:
    axis.figure.colorbar(image, ax=axis, label=label, extend=extend, shrink=0.9)


def _numbers(axis: Axes, kernel: Array, title: str) -> None:
    """A small kernel as a table, shaded by its values."""
    _show(axis, kernel, title, cmap="Blues", vmin=0, vmax=1.6 * kernel.max())
    for (row, column), value in np.ndenumerate(kernel):
        axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=14)


def _explain_flip(axis: Axes) -> None:
    """The two definitions, in the place of a picture."""
    axis.set_axis_off()
    lines = [
        (0.86, "convolve", True),
        (0.74, r"$y[n]=\sum_m\;x[n-m]\;h[m]$", False),
        (0.62, "stamps h on every pixel", False),
        (0.40, "correlate", True),
        (0.28, r"$y[n]=\sum_m\;x[n+m]\;\overline{h[m]}$", False),
        (0.16, "stamps h turned round", False),
    ]
    for height, text, bold in lines:
        axis.text(0.5, height, text, ha="center", va="center", fontsize=13, fontweight="bold" if bold else "normal")
