"""Whole processes: fork after use, Ctrl-C, and what the machine allows us. Each has a timeout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from convcorr import _core
from subprocesses import environment, output_of

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="affinity and cgroups are Linux's")

POOL = """
    import multiprocessing, sys
    import numpy as np
    import convcorr

    x, h = np.arange(600_000, dtype=np.float32) % 7, np.ones(63, np.float32)

    def total(threads):
        return float(convcorr.convolve(x, h, "same", threads=threads).astype(np.float64).sum())

    def child_of_child(threads):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            return pool.apply(total, (threads,))

    if __name__ == "__main__":
        want = total(2)  # the parent's OpenMP team exists before the fork
        for threads in (None, 1, 2, 4):
            with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                assert pool.map(total, [threads] * 4) == [want] * 4
        assert total(2) == want
        if sys.argv[1] == "fork":
            child = multiprocessing.get_context("fork").Process(target=child_of_child, args=(2,))
            child.start()  # a plain process may have children of its own
            child.join()
            assert child.exitcode == 0
        print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_pool_computes_after_its_parent_did(method: str, tmp_path: Path) -> None:
    """A forked child has none of its parent's threads: a region that waits for them would hang."""
    program = tmp_path / "pool.py"
    program.write_text(textwrap.dedent(POOL))
    done = subprocess.run(
        [sys.executable, str(program), method],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "done"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_fork_in_the_middle_of_a_computation() -> None:
    """Another thread of the parent computes while it forks."""
    printed = output_of("""
        import os, threading, warnings
        import numpy as np
        import convcorr
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own word on forking with threads
        x, h = np.ones(2_000_000, np.float32), np.ones(101, np.float32)
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                convcorr.convolve(x, h, threads=2)
        thread = threading.Thread(target=busy)
        thread.start()
        convcorr.convolve(x, h, threads=2)
        for _ in range(5):
            child = os.fork()
            if child == 0:
                good = convcorr.convolve(x, h, "valid", method="direct", threads=2).min() == 101
                os._exit(0 if good else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        stop.set()
        thread.join()
        print("done")
    """)
    assert printed == "done"


LONG_CALL = """
    import sys, time
    import numpy as np
    import convcorr

    shape, kernel = eval(sys.argv[1])
    x, h = np.ones(shape, np.float32), np.ones(kernel, np.float32)
    small = convcorr.correlate(x.ravel()[:1000], h.ravel()[:9], threads=2)
    print("ready", flush=True)
    try:
        convcorr.correlate(x, h, "valid", method="direct", threads=int(sys.argv[2]))
    except KeyboardInterrupt:
        print(time.monotonic(), flush=True)
    again = convcorr.correlate(x.ravel()[:1000], h.ravel()[:9], threads=2)
    long = convcorr.convolve(x.ravel()[:500_000], h.ravel()[:31], "valid", threads=2)
    assert (again == small).all() and (long == 31).all()
    print("works on")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process there")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "sizes", ["(8_000_000, 2_000_000)", "((6000, 6000), (2000, 2000))", "((40, 700_000), (1, 300_000))"]
)
def test_ctrl_c_ends_a_long_call(sizes: str, threads: int) -> None:
    """Minutes of work end at once with KeyboardInterrupt, and the process computes on."""
    program = [sys.executable, "-c", textwrap.dedent(LONG_CALL), sizes, str(threads)]
    with subprocess.Popen(program, env=environment(), stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(0.7)
            assert child.poll() is None, "the call ended before it could be interrupted"
            sent = time.monotonic()
            child.send_signal(signal.SIGINT)
            out, _ = child.communicate(timeout=60)
        finally:
            child.kill()
    lines = out.split()
    latency = float(lines[0]) - sent
    print(f"\ninterrupted after {1000 * latency:.1f} ms ({sizes}, {threads} threads)")
    assert lines[1:] == ["works", "on"]
    assert latency < 2  # generous: the promise is 0.2 s, on a machine that does nothing else


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_a_signal_handler_that_returns_changes_nothing() -> None:
    """Python code runs in the middle of a call, even a call of ours, and the computation goes on."""
    printed = output_of("""
        import signal
        import numpy as np
        import convcorr
        x, h = np.ones(1_500_000, np.float32), np.ones(20_000, np.float32)
        seen = []
        def handler(number, frame):
            seen.append(convcorr.convolve(x[:5000], h[:50], "valid", threads=2).max())
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        for threads in (1, 2):
            assert (convcorr.convolve(x, h, "valid", method="direct", threads=threads) == 20_000).all()
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(len(seen) > 0, set(map(float, seen)))
    """)
    assert printed == "True {50.0}"


@linux_only
def test_calls_and_errors_leak_no_memory() -> None:
    """The resident memory after many calls of each kind is that after a few."""
    printed = output_of("""
        import numpy as np
        import convcorr, convcorr.numpy
        x, h, image = np.ones(300, np.float32), np.ones(9), np.ones((20, 30))
        def calls():
            convcorr.convolve(x, h, "same", boundary="wrap")
            convcorr.correlate(x, h, lags=(-2, 5), dtype=np.float64, fill_value=1.5)
            convcorr.convolve(image, image[:3, :3], axes=(0, 1), stride=(1, 2), boundary=["edge", "wrap"])
            convcorr.convolve([1, 2, 3], (1, 2), out=np.empty(4, np.int64))
            convcorr.numpy.convolve(x, h)
            convcorr.numpy.correlate([1, 2], [3, 4, 5], "same")
            wrong = [{"boundary": "mirror"}, {"stride": (1, 0)}, {"axes": (0, 5)}, {"out": h}, {"dtype": "i4"}]
            for keywords in (*wrong, {"threads": 0}, {"fill_value": 1j}, {"dilation": 2**61}):
                try:
                    convcorr.convolve(x, h, **keywords)
                except (ValueError, TypeError, MemoryError):
                    continue
                raise AssertionError(keywords)
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096
        for _ in range(2000):
            calls()
        before = resident()
        for _ in range(20_000):
            calls()
        print((resident() - before) // 1024)
    """)
    assert int(printed) < 1000, f"{printed} KB more after 20,000 rounds: at least 50 bytes each"


DEFAULT = "import convcorr; print(convcorr.get_num_threads())"


@linux_only
def test_affinity_limits_the_default() -> None:
    cpu = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{cpu}]); {DEFAULT}"
    assert output_of(code, OMP_NUM_THREADS=None) == "1"


@linux_only
def test_the_default_is_within_affinity_and_quota() -> None:
    allowed = len(os.sched_getaffinity(0))
    quota = _core.cpu_quota("/sys/fs/cgroup")
    if quota is not None:
        allowed = min(allowed, max(1, -int(-quota // 1)))
    assert 1 <= int(output_of(DEFAULT, OMP_NUM_THREADS=None)) <= allowed


def test_omp_num_threads_is_respected() -> None:
    if not _core.config()["openmp"]:
        pytest.skip("built without OpenMP")
    assert output_of(DEFAULT, OMP_NUM_THREADS="1") == "1"
    assert output_of(DEFAULT, OMP_NUM_THREADS="3") == "3"


def fake_root(tmp_path: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("files", "want"),
    [
        ({"cgroup.controllers": "cpu memory\n", "cpu.max": "200000 100000\n"}, 2.0),
        ({"cgroup.controllers": "cpu memory\n", "cpu.max": "50000 100000\n"}, 0.5),
        ({"cgroup.controllers": "cpu\n", "cpu.max": "150000 100000"}, 1.5),
        ({"cgroup.controllers": "cpu memory\n", "cpu.max": "max 100000\n"}, None),
        ({"cgroup.controllers": "memory\n"}, None),
        ({"cgroup.controllers": "cpu\n", "cpu.max": ""}, None),
        ({"cgroup.controllers": "cpu\n", "cpu.max": "nonsense\n"}, None),
        ({"cgroup.controllers": "cpu\n", "cpu.max": "100000 0\n"}, None),
        ({"cgroup.controllers": "cpu\n", "cpu.max": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4.0),
        ({"cpu/cpu.cfs_quota_us": "25000\n", "cpu/cpu.cfs_period_us": "50000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "0\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_cgroup_quota(files: dict[str, str], want: float | None, tmp_path: Path) -> None:
    assert _core.cpu_quota(fake_root(tmp_path, files)) == want


def test_cgroup_quota_of_a_missing_root(tmp_path: Path) -> None:
    assert _core.cpu_quota(str(tmp_path / "nowhere")) is None
