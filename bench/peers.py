"""Everybody who can compute a case: ours, and each peer that is installed.

Each peer is a factory that takes a case with its arrays and gives back a call without arguments. What a user would
prepare once is prepared in the factory, to the peer's advantage: the kernel turned round for those that correlate,
tensors (views of the same arrays), MKL's task. The call then allocates its result and computes it, every time.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import math
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from bench import limits
from bench.cases import Array, Case

Call = Callable[[], Any]
OURS = "convcorr"


@dataclass(frozen=True)
class Peer:
    """Somebody to be compared with.

    Parameters
    ----------
    name : str
        As printed.
    package : str
        Module that must import.
    make : callable
        Takes case, x, h; gives the call to time, or None where the peer has nothing for the case.
    ndims : tuple of int
        Numbers of convolved axes served.
    dtypes : tuple of str
        Served.
    ns_per_mac, ns_per_point : float
        Costs on the slow side, by which hopeless calls are foreseen and left out: of a product in a direct sum, and of
        a sample per axis and factor of two in an FFT. Infinite for what the peer does not do [ns].
    in_grid : bool
        Whether the goals were set against this peer. Others are timed too, and noted where they are faster.
    rows : bool
        Whether it takes a batch of rows, each with a kernel of its own.
    """

    name: str
    package: str
    make: Callable[[Case, Array, Array], Call | None]
    ndims: tuple[int, ...] = (1, 2, 3)
    dtypes: tuple[str, ...] = ("f32", "f64", "c64")
    ns_per_mac: float = math.inf
    ns_per_point: float = math.inf
    in_grid: bool = True
    rows: bool = False

    def serves(self, case: Case) -> bool:
        """Whether the peer has something for this kind of case."""
        return case.ndim in self.ndims and case.dtype in self.dtypes and (self.rows or not case.rows)

    def foreseen(self, case: Case) -> float:
        """Rough time of a call, on the slow side [s]."""
        transform = math.prod(case.shape) * math.log2(case.n + case.k) * case.ndim
        return 1e-9 * min(case.macs * self.ns_per_mac, transform * self.ns_per_point)


@cache
def load(name: str) -> ModuleType | None:
    """Import the module, or give None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if name.partition(".")[0] == OURS and not isinstance(error, ModuleNotFoundError):
            raise  # installed, but broken: not the same as absent
        return None


def _module(name: str) -> ModuleType:
    """Import the module, which is known to be there."""
    module = load(name)
    assert module is not None, name
    return module


def _flipped(h: Array) -> Array:
    """Turn the kernel round along every axis; contiguous."""
    return np.ascontiguousarray(np.flip(h))


def ours(case: Case, x: Array, h: Array) -> Call | None:
    """convcorr.convolve."""
    if case.rows:
        return partial(_module("convcorr").convolve, x, h, "same", axes=-1)
    return partial(_module("convcorr").convolve, x, h, "same")


def algorithm(case: Case, x: Array, h: Array) -> str:
    """Name what ours takes for the case, as in "direct" or "fft"."""
    return str(_module("convcorr").explain(x, h, "same", axes=-1 if case.rows else None).algorithm)


def numpy_convolve(case: Case, x: Array, h: Array) -> Call | None:
    """np.convolve, in a loop over rows."""
    if not case.rows:
        return partial(np.convolve, x, h, "same")

    def loop() -> Array:
        out = np.empty_like(x)
        for target, signal, kernel in zip(out, x, h, strict=True):
            target[:] = np.convolve(signal, kernel, "same")
        return out

    return loop


def numpy_correlate(case: Case, x: Array, h: Array) -> Call | None:
    """np.correlate with the kernel turned round."""
    return partial(np.correlate, x, _flipped(h).conj(), "same")


