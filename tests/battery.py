"""A compact battery for a process of its own: prints the kernels that ran and a hash of what they computed.

The data are small integers, so every sum is exact and the hash must be the same on every instruction set.
"""

from __future__ import annotations

import hashlib
import itertools

import numpy as np

import convcorr
import oracle
from convcorr import _core
from layouts import DTYPES, LAYOUTS, VECTOR_DTYPES, random_values, small_integers
from separable_cases import assert_near, outer

SHAPES = [((1,), (1,)), ((37,), (3,)), ((200,), (31,)), ((64,), (65,)), ((9, 50), (3, 3)), ((13, 37), (5, 7)),
          ((4, 5, 33), (3, 2, 4)), ((3, 2, 4, 9), (2, 1, 3, 4))]  # fmt: skip


def exact_results() -> str:
    """Every dtype, mode and border against the oracle, with `==`; the hash of all of it."""
    rng, digest = np.random.default_rng(7), hashlib.sha256()
    for dtype, (x_shape, h_shape) in itertools.product(DTYPES, SHAPES):
        x, h = small_integers(rng, x_shape, dtype), small_integers(rng, h_shape, dtype)
        for number, (mode, boundary) in enumerate(itertools.product(("same", "full"), oracle.BOUNDARIES)):
            laid_out = list(LAYOUTS.values())[number](x)
            for op in ("convolve", "correlate"):
                got = getattr(convcorr, op)(
                    laid_out, h, mode, boundary=boundary, threads=1 + number % 2, method="direct"
                )
                want = oracle.solve(op, x, h, mode, boundary=boundary)
                assert got.dtype == want.dtype
                np.testing.assert_array_equal(got, want, err_msg=f"{op} {dtype} {x_shape} {h_shape} {mode} {boundary}")
                if dtype.char not in "gG":  # padding bytes
                    digest.update((got + dtype.type(0)).tobytes())  # -0.0 and 0.0 are the same zero
    return digest.hexdigest()


def real_with_complex() -> None:
    """Sums of pairs, exactly; and the NaN that 0 times an infinite part is."""
    rng = np.random.default_rng(9)
    for real, joint in (("f4", "c8"), ("f8", "c16")):
        for (x_shape, h_shape), (a, b) in itertools.product(SHAPES, ((real, joint), (joint, real))):
            x, h = small_integers(rng, x_shape, a), small_integers(rng, h_shape, b)
            for op in ("convolve", "correlate"):
                got = getattr(convcorr, op)(x, h, "same", boundary="wrap", method="direct", threads=2)
                np.testing.assert_array_equal(got, oracle.solve(op, x, h, "same", boundary="wrap"))
            (x if a == joint else h).imag.flat[0] = np.inf
            bad = convcorr.convolve(x, h, method="direct")
            with np.errstate(invalid="ignore"):
                want = oracle.convolve(x, h)
            np.testing.assert_array_equal(np.isfinite(bad.real), np.isfinite(want.real))
            np.testing.assert_array_equal(np.isfinite(bad.imag), np.isfinite(want.imag))


def bounded_results() -> None:
    """Noise within the error bound."""
    rng = np.random.default_rng(8)
    for dtype, (x_shape, h_shape) in itertools.product(DTYPES, SHAPES):
        x, h = random_values(rng, x_shape, dtype), random_values(rng, h_shape, dtype)
        oracle.assert_matches(convcorr.convolve(x, h, method="direct"), oracle.answer("convolve", x, h))


def separable_results() -> str:
    """Kernels that are outer products: integers exactly, floats within their bound; the hash of the integers."""
    rng, digest = np.random.default_rng(10), hashlib.sha256()
    shapes = [((9, 70), (3, 4)), ((20, 133), (7, 6)), ((5, 9, 37), (2, 3, 3)), ((21, 30, 3), (3, 5, 1))]
    for dtype, (x_shape, h_shape) in itertools.product((*VECTOR_DTYPES, np.dtype("i8")), shapes):
        x = random_values(rng, x_shape, dtype)
        h = outer([rng.integers(1, 4, k) for k in h_shape], dtype)
        for number, (mode, boundary) in enumerate(itertools.product(("same", "full"), oracle.BOUNDARIES)):
            laid_out = list(LAYOUTS.values())[number](x)
            got = convcorr.convolve(laid_out, h, mode, boundary=boundary, threads=1 + number % 2, method="separable")
            assert_near(got, ("convolve", x, h, mode), f"{dtype} {h_shape} {mode}", boundary=boundary)
            if dtype.kind in "iu":
                digest.update(np.ascontiguousarray(got).tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    bounded_results()
    real_with_complex()
    print(_core.kernel_isa(), exact_results() + separable_results())
