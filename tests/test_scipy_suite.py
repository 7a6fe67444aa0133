"""SciPy's own tests of its convolutions and correlations, with convcorr.scipy in SciPy's place: every one passes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from subprocesses import run_python

SIGNALTOOLS = [
    "TestConvolve", "TestConvolve2d", "TestFFTConvolve", "TestOAConvolve", "TestAllFreqConvolves",
    "test_convolve_longdtype_input", "TestCorrelateReal", "TestCorrelate", "TestCorrelateComplex", "TestCorrelate2d",
    "test_correlation_lags", "test_correlation_lags_invalid_mode", "test_choose_conv_method",
    "test_choose_conv_method_2", "TestWiener",
]  # fmt: skip
SPLINES = ["TestSepfir2d"]

# What can't pass, and why; none is a wrong number. Nothing so far.
CANNOT_PASS: dict[str, str] = {}

# SciPy's suite asks these at least so often of a drop-in; a pass-through can't look green.
LEAST_CALLS = {
    "convolve": 1000, "correlate": 200, "convolve2d": 30, "correlate2d": 10, "fftconvolve": 10000, "oaconvolve": 10000,
    "correlation_lags": 30, "choose_conv_method": 20, "sepfir2d": 10,
}  # fmt: skip
MOST_PASSED_ON = 20  # longdouble, and object arrays

pytestmark = pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason="scipy is not installed")


def scipys_tests(tmp_path: Path) -> dict[str, Any]:
    tests = "scipy.signal.tests"
    targets = [f"{tests}.test_signaltools::{name}" for name in SIGNALTOOLS]
    targets += [f"{tests}.test_bsplines::{name}" for name in SPLINES]
    (tmp_path / "pytest.ini").write_text("")  # theirs are not to be read with our settings
    done = run_python("scipy_suite.py", "signal", *targets, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_scipys_own_tests_pass_and_reach_us(tmp_path: Path) -> None:
    if importlib.util.find_spec("scipy.signal.tests") is None:
        pytest.skip("scipy's tests are not installed with it")
    report = scipys_tests(tmp_path)
    outcomes = report["outcomes"]
    failed = {name: outcome for name, outcome in outcomes.items() if outcome == "failed" and name not in CANNOT_PASS}
    assert not failed
    assert sum(outcome == "passed" for outcome in outcomes.values()) > 11_000
    few = {name: report["calls"].get(name, 0) for name, n in LEAST_CALLS.items() if report["calls"].get(name, 0) < n}
    assert not few
    assert sum(report["passed_on"].values()) <= MOST_PASSED_ON, report["passed_on"]
