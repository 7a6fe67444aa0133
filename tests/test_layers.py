"""The house keeps its floors: who includes whom in csrc/, and which tools stay in which room.

docs/architecture.md says why. `problems(root)` looks through a whole tree; the last tests show it made-up trees with
one fault each, so that a rule that has gone blind is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = {
    "base": 0, "simd": 1, "kernels": 2, "dispatch": 3, "problem": 4, "plan": 5, "execute": 6, "compose": 7,
    "bindings": 8,
}  # fmt: skip
# All of the kernels that the floors above may see.
TABLES = {"kernels/table.h", "kernels/gemm_table.h", "kernels/winograd_table.h", "kernels/depthwise_table.h"}
KERNELS_MAY_SEE = {"base/types.h", "base/border.h", *TABLES}  # and simd/
KERNEL_PARTS = {  # of one source each
    "kernels/fft.cpp": {"kernels/energy.h", "kernels/fft_base.h", "kernels/fft_passes.h"},
    "kernels/gemm.cpp": {"kernels/gemm_copies.h"},
}
FREESTANDING = {"cstddef", "utility"}  # types only: no function that objects of two ISAs could share
LONGEST = 450  # lines

INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)

# What only certain files may say: a pattern, the files that may, by their paths' beginnings, and what it is.
CONFINED_CPP = [
    (r"<omp\.h>|#\s*pragma\s+omp\b|\bomp_\w+\s*\(", ("execute/parallel.",), "OpenMP"),
    (r"\bpybind11\b", ("bindings/",), "pybind11"),
    (r"<Python\.h>|<numpy/|\bPyObject\b", ("bindings/",), "Python's C API"),
    (r"\bgetenv\b", ("dispatch/",), "the environment"),
]
CONFINED_PYTHON = [
    (r"\bos\.(?:environ|getenv|putenv)\b|\bfrom os import.*\benviron", ("_config.py",), "the environment")
]
# Flags that change the numbers, or tie the build to the machine that made it.
FORBIDDEN_FLAGS = re.compile(
    r"-ffast-math|-Ofast|-march=native|-mtune=native|-funsafe-math|-fassociative-math|/fp:fast"
)


def includes(path: Path) -> tuple[set[str], set[str]]:
    """What a source includes: ours in quotes, by the path under csrc/, and others in angle brackets."""
    found = INCLUDE.findall(path.read_text())
    return {name for mark, name in found if mark == '"'}, {name for mark, name in found if mark == "<"}


def all_includes(path: Path, csrc: Path) -> set[str]:
    """What a source of ours is made of: all of ours that it includes, directly or not."""
    seen: set[str] = set()
    todo = [path]
    while todo:
        ours, _ = includes(todo.pop())
        new = {name for name in ours if (csrc / name).exists()} - seen
        todo += [csrc / name for name in new]
        seen |= new
    return seen


def folder(name: str) -> str:
    return name.partition("/")[0]


def include_problems(csrc: Path, path: Path) -> Iterator[str]:
    own = path.relative_to(csrc).as_posix()
    floor = FLOORS.get(folder(own))
    if floor is None:
        yield f"{own} lies in no floor of the house"
        return
    ours, others = includes(path)
    for name in sorted(ours):
        level = FLOORS.get(folder(name))
        if level is None or not (csrc / name).exists():
            yield f"{own} includes {name}, which is no file of csrc/"
        elif level > floor:
            yield f"{own} (floor {floor}) includes {name} from floor {level} above it"
        elif floor > FLOORS["kernels"] and (
            folder(name) == "simd" or (folder(name) == "kernels" and name not in TABLES)
        ):
            yield f"{own} includes {name}; above the kernels only kernels/table.h and the like may be seen"
        elif name in KERNEL_PARTS.get(own, ()):
            continue
        elif floor in (FLOORS["simd"], FLOORS["kernels"]) and folder(name) != "simd" and name not in KERNELS_MAY_SEE:
            yield f"{own} includes {name}; kernels see only simd/ and {', '.join(sorted(KERNELS_MAY_SEE))}"
    if floor in (FLOORS["simd"], FLOORS["kernels"]) or own in KERNELS_MAY_SEE:
        for name in sorted(others - FREESTANDING):
            yield f"{own} includes <{name}>; what kernels see is freestanding: {', '.join(sorted(FREESTANDING))}"


def confinement_problems(base: Path, path: Path, rules: list[tuple[str, tuple[str, ...], str]]) -> Iterator[str]:
    own = path.relative_to(base).as_posix()
    text = COMMENT.sub("", path.read_text()) if path.suffix in (".h", ".cpp") else path.read_text()
    for pattern, places, what in rules:
        found = re.search(pattern, text)
        if found and not own.startswith(places):
            yield f"{own} uses {what} ({found[0].strip()}), which is for {' and '.join(places)}"


def files(root: Path, *patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in root.glob(pattern))


def problems(root: Path) -> list[str]:
    """Everything that is wrong with a tree, one sentence each."""
    csrc, package = root / "csrc", root / "python" / "convcorr"
    cpp = files(root, "csrc/**/*.h", "csrc/**/*.cpp")
    python = files(root, "python/convcorr/**/*.py")
    found = [problem for path in cpp for problem in include_problems(csrc, path)]
    found += [problem for path in cpp for problem in confinement_problems(csrc, path, CONFINED_CPP)]
    found += [problem for path in python for problem in confinement_problems(package, path, CONFINED_PYTHON)]
    for path in files(root, "CMakeLists.txt", "pyproject.toml", "cmake/**/*", "bench/**/CMakeLists.txt"):
        for flag in FORBIDDEN_FLAGS.findall(path.read_text()):
            found.append(f"{path.relative_to(root)} has {flag}: the numbers must not depend on it")
    for path in [*cpp, *python, *files(root, "tests/*.py", "bench/**/*.py", "bench/**/*.h", "bench/**/*.cpp")]:
        length = len(path.read_text().splitlines())
        if length > LONGEST:
            found.append(f"{path.relative_to(root)} has {length} lines; a file stays within {LONGEST}")
    return found


def test_the_house_keeps_its_floors() -> None:
    assert len(files(ROOT, "csrc/**/*.cpp")) > 10, "the sources are not where this test looks"
    assert problems(ROOT) == []


def test_every_floor_is_known() -> None:
    assert {path.name for path in (ROOT / "csrc").iterdir() if path.is_dir()} <= set(FLOORS)


GOOD = {
    "csrc/base/types.h": "#pragma once\n#include <cstddef>\n",
    "csrc/base/error.h": "#include <stdexcept>\n",
    "csrc/simd/vec.h": "#include <utility>\n",
    "csrc/kernels/table.h": '#include "base/types.h"\n',
    "csrc/kernels/taps.cpp": '#include "kernels/table.h"\n#include "simd/vec.h"\n',
    "csrc/dispatch/cpu.cpp": '#include "kernels/table.h"\nconst char* s = std::getenv("ISA");\n',
    "csrc/execute/parallel.cpp": '#include "base/error.h"\n#include <omp.h>\n#pragma omp parallel\n',
    "csrc/bindings/module.cpp": '#include <pybind11/pybind11.h>\n#include "execute/parallel.h"\n',
    "csrc/execute/parallel.h": "// pybind11, omp_get_max_threads(), getenv: words in a comment\n",
    "python/convcorr/_config.py": "import os\nos.environ['ISA']\n",
    "CMakeLists.txt": "target_compile_options(x -O3 -march=x86-64-v3)\n",
}
FAULTS = {
    "an upper floor": ("csrc/problem/a.h", '#include "execute/parallel.h"\n', "above it"),
    "a kernel from simd": ("csrc/simd/a.h", '#include "kernels/table.h"\n', "above it"),
    "a file that isn't there": ("csrc/plan/a.h", '#include "plan/b.h"\n', "no file of csrc/"),
    "a relative path": ("csrc/base/a.h", '#include "types.h"\n', "no file of csrc/"),
    "a folder outside the house": ("csrc/attic/a.h", "", "no floor"),
    "simd above the kernels": ("csrc/plan/a.cpp", '#include "simd/vec.h"\n', "only kernels/"),
    "simd in the bindings": ("csrc/bindings/a.cpp", '  #  include "simd/vec.h"\n', "only kernels/"),
    "a kernel's source": ("csrc/dispatch/a.cpp", '#include "kernels/taps.cpp"\n', "only kernels/"),
    "errors in a kernel": ("csrc/kernels/a.cpp", '#include "base/error.h"\n', "kernels see only"),
    "a container in a kernel": ("csrc/kernels/a.cpp", "#include <vector>\n", "freestanding"),
    "an algorithm in simd": ("csrc/simd/a.h", "#include <algorithm>\n", "freestanding"),
    "a string in types.h": ("csrc/base/types.h", "#include <string>\n", "freestanding"),
    "OpenMP's header": ("csrc/execute/direct.cpp", "#include <omp.h>\n", "OpenMP"),
    "OpenMP's pragma": ("csrc/execute/direct.cpp", "# pragma omp simd\n", "OpenMP"),
    "OpenMP's function": ("csrc/bindings/a.cpp", "int n = omp_get_num_threads();\n", "OpenMP"),
    "pybind11": ("csrc/execute/a.cpp", "#include <pybind11/pybind11.h>\n", "pybind11"),
    "Python": ("csrc/plan/a.cpp", "#include <Python.h>\n", "Python's C API"),
    "NumPy": ("csrc/execute/a.h", "#include <numpy/arrayobject.h>\n", "Python's C API"),
    "getenv": ("csrc/execute/threads.cpp", 'std::getenv("THREADS");\n', "the environment"),
    "os.environ": ("python/convcorr/_conv.py", "os.environ.get('x')\n", "the environment"),
    "os.getenv": ("python/convcorr/scipy/signal.py", "os.getenv('x')\n", "the environment"),
    "fast math": ("CMakeLists.txt", "add_compile_options(-O3 -ffast-math)\n", "-ffast-math"),
    "the builder's machine": ("pyproject.toml", 'args = ["-march=native"]\n', "-march=native"),
    "a long file": ("csrc/execute/a.cpp", "\n" * (LONGEST + 1), "lines"),
    "a long test": ("tests/test_a.py", "\n" * (LONGEST + 1), "lines"),
}  # fmt: skip


def make_tree(root: Path, contents: dict[str, str]) -> None:
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_good_tree_has_no_problems(tmp_path: Path) -> None:
    make_tree(tmp_path, GOOD)
    assert problems(tmp_path) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, tmp_path: Path) -> None:
    name, text, word = FAULTS[fault]
    make_tree(tmp_path, {**GOOD, name: text})
    found = problems(tmp_path)
    assert len(found) == 1, found
    assert word in found[0]