def scipy_signal(function: str) -> Callable[[Case, Array, Array], Call | None]:
    """Take a function of scipy.signal; those with `axes` also take rows."""

    def make(case: Case, x: Array, h: Array) -> Call | None:
        call = getattr(_module("scipy.signal"), function)
        return partial(call, x, h, "same", axes=1) if case.rows else partial(call, x, h, "same")

    return make


def scipy_ndimage(function: str) -> Callable[[Case, Array, Array], Call | None]:
    """Take a function of scipy.ndimage; the centre of its even kernels differs, so it gets odd ones only."""

    def make(case: Case, x: Array, h: Array) -> Call | None:
        call = getattr(_module("scipy.ndimage"), function)
        return None if case.k % 2 == 0 else partial(call, x, h, mode="constant")

    return make


def opencv(case: Case, x: Array, h: Array) -> Call | None:
    """cv2.filter2D, which correlates; a signal is an image of one row."""
    if case.k % 2 == 0:
        return None
    cv2 = _module("cv2")
    image, kernel = np.atleast_2d(x), np.atleast_2d(_flipped(h))
    return partial(cv2.filter2D, image, -1, kernel, borderType=cv2.BORDER_CONSTANT)


def pytorch(case: Case, x: Array, h: Array) -> Call | None:
    """Call torch conv1d, conv2d or conv3d on one channel, or on a channel per row, in groups."""
    if case.k % 2 == 0:
        return None
    torch = _module("torch")
    conv = getattr(torch.nn.functional, f"conv{case.ndim}d")
    channels = max(case.rows, 1)
    side = (case.n,) * case.ndim
    data = torch.from_numpy(x.reshape(1, channels, *side))
    taps = np.flip(h, tuple(range(len(case.batch), h.ndim)))
    weight = torch.from_numpy(np.ascontiguousarray(taps).reshape(channels, 1, *(case.k,) * case.ndim))
    return partial(conv, data, weight, padding=case.k // 2, groups=channels)


@cache
def mkl_library() -> ctypes.CDLL | None:
    """MKL from its wheel (it lies in this environment's lib folder) or from the system."""
    os.environ.setdefault("KMP_BLOCKTIME", "1")  # its workers spin for 200 ms otherwise, into the next one's turn
    folders = [Path(sys.prefix) / "lib", Path(sys.prefix) / "Library" / "bin", Path(sysconfig.get_path("platlib"))]
    found = [str(path) for folder in folders for path in sorted(folder.glob("*mkl_rt*"))]
    for name in [*found, "libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so"]:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    return None


class VslTask:
    """One convolution task of MKL's VSL, made once and executed at every call (its fastest use).

    Parameters
    ----------
    mode : int
        0 automatic, 1 direct, 2 FFT.
    """

    def __init__(self, mode: int, case: Case, x: Array, h: Array) -> None:
        library = mkl_library()
        assert library is not None
        letter = {"f32": "s", "f64": "d", "c64": "c"}[case.dtype]
        self._task = ctypes.c_void_p()
        new = getattr(library, f"vsl{letter}ConvNewTask1D")
        self._check(new(ctypes.byref(self._task), mode, case.n, case.k, case.n))
        self._check(library.vslConvSetStart(self._task, (ctypes.c_int * 1)((case.k - 1) // 2)))
        self._exec = getattr(library, f"vsl{letter}ConvExec1D")
        self._exec.argtypes = [ctypes.c_void_p] + [ctypes.c_void_p, ctypes.c_int] * 3
        self._delete = library.vslConvDeleteTask
        self._x, self._h = x, h
        self._x_at, self._h_at = x.ctypes.data, h.ctypes.data

    @staticmethod
    def _check(status: int) -> None:
        if status != 0:
            raise RuntimeError(f"VSL status {status}")

    def __call__(self) -> Array:
        """Convolve into a new array."""
        out = np.empty(self._x.shape, self._x.dtype)
        out_at = out.__array_interface__["data"][0]
        self._check(self._exec(self._task, self._x_at, 1, self._h_at, 1, out_at, 1))
        return out

    def __del__(self) -> None:
        if self._task:
            self._delete(ctypes.byref(self._task))


def mkl(mode: int) -> Callable[[Case, Array, Array], Call | None]:
    """MKL's VSL in one of its modes."""

    def make(case: Case, x: Array, h: Array) -> Call | None:
        return VslTask(mode, case, x, h)

    return make


REAL = ("f32", "f64")
PEERS = (
    Peer("np.convolve", "numpy", numpy_convolve, (1,), ns_per_mac=0.6, rows=True),
    Peer("np.correlate", "numpy", numpy_correlate, (1,), ns_per_mac=0.6, in_grid=False),
    Peer("signal.convolve", "scipy.signal", scipy_signal("convolve"), ns_per_point=1.5),
    Peer("fftconvolve", "scipy.signal", scipy_signal("fftconvolve"), ns_per_point=1.5, rows=True),
    Peer("oaconvolve", "scipy.signal", scipy_signal("oaconvolve"), ns_per_point=1.5, rows=True),
    Peer("convolve2d", "scipy.signal", scipy_signal("convolve2d"), (2,), ns_per_mac=3),
    Peer("ndimage.convolve1d", "scipy.ndimage", scipy_ndimage("convolve1d"), (1,), ns_per_mac=1.5),
    Peer("ndimage.convolve", "scipy.ndimage", scipy_ndimage("convolve"), ns_per_mac=2),
    Peer("cv2.filter2D", "cv2", opencv, (2,), REAL, 0.25, 0.6),
    Peer("cv2.filter2D row", "cv2", opencv, (1,), REAL, 0.25, 0.6, in_grid=False),
    Peer("torch conv", "torch", pytorch, ns_per_mac=4, rows=True),
    Peer("MKL auto", "mkl", mkl(0), (1,), REAL, 0.5, 1.5),
    Peer("MKL direct", "mkl", mkl(1), (1,), REAL, 0.5),
    Peer("MKL fft", "mkl", mkl(2), (1,), REAL, ns_per_point=1.5),
    Peer("MKL auto", "mkl", mkl(0), (1,), ("c64",), 1, 3, in_grid=False),
    Peer("MKL direct", "mkl", mkl(1), (1,), ("c64",), 1, in_grid=False),
    Peer("MKL fft", "mkl", mkl(2), (1,), ("c64",), ns_per_point=3, in_grid=False),
)
DISTRIBUTIONS = (
    "convcorr",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "opencv-python",
    "torch",
    "mkl",
    "pyFFTW",
    "ducc0",
)


def present(package: str) -> bool:
    """Whether the package is installed."""
    return (mkl_library() if package == "mkl" else load(package)) is not None


def absent() -> list[str]:
    """List packages that are not installed, ours included."""
    wanted = dict.fromkeys(["convcorr", *(peer.package.split(".")[0] for peer in PEERS)])
    return [package for package in wanted if not present(package)]


def versions() -> dict[str, str]:
    """Installed versions of everybody."""
    found = {}
    for name in DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@contextlib.contextmanager
def same_threads(threads: int) -> Iterator[None]:
    """Give everybody the same number of threads, for as long as the block lasts."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(limits.blas_threads(threads))
        if (cv2 := load("cv2")) is not None:
            cv2.setNumThreads(threads)
        if (torch := load("torch")) is not None:
            torch.set_num_threads(threads)
        if (fft := load("scipy.fft")) is not None:
            stack.enter_context(fft.set_workers(threads))
        if (library := mkl_library()) is not None:
            library.MKL_Set_Num_Threads(threads)
        if (convcorr := load("convcorr")) is not None:
            stack.enter_context(convcorr.num_threads(threads))
        yield


def as_array(result: Any, shape: tuple[int, ...]) -> Array:
    """View a peer's result as an ndarray of that shape, without a copy."""
    return np.asarray(result).reshape(shape)
