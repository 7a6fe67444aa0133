"""Runs tests of SciPy's own with our functions in SciPy's place, in a process of its own.

`python scipy_suite.py signal TARGET ...` prints what pytest prints, and then a line of JSON: how each test ended, how
many calls reached each function, and how many of them SciPy had to answer.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

calls: Counter[str] = Counter()
passed_on: Counter[str] = Counter()
outcomes: dict[str, str] = {}


def counted(name: str, function: Callable[..., Any], counter: Counter[str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        counter[name] += 1
        return function(*arguments, **keywords)

    return wrapper


def put_in_place(package: str) -> None:
    """Ours under SciPy's names, wherever a test module may find them; counted."""
    ours = importlib.import_module(f"convcorr.scipy.{package}")
    theirs = importlib.import_module(f"scipy.{package}")
    try:  # what SciPy's tests look up by the function itself
        from scipy._lib._array_api import xp_capabilities_table as capabilities
    except ImportError:
        capabilities = {}
    peer = importlib.import_module("convcorr.scipy._peer")
    ask = peer.ask

    def asked(name: str, *rest: Any, **keywords: Any) -> Any:
        passed_on[name] += 1
        return ask(name, *rest, **keywords)

    for module in [m for n, m in sys.modules.items() if n.startswith("convcorr.scipy")]:
        if getattr(module, "ask", None) is ask:
            module.ask = asked  # type: ignore[attr-defined]  # some have it
    modules = [m for n, m in list(sys.modules.items()) if n.startswith(f"scipy.{package}")]
    for name in ours.__all__:
        original, replacement = getattr(theirs, name), counted(name, getattr(ours, name), calls)
        if original in capabilities:
            capabilities[replacement] = capabilities[original]
        for module in modules:
            if vars(module).get(name) is original:  # getattr would wake modules that are deprecated
                setattr(module, name, replacement)


class Record:
    """How every test ended."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            outcomes[report.nodeid.partition("::")[2]] = report.outcome


def main() -> None:
    package, *targets = sys.argv[1:]
    sys.warnoptions.clear()
    warnings.resetwarnings()
    put_in_place(package)
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--pyargs", *targets], plugins=[Record()])
    print(json.dumps({"outcomes": outcomes, "calls": calls, "passed_on": passed_on}))


if __name__ == "__main__":
    main()
