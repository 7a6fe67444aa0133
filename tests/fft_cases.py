"""What an FFT may get wrong, output by output: the window's bound, and references that are right to far less than it.

An output of `auto` or "fft" errs by at most C u log2(K + 1) ||x in its window|| ||h||, however loud x is elsewhere; a
window of zeros gives a zero. `Want` holds the true values with both norms, and comes from one of three places:

- `gathered`: oracle.py, for calls with any keyword;
- `scattered`: out[t : t + n] += x * h[t] in a wider type, for whole results of some 1e8 products;
- `sampled`: chosen outputs of one long row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import convcorr
import exact
import oracle
from convcorr import _core
from layouts import Array

C = 8.0  # the promise
FAST_FLOATS = [np.dtype(c) for c in ("f4", "f8", "c8", "c16")]


@dataclass(frozen=True)
class Want:
    """The true result, and what each output's error is measured by."""

    value: Array  # in a wider type
    window: Array  # ||x in the output's window||, of the result's shape
    kernel: Array  # ||h||, which broadcasts against the result
    taps: int
    result: np.dtype[Any]
    accumulator: np.dtype[Any]

    def cut(self, index: Any) -> Want:
        """Some of the outputs, of a kernel that serves them all."""
        return Want(self.value[index], self.window[index], self.kernel, self.taps, self.result, self.accumulator)


def square(x: Array) -> Array:
    """|x|^2 in long double, where neither 1e38 nor 1e-320 is lost."""
    wide = oracle.widened(x, np.result_type(x.dtype, np.float32))
    return np.asarray(wide.real**2 + wide.imag**2 if wide.dtype.kind == "c" else wide**2)


def kernel_norm(x: Array, h: Array, axes: Any) -> Array:
    """||h|| of each kernel, with the axes of the result."""
    _, aligned, numbers = oracle.common_axes(x, h, axes)
    last = tuple(range(-len(numbers), 0))
    return np.moveaxis(np.sqrt(square(aligned).sum(axis=last, keepdims=True)), last, numbers)


def gathered(op: str, x: Any, h: Any, mode: str = "full", **keywords: Any) -> Want:
    """From the oracle: any keyword but the large sizes."""
    x, h = np.asarray(x), np.asarray(h)
    ans = oracle.answer(op, x, h, mode, **keywords)
    norm = kernel_norm(x, h, keywords.get("axes"))
    if ans.result.kind not in "fc":  # exact, or wrong
        return Want(ans.value, np.zeros(ans.value.shape), norm, ans.terms, ans.result, ans.accumulator)
    fill = square(np.asarray(keywords.pop("fill_value", 0)).astype(ans.accumulator))
    keywords.pop("dtype", None)
    energy = oracle.answer(op, square(x), np.ones(h.shape), mode, fill_value=fill, **keywords).value
    return Want(ans.value, np.sqrt(energy), norm, ans.terms, ans.result, ans.accumulator)


