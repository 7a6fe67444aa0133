"""No instruction and no symbol of one instruction set leaks into what every CPU runs.

An inline function or template that objects of different flags share is emitted in each of them, and the linker may keep
the copy that holds AVX: an illegal instruction on an old CPU. So a kernel object offers its table and nothing else, and
objects without a kernel hold no AVX at all.

The objects are those of the build folder that the environment variable CONVCORR_BUILD_DIR names, else those that
`pip install .` left in build/ here, if they are newer than their sources; else they are compiled, which takes minutes.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from convcorr import _core
from test_layers import all_includes

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ROOT / "csrc" / "kernels"
ISAS = list(_core.config()["isas_built"])
WITHOUT_VEX = [isa for isa in ISAS if isa in ("scalar", "sse42")]

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="objects are read with Linux's binutils")
x86_only = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="VEX and EVEX are x86's encodings")

# The first byte of an instruction, segment prefixes apart. In 64-bit mode these three begin nothing else.
VEX = re.compile(r"^(?:(?:26|2e|36|3e|64|65|67) )*(?:c4|c5|62) ")
EVEX = re.compile(r"^(?:(?:26|2e|36|3e|64|65|67) )*62 ")


@dataclass(frozen=True)
class Object:
    """A compiled source. `isa` is that of a kernel, or empty."""

    path: Path
    source: Path
    isa: str


def tool(name: str) -> str:
    found = shutil.which(name)
    works = found and subprocess.run([found, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    if not works:
        pytest.skip(f"{name} is not installed: nothing can be said about the objects")
    return name


def lines_of(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.splitlines()


def read_objects(build: Path) -> list[Object]:
    """What a build folder has compiled from csrc/, by its own record."""
    found = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        directory = Path(entry["directory"])
        source, path = directory / entry["file"], directory / entry["output"]
        isa = re.search(r"-DCONVCORR_ISA=(\w+)", entry["command"])
        if source.is_relative_to(ROOT / "csrc"):
            found.append(Object(path, source, isa[1] if isa else ""))
    return found


def is_fresh(build: Path) -> bool:
    """Whether every object is there and newer than all that it is made of."""
    csrc = ROOT / "csrc"
    if is_newer(ROOT / "CMakeLists.txt", build / "compile_commands.json"):
        return False
    for o in read_objects(build):
        made_of = [o.source, *(csrc / name for name in all_includes(o.source, csrc))]
        if not o.path.exists() or any(is_newer(source, o.path) for source in made_of):
            return False
    return True


def is_newer(a: Path, b: Path) -> bool:
    return a.stat().st_mtime > b.stat().st_mtime


def compile_objects(build: Path) -> None:
    """Configure and build without Python: the kernels, and everything below the bindings."""
    targets = ["engine", *(f"kernels_{isa}" for isa in ISAS)]
    lines_of(tool("cmake"), "-S", str(ROOT), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release")
    command = ["cmake", "--build", str(build), "--parallel", str(os.cpu_count() or 1), "--target", *targets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    named = os.environ.get("CONVCORR_BUILD_DIR")
    if named:
        return read_objects(Path(named))
    for commands in ROOT.glob("build/*/compile_commands.json"):
        if is_fresh(commands.parent):
            return read_objects(commands.parent)
    build = tmp_path_factory.mktemp("objects")
    compile_objects(build)
    return read_objects(build)


@dataclass(frozen=True)
class Symbol:
    name: str
    kind: str  # nm's letter: capitals are external, U undefined

    @property
    def is_weak_or_unique(self) -> bool:
        return self.kind in "WwVvu"

    @property
    def is_external(self) -> bool:
        return self.kind.isupper() and self.kind != "U"


def symbols_of(path: Path, *options: str) -> list[Symbol]:
    return [Symbol(*line.split()[:2]) for line in lines_of(tool("nm"), "-P", *options, str(path)) if " " in line]


def instructions_of(path: Path, encoding: re.Pattern[str]) -> list[str]:
    """The instructions of an object that are encoded so."""
    lines = (line.split("\t", 2) for line in lines_of(tool("objdump"), "-d", "-w", str(path)))
    return [parts[2].strip() for parts in lines if len(parts) == 3 and encoding.match(parts[1])]


@linux_only
def test_every_kernel_is_compiled_for_every_isa(objects: list[Object]) -> None:
    kernels = {(o.source.name, o.isa) for o in objects if o.isa}
    assert kernels == {(source.name, isa) for source in KERNELS.glob("*.cpp") for isa in ISAS}
    assert all(o.source.parent == KERNELS for o in objects if o.isa)
    assert any(o.source.parent.name == "execute" for o in objects if not o.isa)


@linux_only
@pytest.mark.parametrize("isa", ISAS)
def test_a_kernel_object_offers_its_table_alone(isa: str, objects: list[Object]) -> None:
    for o in (o for o in objects if o.isa == isa):
        symbols = symbols_of(o.path)
        assert [s for s in symbols if s.is_weak_or_unique] == [], o.path
        external = [s.name for s in symbols if s.is_external]
        assert len(external) == 1, (o.path, external)
        table = f"{len(isa)}{isa}{len(o.source.stem)}{o.source.stem}E"  # mangled: convcorr::<isa>::<table>
        assert external[0].endswith(table), (o.path, external)


@linux_only
@pytest.mark.parametrize("isa", ISAS)
def test_a_kernel_object_calls_no_cpp_function(isa: str, objects: list[Object]) -> None:
    """C's memcpy and its like live in the C library; anything in C++ would be shared code."""
    for o in (o for o in objects if o.isa == isa):
        called = [s.name for s in symbols_of(o.path) if s.kind == "U"]
        assert [name for name in called if name.startswith("_Z")] == [], o.path


@linux_only
@x86_only
def test_baseline_objects_hold_no_avx(objects: list[Object]) -> None:
    for o in (o for o in objects if not o.isa or o.isa in WITHOUT_VEX):
        assert instructions_of(o.path, VEX)[:5] == [], o.path


@linux_only
@x86_only
def test_avx2_objects_hold_avx_and_no_avx512(objects: list[Object]) -> None:
    """That the AVX is found here shows that it would be found above."""
    for o in (o for o in objects if o.isa == "avx2"):
        assert len(instructions_of(o.path, VEX)) > 0, o.path
        assert instructions_of(o.path, EVEX)[:5] == [], o.path
    assert any(instructions_of(o.path, EVEX) for o in objects if o.isa == "avx512")


@linux_only
def test_the_extension_exports_its_init_function_alone() -> None:
    exported = [s.name for s in symbols_of(Path(_core.__file__), "-D", "--defined-only")]
    assert exported == ["PyInit__core"]


SHARED = """
inline int shared(int x) { return x * 3; }
int first(int x) { return shared(x); }
int second(int x) { return shared(x) + 1; }
float third(float x, float y) { return x * y; }
"""


@linux_only
@x86_only
def test_a_leak_would_be_found(tmp_path: Path) -> None:
    compiler = tool("c++")
    source, made = tmp_path / "leak.cpp", tmp_path / "leak.o"
    source.write_text(SHARED)
    lines_of(compiler, "-O0", "-mavx", "-c", str(source), "-o", str(made))
    symbols = symbols_of(made)
    assert [s.name for s in symbols if s.is_weak_or_unique] == ["_Z6sharedi"]
    assert sorted(s.name for s in symbols if s.is_external and not s.is_weak_or_unique) == [
        "_Z5firsti",
        "_Z5thirdff",
        "_Z6secondi",
    ]
    assert any(text.startswith("vmulss") for text in instructions_of(made, VEX))
