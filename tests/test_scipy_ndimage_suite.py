"""SciPy's own tests of its filters, with ours in the place of theirs."""

from __future__ import annotations

import importlib.util
import json

import pytest

from subprocesses import output_of

# What isn't ours: ranks, extremes and filters by a function, whose tests never call a filter that we replace.
OTHERS = "not rank and not minimum and not maximum and not median and not Vectorized and not minmax"

PROGRAM = """
import collections, functools, json, os, sys, warnings
warnings.simplefilter("ignore")
import pytest
from scipy import ndimage
from scipy._lib import _array_api
from convcorr.scipy import ndimage as ours

calls = collections.Counter()
table = getattr(_array_api, "xp_capabilities_table", None)  # what SciPy's tests know of each function

def counted(name, function):
    @functools.wraps(function)
    def wrapper(*arguments, **keywords):
        calls[name] += 1
        return function(*arguments, **keywords)
    return wrapper

for name in ours.__all__:
    replacement, original = counted(name, getattr(ours, name)), getattr(ndimage, name)
    if table is not None:
        table[replacement] = table[original]
    setattr(ndimage, name, replacement)

class Results:
    passed, failed = 0, []
    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed += 1

results = Results()
with open(os.devnull, "w") as nowhere:
    stdout, sys.stdout = sys.stdout, nowhere
    status = pytest.main(["-c", os.devnull, "--pyargs", "scipy.ndimage.tests.test_filters", "-q",
                          "-p", "no:cacheprovider", "-W", "ignore", "-k", sys.argv[1]], plugins=[results])
    sys.stdout = stdout
print(json.dumps({"status": int(status), "passed": results.passed, "failed": results.failed, "calls": calls}))
"""


def test_scipys_own_suite_passes_on_ours() -> None:
    """Every test that concerns these functions, and thousands of calls that reached us."""
    pytest.importorskip("scipy", minversion="1.17", reason="an older SciPy, with other arguments, or none")
    if importlib.util.find_spec("scipy.ndimage.tests.test_filters") is None:
        pytest.skip("SciPy's tests are not installed with it")
    result = json.loads(output_of(PROGRAM, OTHERS, timeout=600).splitlines()[-1])
    assert result["failed"] == []
    assert result["status"] == 0, result
    assert result["passed"] > 1500
    assert sum(result["calls"].values()) > 5000, result["calls"]
    assert len(result["calls"]) == 15, result["calls"]
