"""One picture of a comparison: how many times faster than the best peer, cell by cell, with the goals marked.

`python -m bench.picture REPORT.json OUT.png` draws a report that `bench.compare` wrote.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

INK, FAINT, GRID = "#1f2933", "#6b7785", "#dde2e8"
AT_GOAL, BELOW = "#2a78b5", "#e08a3c"
HEADING_ROWS = 1.6  # height that the heading of a group takes, in bars
NUMBER = 0.13  # room for a ratio, in widths of the axes
LABELS, BARS = 0.225, 0.475  # widths of the two left columns, in figure widths
LEFT, RIGHT = -LABELS / BARS + 0.015, 1.02  # where labels and times begin, in widths of the axes
TITLES = {"1d": "1-D signals", "2d": "2-D images", "3d": "3-D volumes", "scipy": "SciPy's filters, over each"}


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw the ratios of a report, cell by cell.

    Parameters
    ----------
    report : dict
        As `bench.compare` writes it to JSON.
    path : Path
        PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    verdicts = [cell | verdict for cell in report["cells"] for verdict in cell["verdicts"]]
    drawn = [cell for cell in verdicts if cell["ratio"] is not None]
    cells = sorted(drawn, key=lambda cell: list(TITLES).index(_group(cell)))
    places, headings, height = _layout(cells)
    inches = 0.215 * height + 1.15
    figure = Figure(figsize=(9, inches), dpi=200, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((LABELS, 0.5 / inches, BARS, 1 - 1.1 / inches))
    _scale(axes, cells, height)
    for cell, y in zip(cells, places, strict=True):
        _bar(axes, cell, y)
    for group, y in headings:
        _note(axes, (LEFT, y), TITLES[group], size=9, weight="bold")
    _legend(figure, report, inches)
    figure.savefig(path)


def _group(cell: dict[str, Any]) -> str:
    """Name the group of a cell: what its id begins with."""
    return str(cell["id"]).partition("-")[0]


def _layout(cells: list[dict[str, Any]]) -> tuple[list[float], list[tuple[str, float]], float]:
    """Heights of the bars, heights of the group headings, and the height of all, downwards [bars]."""
    places: list[float] = []
    headings: list[tuple[str, float]] = []
    y, group = 0.0, ""
    for cell in cells:
        if _group(cell) != group:
            group = _group(cell)
            headings.append((group, y + HEADING_ROWS - 0.4))
            y += HEADING_ROWS
        places.append(y + 0.5)
        y += 1
    return places, headings, y


def _scale(axes: Any, cells: list[dict[str, Any]], height: float) -> None:
    """Give the axes a logarithmic scale that holds every ratio and goal, with round ticks."""
    values = [value for cell in cells for value in (cell["ratio"], cell["goal"])]
    low, high = min(0.9, 0.8 * min(values)), 1.7 * max(values)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(height + 0.2, 0.4)
    ticks = [step * 10.0**power for power in range(-3, 5) for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}\N{MULTIPLICATION SIGN}" for tick in ticks], fontsize=8, color=FAINT)
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.axvline(1, color=FAINT, linewidth=1)
    for side in axes.spines.values():
        side.set_visible(False)


def _bar(axes: Any, cell: dict[str, Any], y: float) -> None:
    """One cell: label, bar from 1, ratio at its end, goal, and both times."""
    ratio, goal = cell["ratio"], cell["goal"]
    colour = AT_GOAL if ratio >= goal else BELOW
    axes.barh(y, ratio - 1, left=1, height=0.68, color=colour, linewidth=0)
    axes.plot([goal, goal], [y - 0.44, y + 0.44], color=INK, linewidth=1.6, solid_capstyle="butt")
    beyond = max(ratio, 1)
    low, high = axes.get_xlim()
    if beyond <= goal < beyond * (high / low) ** NUMBER:  # the goal's mark stands where the number would
        beyond = goal
    number = f"{ratio:#.3g}".rstrip(".") if ratio >= 1 else f"{ratio:.2g}"
    axes.annotate(
        f"{number}\N{MULTIPLICATION SIGN}",
        (beyond, y),
        xytext=(4, 0),
        textcoords="offset points",
        va="center_baseline",
        fontsize=8,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )
    _note(axes, (LEFT, y), cell["label"], size=8)
    peer = f"{_duration(cell['ours_s'])}  against {_duration(cell['best_peer_s'])} {cell['best_peer']}"
    _note(axes, (RIGHT, y), peer, size=7.5, color=FAINT)


def _note(axes: Any, place: tuple[float, float], text: str, **style: Any) -> None:
    """Write beside the axes, at (x, y): x in widths of the axes, y in bars."""
    look = {"color": INK, "va": "center_baseline", **style}
    axes.text(*place, text, transform=axes.get_yaxis_transform(), **look)


def _duration(seconds: float) -> str:
    """Two or three digits with their unit."""
    power = min(0, max(-3, math.floor(math.log10(seconds) / 3)))
    unit = {0: "s", -1: "ms", -2: "\N{MICRO SIGN}s", -3: "ns"}[power]
    value = seconds / 1000.0**power
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}" if value >= 10 else f"{value:.2f} {unit}"


def _legend(figure: Any, report: dict[str, Any], inches: float) -> None:
    """Write the title, what the marks mean, and the machine."""
    title = "Times faster than the fastest peer"
    figure.text(0.007, 1 - 0.25 / inches, title, fontsize=12, fontweight="bold", color=INK, va="center")
    top = 1 - 0.48 / inches
    for x, colour, meaning in ((0.007, AT_GOAL, "at its goal"), (0.117, BELOW, "below its goal")):
        figure.text(x, top, "\N{BLACK SQUARE}", fontsize=10, color=colour, va="center_baseline")
        figure.text(x + 0.017, top, meaning, fontsize=8, color=INK, va="center_baseline")
    figure.text(0.248, top, "|", fontsize=9, fontweight="bold", color=INK, va="center_baseline")
    figure.text(0.258, top, "goal", fontsize=8, color=INK, va="center_baseline")
    versions = report["versions"]
    peers = ", ".join(f"{name.removesuffix('-headless')} {version}" for name, version in versions.items())
    machine = f"{report['machine']['processor']}, {report['settings']['threads']} threads each. {peers}"
    figure.text(0.007, 0.14 / inches, machine, fontsize=7, color=FAINT, va="center")


def main() -> int:
    """Draw a report from its file."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