def sliding_sums(energy: Array, k: int, axis: int) -> Array:
    """Sums over every window of k samples that overlaps the axis, zeros outside: n + k - 1 of them.

    A window is the end of one block of k and the beginning of the next, so that two running sums per block give all of
    them, and nothing is ever subtracted: what is loud elsewhere leaves no trace in a quiet window's sum.
    """
    moved = np.moveaxis(energy, axis, -1)
    outputs = moved.shape[-1] + k - 1
    room = -(-(outputs + k - 1) // k) * k
    padded = np.zeros((*moved.shape[:-1], room), energy.dtype)
    padded[..., k - 1 : k - 1 + moved.shape[-1]] = moved
    blocks = padded.reshape(*moved.shape[:-1], room // k, k)
    begun = np.cumsum(blocks, axis=-1).reshape(padded.shape)
    ending = np.cumsum(blocks[..., ::-1], axis=-1)[..., ::-1].reshape(padded.shape)
    first = np.arange(outputs)
    sums = ending[..., :outputs] + np.where(first % k == 0, 0, begun[..., k - 1 : k - 1 + outputs])
    return np.moveaxis(sums, -1, axis)


def window_norms(x: Array, k: Sequence[int]) -> Array:
    """||x in the window|| of every output of "full"."""
    energy = square(x)
    for axis, taps in enumerate(k):
        energy = sliding_sums(energy, taps, axis)
    return np.sqrt(energy)


def wider(a: Array) -> Array:
    """In a type whose rounding is nothing beside the data's own."""
    if a.dtype.kind == "c":
        return a.astype(np.complex128 if a.dtype.itemsize == 8 else np.clongdouble)
    return a.astype(np.float64 if a.dtype.itemsize <= 4 else np.longdouble)


def in_double(a: Array) -> Array:
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)


def wide_enough(x: Array, h: Array) -> Callable[[Array], Array]:
    """`wider`, or double precision where all sums of products are integers that it holds: ten times as fast."""
    parts = [part for a in (x, h) for part in ((a.real, a.imag) if a.dtype.kind == "c" else (a,))]
    whole = all((part == np.rint(part)).all() and np.abs(part).max() < 64 for part in parts)
    return in_double if whole else wider


def scattered(op: str, x: Array, h: Array) -> Want:
    """The full result of plain arrays over all axes, with zeros outside; `modes` cuts the others from it."""
    result, accumulator = oracle.dtypes(x.dtype, h.dtype)
    wide = wide_enough(x, h)
    with np.errstate(under="ignore"):
        value = exact.full(wide(x), wide(exact.as_convolution(op, h)))
    return Want(value, window_norms(x, h.shape), np.sqrt(square(h).sum()), h.size, result, accumulator)


def bordered(op: str, x: Array, h: Array, boundary: Sequence[str], fill: int = 0) -> Want:
    """The full result over all axes of plain arrays whose surroundings the border defines."""
    halos = [k - 1 for k in h.shape]
    inner = tuple(slice(halo, n + 2 * halo) for n, halo in zip(x.shape, halos, strict=True))
    return scattered(op, exact.extended(x, halos, boundary, fill).astype(x.dtype), h).cut(inner)


def modes(want: Want, n: Sequence[int], k: Sequence[int]) -> Iterator[tuple[Any, Want]]:
    """Each mode that exists for these sizes."""
    places = np.arange(want.value.size).reshape(want.value.shape)
    for mode, kept in exact.modes_of(places, n, k):
        corner, end = (np.unravel_index(kept.flat[i], places.shape) for i in (0, -1))
        yield mode, want.cut(tuple(slice(int(a), int(b) + 1) for a, b in zip(corner, end, strict=True)))


def sampled(op: str, x: Array, h: Array, outputs: Array) -> Want:
    """Those outputs of one long row's full result."""
    wide = wide_enough(x, h)
    w = wide(exact.as_convolution(op, h))[::-1]  # now a plain sum of products
    data, k, n = wide(x), h.size, x.size
    value = np.zeros(outputs.size, np.result_type(data, w))
    for i, o in enumerate(outputs):
        low, high = max(int(o) - k + 1, 0), min(int(o) + 1, n)
        value[i] = np.einsum("i,i", data[low:high], w[low - int(o) + k - 1 : high - int(o) + k - 1])
    result, accumulator = oracle.dtypes(x.dtype, h.dtype)
    window = window_norms(x, h.shape)[outputs]
    return Want(value, window, np.sqrt(square(h).sum()), k, result, accumulator)


def some_outputs(rng: np.random.Generator, n: int, k: int, count: int) -> Array:
    """Outputs of "full": both ends, around where the windows fill, and anywhere."""
    total = n + k - 1
    places = [0, 1, 2, min(n, k) - 1, min(n, k), max(n, k) - 1, max(n, k), total // 2, total - 2, total - 1]
    places += [p for power in range(6, 22) for p in (2**power - 1, 2**power, 2**power + 1)]
    inside = [p for p in places if 0 <= p < total]
    return np.unique(np.r_[inside, rng.integers(0, total, count)])


def unit(dtype: np.dtype[Any]) -> np.longdouble:
    """Half the spacing of the floating point numbers after 1."""
    return np.longdouble(np.finfo(dtype).eps) / 2


def scale(want: Want) -> Array:
    """u log2(K + 1) ||x in the window|| ||h||: what C multiplies."""
    logarithm = np.log2(np.longdouble(want.taps) + 1)
    return np.asarray(unit(want.accumulator) * logarithm * want.window * want.kernel)


def allowed_error(want: Want) -> Array:
    """The promise, and what rounding below the normal range, to a narrower result, and in long double adds.

    Nothing at all for a window of zeros.
    """
    tiny = 2 * want.taps * np.longdouble(np.finfo(want.accumulator).smallest_subnormal)
    reference = want.taps * np.longdouble(np.finfo(np.longdouble).eps) * want.window * want.kernel
    allowed = C * scale(want) + tiny + reference
    if np.finfo(want.result).eps > np.finfo(want.accumulator).eps:
        narrow = np.longdouble(np.finfo(want.result).smallest_subnormal)
        allowed = allowed + unit(want.result) * (np.abs(want.value) + allowed) + narrow
    return np.where(want.window == 0, np.longdouble(0), allowed)


def errors(got: Array, want: Want) -> Array:
    """|err|, infinite where a result isn't finite although it should be."""
    with np.errstate(invalid="ignore", over="ignore"):
        away = np.abs(got.astype(want.value.dtype) - want.value)
        limit = np.abs(want.value) + allowed_error(want) >= np.longdouble(np.finfo(want.result).max)
    return np.where(np.isfinite(got), away, np.where(limit, 0, np.inf))


def worst(got: Array, want: Want) -> float:
    """The largest |err| in units of u log2(K + 1) ||x in the window|| ||h||; infinite where a zero isn't one."""
    away, measure = errors(got, want), scale(want)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(away == 0, 0, away / measure).max())


def complaint(got: Array, want: Want) -> str:
    """Empty where got is what was promised."""
    if type(got) is not np.ndarray or got.dtype != want.result or got.shape != want.value.shape:
        return f"got {type(got).__name__} {got.dtype} {got.shape}, want {want.result} {want.value.shape}"
    if want.result.kind not in "fc":
        return exact.difference(got, want.value.astype(want.result))
    away, allowed = errors(got, want), allowed_error(want)
    wrong = away > allowed
    if not wrong.any():
        return ""
    where = np.unravel_index(np.argmax(np.where(wrong, away / np.maximum(allowed, 1e-300), 0)), wrong.shape)
    place = tuple(int(i) for i in where)
    return (
        f"{int(wrong.sum())} of {wrong.size} beyond the bound, worst {place}: got {got[place]!r}, "
        f"want {want.value[place]!r}, off by {away[place]:.3g}, allowed {allowed[place]:.3g}"
    )


def assert_within(got: Array, want: Want, context: str = "") -> None:
    """Shape, dtype, and every output within the promise; integers and bool exactly."""
    __tracebackhide__ = True
    wrong = complaint(got, want)
    assert not wrong, f"{context}: {wrong}"


@contextmanager
def forced_tile(tile: Sequence[int] | None) -> Iterator[None]:
    """This thread's calls with method="fft" use these block lengths."""
    _core.force_tile(None if tile is None else tuple(tile))
    try:
        yield
    finally:
        _core.force_tile(None)


def was_transformed(got: Array, op: str, x: Array, h: Array, **keywords: Any) -> bool:
    """Whether the full result `got` is another algorithm's than the direct sum: its roundings differ somewhere."""
    return bool((got != getattr(convcorr, op)(x, h, method="direct", **keywords)).any())


def whole_noise(rng: np.random.Generator, shape: Any, dtype: DTypeLike) -> Array:
    """Integers, for long sums: no easier for a transform, and their exact result is quickly had."""
    values: Array = np.rint(8 * noise(rng, shape, dtype))
    return values.astype(dtype)


def noise(rng: np.random.Generator, shape: Any, dtype: DTypeLike) -> Array:
    """Normal noise; complex numbers have a part of each."""
    dtype = np.dtype(dtype)
    values: Array = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)
