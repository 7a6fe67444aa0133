"""Acceleration without edits: every name of a peer's function is ours while it lasts, and the peer's afterwards."""

from __future__ import annotations

import inspect
import pickle
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convcorr
import convcorr.scipy.ndimage
import convcorr.scipy.signal
from subprocesses import output_of, run_python

signal = pytest.importorskip("scipy.signal")

NAMES = [f"numpy.{name}" for name in convcorr.numpy.__all__]
NAMES += [f"scipy.signal.{name}" for name in convcorr.scipy.signal.__all__]
NAMES += [f"scipy.ndimage.{name}" for name in convcorr.scipy.ndimage.__all__]
ORIGINALS = {"convolve": np.convolve, "fftconvolve": signal.fftconvolve, "sepfir2d": signal.sepfir2d}


@pytest.fixture(autouse=True)
def left_as_found() -> Iterator[None]:
    yield
    convcorr.restore()
    assert np.convolve is ORIGINALS["convolve"]
    assert signal.fftconvolve is ORIGINALS["fftconvolve"]


def accelerated_names() -> list[str]:
    return convcorr.show_config(mode="dict")["accelerated"]


def test_the_originals_give_way_and_return() -> None:
    assert accelerated_names() == []
    convcorr.accelerate()
    assert accelerated_names() == NAMES
    replacement = np.convolve
    assert replacement is not ORIGINALS["convolve"]
    convcorr.accelerate()  # idempotent
    assert np.convolve is replacement
    convcorr.restore()
    assert accelerated_names() == []
    assert np.convolve is ORIGINALS["convolve"]
    convcorr.restore()


def test_modules_inside_scipy_call_ours(rng: np.random.Generator) -> None:
    image = rng.standard_normal((9, 9))
    expected = signal.wiener(image)
    with convcorr.accelerated() as report:
        assert sys.modules["scipy.signal._signaltools"].correlate is signal.correlate
        assert sys.modules["scipy.signal._spline_filters"].sepfir2d is signal.sepfir2d is not ORIGINALS["sepfir2d"]
        assert sys.modules["numpy"].convolve is not ORIGINALS["convolve"]
        np.testing.assert_allclose(signal.wiener(image), expected, rtol=1e-12)
    assert report["scipy.signal.correlate"].calls == 2
    assert sys.modules["scipy.signal._signaltools"].correlate is signal.correlate


