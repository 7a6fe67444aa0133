"""MKL's transforms of real rows, through its C interface (DFTI): nothing between it and the arrays but one call."""

from __future__ import annotations

import ctypes

import numpy as np
from bench.cases import Array
from bench.peers import mkl_library

SINGLE, DOUBLE, REAL = 35, 36, 33
CONJUGATE_EVEN_STORAGE, COMPLEX_COMPLEX = 10, 39
PLACEMENT, NOT_INPLACE = 11, 44
NUMBER_OF_TRANSFORMS, INPUT_DISTANCE, OUTPUT_DISTANCE = 7, 14, 15


class Transform:
    """A transform of each row of one array into the row of another, prepared once and not scaled.

    Parameters
    ----------
    source, target : ndarray, 2-D, rows contiguous
        Real samples and their spectrum with N/2 + 1 values (forward), or the other way round (inverse). Both are kept.
    """

    def __init__(self, source: Array, target: Array) -> None:
        library = mkl_library()
        assert library is not None
        self._arrays = source, target
        forward = np.isrealobj(source)
        real = source if forward else target
        self._handle = ctypes.c_void_p()
        precision = SINGLE if real.dtype == np.float32 else DOUBLE
        length = ctypes.c_long(real.shape[1])
        self._check(library.DftiCreateDescriptor(ctypes.byref(self._handle), precision, REAL, ctypes.c_long(1), length))
        settings = {
            CONJUGATE_EVEN_STORAGE: COMPLEX_COMPLEX,
            PLACEMENT: NOT_INPLACE,
            NUMBER_OF_TRANSFORMS: len(real),
            INPUT_DISTANCE: source.strides[0] // source.itemsize,
            OUTPUT_DISTANCE: target.strides[0] // target.itemsize,
        }
        for name, value in settings.items():
            self._check(library.DftiSetValue(self._handle, name, ctypes.c_long(value)))
        self._check(library.DftiCommitDescriptor(self._handle))
        self._compute = library.DftiComputeForward if forward else library.DftiComputeBackward
        self._free = library.DftiFreeDescriptor
        self._at = [ctypes.c_void_p(array.ctypes.data) for array in self._arrays]

    @staticmethod
    def _check(status: int) -> None:
        if status != 0:
            raise RuntimeError(f"DFTI status {status}")

    def __call__(self) -> None:
        """Transform every row."""
        self._check(self._compute(self._handle, *self._at))

    def __del__(self) -> None:
        if self._handle:
            self._free(ctypes.byref(self._handle))
