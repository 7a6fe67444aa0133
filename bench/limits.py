"""What the machine could do at best: multiply-adds per second, and bytes copied per second in each level of memory.

And what others took of it meanwhile (`Neighbours`), without which a bad ratio can't be told from a busy machine.

`convcorr._core.limits(threads)` is asked first; it answers in this module's units, or does not exist. The estimate
without it stands on NumPy alone: a matrix product for the multiply-adds (it reaches 80 to 95% of the peak, so that
shares come out a little high), and `copyto` for the copies.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench.cases import Case

LEVELS = ("L2", "L3", "DRAM")


@dataclass(frozen=True)
class Limits:
    """The ceilings of one machine for one number of threads.

    Parameters
    ----------
    threads : int
        Threads that reach these figures together.
    flops : dict of str to float
        Peak of "f32" and "f64" arithmetic, a multiply-add counted as two [operations/s].
    copy : dict of str to float
        Copy speed within "L2", "L3" and "DRAM", read and written bytes both counted [bytes/s].
    capacity : dict of str to int
        Size of "L2" (of all threads together) and "L3" [bytes].
    source : str
        Who measured.
    """

    threads: int
    flops: dict[str, float]
    copy: dict[str, float]
    capacity: dict[str, int]
    source: str

    def level(self, size: int) -> str:
        """Name the smallest level of memory that holds `size` bytes."""
        return next((name for name in ("L2", "L3") if size <= self.capacity[name]), "DRAM")

    def shortest(self, case: Case) -> float:
        """Time below which a direct sum of `case` cannot fall [s]."""
        peak = self.flops["f64" if case.dtype == "f64" else "f32"]
        copy = self.copy[self.level(case.bytes_moved)]
        return max(case.flops / peak, case.bytes_moved / copy)

    def share(self, case: Case, seconds: float, algorithm: str) -> float | None:
        """Part of the limit reached by `seconds`; None for an FFT, which spends fewer operations than a direct sum."""
        return None if algorithm == "fft" else self.shortest(case) / seconds

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """One line: the ceilings in GFLOP/s and GB/s."""
        flops = ", ".join(f"{name} {rate / 1e9:.0f} GFLOP/s" for name, rate in self.flops.items())
        copy = ", ".join(f"{name} {self.copy[name] / 1e9:.0f} GB/s" for name in LEVELS)
        return f"{flops}; copy {copy} ({self.threads} threads, {self.source})"


class Neighbours:
    """Watches how much of the processors other processes use, from when it is made (Linux only)."""

    def __init__(self) -> None:
        self._start = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        """Read the clock, and the processor time that others have used so far [s]."""
        used = math.nan
        with contextlib.suppress(OSError, ValueError, AttributeError):
            user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
            used = (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK") - time.process_time()
        return time.perf_counter(), used

    def processors(self) -> float:
        """Processors that others kept busy, on average; NaN where this system doesn't say."""
        (start, before), (end, after) = self._start, self._now()
        return math.nan if math.isnan(after) else max(0.0, (after - before) / (end - start))


def measure(threads: int) -> Limits:
    """Find the limits of this machine: those that the library measured, else an estimate by NumPy."""
    capacity = _capacities(threads)
    with contextlib.suppress(ImportError, AttributeError, KeyError, TypeError):
        found = importlib.import_module("convcorr._core").limits(threads)
        flops = {name: float(found["flops"][name]) for name in ("f32", "f64")}
        copy = {name: float(found["copy"][name]) for name in LEVELS}
        return Limits(threads, flops, copy, capacity, "convcorr")
    with blas_threads(threads):
        flops = {"f32": _gemm_rate(np.float32), "f64": _gemm_rate(np.float64)}
    copy = {
        "L2": threads * _copy_rate(capacity["L2"] // threads // 4, 1),
        "L3": _copy_rate(min(4 * capacity["L2"] // threads, capacity["L3"] // 4) // 2, threads),
        "DRAM": _copy_rate(_beyond_cache(capacity["L3"]) // threads // 2, threads, rounds=5),
    }
    return Limits(threads, flops, copy, capacity, "estimated by NumPy: matrix product, copyto")


@contextlib.contextmanager
def blas_threads(threads: int) -> Iterator[None]:
    """Hold NumPy's matrix product to `threads`, where threadpoolctl is installed."""
    try:
        pools = importlib.import_module("threadpoolctl")
    except ImportError:
        yield
        return
    with pools.threadpool_limits(threads, user_api="blas"):
        yield


def _capacities(threads: int) -> dict[str, int]:
    """Cache sizes as Linux tells them, else common ones [bytes]."""
    found = {"L2": 1 << 20, "L3": 32 << 20}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        with contextlib.suppress(OSError, ValueError):
            level = "L" + (folder / "level").read_text().strip()
            text = (folder / "size").read_text().strip()
            if level in found:
                found[level] = int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}.get(text[-1], 0)
    found["L2"] *= threads
    found["L3"] = max(found["L3"], found["L2"])
    return found


def _beyond_cache(last_level: int) -> int:
    """Choose a size that the last cache cannot hold, or a sixteenth of the memory if that is less [bytes]."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        memory = 4 << 30
    return min(4 * last_level, memory // 16)


def _best_time(work: Callable[[], object], rounds: int) -> float:
    """Shortest of some runs, after one that warms up [s]."""
    work()
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _gemm_rate(dtype: type[np.floating[Any]], n: int = 1536) -> float:
    """Operations per second of an n x n matrix product."""
    a, b, out = (np.full((n, n), 0.5, dtype=dtype) for _ in range(3))
    return float(2 * n**3 / _best_time(lambda: np.dot(a, b, out=out), 20))


def _copy_rate(size: int, threads: int, rounds: int = 40) -> float:
    """Bytes read and written per second while every thread copies `size` bytes of its own."""
    apart = size + 2112  # loads and stores at the same place in their 4096-byte pages would hinder each other
    areas = [np.ones(apart + size, np.uint8) for _ in range(threads)]
    pairs = [(area[:size], area[apart:]) for area in areas]
    repeats = max(1, (4 << 20) // size)

    def copy(source: Any, target: Any) -> None:
        for _ in range(repeats):
            np.copyto(target, source)

    if threads == 1:
        return 2 * size * repeats / _best_time(lambda: copy(*pairs[0]), rounds)
    gate = threading.Barrier(threads + 1)

    def worker(pair: tuple[Any, Any]) -> None:
        for _ in range(rounds + 1):
            gate.wait()
            copy(*pair)
            gate.wait()

    def release() -> None:
        gate.wait()
        gate.wait()

    team = [threading.Thread(target=worker, args=(pair,), daemon=True) for pair in pairs]
    for member in team:
        member.start()
    seconds = _best_time(release, rounds)
    for member in team:
        member.join()
    return 2 * size * repeats * threads / seconds
