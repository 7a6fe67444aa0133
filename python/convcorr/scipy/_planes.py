"""Two-dimensional arrays with a border: what `convolve2d`, `correlate2d` and `sepfir2d` compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._slide import is_swapped, mode_named, run

if TYPE_CHECKING:
    from .._types import Array, Boundary, Mode

_BOUNDARIES: dict[Any, Boundary] = {
    "fill": "constant", "pad": "constant", "wrap": "wrap", "circular": "wrap", "symm": "symmetric",
    "symmetric": "symmetric",
}  # fmt: skip
_BAD_BOUNDARY = "Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm')."
_BAD_FILL = "could not cast `fillvalue` directly to the output type (it was first converted to complex)."
_BAD_TYPE = "convolve2d not available for this type."


def _boundary_named(boundary: object) -> Boundary:
    if isinstance(boundary, str) and boundary == "reflect":
        raise ValueError("Incorrect boundary value.")  # SciPy knows the word, and does nothing with it
    try:
        return _BOUNDARIES[boundary]
    except KeyError:
        raise ValueError(_BAD_BOUNDARY) from None


def _fill(value: Any, dtype: np.dtype[Any]) -> Any:
    """`fillvalue` in the result's type; integers lose a fraction, as in SciPy."""
    if type(value) is int and value == 0:
        return 0
    array = np.asarray(value)
    if array.size != 1:
        raise ValueError("`fillvalue` must be scalar or an array with one element.")
    item = array.item()
    if dtype.kind in "iu" and isinstance(item, int):
        number: Any = int(item)
    else:
        item = complex("nan" if item is None else item)
        if dtype.kind == "c":
            return item
        number = item.real
        if item.imag != 0 or (dtype.kind != "f" and not np.isfinite(number)):
            raise ValueError(_BAD_FILL)
    if dtype.kind == "f":
        return float(number)
    number, limits = int(number), np.iinfo(dtype)
    if not limits.min <= number <= limits.max:
        raise ValueError(_BAD_FILL)
    return number


def slide_planes(name: str, x: Array, h: Array, mode: Any, *, boundary: Any, fillvalue: Any) -> Array:
    """`convolve2d` or `correlate2d`, whichever `name` says, for arrays of numbers."""
    correlates = name == "correlate2d"
    if not x.ndim == h.ndim == 2:
        raise ValueError(f"{name} inputs must both be 2-D arrays")
    exchanged = is_swapped(x, h, mode, (0, 1))
    named, border = mode_named(mode), _boundary_named(boundary)
    dtype = np.result_type(x, h)
    if dtype.kind == "b" or dtype == np.float16:
        raise ValueError(_BAD_TYPE)
    if x.size == 0 or h.size == 0:
        raise ValueError(f"{name} inputs must not be empty, got shapes {x.shape} and {h.shape}")
    fill = _fill(fillvalue, dtype) if border == "constant" else 0
    if exchanged:
        # SciPy conjugates what is then its second array, so that its correlation is the conjugate of what it defines.
        x, h, correlates = (np.flip(h), x.conj(), False) if correlates else (h, x, False)
    if named != "valid" and border == "constant" and not _is_finite(h):
        return _slide_padded(x, h, named, fill, dtype=dtype, correlates=correlates)
    if named == "same" and correlates:
        return _correlate_same(x, h, border, fill, dtype)
    return run(x, h, named, None, correlates=correlates, boundary=border, fill_value=fill)


def _is_finite(taps: Array) -> bool:
    # For some taps a search through bytes takes a tenth of `all`.
    return taps.dtype.kind not in "fc" or 0 not in np.isfinite(taps).tobytes()


def _correlate_same(x: Array, h: Array, border: Boundary, fill: Any, dtype: np.dtype[Any]) -> Array:
    """SciPy's centre of an even kernel lies one sample further than the engine's.

    Seen in a mirror it is the engine's: both arrays and the result are reversed along such axes.
    """
    mirror = tuple(slice(None, None, -1 if k % 2 == 0 else None) for k in h.shape)
    y = np.empty(x.shape, dtype)
    run(x[mirror], h[mirror], "same", None, correlates=True, boundary=border, fill_value=fill, out=y[mirror])
    return y


def _slide_padded(x: Array, h: Array, mode: Mode, fill: Any, *, dtype: np.dtype[Any], correlates: bool) -> Array:
    """Infinite or NaN taps meet the fill value around x in SciPy, 0 included; in the engine a 0 there is nothing."""
    k = h.shape
    padded = np.pad(x.astype(dtype, copy=False), [(m - 1, m - 1) for m in k], constant_values=fill)
    full = run(padded, h, "valid", None, correlates=correlates)
    if mode == "full":
        return full
    first = [m // 2 if correlates else (m - 1) // 2 for m in k]
    return full[first[0] : first[0] + x.shape[0], first[1] : first[1] + x.shape[1]].copy()


def _filter_taps(taps: Any, dtype: np.dtype[Any]) -> Array:
    """The taps in the image's type. An array is cast where that loses nothing, anything else as NumPy reads it."""
    if isinstance(taps, (np.ndarray, np.generic)):
        if not np.can_cast(taps.dtype, dtype, "safe"):
            raise TypeError(f"Cannot cast array data from {taps.dtype!r} to {dtype!r} according to the rule 'safe'")
        taps = taps.astype(dtype)
    array = np.asarray(taps, dtype)
    if array.ndim != 1:
        too = "of too small depth" if array.ndim == 0 else "too deep"
        raise ValueError(f"object {too} for desired array")
    return array


def filter_separably(image: Any, hrow: Any, hcol: Any) -> Array:
    """`sepfir2d`: rows, then columns, in the type that SciPy gives the image."""
    x = np.asarray(image)
    dtype = np.result_type(x, np.float32) if x.dtype.kind in "biufc" else x.dtype
    if dtype.kind == "f" and dtype.itemsize > 8:
        raise ValueError("Incorrect type.")
    if dtype.char not in "fdFD":
        raise TypeError(f"Cannot cast array data from {dtype!r} to dtype('complex128') according to the rule 'safe'")
    if x.ndim != 2:
        raise ValueError(f"object {'of too small depth' if x.ndim < 2 else 'too deep'} for desired array")
    row, column = _filter_taps(hrow, dtype), _filter_taps(hcol, dtype)
    if row.size % 2 == 0 or column.size % 2 == 0:
        raise ValueError("hrow and hcol must be odd length")
    if x.size == 0:
        raise ValueError(f"input must not be empty, got the shape {x.shape}")
    along = run(x, row[None, :], "same", (1,), dtype=dtype, boundary="symmetric")
    return run(along, column[:, None], "same", (0,), boundary="symmetric")
