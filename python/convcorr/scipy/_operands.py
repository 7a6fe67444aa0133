"""The two arrays of a call: read as SciPy reads them, and a reason where SciPy itself must answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _peer

if TYPE_CHECKING:
    from .._types import Array

_NATIVE = frozenset("?bBhHiIlLqQefdFD")  # the characters of the types that the engine has kernels for
_PLAIN = frozenset({np.ndarray, np.memmap, list, tuple, bool, int, float, complex})
# What arrays of other libraries have, and their types' instances bring along to whatever SciPy makes of them.
_FOREIGN = ("__array_namespace__", "__array_function__", "__torch_function__", "__cuda_array_interface__")


def is_foreign(operand: object) -> bool:
    """Whether a library other than NumPy made it, which SciPy may want to ask."""
    kind = type(operand)
    if kind in _PLAIN or issubclass(kind, np.generic):
        return False
    return any(hasattr(kind, name) for name in _FOREIGN)


def kind_of(operand: object) -> str:
    """Its type, by the full name."""
    return f"{type(operand).__module__}.{type(operand).__qualname__}"


def read(in1: Any, in2: Any) -> tuple[Array, Array, str]:
    """Both operands as arrays, and why SciPy should answer instead ("" where it need not).

    Without SciPy, what it would take is read all the same where that is possible.

    Raises
    ------
    TypeError
        For arrays that are not numeric, where SciPy is not installed.
    """
    if type(in1) is type(in2) is np.ndarray and in1.dtype.char in _NATIVE and in2.dtype.char in _NATIVE:
        return in1, in2, ""  # the shortest way for what nearly every call is
    if (is_foreign(in1) or is_foreign(in2)) and _peer.is_installed():
        foreign = in1 if is_foreign(in1) else in2
        nothing = np.empty(0)
        return nothing, nothing, kind_of(foreign)
    x, h = np.asarray(in1), np.asarray(in2)
    for name, array in (("in1", x), ("in2", h)):
        if array.dtype.char in _NATIVE:
            continue
        if _peer.is_installed():
            return x, h, f"dtype {array.dtype}"
        if array.dtype.kind not in "fc":
            raise TypeError(f"{name} must be numeric, got {array.dtype} (which SciPy, not installed here, may take)")
    return x, h, ""
