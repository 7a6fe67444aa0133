# The compiled extension. Private: its functions take every argument by position and change with the package.
# Their names are those of the public functions, `input` among them.
# ruff: noqa: A002

from collections.abc import Mapping, Sequence
from typing import Any, NewType

from numpy.typing import ArrayLike, DTypeLike

from ._types import (
    Algorithm,
    Array,
    Axes,
    Boundary,
    Config,
    ExplanationTuple,
    Integer,
    Lags,
    LayerOperation,
    LayerPlanInfo,
    Layout,
    Method,
    Mode,
    Number,
    Operation,
    Padding,
    PerAxis,
    PlanInfo,
)

PlanHandle = NewType("PlanHandle", object)  # a capsule
LayerPlanHandle = NewType("LayerPlanHandle", object)  # another

def convolve(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode,
    axes: Axes,
    boundary: PerAxis[Boundary],
    fill_value: Number,
    method: Method,
    stride: PerAxis[Integer],
    dilation: PerAxis[Integer],
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    /,
) -> Array: ...
def correlate(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode,
    axes: Axes,
    boundary: PerAxis[Boundary],
    fill_value: Number,
    method: Method,
    stride: PerAxis[Integer],
    dilation: PerAxis[Integer],
    lags: Lags,
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    /,
) -> Array: ...
def reference_convolve(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode,
    axes: Axes,
    boundary: PerAxis[Boundary],
    fill_value: Number,
    method: Method,
    stride: PerAxis[Integer],
    dilation: PerAxis[Integer],
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    /,
) -> Array: ...
def reference_correlate(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode,
    axes: Axes,
    boundary: PerAxis[Boundary],
    fill_value: Number,
    method: Method,
    stride: PerAxis[Integer],
    dilation: PerAxis[Integer],
    lags: Lags,
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    /,
) -> Array: ...

# Both return NotImplemented where NumPy itself must answer; typed Any because NotImplemented has no type of its own.
def numpy_convolve(a: ArrayLike, v: ArrayLike, mode: object, /) -> Any: ...
def numpy_correlate(a: ArrayLike, v: ArrayLike, mode: object, /) -> Any: ...

# Each returns NotImplemented where an argument is out of the ordinary: `convcorr.scipy` makes it ordinary.
def ndimage_correlate(
    input: object, weights: object, output: object, mode: object, cval: object, origin: object, axes: object, /
) -> Any: ...
def ndimage_convolve(
    input: object, weights: object, output: object, mode: object, cval: object, origin: object, axes: object, /
) -> Any: ...
def ndimage_axes(
    input: object, kernels: object, axes: object, output: object, mode: object, cval: object, origin: object, /
) -> Any: ...
def ndimage_correlate1d(
    input: object, kernel: object, axis: object, output: object, mode: object, cval: object, origin: object, /
) -> Any: ...
def ndimage_uniform1d(
    input: object, size: object, axis: object, output: object, mode: object, cval: object, origin: object, /
) -> Any: ...
def ndimage_convolve1d(
    input: object, kernel: object, axis: object, output: object, mode: object, cval: object, origin: object, /
) -> Any: ...
def ndimage_derivative(
    input: object, axis: object, output: object, mode: object, cval: object, smooth: Array, /
) -> Any: ...
def plan(
    x_shape: PerAxis[Integer],
    h: ArrayLike,
    mode: Mode,
    op: Operation,
    x_dtype: DTypeLike | None,
    axes: Axes,
    boundary: PerAxis[Boundary],
    fill_value: Number,
    method: Method,
    stride: PerAxis[Integer],
    dilation: PerAxis[Integer],
    lags: Lags,
    dtype: DTypeLike | None,
    threads: Integer | None,
    tile: PerAxis[Integer] | None,
    /,
) -> PlanHandle: ...
def plan_run(plan: PlanHandle, x: ArrayLike, out: Array | None, /) -> Array: ...
def plan_info(plan: PlanHandle, /) -> PlanInfo: ...
def plan_explain(plan: PlanHandle, /) -> ExplanationTuple: ...
def explain(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode,
    op: Operation,
    axes: Axes,
    boundary: PerAxis[Boundary],
    fill_value: Number,
    method: Method,
    stride: PerAxis[Integer],
    dilation: PerAxis[Integer],
    lags: Lags,
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    /,
) -> ExplanationTuple: ...
def nn_layer(
    op: LayerOperation,
    axes: int,
    data: ArrayLike,
    kernel: ArrayLike,
    shape: Sequence[Integer] | None,
    bias: ArrayLike | None,
    stride: PerAxis[Integer],
    padding: Padding,
    output_padding: PerAxis[Integer],
    dilation: PerAxis[Integer],
    groups: Integer,
    layout: Layout,
    flip: bool,
    padding_mode: Boundary,
    algorithm: Algorithm,
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    /,
) -> Array: ...
def nn_explain(
    op: LayerOperation,
    axes: int,
    data: ArrayLike,
    kernel: ArrayLike,
    shape: Sequence[Integer] | None,
    bias: ArrayLike | None,
    stride: PerAxis[Integer],
    padding: Padding,
    output_padding: PerAxis[Integer],
    dilation: PerAxis[Integer],
    groups: Integer,
    layout: Layout,
    flip: bool,
    padding_mode: Boundary,
    algorithm: Algorithm,
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    /,
) -> ExplanationTuple: ...
def nn_plan(
    op: LayerOperation,
    axes: int,
    x_shape: Sequence[Integer],
    w: ArrayLike,
    shape: Sequence[Integer] | None,
    bias: ArrayLike | None,
    stride: PerAxis[Integer],
    padding: Padding,
    output_padding: PerAxis[Integer],
    dilation: PerAxis[Integer],
    groups: Integer,
    layout: Layout,
    flip: bool,
    padding_mode: Boundary,
    algorithm: Algorithm,
    dtype: DTypeLike | None,
    out: Array | None,
    threads: Integer | None,
    x_dtype: DTypeLike | None,
    /,
) -> LayerPlanHandle: ...
def nn_run(plan: LayerPlanHandle, x: ArrayLike, out: Array | None, /) -> Array: ...
def nn_info(plan: LayerPlanHandle, /) -> LayerPlanInfo: ...
def nn_plan_explain(plan: LayerPlanHandle, /) -> ExplanationTuple: ...
def force_tile(lengths: Sequence[int] | None, /) -> None: ...
def solve(x: Array, h: Array, out: Array, spec: Mapping[str, Any], executor: str, /) -> Array: ...
def get_num_threads() -> int: ...
def set_num_threads(n: int, /) -> None: ...
def thread_limit(n: int, /) -> int: ...
def clear_cache() -> None: ...
def config() -> Config: ...
def kernel_isa() -> str: ...
def cpu_quota(root: str, /) -> float | None: ...
