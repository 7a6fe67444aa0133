"""Fast and exact convolution and correlation of NumPy arrays.

`convolve` and `correlate` slide a kernel over data of any number of dimensions. `plan` prepares a kernel for many
calls, and `explain` says how a call would be computed. `convcorr.numpy` has the first two with NumPy's own signatures,
`convcorr.scipy.signal` SciPy's functions with theirs, and `convcorr.nn` the layers of neural networks. `python -m
convcorr demo` shows the first two at work on photographs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import numpy as numpy
from ._accelerate import accelerate, accelerated, restore
from ._config import clear_cache, get_num_threads, num_threads, set_num_threads, show_config
from ._conv import convolve, correlate, correlation_lags
from ._core import config as _config
from ._plan import Candidate, Explanation, Plan, explain, plan
from ._report import Report

if TYPE_CHECKING:
    from . import nn as nn

__version__: str = _config()["version"]

# Without the submodule `numpy`, so that a star import leaves the name to NumPy.
__all__ = [
    "Candidate",
    "Explanation",
    "Plan",
    "Report",
    "__version__",
    "accelerate",
    "accelerated",
    "clear_cache",
    "convolve",
    "correlate",
    "correlation_lags",
    "explain",
    "get_num_threads",
    "num_threads",
    "plan",
    "restore",
    "set_num_threads",
    "show_config",
]


def __getattr__(name: str) -> Any:  # what not everybody needs is imported when it is first asked for
    if name == "nn":
        from importlib import import_module

        return import_module(f"{__name__}.nn")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
