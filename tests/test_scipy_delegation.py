"""Arrays of other libraries in the SciPy drop-ins: theirs where SciPy delegates (SCIPY_ARRAY_API), and counted."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

import numpy as np
import pytest

from subprocesses import output_of

pytest.importorskip("scipy", reason="SciPy is not installed")
NEWEST = np.lib.NumpyVersion(importlib.metadata.version("scipy")) >= "1.17.0"
pytestmark = pytest.mark.skipif(not NEWEST, reason="an older SciPy, which delegates less")

# A library of its own, as SciPy sees one: a namespace, and arrays that can become NumPy's.
PROGRAM = """
import json
import sys
import types

import numpy as np

import convcorr
import scipy.ndimage

class Theirs:
    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __array_namespace__(self, api_version=None):
        return library

library = types.ModuleType("library")
library.asarray = Theirs
x = np.arange(30.0).reshape(5, 6) ** 2
kernel, taps = Theirs([[1.0, 2.0], [3.0, 4.0]]), Theirs([1.0, 2.0, 4.0])

def second(x, axis, output, mode, cval, scale):
    return scipy.ndimage.correlate1d(x, [scale, -2, scale], axis, output, mode, cval, 0)

CALLS = {
    "convolve": (kernel,), "convolve1d": (taps,), "correlate": (kernel, None, "wrap"), "correlate1d": (taps, 0),
    "gaussian_filter": (1.5,), "gaussian_filter1d": (1.5, 0), "gaussian_gradient_magnitude": (1.0,),
    "gaussian_laplace": ((1.0, 2.0),), "generic_gradient_magnitude": (second, None, "reflect", 0.0, (2.0,)),
    "generic_laplace": (second, None, "reflect", 0.0, (2.0,)), "laplace": (), "prewitt": (0,), "sobel": (1,),
    "uniform_filter": (3,), "uniform_filter1d": (3, 0),
}

def answers(x):
    return {name: getattr(scipy.ndimage, name)(x, *arguments) for name, arguments in CALLS.items()}

def of_their_library(x):
    done = {
        "radius": scipy.ndimage.gaussian_filter(x, 1.0, radius=2),
        "axes": scipy.ndimage.uniform_filter(x, 3, axes=(0,)),
    }
    return {**answers(x), **done}

wanted = of_their_library(Theirs(x))
by_hand = len(sys.argv) > 1
if by_hand:  # as a program would patch SciPy, without a trace of what stood there
    import convcorr.scipy.ndimage as ours
    for name in ours.__all__:
        setattr(scipy.ndimage, name, getattr(ours, name))
        setattr(sys.modules["scipy.ndimage._support_alternative_backends"], name, getattr(ours, name))
with convcorr.accelerated() as report:
    got = of_their_library(Theirs(x))
with convcorr.accelerated():
    try:
        mixed = type(scipy.ndimage.correlate(x, kernel)).__name__
    except TypeError as error:
        mixed = str(error).split(":")[0]
kinds = {name: [type(got[name]).__name__, type(wanted[name]).__name__] for name in wanted}
far = [name for name in wanted if not np.allclose(got[name], wanted[name], rtol=1e-12, atol=1e-12)]
print(json.dumps({"kinds": kinds, "far": far, "mixed": mixed, "passed_on": {
    name: count.passed_on for name, count in report.counts.items()
}}))
"""


def run(*arguments: str, api: str | None) -> dict[str, Any]:
    last = output_of(PROGRAM, *arguments, SCIPY_ARRAY_API=api).splitlines()[-1]
    result: dict[str, Any] = json.loads(last)
    return result


def test_scipy_hands_them_to_their_library_where_it_was_told_to() -> None:
    from convcorr.scipy import ndimage

    result = run(api="1")
    assert set(map(tuple, result["kinds"].values())) == {("Theirs", "Theirs")}, result
    assert result["far"] == []
    assert result["mixed"] == "Multiple namespaces for array inputs"  # SciPy's own words
    twice = {"gaussian_filter", "uniform_filter"}
    assert result["passed_on"] == {
        f"scipy.ndimage.{name}": {"__main__.Theirs": 2 if name in twice else 1} for name in ndimage.__all__
    }


def test_elsewhere_they_are_numpys_and_ours() -> None:
    result = run(api=None)
    assert set(map(tuple, result["kinds"].values())) == {("ndarray", "ndarray")}, result
    assert result["far"] == []
    assert all(not reasons for reasons in result["passed_on"].values()), result


def test_scipys_functions_are_found_though_ours_stand_in_their_place() -> None:
    result = run("by hand", api="1")
    assert set(map(tuple, result["kinds"].values())) == {("Theirs", "Theirs")}, result
    assert result["far"] == []
