"""Calls with little address space: for programs run beside the tests, whose allocator gives every block back."""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Any

import numpy as np


def limited_to(megabytes: float, call: Callable[[], Any]) -> str:
    """The outcome of a call with no more address space than what is in use and a little: "done", or "MemoryError"."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + int(megabytes * 2**20), before[1]))
    try:
        call()
    except MemoryError:
        return "MemoryError"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    return "done"


def leave_where_unlimited() -> None:
    """Print "unlimited" and end the program where the system lets a process have more than RLIMIT_AS."""
    if limited_to(1, lambda: np.empty(2**26)) == "done":
        print("unlimited")
        raise SystemExit
