"""What convcorr must compute, in plain NumPy, from the definitions. Slow, and meant to be obviously right.

On each convolved axis the K taps are spread over reach = (K - 1) * dilation + 1 samples, and output o sums

    y[o] = sum over t of  x[position] * w[t],    position = first + o * stride + t * dilation

where w is h reversed (convolve) or conj(h) (correlate), and `first` says where the first output starts:
-(reach - 1) in "full", (reach - 1) // 2 later in "same", 0 in "valid", lo for lags=(lo, hi). A position outside
x is the border's affair. With several axes the sum runs over all taps of all of them.

Integers are summed modulo 2**64 and cut to the result's bits, bool is the OR of ANDs, and floating point is summed in
long double, together with the sum of magnitudes |x| * |h| on which the promised error bound stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
BOUNDARIES: tuple[Any, ...] = ("constant", "edge", "symmetric", "reflect", "wrap")
MODES: tuple[Any, ...] = ("full", "same", "valid")


@dataclass(frozen=True)
class Answer:
    """The right result before its last rounding, with what its error bound needs."""

    value: Array  # bool, uint64, longdouble or clongdouble
    weight: Array  # |x| * |h|; of complex results the real and imaginary part have one each
    terms: int  # products that one output sums
    result: np.dtype[Any]
    accumulator: np.dtype[Any]

    def rounded(self) -> Array:
        """The value in the result's dtype."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(self.value.astype(self.result))


def border_index(position: Array, n: int, boundary: str) -> Array:
    """Index into n samples that stands for each position, -1 where a constant border is meant."""
    position = np.asarray(position, dtype=np.int64)
    if boundary == "constant":
        return np.where((position >= 0) & (position < n), position, -1)
    if boundary == "edge":
        return np.clip(position, 0, n - 1)
    if boundary == "wrap":
        return position % n
    if boundary == "symmetric":  # one period: 0 1 .. n-1 n-1 .. 1 0
        phase = position % (2 * n)
        return np.where(phase < n, phase, 2 * n - 1 - phase)
    if boundary == "reflect":  # one period: 0 1 .. n-1 n-2 .. 1
        period = max(2 * (n - 1), 1)
        phase = position % period
        return np.where(phase < n, phase, period - phase)
    raise ValueError(boundary)


