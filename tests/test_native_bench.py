"""The native harness: configured as its README says, without Python, and compiled without a warning.

Building it would compile every kernel for every ISA, which takes minutes. So the compiler only checks its sources.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HARNESS = ROOT / "bench" / "native"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build directory, configured; skips where this machine lacks what the harness needs."""
    if not HARNESS.is_dir():
        pytest.skip("bench/native is not beside these tests: they don't run from a clone")
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed")
    folder = tmp_path_factory.mktemp("native")
    done = run("cmake", "-S", ROOT, "-B", folder, "-DCONVCORR_NATIVE_BENCH=ON", "-DCONVCORR_WERROR=ON")
    if "needs Google Benchmark" in done.stderr:
        pytest.skip("Google Benchmark is not installed (Debian, Ubuntu: libbenchmark-dev)")
    assert done.returncode == 0, done.stderr
    return folder


def test_it_configures_without_python(build: Path) -> None:
    names = {Path(entry["file"]).name for entry in json.loads((build / "compile_commands.json").read_text())}
    assert {path.name for path in HARNESS.glob("*.cpp")} <= names
    assert "module.cpp" not in names


def test_its_sources_compile_without_a_warning(build: Path) -> None:
    entries = json.loads((build / "compile_commands.json").read_text())
    harness = [entry for entry in entries if Path(entry["file"]).parent == HARNESS]
    once = {entry["file"]: entry for entry in harness}  # peaks.cpp stands there for every ISA
    for file, entry in once.items():
        done = run("sh", "-c", f"cd '{entry['directory']}' && {entry['command']} -fsyntax-only")
        assert done.returncode == 0, f"{file}\n{done.stderr}"
