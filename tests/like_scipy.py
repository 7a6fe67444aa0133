"""A call to convcorr.scipy.signal compared with the same call to scipy.signal."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convcorr.scipy import signal as ours

theirs = pytest.importorskip("scipy.signal")

MODES = ["full", "same", "valid"]
BAD_NAMES = ["f", "FULL", "", 0, 1, 2, None, 1.0, b"full", np.str_("same"), True, (1,)]


def outcome(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """The result, or the error as text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NaN and overflow in SciPy's own arithmetic
        try:
            return function(*arguments, **keywords)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def _roundoff(operand: Any) -> float:
    """Of the type that SciPy's transforms compute this operand's spectrum in."""
    dtype = np.asarray(operand).dtype
    return float(np.finfo(np.float32 if dtype.char in "efF" else np.float64).eps)


def assert_like_scipy(name: str, *arguments: Any, **keywords: Any) -> None:
    """Same type, dtype, shape and values to rounding; same error in the same words."""
    mine, peers = (outcome(getattr(module, name), *arguments, **keywords) for module in (ours, theirs))
    call = f"{name}{arguments!r} {keywords!r}"
    assert type(mine) is type(peers), f"{call}: {mine}, SciPy {peers}"
    if not isinstance(peers, (np.ndarray, np.generic)):
        assert mine == peers, call
        return
    assert (mine.dtype, mine.shape) == (peers.dtype, peers.shape), call
    if peers.dtype.kind not in "fc":
        np.testing.assert_array_equal(mine, peers, err_msg=call)
        return
    eps = max(_roundoff(operand) for operand in (*arguments[:2], *keywords.values()) if not isinstance(operand, str))
    largest = np.max(np.abs(peers[np.isfinite(peers)]), initial=1.0)
    np.testing.assert_allclose(mine, peers, rtol=64 * eps, atol=float(64 * eps * largest), err_msg=call)
