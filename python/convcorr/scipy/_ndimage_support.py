"""What the filters of `convcorr.scipy.ndimage` have in common: their arguments, read and refused as SciPy does."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import _peer
from ._operands import is_foreign, kind_of

if TYPE_CHECKING:
    from .._types import Array

MODES = frozenset(
    ("reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap")
)  # fmt: skip
MOST_AXES = 16  # with taps, in one problem of the engine
_FILTERABLE = frozenset("?bBhHiIlLqQfd")  # dtypes that SciPy filters


def answer_of_scipy(name: str, *arguments: Any, **keywords: Any) -> Array | None:
    """What SciPy's filter makes of another library's arrays; None where that is what ours makes of them.

    Parameters
    ----------
    name : str
        The filter.
    *arguments
        The data first; the second may be a kernel.
    **keywords
        Arguments that SciPy takes by name. None, their default, is left out: an older SciPy may not have them all.

    Returns
    -------
    array or None
        Of the library whose arrays came. None unless SciPy hands them on to that: it takes them for NumPy's else.
    """
    foreign = [a for a in arguments[:2] if is_foreign(a) and not isinstance(a, np.ndarray)]
    if not foreign or not _peer.delegates():
        return None
    given = {key: value for key, value in keywords.items() if value is not None}
    theirs: Array = _peer.ask(f"scipy.ndimage.{name}", kind_of(foreign[0]), *arguments, **given)
    return theirs


def output_array(output: Any, x: Array, *, complex_output: bool = False, stacklevel: int = 4) -> Array:
    """The array that the result goes to: `output` itself, or a new one of the dtype that it names.

    Parameters
    ----------
    output : ndarray, dtype, str or None
        None takes the dtype of `x`, made complex where that is asked for.
    x : ndarray
        What is filtered.
    complex_output : bool
        Whether the result is complex.
    stacklevel : int
        Of the warning that a dtype was made complex: frames up to the caller.

    Returns
    -------
    ndarray
        Of the shape of `x`.
    """
    if output is None:
        if complex_output:
            return np.zeros(x.shape, np.promote_types(x.dtype, np.complex64))
        ordinary = x.dtype.char in _FILTERABLE and x.dtype.isnative
        return np.zeros(x.shape, x.dtype if ordinary else x.dtype.name)  # the name of some is none of a dtype
    if isinstance(output, (type, np.dtype)):
        dtype = np.dtype(output)
        if complex_output and dtype.kind != "c":
            warnings.warn("promoting specified output dtype to complex", stacklevel=stacklevel)
            dtype = np.promote_types(dtype, np.complex64)
        return np.zeros(x.shape, dtype)
    if isinstance(output, str):
        named = np.dtype(output)
        if complex_output and named.kind != "c":
            raise RuntimeError("output must have complex dtype")
        if not issubclass(named.type, np.number):
            raise RuntimeError("output must have numeric dtype")
        return np.zeros(x.shape, named)
    array = np.asarray(output)
    if array.shape != x.shape:
        raise RuntimeError("output shape not correct")
    if complex_output and array.dtype.kind != "c":
        raise RuntimeError("output must have complex dtype")
    return array


def per_axis(value: Any, count: int) -> list[Any]:
    """One value for each of `count` axes, from one for all or from a sequence of them."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise RuntimeError("sequence argument must have length equal to input rank")
    return values


def checked_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """The axes that `axes` names, none of them negative; all where it is None."""
    if axes is None:
        return tuple(range(ndim))
    if np.isscalar(axes):
        axis = operator.index(cast("Any", axes))
        checked_axis(axis, ndim)
        axes = (axis,)
    elif isinstance(axes, Iterable):
        axes = tuple(operator.index(axis) for axis in axes)
        for axis in axes:
            if axis < -ndim or axis > ndim - 1:
                raise ValueError(f"specified axis: {axis} is out of range")
        axes = tuple(axis % ndim if axis < 0 else axis for axis in axes)
    else:
        raise ValueError("axes must be an integer, iterable of integers, or None")
    if len(set(axes)) != len(axes):
        raise ValueError("axes must be unique")
    return cast("tuple[int, ...]", axes)


def checked_axis(axis: Any, ndim: int) -> int:
    """The axis counted from the front; NumPy's AxisError where there is none."""
    index = operator.index(axis)
    if not -ndim <= index < ndim:
        errors: Any = getattr(np, "exceptions", np)  # its home since NumPy 1.25
        raise errors.AxisError(index, ndim)
    return index % ndim


def checked_mode(mode: Any) -> str:
    """A name of a boundary as a str."""
    if not isinstance(mode, str) or mode not in MODES:
        raise RuntimeError("boundary mode not supported")
    return str(mode)


def checked_modes(mode: Any, count: int) -> tuple[str, ...]:
    """One for each of `count` axes."""
    return tuple(checked_mode(m) for m in per_axis(mode, count))


def checked_cval(cval: Any) -> float:
    """A real number as a float."""
    if isinstance(cval, (str, bytes)) or np.iscomplexobj(cval):
        raise TypeError(f"must be real number, not {type(cval).__name__}")
    return float(cval)


def checked_origin(origin: Any, size: int, message: str) -> int:
    """An origin that leaves the pixel under a kernel of `size` taps."""
    if origin < -(size // 2) or origin > (size - 1) // 2:
        raise ValueError(message)
    return operator.index(origin)


def apply(function: Callable[..., Any], x: Array, output: Array, *arguments: Any) -> None:
    """Let `function(x, output, *arguments)` of the engine filter `x` into `output`, of whatever layout.

    Parameters
    ----------
    function : callable
        Takes ordinary arrays, else returns NotImplemented.
    x, output : ndarray
        Of one shape. They may share memory.
    *arguments
        Checked before: any that the function refuses is a mistake here.
    """
    for array in (x, output):
        if array.dtype.char not in _FILTERABLE:
            raise RuntimeError(f"array type {array.dtype!r} not supported")
    if not output.flags.writeable:
        raise ValueError("output array is read-only.")
    if x.size == 0:
        return
    if not output.dtype.isnative:
        native = np.empty(output.shape, output.dtype.newbyteorder("="))
        apply(function, x, native, *arguments)
        output[...] = native
        return
    if function(x, output, *arguments) is NotImplemented:
        raise RuntimeError(f"a filter over more than {MOST_AXES} axes with taps is not supported")


def by_parts(filtered: Callable[..., Array], x: Array, weights: Array, output: Array, cval: Any) -> Array:
    """A filter of complex data or with complex weights, out of real ones.

    Parameters
    ----------
    filtered : callable
        ``filtered(x, weights, output, cval)``, of real arrays; output None makes a new one.
    x, weights, output : ndarray
        As the complex filter got them, the output complex. `x` or weights may be real.
    cval : number
        Beyond the ends; complex where `x` is.

    Returns
    -------
    ndarray
        The output.
    """
    if x.dtype.kind != "c":
        if np.iscomplexobj(cval):
            raise ValueError("Cannot provide a complex-valued cval when the input is real.")
        filtered(x, weights.real, output.real, cval)
        filtered(x, weights.imag, output.imag, cval)
        return output
    if np.may_share_memory(x, output):
        x = x.copy()
    re, im = np.real(cval), np.imag(cval)
    if weights.dtype.kind != "c":
        filtered(x.real, weights, output.real, re)
        filtered(x.imag, weights, output.imag, im)
        return output
    filtered(x.real, weights.real, output.real, re)
    output.real -= filtered(x.imag, weights.imag, None, im)
    filtered(x.real, weights.imag, output.imag, re)
    output.imag += filtered(x.imag, weights.real, None, im)
    return output
