"""Shared fixtures, Hypothesis profiles, and a loud word on what this machine could not test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # so that `import oracle` works under every import mode

ISAS = ("scalar", "sse42", "avx2", "avx512", "neon")  # all that the package knows
OPTIONAL_PEERS = (  # import names
    "scipy", "threadpoolctl", "matplotlib", "skimage", "astropy", "mne", "numba", "obspy", "sklearn", "torch",
)  # fmt: skip

# "ci" is the same examples on every run; "thorough" looks for new ones: pytest --hypothesis-profile=thorough
slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "ci", max_examples=400, derandomize=True, deadline=None, database=None, suppress_health_check=slow_is_fine
)
settings.register_profile(
    "thorough", max_examples=5000, deadline=None, database=None, suppress_health_check=slow_is_fine, print_blob=True
)
settings.load_profile("ci")


def untested() -> list[str]:
    """What this machine leaves unexercised, one sentence each."""
    missing = [f"{name} is not installed" for name in OPTIONAL_PEERS if importlib.util.find_spec(name) is None]
    try:
        from convcorr import _core
    except ImportError as error:
        return [*missing, f"convcorr can't be imported: {error}"]
    config = _core.config()
    reasons = {True: "were built, but this CPU can't run them", False: "are not built on this kind of machine"}
    idle = [isa for isa in ISAS if isa not in config["isas_available"]]
    return missing + [f"the {isa.upper()} kernels {reasons[isa in config['isas_built']]}" for isa in idle]


def pytest_configure(config: pytest.Config) -> None:
    for marker in ("slow", "leaks_references"):  # numpy's own test modules, which we import, use these
        config.addinivalue_line("markers", f"{marker}: a marker of numpy's tests")


def pytest_report_header() -> list[str]:
    try:
        from convcorr import _core
    except ImportError:
        return ["convcorr: NOT IMPORTABLE"]
    config = _core.config()
    available = ", ".join(config["isas_available"])
    return [f"convcorr: kernels {config['isa']} in use, {available} available", *untested()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = untested()
    if missing:
        terminalreporter.section("NOT EXERCISED ON THIS MACHINE", sep="!", red=True, bold=True)
        for line in missing:
            terminalreporter.write_line(f"  NOT TESTED: {line}", red=True)


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers on every run."""
    return np.random.default_rng(20240229)
