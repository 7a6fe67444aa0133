"""Checks of the few arguments that Python sees before the compiled core does."""

from __future__ import annotations

import operator


def count(name: str, value: int) -> int:
    """`value` as an int of at least 1, or the error that names the argument. A bool is no count."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an int, got {value!r} (bool)")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int, got {value!r} ({type(value).__name__})") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number
