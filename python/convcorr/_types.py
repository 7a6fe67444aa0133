"""Names for the types of the public arguments. Read by type checkers only, never imported at run time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex, TypeAlias, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T")

Mode = Literal["full", "same", "valid"]
Boundary = Literal["constant", "edge", "symmetric", "reflect", "wrap"]
Method = Literal["auto", "direct", "fft", "separable"]
Operation = Literal["convolve", "correlate"]
PerAxis: TypeAlias = _T | Sequence[_T]  # one value for every convolved axis, or one each
Integer: TypeAlias = SupportsIndex  # int, or a NumPy integer
Number: TypeAlias = "complex | np.number[Any]"
Axes: TypeAlias = "Integer | Sequence[Integer] | None"
Lags: TypeAlias = "Sequence[Integer] | None"
Array = NDArray[Any]

# Of layers.
Layout = Literal["NCHW", "NHWC", "NCL", "NLC", "NCDHW", "NDHWC"]
Algorithm = Literal["auto", "direct", "im2col", "winograd", "fft", "depthwise"]
LayerOperation = Literal["conv", "conv_transpose", "grad_input", "grad_weight"]
Padding: TypeAlias = "PerAxis[Integer] | Sequence[Sequence[Integer]] | Literal['same', 'valid']"


# Of `_core`. A candidate's algorithm, tile, predicted us, scratch bytes, why it is refused, whether it is chosen; an
# explanation's algorithm, predicted us, threads, candidates.
CandidateTuple: TypeAlias = tuple[str, tuple[int, ...], float, int, "str | None", bool, bool]
ExplanationTuple: TypeAlias = tuple[str, float, int, list[CandidateTuple]]


class PlanInfo(TypedDict):
    """What `_core.plan_info` returns: a plan's attributes, and the arguments that would make the same one."""

    x_shape: tuple[int, ...]
    x_dtype: np.dtype[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    algorithm: str
    h: Array
    mode: Mode
    op: Operation
    axes: tuple[int, ...]
    boundary: tuple[Boundary, ...]
    method: Method
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    lags: tuple[int, int] | None
    threads: int | None
    tile: tuple[int, ...] | None


class LayerPlanInfo(TypedDict):
    """What `_core.nn_info` returns: a plan's attributes, and the weights that it keeps."""

    x_shape: tuple[int, ...]
    x_dtype: np.dtype[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    algorithm: str
    w: Array
    bias: Array | None


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
    accelerated: list[str]