def test_names_that_other_modules_gave_them(monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = types.ModuleType("early"), types.ModuleType("late")
    early.smooth = np.convolve  # type: ignore[attr-defined]  # a new name
    monkeypatch.setitem(sys.modules, "early", early)
    with convcorr.accelerated():
        assert early.smooth is np.convolve
        late.smooth = np.convolve  # type: ignore[attr-defined]  # a new name
        monkeypatch.setitem(sys.modules, "late", late)
    assert early.smooth is late.smooth is ORIGINALS["convolve"]


def test_counts_times_and_reasons() -> None:
    objects = np.array([1, 2, 3], object)
    with convcorr.accelerated() as report:
        for _ in range(5):
            np.convolve([1, 2, 3], [1, 2])
        assert np.convolve(objects, [1, 2]).tolist() == [1, 4, 7, 6]
        assert signal.correlate(objects, [1, 2]).tolist() == [2, 5, 8, 3]
        signal.fftconvolve(np.ones(5, np.longdouble), [1, 2])
        with pytest.raises(ValueError, match="empty"):
            np.convolve([], [])
    assert report["numpy.convolve"].calls >= 7
    assert report["numpy.convolve"].seconds > 0
    assert report["numpy.convolve"].passed_on["dtype object"] >= 1
    assert report["scipy.signal.correlate"].passed_on == {"dtype object": 1}
    assert report["scipy.signal.fftconvolve"].passed_on == {f"dtype {np.dtype(np.longdouble)}": 1}
    assert report["scipy.signal.convolve2d"].calls == 0
    assert "1 (dtype object)" in str(report)
    np.convolve([1], [1])
    before = report["numpy.convolve"].calls
    np.convolve([1], [1])
    assert report["numpy.convolve"].calls == before, "counted after the context"


def test_contexts_nest_and_leave_accelerate_alone() -> None:
    with convcorr.accelerated() as outer:
        with convcorr.accelerated() as inner:
            np.convolve([1], [1])
        assert accelerated_names() == NAMES
        np.convolve([1], [1])
    assert (outer["numpy.convolve"].calls, inner["numpy.convolve"].calls) == (2, 1)
    assert accelerated_names() == []
    convcorr.accelerate()
    with convcorr.accelerated():
        pass
    assert accelerated_names() == NAMES
    with pytest.raises(KeyError), convcorr.accelerated():
        raise KeyError
    convcorr.restore()
    assert accelerated_names() == []


def test_restore_inside_a_context_is_obeyed() -> None:
    with convcorr.accelerated():
        convcorr.restore()
        assert np.convolve is ORIGINALS["convolve"]


def test_a_replacement_looks_like_the_original() -> None:
    with convcorr.accelerated():
        for function in (np.convolve, signal.oaconvolve):
            assert pickle.loads(pickle.dumps(function)) is function
            original = inspect.unwrap(function)
            assert function.__doc__ == original.__doc__
            assert inspect.signature(function) == inspect.signature(original)


def test_many_threads() -> None:
    errors: list[BaseException] = []
    x, h = np.arange(50.0), np.ones(4)
    expected = np.convolve(x, h)

    def work() -> None:
        try:
            for _ in range(10):
                with convcorr.accelerated() as report:
                    np.testing.assert_array_equal(np.convolve(x, h), expected)
                    assert report["numpy.convolve"].calls >= 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert accelerated_names() == []


def test_without_scipy() -> None:
    assert output_of(
        """
        import sys
        import importlib.util
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name.startswith("scipy") else find(name, *rest)
        import numpy as np
        import convcorr
        with convcorr.accelerated() as report:
            np.convolve([1], [1])
            print(convcorr.show_config(mode="dict")["accelerated"], "scipy" in sys.modules)
        """
    ) == "['numpy.convolve', 'numpy.correlate'] False"  # fmt: skip


# python -m convcorr run

PROGRAM = """
import sys
import numpy as np
from scipy.signal import convolve, fftconvolve
from neighbour import value
if __name__ == "__main__":
    print(sys.argv[1:], value, convolve([1, 2], [3, 4]).tolist(), fftconvolve([1.0], [2.0]).tolist())
    print(np.convolve(np.array([1, 2], object), [1]).tolist())
    sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("value = 5\n")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    return script


def run(*arguments: str, cwd: Path | None = None) -> Any:
    return run_python("-m", "convcorr", "run", *arguments, cwd=cwd)


def test_a_script_runs_unchanged_and_is_reported(program: Path) -> None:
    done = run("--report", str(program), "3", "--report", "-x")
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines() == ["['3', '--report', '-x'] 5 [3, 10, 8] [2.0]", "[1, 2]"]
    rows = {line.split()[0]: line.split()[1:] for line in done.stderr.splitlines() if line}
    assert rows["scipy.signal.convolve"][0] == rows["scipy.signal.fftconvolve"][0] == "1"
    assert rows["numpy.convolve"][2:] == ["1", "(dtype", "object)"]


def test_a_module_runs_unchanged(program: Path) -> None:
    done = run("-m", "program", "0", cwd=program.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['0'] 5 [3, 10, 8]")
    assert not done.stderr


def test_a_program_that_fails_fails(tmp_path: Path) -> None:
    script = tmp_path / "failing.py"
    script.write_text("import numpy as np\nnp.convolve([1], [2])\nraise KeyError('here')\n")
    done = run("--report", str(script))
    assert done.returncode == 1
    assert "KeyError: 'here'" in done.stderr
    assert "numpy.convolve" in done.stderr


def test_no_program() -> None:
    done = run("nothing/here.py")
    assert done.returncode == 2
    assert "SCRIPT must be a file" in done.stderr
    assert run().returncode == 2
