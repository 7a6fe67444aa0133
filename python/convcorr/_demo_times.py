"""The demo's table of times: the same work by several libraries, checked before it is timed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ._config import get_num_threads, show_config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._types import Array

_BUDGET = 1.0  # seconds for one row of the table
_ATOM = 1e-3  # seconds that one reading of the clock covers at least


class Ours(Protocol):
    """Our side of a piece of work, which runs on any number of threads."""

    def __call__(self, threads: int | None = None) -> Array: ...


@dataclass(frozen=True)
class Work:
    """One piece of work and who can do it. `None` stands for a library that cannot."""

    name: str
    x: Array
    h: Array  # one kernel, where the work has several of the same size
    convcorr: Ours
    np_convolve: Callable[[], Array] | None
    convolve2d: Callable[[], Array] | None
    ndimage_convolve: Callable[[], Array] | None

    def peers(self) -> list[Callable[[], Array] | None]:
        """The other libraries, in the order of the table's columns."""
        return [self.np_convolve, self.convolve2d, self.ndimage_convolve]

    def rounding(self) -> float:
        """How far two correct results can lie apart: twice the bound K u |x| * |h| of a direct sum."""
        h = np.abs(self.h)
        return float(h.size * np.finfo(self.x.dtype).eps * np.abs(self.x).max() * h.sum())


def print_times(works: Sequence[Work]) -> bool:
    """Compare and time every piece of work, and print a row for each.

    Parameters
    ----------
    works : sequence of Work
        What is to be done.

    Returns
    -------
    bool
        Whether all results agree, up to rounding.
    """
    config = show_config(mode="dict")
    print(f"convcorr {config['version']} with {config['isa']} kernels on {get_num_threads()} threads.")
    print("Times in ms, best of many runs; in brackets how many times as long as convcorr takes.")
    print("The other libraries have one thread.\n")
    columns = ["convcorr", "on 1 thread", "np.convolve", "convolve2d", "ndimage.convolve", "largest difference"]
    widths = [10, 13, 19, 19, 19, 20]
    print(f"{'':26}" + "".join(f"{column:>{width}}" for column, width in zip(columns, widths, strict=True)))
    agree = True
    for work in works:
        difference = _largest_difference(work)
        wrong = not difference <= work.rounding()  # a NaN is wrong too
        agree &= not wrong
        cells = [*_cells(work), f"{difference:.1e}" + (" WRONG" if wrong else "")]
        print(f"{work.name:26}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))
    if not agree:
        print("\nA result differs by more than rounding explains. Please report it, with the lines above.")
    return agree


def _largest_difference(work: Work) -> float:
    """The largest difference between our result and any of the others."""
    ours = work.convcorr()
    return max(float(np.abs(ours - peer()).max()) for peer in work.peers() if peer is not None)


def _cells(work: Work) -> list[str]:
    """The row's times: ours, ours on one thread, and each peer's with its ratio."""
    peers = work.peers()
    best = _best_times([work.convcorr, lambda: work.convcorr(threads=1), *filter(None, peers)])
    ours, alone, theirs = best[0], best[1], iter(best[2:])
    cells = [_milliseconds(ours), _milliseconds(alone)]
    for peer in peers:
        seconds = next(theirs) if peer is not None else None
        cells.append("-" if seconds is None else f"{_milliseconds(seconds)} {f'({_ratio(seconds / ours)})':>7}")
    return cells


def _milliseconds(seconds: float) -> str:
    """Three digits, however short or long."""
    return f"{seconds * 1e3:.3g}" if seconds < 0.1 else f"{seconds * 1e3:.0f}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.1f}x" if ratio < 10 else f"{ratio:.0f}x"


def _best_times(functions: Sequence[Callable[[], object]]) -> list[float]:
    """Best time of one call of each function [s], measured in turns so that a slow moment hits all of them."""
    calls = [_calls_per_reading(function) for function in functions]
    best = [np.inf] * len(functions)
    end = time.perf_counter() + _BUDGET
    rounds = 0
    while rounds < 3 or time.perf_counter() < end:
        for i, function in enumerate(functions):
            best[i] = min(best[i], _seconds(function, calls[i]))
        rounds += 1
    return best


def _calls_per_reading(function: Callable[[], object]) -> int:
    """How many calls in a row take long enough for the clock."""
    return max(1, round(_ATOM / max(_seconds(function, 1), 1e-7)))


def _seconds(function: Callable[[], object], calls: int) -> float:
    """Mean time of `calls` calls in a row [s]."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls
