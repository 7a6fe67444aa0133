"""Names for the types of the public arguments. Read by type checkers only, never imported at run time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex, TypeAlias, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T")

Mode = Literal["full", "same", "valid"]
Boundary = Literal["constant", "edge", "symmetric", "reflect", "wrap"]
Method = Literal["auto", "direct"]
PerAxis: TypeAlias = _T | Sequence[_T]  # one value for every convolved axis, or one each
Integer: TypeAlias = SupportsIndex  # int, or a NumPy integer
Number: TypeAlias = "complex | np.number[Any]"
Axes: TypeAlias = "Integer | Sequence[Integer] | None"
Lags: TypeAlias = "Sequence[Integer] | None"
Array = NDArray[Any]


class Config(TypedDict):
    """What `show_config(mode="dict")` returns."""

    version: str
    isa: str
    isas_built: list[str]
    isas_available: list[str]
    threads: int
    openmp: str
    compiler: str
    numpy: str
