"""What the library would take for a call, and how to make it take other block lengths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench import peers

Tile = tuple[int, ...]  # block lengths of an FFT along the transformed axes
Key = tuple[str, Tile]  # algorithm, block lengths


def key_of(candidate: Any) -> Key:
    """Algorithm and block lengths of a candidate; only an FFT has the latter."""
    algorithm = str(candidate.algorithm)
    return algorithm, tuple(candidate.tile) if algorithm == "fft" else ()


def chosen(explanation: Any) -> tuple[Key, float]:
    """Find what an explanation says is taken, and its predicted time [s]."""
    one = next(candidate for candidate in explanation.candidates if candidate.chosen)
    return key_of(one), 1e-6 * one.predicted_us


@contextmanager
def forcing(tile: Tile | None) -> Iterator[None]:
    """Force block lengths upon this thread's calls with method="fft"; None leaves them free."""
    core = peers.load("convcorr._core")
    assert core is not None
    core.force_tile(tile)
    try:
        yield
    finally:
        core.force_tile(None)
