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

_MODULE = "scipy.signal._signaltools"


@functools.cache
def is_installed() -> bool:
    """Whether SciPy can be asked at all."""
    return importlib.util.find_spec("scipy") is not None


@functools.cache
def original(name: str) -> Callable[..., Any]:
    """SciPy's own function, also where somebody has put ours in its place."""
    module = importlib.import_module(_MODULE)
    found: Callable[..., Any] = getattr(module, name)
    code = getattr(found, "__code__", None)
    if code is None or code.co_filename != module.__file__:
        found = getattr(_second_copy(), name)
    return found


@functools.cache
def _second_copy() -> ModuleType:
    """SciPy's module executed once more, out of sight: its functions call each other, never ours."""
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or spec.loader is None:
        raise ImportError(f"{_MODULE} was loaded and can't be found again")
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


def ask(name: str, reason: str, *arguments: Any) -> Any:
    """What SciPy's function `name` answers."""
    note(f"scipy.signal.{name}", reason)
    return original(name)(*arguments)
