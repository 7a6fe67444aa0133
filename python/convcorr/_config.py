"""What the package runs with: the number of threads, the instruction set in use, the scratch memory it keeps."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, overload

from . import _core
from ._accelerate import replaced
from ._arguments import count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from ._types import Config


def get_num_threads() -> int:
    """Number of threads that a call made from this thread would use at most.

    What `num_threads` set for this thread; else what `set_num_threads` set for the process; else OMP_NUM_THREADS; else
    the processors that the process may use (its affinity and its cgroup's quota). Never more than threadpoolctl allows.
    Small work takes fewer, down to one, and so does a forked child where `threads` isn't given.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> from convcorr import get_num_threads, num_threads
    >>> with num_threads(1):
    ...     get_num_threads()
    1
    """
    return _core.get_num_threads()


def set_num_threads(n: int) -> None:
    """Set the number of threads for every later call in this process that names none.

    Parameters
    ----------
    n : int
        At least 1. The results do not depend on it, to the bit.

    Raises
    ------
    TypeError
        If `n` is not an int.
    ValueError
        If `n` is below 1.

    See Also
    --------
    num_threads : for a stretch of code, on the calling thread only.

    Examples
    --------
    >>> from convcorr import get_num_threads, set_num_threads
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    _core.set_num_threads(count("n", n))


def num_threads(n: int) -> AbstractContextManager[None]:
    """Context in which calls from this thread use at most `n` threads.

    Other threads of the process do not notice. Contexts nest, and leaving one, also by an exception, brings back what
    was before. A call that names its own `threads` gets those.

    Parameters
    ----------
    n : int
        At least 1.

    Returns
    -------
    context manager
        For one `with` statement.

    Raises
    ------
    TypeError
        If `n` is not an int.
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> from convcorr import convolve, num_threads
    >>> with num_threads(1):
    ...     convolve([1, 2], [1, 1])
    array([1, 3, 2])
    """
    return _limited_to(count("n", n))


@contextmanager
def _limited_to(n: int) -> Iterator[None]:
    previous = _core.thread_limit(n)
    try:
        yield
    finally:
        _core.thread_limit(previous)


def clear_cache() -> None:
    """Give back the memory that the package keeps between calls: scratch, and the tables of its Fourier transforms.

    Never needed for correctness. Later calls allocate anew what they need. A `Plan` keeps what is its own.

    Examples
    --------
    >>> from convcorr import clear_cache
    >>> clear_cache()
    """
    _core.clear_cache()


@overload
def show_config(mode: Literal["stdout"] = ...) -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> Config: ...
def show_config(mode: Literal["stdout", "dict"] = "stdout") -> Config | None:
    """Print, or return, what this build of the package has and uses.

    Parameters
    ----------
    mode : {"stdout", "dict"}
        Print it, or return it.

    Returns
    -------
    dict or None
        For "dict": `version`; `isa`, the instruction set in use, forced by the environment variable CONVCORR_ISA if
        that is set; `isas_built`, those that the build has kernels for, and `isas_available`, those of them that this
        processor runs; `threads`, what `get_num_threads` says; `openmp`, the thread runtime or that there is none;
        `compiler`; `numpy`; `accelerated`, the functions of NumPy and SciPy that are replaced now (see `accelerate`).

    Raises
    ------
    ValueError
        If `mode` is neither "stdout" nor "dict".

    Examples
    --------
    >>> from convcorr import show_config
    >>> config = show_config(mode="dict")
    >>> config["isa"] in config["isas_available"]
    True
    """
    if mode not in ("stdout", "dict"):
        raise ValueError(f"mode must be 'stdout' or 'dict', got {mode!r}")
    config = _core.config()
    config["accelerated"] = replaced()
    if mode == "dict":
        return config
    for key, value in config.items():
        print(f"{key:<16}{', '.join(value) or 'none' if isinstance(value, (list, tuple)) else value}")
    return None
