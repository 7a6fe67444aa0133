"""Layers whose weights are prepared once, and layers explained."""

# As many arguments by position as PyTorch's functions take.
# ruff: noqa: PLR0917

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _core
from ._plan import Explanation, explanation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from ._types import Algorithm, Array, Boundary, Integer, Layout, Padding, PerAxis

    Operation = Literal["conv", "conv_transpose"]


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class LayerPlan:
    """A layer whose weights and choices are kept, to be run on many arrays. Made by `convcorr.nn.plan`.

    Calling it computes what `conv1d`, `conv2d`, `conv3d` or their transposed kin would. A plan never changes: threads
    may share it. Pickled, it keeps its arguments and weights, and plans anew where it is loaded.

    Attributes
    ----------
    x_shape : tuple of int
        The shape of the data.
    x_dtype : dtype
        Their type.
    shape : tuple of int
        The shape of the result.
    dtype : dtype
        Its type.
    algorithm : str
        The one taken; `convcorr.Candidate` says what they are.

    See Also
    --------
    plan : makes one; with examples.
    """

    x_shape: tuple[int, ...]
    x_dtype: np.dtype[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    algorithm: str
    _handle: _core.LayerPlanHandle
    _keywords: dict[str, Any]

    def __call__(self, x: ArrayLike, out: Array | None = None) -> Array:
        """Compute the layer's result for `x`.

        Parameters
        ----------
        x : array_like
            Data of the type `x_dtype` and the shape `x_shape`; another size of the batch is taken too, and planned anew
            at each call. Any strides, alignment and byte order. Never changed.
        out : ndarray, optional
            Array for the result, as for `conv2d`.

        Returns
        -------
        ndarray
            `out` if it was given. Its shape is `shape`, with the batch that x has.

        Raises
        ------
        TypeError
            If `x` has another dtype than the planned one.
        ValueError
            If the shape of `x` doesn't fit, or `out` is of the wrong shape or dtype or read-only.
        MemoryError
            If the result or the scratch memory cannot be had.
        """
        return _core.nn_run(self._handle, x, out)

    def explain(self) -> Explanation:
        """Which algorithm the plan takes, and what else was weighed: see the function `explain`."""
        return explanation(_core.nn_plan_explain(self._handle))

    def __repr__(self) -> str:
        w = _core.nn_info(self._handle)["w"]
        return (
            f"<convcorr.nn.LayerPlan: {self._keywords['op']} {self.x_dtype} {self.x_shape} with {w.dtype} {w.shape}, "
            f"to {self.dtype} {self.shape} by {self.algorithm!r}>"
        )

    def __reduce__(self) -> tuple[Callable[..., LayerPlan], tuple[Any, ...]]:
        told = _core.nn_info(self._handle)
        return _plan_again, (told["x_shape"], told["w"], told["bias"], told["x_dtype"], self._keywords)

    def __copy__(self) -> LayerPlan:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> LayerPlan:
        return self


def _plan_again(
    x_shape: tuple[int, ...], w: Array, bias: Array | None, x_dtype: np.dtype[Any], keywords: dict[str, Any]
) -> LayerPlan:
    return plan(x_shape, w, bias, x_dtype=x_dtype, **keywords)


def _spatial_axes(w: ArrayLike) -> int:
    ndim = np.ndim(w)
    if not 3 <= ndim <= 5:
        raise ValueError(f"w has {ndim} axes; it takes 3, 4 or 5: two of channels, and one for each spatial axis")
    return ndim - 2


def _kept(value: Any) -> Any:
    """An argument that nobody else can change."""
    if isinstance(value, (str, bytes)) or not np.iterable(value):
        return value
    return tuple(_kept(v) for v in value)


def plan(
    x_shape: Sequence[Integer],
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    dilation: PerAxis[Integer] = 1,
    groups: Integer = 1,
    *,
    op: Operation = "conv",
    output_padding: PerAxis[Integer] = 0,
    x_dtype: DTypeLike | None = None,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    threads: Integer | None = None,
) -> LayerPlan:
    """Prepare a layer for many arrays of one shape: its weights are copied and packed once.

    Parameters
    ----------
    x_shape : sequence of int
        The shape of the data, each at least 1.
    w : array_like
        The weights; the number of its axes tells that of the spatial ones. The plan keeps a copy.
    bias : array_like, optional
        As for `conv2d`. The plan keeps a copy.
    stride, padding, dilation, groups, layout, flip, padding_mode, algorithm, dtype, threads : optional
        As for `conv2d`. Where `threads` is left out, `convcorr.get_num_threads` is asked at each call.
    op : {"conv", "conv_transpose"}
        The layer, or the transposed one.
    output_padding : int or tuple of int
        As for `conv_transpose2d`, and for it only.
    x_dtype : dtype, optional
        Type of the data, by default that of `w`.

    Returns
    -------
    LayerPlan
        `p(x, out=None)` computes, `p.explain()` says how.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d` and `conv_transpose2d`; also ValueError for an `x_shape` without elements.

    See Also
    --------
    conv2d, conv_transpose2d : one call, nothing kept.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import conv2d, plan
    >>> rng = np.random.default_rng(1)
    >>> w, bias = rng.standard_normal((8, 3, 3, 3)), rng.standard_normal(8)
    >>> layer = plan((1, 3, 32, 32), w, bias, padding=1)
    >>> x = rng.standard_normal((1, 3, 32, 32))
    >>> np.allclose(layer(x), conv2d(x, w, bias, padding=1))
    True
    """
    keywords = {
        "op": _operation(op, output_padding),
        "stride": _kept(stride),
        "padding": _kept(padding),
        "output_padding": _kept(output_padding),
        "dilation": _kept(dilation),
        "groups": groups,
        "layout": layout,
        "flip": flip,
        "padding_mode": padding_mode,
        "algorithm": algorithm,
        "dtype": None if dtype is None else np.dtype(dtype),
        "threads": threads,
    }
    handle = _core.nn_plan(
        op, _spatial_axes(w), x_shape, w, None, bias, stride, padding, output_padding, dilation, groups, layout, flip,
        padding_mode, algorithm, dtype, None, threads, x_dtype,
    )  # fmt: skip
    told = _core.nn_info(handle)
    return LayerPlan(
        told["x_shape"], told["x_dtype"], told["shape"], told["dtype"], told["algorithm"], handle, keywords
    )


def _operation(op: Operation, output_padding: PerAxis[Integer]) -> Operation:
    if op not in ("conv", "conv_transpose"):
        raise ValueError(f"op is {op!r}; it takes one of 'conv', 'conv_transpose'")
    if op == "conv" and _kept(output_padding) not in (0, (0,), (0, 0), (0, 0, 0)):
        raise ValueError(f"output_padding is {output_padding!r} with op 'conv'; it takes op 'conv_transpose'")
    return op


def explain(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis[Integer] = 1,
    padding: Padding = 0,
    dilation: PerAxis[Integer] = 1,
    groups: Integer = 1,
    *,
    op: Operation = "conv",
    output_padding: PerAxis[Integer] = 0,
    layout: Layout = "NCHW",
    flip: bool = False,
    padding_mode: Boundary = "constant",
    algorithm: Algorithm = "auto",
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
) -> Explanation:
    """Which algorithm a layer would take for these arguments, and what each candidate would cost.

    Nothing is computed and nothing is timed: the costs are those of a model, as with `convcorr.explain`.

    Parameters
    ----------
    x, w : array_like
        The data and the weights; the number of axes of w tells that of the spatial ones.
    bias, stride, padding, dilation, groups, layout, flip, padding_mode, algorithm, dtype, out, threads : optional
        As for `conv2d`. `out` is not written.
    op : {"conv", "conv_transpose"}
        The layer, or the transposed one.
    output_padding : int or tuple of int
        As for `conv_transpose2d`, and for it only.

    Returns
    -------
    Explanation
        Printed, it is a small table.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `conv2d` and `conv_transpose2d`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr.nn import explain
    >>> explain(np.ones((1, 3, 32, 32)), np.ones((8, 3, 3, 3)), algorithm="direct").algorithm
    'direct'
    """
    told = _core.nn_explain(
        _operation(op, output_padding), _spatial_axes(w), x, w, None, bias, stride, padding, output_padding, dilation,
        groups, layout, flip, padding_mode, algorithm, dtype, out, threads,
    )  # fmt: skip
    return explanation(told)
