"""How a call is timed: the process quiet, no garbage collector, batches long enough for the clock; on what machine."""

from __future__ import annotations

import gc
import itertools
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import peers

Call = Callable[[], Any]
BATCH = 200e-6  # a timing lasts at least so long [s]


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the garbage collector out of the timings."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def time_calls(call: Call, calls: int) -> float:
    """Time of so many calls, one after the other [s]."""
    again = itertools.repeat(None, calls)
    start = time.perf_counter()
    for _ in again:
        call()
    return time.perf_counter() - start


def settle(patience: float = 0.05) -> None:
    """Wait until this process uses no processor: thread pools spin for some milliseconds after a call."""
    deadline = time.perf_counter() + patience
    while time.perf_counter() < deadline:
        busy, start = time.process_time(), time.perf_counter()
        time.sleep(0.001)
        if time.process_time() - busy < 0.3 * (time.perf_counter() - start):
            return


def calls_per_batch(call: Call, batch: float = BATCH) -> int:
    """Find how many calls last `batch` together [s]."""
    calls = 1
    while calls < 1_000_000:
        lasted = time_calls(call, calls)
        if lasted >= batch:
            break
        calls = max(2 * calls, int(1.1 * calls * batch / max(lasted, 1e-9))) if lasted > batch / 20 else 8 * calls
    return calls


def milliseconds(seconds: float) -> str:
    """Three digits, in ms."""
    ms = seconds * 1e3
    return f"{ms:.5f}" if ms < 0.01 else f"{ms:.4f}" if ms < 0.1 else f"{ms:.3f}" if ms < 10 else f"{ms:.1f}"


def machine() -> dict[str, Any]:
    """Describe what this runs on."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (named := re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())):
        processor = named[1]
    convcorr = peers.load("convcorr")
    return {
        "processor": processor,
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "convcorr": convcorr.show_config(mode="dict") if convcorr else None,
    }
