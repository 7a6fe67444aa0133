"""SciPy itself, for the calls that are left to it. It is imported when the first of them comes, if it is installed."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from .._passed import note

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

# Where SciPy's functions of a package are made. Its filters pass arrays of other libraries on in a layer of their own.
_SOURCES = {
    "scipy.signal": "scipy.signal._signaltools",
    "scipy.ndimage": "scipy.ndimage._support_alternative_backends",
}


@functools.cache
def is_installed() -> bool:
    """Whether SciPy can be asked at all."""
    return importlib.util.find_spec("scipy") is not None


@functools.cache
def delegates() -> bool:
    """Whether SciPy was told (by SCIPY_ARRAY_API) to answer arrays of other libraries with arrays of theirs."""
    return is_installed() and bool(getattr(importlib.import_module("scipy._lib._array_api"), "SCIPY_ARRAY_API", False))


@functools.cache
def original(function: str) -> Callable[..., Any]:
    """SciPy's own function, named with its package, also where somebody has put ours in its place."""
    package, _, name = function.rpartition(".")
    module = importlib.import_module(_SOURCES[package])
    found: Callable[..., Any] = getattr(module, name)
    code = getattr(found, "__code__", None)
    if code is None or code.co_filename != module.__file__:
        found = getattr(_second_copy(_SOURCES[package]), name)
    return found


@functools.cache
def _second_copy(name: str) -> ModuleType:
    """SciPy's module executed once more, out of sight: its functions call each other, never ours."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} was loaded and can't be found again")
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


def ask(function: str, reason: str, *arguments: Any, **keywords: Any) -> Any:
    """What SciPy's function, named with its package, answers."""
    note(function, reason)
    return original(function)(*arguments, **keywords)