def output_positions(
    n: int, k: int, mode: str, *, stride: int = 1, dilation: int = 1, lags: tuple[int, int] | None = None
) -> Array:
    """Position in x of tap 0, for each output of one axis."""
    reach = (k - 1) * dilation + 1
    if lags is not None:
        return np.arange(lags[0], lags[1] + 1, stride)
    first, length = {
        "full": (1 - reach, n + reach - 1),
        "same": (1 - reach + (reach - 1) // 2, n),
        "valid": (0, n - reach + 1),
    }[mode]
    if length < 1:
        raise ValueError("no output")
    return first + np.arange(0, length, stride)


def dtypes(x: np.dtype[Any], h: np.dtype[Any], dtype: DTypeLike | None = None) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """Result dtype and accumulation dtype."""
    common = np.result_type(x, h).newbyteorder("=")
    result = common if dtype is None else np.dtype(dtype).newbyteorder("=")
    if result.kind in "biu":
        return result, result
    wider = np.promote_types(common, result)
    return result, np.dtype(np.float32) if wider == np.float16 else wider


def widened(values: Any, accumulator: np.dtype[Any]) -> Array:
    """Converted as the accumulation has it, then stored in the type that the oracle sums in."""
    sum_type: DTypeLike = {"b": np.bool_, "i": np.uint64, "u": np.uint64, "f": np.longdouble, "c": np.clongdouble}[
        accumulator.kind
    ]
    return np.asarray(np.asarray(values).astype(accumulator).astype(sum_type))


def per_axis(value: Any, n_axes: int) -> tuple[Any, ...]:
    """One entry per convolved axis."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n_axes


def common_axes(x: Array, h: Array, axes: int | Sequence[int] | None) -> tuple[Array, Array, tuple[int, ...]]:
    """x and h with the same number of dimensions, the convolved axes last and in the order given."""
    ndim = max(x.ndim, h.ndim)
    x = x.reshape((1,) * (ndim - x.ndim) + x.shape)
    h = h.reshape((1,) * (ndim - h.ndim) + h.shape)
    if axes is None:
        numbers: tuple[int, ...] = tuple(range(ndim))
    else:
        numbers = tuple(a % ndim for a in ((axes,) if isinstance(axes, (int, np.integer)) else axes))
    last = tuple(range(-len(numbers), 0))
    return np.moveaxis(x, numbers, last), np.moveaxis(h, numbers, last), numbers


def magnitudes(x: Array, w: Array) -> Array:
    """|x| |w|; for complex, the magnitudes that the real and the imaginary part of the product sum."""
    if x.dtype.kind != "c":
        return np.abs(x) * np.abs(w)
    real = np.abs(x.real) * np.abs(w.real) + np.abs(x.imag) * np.abs(w.imag)
    imag = np.abs(x.real) * np.abs(w.imag) + np.abs(x.imag) * np.abs(w.real)
    return np.asarray(real + 1j * imag)


def sum_of_products(x: Array, w: Array, indices: list[list[Array]], fill: Array) -> tuple[Array, Array]:
    """The sum over all taps, and that of its magnitudes. `indices[axis][tap]` are the samples each output reads."""
    n_axes = len(indices)
    batch = np.broadcast_shapes(x.shape[: x.ndim - n_axes], w.shape[: w.ndim - n_axes])
    total = np.zeros(batch + tuple(axis[0].size for axis in indices), x.dtype)
    weight = np.zeros(total.shape if x.dtype.kind in "fc" else (0,), x.dtype)
    for tap in np.ndindex(*(len(axis) for axis in indices)):
        sample, inside = x, np.ones((1,) * n_axes, bool)
        for axis, t in enumerate(tap):
            index = indices[axis][t]
            sample = np.take(sample, np.maximum(index, 0), axis=axis - n_axes)
            inside = inside & (index >= 0).reshape((-1,) + (1,) * (n_axes - 1 - axis))
        factor = w[(..., *tap)].reshape(w.shape[: w.ndim - n_axes] + (1,) * n_axes)
        sample = np.where(inside, sample, fill)
        counts = inside | (fill != 0)  # a zero border adds nothing, whatever the tap
        product = sample & factor if x.dtype.kind == "b" else sample * factor
        product = np.where(counts, product, np.zeros((), x.dtype))
        total = total | product if x.dtype.kind == "b" else total + product
        if x.dtype.kind in "fc":
            weight = weight + np.where(counts, magnitudes(sample, factor), 0)
    return total, weight


def answer(
    op: str, x: Any, h: Any, mode: str = "full", *, axes: int | Sequence[int] | None = None, boundary: Any = "constant",
    fill_value: Any = 0, stride: Any = 1, dilation: Any = 1, lags: tuple[int, int] | None = None,
    dtype: DTypeLike | None = None,
) -> Answer:  # fmt: skip
    """The result of `convcorr.convolve` or `correlate` (`op`), unrounded."""
    x, h = np.asarray(x), np.asarray(h)
    result, accumulator = dtypes(x.dtype, h.dtype, dtype)
    x, h, numbers = common_axes(x, h, axes)
    n_axes = len(numbers)
    strides, dilations, borders = (per_axis(v, n_axes) for v in (stride, dilation, boundary))
    if op == "convolve":
        h = np.flip(h, tuple(range(-n_axes, 0)))
    data, taps = widened(x, accumulator), widened(h, accumulator)
    if op == "correlate" and taps.dtype.kind == "c":
        taps = taps.conj()
    indices = []
    for axis in range(n_axes):
        n, k = x.shape[axis - n_axes], h.shape[axis - n_axes]
        start = output_positions(n, k, mode, stride=strides[axis], dilation=dilations[axis], lags=lags)
        indices.append([border_index(start + t * dilations[axis], n, borders[axis]) for t in range(k)])
    with np.errstate(over="ignore", invalid="ignore"):
        total, weight = sum_of_products(data, taps, indices, widened(fill_value, accumulator))
    if result.kind in "iu":  # the low bits of a sum modulo 2**64 are the sum modulo 2**bits
        total = total.astype(f"u{result.itemsize}").view(result)
        weight = np.zeros_like(total)
    weight = weight if weight.shape == total.shape else np.zeros_like(total)
    terms = int(np.prod(h.shape[h.ndim - n_axes :]))
    last = tuple(range(-n_axes, 0))
    return Answer(np.moveaxis(total, last, numbers), np.moveaxis(weight, last, numbers), terms, result, accumulator)


def solve(op: str, x: Any, h: Any, mode: str = "full", **keywords: Any) -> Array:
    """The result in its dtype."""
    return answer(op, x, h, mode, **keywords).rounded()


def convolve(x: Any, h: Any, mode: str = "full", **keywords: Any) -> Array:
    """What `convcorr.convolve` must return."""
    return solve("convolve", x, h, mode, **keywords)


def correlate(x: Any, h: Any, mode: str = "full", **keywords: Any) -> Array:
    """What `convcorr.correlate` must return."""
    return solve("correlate", x, h, mode, **keywords)


def gamma(terms: int, dtype: np.dtype[Any]) -> np.longdouble:
    """K u / (1 - K u): the error of any order of summing K products, relative to the sum of magnitudes."""
    total = np.longdouble(terms) * np.longdouble(np.finfo(dtype).eps) / 2
    return np.longdouble(total / (1 - total))


def part_bound(value: Array, weight: Array, terms: int, ans: Answer) -> Array:
    """The error bound of one real part."""
    real = np.zeros(0, ans.accumulator).real.dtype
    narrow = np.zeros(0, ans.result).real.dtype
    # Below the normal range each rounding may lose half the smallest subnormal instead of a relative u.
    allowed = gamma(terms, real) * weight + terms * np.longdouble(np.finfo(real).smallest_subnormal)
    if narrow != real:  # one more rounding, to a narrower result
        last = np.longdouble(np.finfo(narrow).eps) / 2 * (np.abs(value) + allowed)
        allowed = allowed + last + np.longdouble(np.finfo(narrow).smallest_subnormal)
    return np.asarray(allowed + gamma(terms, np.dtype(np.longdouble)) * weight)  # the oracle's own error


def bound(ans: Answer) -> Array:
    """Elementwise |err| allowed under method="direct": K u / (1 - K u) * (|x| * |h|).

    A complex output is two real sums of 2 K products each, so each part is held to its own bound.
    """
    if ans.result.kind not in "fc":
        return np.zeros(ans.value.shape, np.longdouble)
    if ans.result.kind == "f":
        return part_bound(ans.value, ans.weight, ans.terms, ans)
    real = part_bound(ans.value.real, ans.weight.real, 2 * ans.terms, ans)
    imag = part_bound(ans.value.imag, ans.weight.imag, 2 * ans.terms, ans)
    return np.asarray(real + 1j * imag)


def part_excess(got: Array, value: Array, allowed: Array, limit: np.floating[Any]) -> Array:
    """True where one real part is further from the truth than allowed, or not finite in the same way."""
    with np.errstate(invalid="ignore", over="ignore"):
        same = (got == value) | (np.isnan(got) & np.isnan(value))
        near = np.abs(got.astype(np.longdouble) - value) <= allowed
        overflowing = np.isfinite(value) & (np.abs(value) + allowed >= limit) & ~np.isfinite(got)
    return np.asarray(~(same | near | overflowing))


def assert_matches(got: Array, ans: Answer, context: str = "") -> None:
    """Shape, dtype and every element: integers and bool exactly, floating point within `bound`."""
    assert type(got) is np.ndarray, f"{context}: a {type(got).__name__} came back"
    assert got.dtype == ans.result, f"{context}: dtype {got.dtype}, not {ans.result}"
    assert got.shape == ans.value.shape, f"{context}: shape {got.shape}, not {ans.value.shape}"
    if ans.result.kind not in "fc":
        wrong = got != ans.value
    else:
        allowed, limit = bound(ans), np.finfo(ans.result).max
        wrong = part_excess(got.real, ans.value.real, allowed.real, limit)
        if ans.result.kind == "c":
            wrong = wrong | part_excess(got.imag, ans.value.imag, allowed.imag, limit)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        count = f"{int(wrong.sum())} of {wrong.size}"
        raise AssertionError(f"{context}: {count} wrong, first {where}: got {got[where]!r}, want {ans.value[where]!r}")
