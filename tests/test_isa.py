"""Every instruction set that this CPU has, forced in turn: it really runs, and it computes the same bits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from convcorr import _core
from subprocesses import environment, output_of, run_python

AVAILABLE = list(_core.config()["isas_available"])
OTHERS = [isa for isa in AVAILABLE if isa != _core.kernel_isa()]
MISSING = [isa for isa in _core.config()["isas_built"] if isa not in AVAILABLE]
every_isa = pytest.mark.parametrize("isa", AVAILABLE)


def test_this_machine_runs_something() -> None:
    config = _core.config()
    assert "scalar" in AVAILABLE
    assert set(AVAILABLE) <= set(config["isas_built"])
    assert config["isa"] == _core.kernel_isa()
    assert _core.kernel_isa() in AVAILABLE


@pytest.fixture(scope="module")
def batteries() -> dict[str, tuple[str, str]]:
    """For each instruction set asked for: the one that ran, and the hash of its results."""
    found = {}
    for isa in AVAILABLE:
        ran, digest = output_of("battery.py", CONVCORR_ISA=isa).split()
        found[isa] = (ran, digest)
    return found


@every_isa
def test_the_forced_one_ran_and_was_right(isa: str, batteries: dict[str, tuple[str, str]]) -> None:
    assert batteries[isa][0] == isa


def test_integer_valued_results_are_the_same_bits_everywhere(batteries: dict[str, tuple[str, str]]) -> None:
    assert len({digest for _, digest in batteries.values()}) == 1, batteries


@every_isa
def test_config_tells_the_forced_one(isa: str) -> None:
    code = "import convcorr; print(convcorr.show_config(mode='dict')['isa'])"
    assert output_of(code, CONVCORR_ISA=isa) == isa


@pytest.mark.parametrize("name", ["sse9", "avx", " avx2 x", "auto", *MISSING])
def test_an_unknown_or_missing_one_is_an_import_error(name: str) -> None:
    done = run_python("import convcorr", CONVCORR_ISA=name)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError"), done.stderr
    assert name in last
    assert all(isa in last for isa in AVAILABLE), last


def test_an_empty_name_means_the_best() -> None:
    code = "from convcorr import _core; print(_core.kernel_isa())"
    assert output_of(code, CONVCORR_ISA="") == output_of(code, CONVCORR_ISA=None)


@pytest.mark.isa
@pytest.mark.parametrize("isa", OTHERS)
def test_direct_sweeps_under(isa: str) -> None:
    """The whole of these files again, on other kernels than the ones in use."""
    here = Path(__file__).parent
    files = [str(here / name) for name in ("test_direct.py", "test_guard.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *files],
        env=environment(CONVCORR_ISA=isa), cwd=here.parent, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"kernels {isa} in use" in done.stdout
