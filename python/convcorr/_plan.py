"""Calls that are prepared, and calls that are explained: which algorithm would compute them, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._core import plan_run as _run
from ._low_rank import EXPLAIN_ORDER, explained, of_product, outer_products

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, DTypeLike

    from ._types import (
        Array,
        Axes,
        Boundary,
        ExplanationTuple,
        Integer,
        Lags,
        Method,
        Mode,
        Number,
        Operation,
        PerAxis,
        PlanInfo,
    )

_MOST_LINES = 12  # of candidates in a printed table, but for those that must be seen


@dataclass(frozen=True)
class Candidate:
    """One way to compute a call, as the cost model sees it.

    Attributes
    ----------
    algorithm : {"small", "direct", "fft", "separable", "im2col", "winograd", "depthwise", "reference"}
        "small" is "direct" for a short row or a small image that fits the nearest cache; "im2col", "winograd" and
        "depthwise" are of layers; "reference" is a plain loop for what nothing else takes.
    tile : tuple of int
        For "fft": the lengths of the transforms [samples], one for each convolved axis with several taps, in the order
        of the axes. Else empty.
    predicted_us : float
        Predicted time on one thread [microseconds].
    scratch_bytes : int
        Scratch memory of one thread, with what threads share.
    refused : str or None
        Why it cannot serve; None where it can.
    chosen : bool
        Whether it is the one taken.
    by_parts : bool
        Whether a real array meets a complex one part by part, for half the products of complex numbers. The results
        are those of the promoted arrays, NaN and infinities included.
    """

    algorithm: str
    tile: tuple[int, ...]
    predicted_us: float
    scratch_bytes: int
    refused: str | None
    chosen: bool
    by_parts: bool = False


@dataclass(frozen=True)
class Explanation:
    """How a call is computed, and what else was weighed. Printed, it is a small table.

    Attributes
    ----------
    algorithm : {"small", "direct", "fft", "separable", "im2col", "winograd", "depthwise", "reference", "none"}
        The one taken; "none" where the result has no elements.
    predicted_us : float
        Its predicted time on one thread [microseconds].
    threads : int
        How many threads would share the work at most.
    candidates : tuple of Candidate
        All that were weighed: those that can serve, fastest first, then those that cannot.
    products : int
        With `rtol`: how many outer products stand for the kernel, each computed as told here. 0: the kernel itself.
    left : float
        Norm of what they leave of the kernel, over the norm of the kernel: each output is off by up to this times
        norm(x in its window) norm(h), beside its rounding.

    See Also
    --------
    explain : for a call.
    Plan.explain : for a plan.
    """

    algorithm: str
    predicted_us: float
    threads: int
    candidates: tuple[Candidate, ...]
    products: int = 0
    left: float = 0.0

    def __str__(self) -> str:
        shown = [c for i, c in enumerate(self.candidates) if i < _MOST_LINES or c.chosen or not c.tile]
        rows = [("", "algorithm", "tile", "predicted us", "scratch", "")] + [_row(c) for c in shown]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        align = (str.ljust, str.ljust, str.ljust, str.rjust, str.rjust, str.ljust)
        lines = ["  ".join(to(word, w) for to, word, w in zip(align, row, widths, strict=True)) for row in rows]
        if len(shown) < len(self.candidates):
            lines.append(f"    and {len(self.candidates) - len(shown)} tiles more, slower")
        threads = "1 thread" if self.threads == 1 else f"up to {self.threads} threads"
        title = f"{self.algorithm}: {self.predicted_us:.4g} us predicted for one thread, runs on {threads}"
        if self.products:
            title += f"\n{self.products} outer products, off by up to {self.left:.2g} norm(x in the window) norm(h)"
        return "\n".join([title, *(line.rstrip() for line in lines)])


def _row(c: Candidate) -> tuple[str, str, str, str, str, str]:
    tile = " x ".join(map(str, c.tile))
    if c.refused is not None:
        return "", c.algorithm, tile, "-", "-", f"refused: {c.refused}"
    note = "by parts" if c.by_parts else ""
    return "->" if c.chosen else "", c.algorithm, tile, f"{c.predicted_us:.2f}", _bytes(c.scratch_bytes), note


def _bytes(n: int) -> str:
    if n < 1 << 20:
        return f"{n / (1 << 10):.3g} KiB"
    return f"{n / (1 << 20):.3g} MiB" if n < 1 << 30 else f"{n / (1 << 30):.3g} GiB"


def explanation(told: ExplanationTuple) -> Explanation:
    algorithm, predicted_us, threads, tuples = told
    candidates = sorted((Candidate(*t) for t in tuples), key=lambda c: (c.refused is not None, c.predicted_us))
    return Explanation(algorithm, predicted_us, threads, tuple(candidates))


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Plan:
    """A call whose kernel and choices are kept, to be run on many arrays. Made by `plan`.

    Calling it computes what `convolve` or `correlate` would. A plan never changes: threads may share it. Pickled, it
    keeps its arguments and its kernel, and plans anew where it is loaded.

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
    algorithm : {"small", "direct", "fft", "separable", "reference"}
        The one taken; `Candidate` says what they are.

    See Also
    --------
    plan : makes one; with examples.
    """

    x_shape: tuple[int, ...]
    x_dtype: np.dtype[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    algorithm: str
    _handle: _core.PlanHandle
    _fill_value: Any

    def __call__(self, x: ArrayLike, out: Array | None = None) -> Array:
        """Compute the result for the data `x`.

        Parameters
        ----------
        x : array_like
            Data of the type `x_dtype` and the shape `x_shape`, or with more axes in front: then each of the arrays
            that they hold is computed by itself. Any strides, alignment and byte order. Never changed.
        out : ndarray, optional
            Array for the result, as for `convolve`. With it, a call allocates nothing for a C-contiguous `x`.

        Returns
        -------
        ndarray
            `out` if it was given. Its shape is `shape`, with the axes in front that `x` has.

        Raises
        ------
        TypeError
            If `x` has another dtype than the planned one, or is none that `convolve` takes.
        ValueError
            If the shape of `x` doesn't fit, or `out` is of the wrong shape or dtype or read-only.
        MemoryError
            If the result or the scratch memory cannot be had.
        """
        return _run(self._handle, x, out)

    def explain(self) -> Explanation:
        """Which algorithm the plan takes, and what else was weighed: see the function `explain`."""
        return explanation(_core.plan_explain(self._handle))

    def __repr__(self) -> str:
        told = _core.plan_info(self._handle)
        h = told["h"]
        return (
            f"<convcorr.Plan: {told['op']} {self.x_dtype} {self.x_shape} with {h.dtype} {h.shape}, {told['mode']!r}, "
            f"to {self.dtype} {self.shape} by {self.algorithm!r}>"
        )

    def __reduce__(self) -> tuple[Callable[..., Plan], tuple[PlanInfo, np.dtype[Any], Any]]:
        told = _core.plan_info(self._handle)
        return _plan_again, (told, told["h"].dtype, self._fill_value)

    def __copy__(self) -> Plan:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Plan:
        return self


def _plan_again(told: PlanInfo, h_dtype: np.dtype[Any], fill_value: Any) -> Plan:
    return plan(
        told["x_shape"],
        told["h"].astype(h_dtype, copy=False),  # arrays lose their byte order in a pickle
        told["mode"],
        op=told["op"],
        x_dtype=told["x_dtype"],
        axes=told["axes"],
        boundary=told["boundary"],
        fill_value=fill_value,
        method=told["method"],
        stride=told["stride"],
        dilation=told["dilation"],
        lags=told["lags"],
        dtype=told["dtype"],
        threads=told["threads"],
        tile=told["tile"],
    )


def plan(
    x_shape: PerAxis[Integer],
    h: ArrayLike,
    mode: Mode = "full",
    *,
    op: Operation = "convolve",
    x_dtype: DTypeLike | None = None,
    axes: Axes = None,
    boundary: PerAxis[Boundary] = "constant",
    fill_value: Number = 0,
    method: Method = "auto",
    stride: PerAxis[Integer] = 1,
    dilation: PerAxis[Integer] = 1,
    lags: Lags = None,
    dtype: DTypeLike | None = None,
    threads: Integer | None = None,
    tile: PerAxis[Integer] | None = None,
) -> Plan:
    """Prepare the convolution or correlation of many arrays of one shape with the kernel `h`.

    Everything that doesn't depend on the data is done once: arguments are checked, the algorithm is chosen, and the
    kernel is copied and packed, or transformed.

    Parameters
    ----------
    x_shape : int or sequence of int
        The shape of the data, each at least 1. The plan takes arrays with more axes in front, too.
    h : array_like
        The kernel. The plan keeps a copy.
    mode : {"full", "same", "valid"}
        As for `convolve`.
    op : {"convolve", "correlate"}
        What to compute.
    x_dtype : dtype, optional
        Type of the data, by default that of `h`.
    axes, boundary, fill_value, method, stride, dilation, dtype, threads : optional
        As for `convolve`. Where `threads` is left out, `get_num_threads` is asked at each call.
    lags : (int, int), optional
        As for `correlate`, and for it only.
    tile : int or sequence of int, optional
        Lengths of the transforms, in place of the cost model's choice: powers of two, one for each convolved axis with
        several taps, in the order of the axes, at least as long as the kernel reaches there [samples]. Then `method` is
        "fft".

    Returns
    -------
    Plan
        `p(x, out=None)` computes, `p.explain()` says how.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `convolve` and `correlate`; also ValueError for an `x_shape` or an `h` without elements, or a `tile` that
        the transforms can't take.

    See Also
    --------
    convolve, correlate : one call, nothing kept.
    explain : the choice for one call.

    Notes
    -----
    For C-contiguous data of the shape `x_shape` the result is that of `convolve` or `correlate` with the same
    arguments, to the bit. Other data are computed by the same algorithm: `p(x)` is then what `method=p.algorithm` gives
    ("direct" for "small" and "reference"). Arrays with more axes in front keep the tiles that were planned, for which
    the kernel is transformed.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr import convolve, plan
    >>> smooth = plan(5, [0.25, 0.5, 0.25], "same", boundary="edge")
    >>> smooth(np.array([0.0, 0.0, 4.0, 0.0, 0.0]))
    array([0., 1., 2., 1., 0.])
    >>> smooth(np.ones((64, 5))).shape
    (64, 5)

    A long kernel is transformed once, when the plan is made:

    >>> h = np.exp(-np.linspace(-3, 3, 4001) ** 2)
    >>> p = plan(100_000, h, "same")
    >>> p.algorithm
    'fft'
    >>> frames = np.random.default_rng(1).normal(size=(3, 100_000))
    >>> out = np.empty(p.shape, p.dtype)
    >>> all(np.array_equal(p(x, out), convolve(x, h, "same")) for x in frames)
    True
    """
    handle = _core.plan(
        x_shape, h, mode, op, x_dtype, axes, boundary, fill_value, method, stride, dilation, lags, dtype, threads, tile
    )
    told = _core.plan_info(handle)
    return Plan(
        told["x_shape"],
        told["x_dtype"],
        told["shape"],
        told["dtype"],
        told["algorithm"],
        handle,
        np.asarray(fill_value)[()],  # a number, even where an array of one came
    )


def explain(
    x: ArrayLike,
    h: ArrayLike,
    mode: Mode = "full",
    *,
    op: Operation = "convolve",
    axes: Axes = None,
    boundary: PerAxis[Boundary] = "constant",
    fill_value: Number = 0,
    method: Method = "auto",
    stride: PerAxis[Integer] = 1,
    dilation: PerAxis[Integer] = 1,
    lags: Lags = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: Integer | None = None,
    rtol: float | None = None,
) -> Explanation:
    """Which algorithm `convolve` or `correlate` would take for these arguments, and what each candidate would cost.

    Nothing is computed and nothing is timed: of the arrays only the shapes, dtypes and strides are looked at, and
    whether the kernel is an outer product; the costs are those of a model. The same call gives the same answer.

    Parameters
    ----------
    x, h : array_like
        The data and the kernel.
    mode : {"full", "same", "valid"}
        As for `convolve`.
    op : {"convolve", "correlate"}
        Which of the two.
    axes, boundary, fill_value, method, stride, dilation, lags, dtype, out, threads, rtol : optional
        As for `convolve` and `correlate`. `out` is not written.

    Returns
    -------
    Explanation
        Printed, it is a small table.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As for `convolve` and `correlate`.

    See Also
    --------
    Plan.explain : for a plan.

    Examples
    --------
    >>> import numpy as np
    >>> from convcorr import explain
    >>> x = np.ones(1_000_000)
    >>> explain(x, np.ones(5)).algorithm
    'direct'
    >>> explain(x, np.ones(5000)).algorithm
    'fft'
    >>> print(explain(np.ones(9, int), np.ones(5, int), method="fft").candidates[-1].refused)
    a rounding transform of integers

    A disk is the sum of 16 outer products; a part of them comes near it:

    >>> y, x = np.mgrid[-24:25, -24:25]
    >>> disk = (x * x + y * y <= 576) / 1793
    >>> told = explain(np.ones((512, 512)), disk, "same", method="separable", rtol=0.3)
    >>> told.products, told.left < 0.3
    (2, True)
    """
    values = (x, h, mode, op, axes, boundary, fill_value, method, stride, dilation, lags, dtype, out, threads)
    if rtol is None:
        return explanation(_core.explain(*values))
    arguments: dict[str, Any] = dict(zip(EXPLAIN_ORDER, values, strict=True))
    products = outer_products(rtol, arguments)
    count = len(products.terms)
    if count:
        arguments = of_product(arguments, products.terms[0])
    told = explanation(explained(arguments))
    return replace(told, predicted_us=told.predicted_us * max(count, 1), products=count, left=products.left)
