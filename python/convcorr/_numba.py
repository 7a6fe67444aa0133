"""What numba makes of `numpy.convolve` and `numpy.correlate` in code that it compiles: its own, whoever stands there.

numba goes by the function that it finds under a name, and knows those that stood there when its own were loaded: the
originals, or, where it came during an acceleration, the replacements. On the other side no code that calls one of them
would compile.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Function = Callable[..., Any]

_done: set[int] = set()  # ids of the functions that numba knows through us; they live as long as the process


def teach(pairs: Iterable[tuple[Function, Function]]) -> None:
    """Let numba, if it is there, take the second of each pair for the first, which stands in its place now.

    To be called before the functions are exchanged, either way: numba's own are loaded here at the latest.
    """
    if "numba" not in sys.modules:
        return
    importlib.import_module("numba.np.arraymath")
    overload = importlib.import_module("numba.extending").overload
    for known, other in pairs:
        if not {id(known), id(other)} & _done:
            _done.update((id(known), id(other)))
            overload(other)(_typing(known))


def _typing(known: Function) -> Function:
    """Of a function that does what `known` does, in numba's terms."""

    def typing(a: Any, v: Any, mode: Any = None) -> Function:  # numba looks at the names
        if mode is None or getattr(mode, "value", mode) is None:

            def without(a: Any, v: Any, mode: Any = None) -> Any:
                return known(a, v)

            return without

        def with_mode(a: Any, v: Any, mode: Any = None) -> Any:
            return known(a, v, mode)

        return with_mode

    return typing
