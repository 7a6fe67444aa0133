"""The drop-ins in the place of NumPy's and SciPy's functions, in every module that has a name for one of them."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import _numba, _passed
from ._report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    Function = Callable[..., Any]

# A module of ours, and the peer's whose functions of the same names it stands in for.
_FRONTS = {
    "convcorr.numpy": "numpy",
    "convcorr.scipy.signal": "scipy.signal",
    "convcorr.scipy.ndimage": "scipy.ndimage",
}


class _State:
    """Who wants acceleration, and where the calls are counted. Changed under the lock, by one thread at a time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pairs: dict[str, tuple[Function, Function]] = {}  # by name: the original and its replacement
        self.in_place = False
        self.asked = False  # by accelerate(); contexts that end leave it alone
        self.reports: list[Report] = []  # of the contexts that are open


_state = _State()


def accelerate() -> None:
    """Put this package's functions in the place of NumPy's and SciPy's, in the whole process.

    `numpy.convolve`, `numpy.correlate` and the functions of `convcorr.scipy.signal` are replaced in every module loaded
    that has them under any name, those inside SciPy included; modules imported later get the replacements. Results,
    dtypes and errors stay the peer's; what this package does not compute itself, the original does. Without SciPy, only
    NumPy's are replaced. Once more does no harm: it finds the modules loaded since that kept an original.

    See Also
    --------
    restore : takes it back.
    accelerated : for a stretch of code, with a count of the calls.

    Notes
    -----
    A reference that is no module's attribute (in a list, an object, a default argument) keeps the original. Processes
    that were forked later are accelerated, those that were spawned are not.

    Examples
    --------
    >>> import numpy as np
    >>> import convcorr
    >>> convcorr.accelerate()
    >>> np.convolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    >>> convcorr.restore()
    """
    with _state.lock:
        _state.asked = True
        _put_in_place()


def restore() -> None:
    """Put NumPy's and SciPy's own functions back where `accelerate` or `accelerated` found them.

    Modules that imported a replacement get the original, too. Without acceleration nothing happens.

    Examples
    --------
    >>> import convcorr
    >>> convcorr.restore()
    """
    with _state.lock:
        _state.asked = False
        _put_back()


def accelerated() -> AbstractContextManager[Report]:
    """Context in which NumPy's and SciPy's functions are replaced as by `accelerate`, in the whole process.

    Contexts nest, also across threads: the originals return when the last one ends, unless `accelerate` was called.

    Returns
    -------
    context manager
        For one `with` statement, which yields a report: `report["scipy.signal.convolve"]` has the `calls` made inside
        the context, the `seconds` spent in them, and which were `passed_on` to the original and why. Printed, it is a
        table.

    Examples
    --------
    >>> import numpy as np
    >>> import convcorr
    >>> with convcorr.accelerated() as report:
    ...     np.convolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    >>> report["numpy.convolve"].calls
    1
    """
    return _context()


@contextmanager
def _context() -> Iterator[Report]:
    report = Report()
    with _state.lock:
        _state.reports = [*_state.reports, report]  # a new list: calls in other threads read it without the lock
        _put_in_place()
    try:
        yield report
    finally:
        with _state.lock:
            _state.reports = [other for other in _state.reports if other is not report]
            if not _state.reports and not _state.asked:
                _put_back()


def replaced() -> list[str]:
    """Names of the functions that are replaced now."""
    with _state.lock:
        return list(_state.pairs) if _state.in_place else []


def _put_in_place() -> None:
    if not _state.pairs:
        _state.pairs = _find_pairs()
    _passed.listener = _count_passed_on
    if not _state.in_place:
        _numba.teach(_compiled_by_numba())
    _state.in_place = True
    _exchange({id(original): replacement for original, replacement in _state.pairs.values()})


def _put_back() -> None:
    if not _state.in_place:
        return
    _numba.teach((replacement, original) for original, replacement in _compiled_by_numba())
    _exchange({id(replacement): original for original, replacement in _state.pairs.values()})
    _passed.listener = None
    _state.in_place = False


def _compiled_by_numba() -> list[tuple[Function, Function]]:
    return [pair for name, pair in _state.pairs.items() if name.startswith("numpy.")]


def _find_pairs() -> dict[str, tuple[Function, Function]]:
    pairs = {}
    for front, peer in _FRONTS.items():
        if importlib.util.find_spec(peer.partition(".")[0]) is None:
            continue
        ours, theirs = importlib.import_module(front), importlib.import_module(peer)
        for name in ours.__all__:
            original = getattr(theirs, name, None)
            if original is None:  # an older peer
                continue
            pairs[f"{peer}.{name}"] = (original, _counting(f"{peer}.{name}", getattr(ours, name), original))
    return pairs


def _counting(name: str, ours: Function, original: Function) -> Function:
    """Our function with the looks of the original, by which it is pickled and documented; its calls are counted."""

    @functools.wraps(original)
    def replacement(*arguments: Any, **keywords: Any) -> Any:
        reports = _state.reports
        if not reports:
            return ours(*arguments, **keywords)
        begin = time.perf_counter()
        try:
            return ours(*arguments, **keywords)
        finally:
            seconds = time.perf_counter() - begin
            for report in reports:
                report.add_call(name, seconds)

    return replacement


def _count_passed_on(name: str, reason: str) -> None:
    for report in _state.reports:
        report.add_passed_on(name, reason)


def _exchange(substitutes: Mapping[int, Function]) -> None:
    """Put a substitute where any module's attribute is the object of that id. Ours keep what they have."""
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] == "convcorr":
            continue
        namespace = getattr(module, "__dict__", None)  # what stands in sys.modules need not be a module
        if not isinstance(namespace, dict):
            continue
        for name, value in list(namespace.items()):
            if id(value) in substitutes:
                namespace[name] = substitutes[id(value)]
