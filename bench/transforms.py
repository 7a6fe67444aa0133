"""Transforms alone: the round trip that a convolution makes, by MKL, FFTW, ducc0, SciPy and ours, on one thread.

`python -m bench.transforms --native build/native/bench/native/convcorr_bench`. A round trip is a forward transform of
real data, the product with a kernel's spectrum, and the inverse. By the usual convention each of its two transforms
counts 2.5 N log2 N operations, and the product none. Short transforms come in batches of 64 KB of data, so that calls
cost little, and data, spectra and result lie in L2. Each peer keeps its plans and its arrays and none scales; SciPy
alone allocates, having no other way. NumPy makes the peers' products, and their rates without it are printed too. Ours
is what the native harness reports.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench import dfti, peers
from bench.cases import DTYPES, Array
from bench.limits import Neighbours, measure
from bench.timing import Call, calls_per_batch, machine, no_collection, time_calls

BATCH_BYTES = 64 << 10
LINE_BYTES = 64
SIZES = tuple(1 << power for power in range(8, 21))
TYPES = ("f32", "f64")
GOAL_SHARE = {"f32": 57 / 102, "f64": 29 / 51}  # of the multiply-add peak, for N = 1k to 16k
OURS = re.compile(r"^fft/(?P<type>f32|f64)/n:(?P<n>\d+)")
SEED = 20240301

Steps = tuple[Call, Call, Call]  # forward, product, inverse
Rates = dict[str, dict[str, float]]  # operations/s, by name, of a round "trip" and of its transforms "alone"


class Rows:
    """Zeros in rows that begin on cache lines, and not a power of two apart, which costs ducc0 half its speed.

    Parameters
    ----------
    count, n : int
        Rows, and elements in each.
    dtype : dtype
        Of the elements.
    """

    def __init__(self, count: int, n: int, dtype: np.dtype[Any]) -> None:
        line = LINE_BYTES // dtype.itemsize
        width = -(-n // line) * line + line
        space = np.zeros(count * width + line, dtype)
        first = -space.ctypes.data % LINE_BYTES // dtype.itemsize
        self.whole: Array = space[first : first + count * width]  # with what lies between the rows
        self.rows: Array = self.whole.reshape(count, width)[:, :n]


class Trip:
    """What a round trip works on, filled with normal samples: data, its spectrum, a kernel's spectrum, and the result.

    Parameters
    ----------
    n : int
        Samples of a transform.
    dtype : {"f32", "f64"}
        Of the data.
    """

    def __init__(self, n: int, dtype: str) -> None:
        real = DTYPES[dtype]
        wide = np.result_type(real, np.complex64)
        count = max(1, BATCH_BYTES // (n * real.itemsize))
        rng = np.random.default_rng([SEED, n])
        self.n = n
        self.operations = 2 * 2.5 * count * n * math.log2(n)  # by the convention, of the whole batch
        self.x, self.y = Rows(count, n, real).rows, Rows(count, n, real).rows
        spectrum, h = Rows(count, n // 2 + 1, wide), Rows(count, n // 2 + 1, wide)
        self.spectrum, self.h = spectrum.rows, h.rows
        self.x[:] = rng.standard_normal((count, n))
        self.h[:] = np.fft.rfft(rng.standard_normal(n)) / math.sqrt(n)
        # NumPy is fastest with one long row.
        self.product = partial(np.multiply, spectrum.whole, h.whole, out=spectrum.whole)


def by_mkl(t: Trip) -> Steps:
    """MKL's DFTI, called directly."""
    return dfti.Transform(t.x, t.spectrum), t.product, dfti.Transform(t.spectrum, t.y)


def by_fftw(t: Trip) -> Steps:
    """FFTW through pyfftw, planned by measuring."""
    fftw = peers.load("pyfftw")
    assert fftw is not None
    keep = t.x.copy()  # a plan is made on the arrays themselves, and spoils them
    plan = partial(fftw.FFTW, axes=(1,), threads=1)
    forward = plan(t.x, t.spectrum, flags=("FFTW_MEASURE",))
    inverse = plan(t.spectrum, t.y, direction="FFTW_BACKWARD", flags=("FFTW_MEASURE", "FFTW_DESTROY_INPUT"))
    t.x[:] = keep
    return forward.execute, t.product, inverse.execute


def by_ducc(t: Trip) -> Steps:
    """Call ducc0 with the arrays given; it keeps its plans."""
    fft = peers.load("ducc0.fft")
    assert fft is not None
    common = {"axes": (1,), "nthreads": 1}
    forward = partial(fft.r2c, t.x, out=t.spectrum, **common)
    options = {"lastsize": t.n, "forward": False, "allow_overwriting_input": True}
    return forward, t.product, partial(fft.c2r, t.spectrum, out=t.y, **options, **common)


def by_scipy(t: Trip) -> Steps:
    """scipy.fft, which allocates its results."""
    fft = peers.load("scipy.fft")
    assert fft is not None
    h = t.h.copy()

    def forward() -> None:
        t.spectrum = fft.rfft(t.x, axis=1, workers=1)

    def product() -> None:
        np.multiply(t.spectrum, h, out=t.spectrum)

    def inverse() -> None:
        t.y = fft.irfft(t.spectrum, t.n, axis=1, norm="forward", overwrite_x=True, workers=1)

    return forward, product, inverse


PEERS: dict[str, tuple[str, Callable[[Trip], Steps]]] = {
    "MKL": ("mkl", by_mkl),
    "FFTW": ("pyfftw", by_fftw),
    "ducc0": ("ducc0.fft", by_ducc),
    "scipy.fft": ("scipy.fft", by_scipy),
}


def in_turn(*steps: Call) -> Call:
    """Make one call of several."""

    def call() -> None:
        for step in steps:
            step()

    return call


def check(name: str, t: Trip) -> None:
    """Compare a round trip with NumPy's, which computes in double precision; ValueError where it is off."""
    expected = np.fft.irfft(np.fft.rfft(t.x.astype(np.float64), axis=1) * t.h, t.n, axis=1) * t.n
    error = float(abs(t.y - expected).max() / abs(expected).max())
    if not error < 50 * np.finfo(t.x.dtype).eps:
        raise ValueError(f"{name}: wrong result at N = {t.n}, off by {error:.1e} of the largest value")


def peers_rates(n: int, dtype: str, rounds: int) -> Rates:
    """Rates of every peer that is there; turns rotate, and the shortest times count."""
    calls: dict[tuple[str, str], Call] = {}
    operations = 0.0
    for name, (package, make) in PEERS.items():
        if peers.present(package):
            t = Trip(n, dtype)
            forward, product, inverse = make(t)
            calls[name, "trip"], calls[name, "alone"] = in_turn(forward, product, inverse), in_turn(forward, inverse)
            calls[name, "trip"]()
            check(name, t)
            operations = t.operations
    counts = {key: calls_per_batch(call) for key, call in calls.items()}
    best = dict.fromkeys(calls, math.inf)
    order = list(calls)
    with no_collection():
        for turn in range(rounds):
            shift = turn % max(len(order), 1)
            for key in order[shift:] + order[:shift]:
                calls[key]()
                best[key] = min(best[key], time_calls(calls[key], counts[key]) / counts[key])
    found: Rates = {}
    for (name, what), seconds in best.items():
        found.setdefault(name, {})[what] = operations / seconds
    return found


@dataclass
class Native:
    """What the native harness measured: our transforms' rates by type and N, and the peaks by type [operations/s]."""

    rates: dict[tuple[str, int], float]
    peaks: dict[str, float]


def ask_native(binary: Path) -> Native:
    """Run the native harness, whose benchmarks `fft/f32/n:1024` have the counter `GFLOP/s` by the convention above."""
    command = [str(binary), "--benchmark_filter=^fft/(f32|f64)/n:", "--benchmark_format=json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = Native({}, {})
    for entry in report["benchmarks"]:
        if named := OURS.match(entry["name"]):
            key = named["type"], int(named["n"])
            found.rates[key] = max(found.rates.get(key, 0.0), 1e9 * float(entry["GFLOP/s"]))
    for dtype in TYPES:
        if peak := report["context"].get(f"peak {dtype}"):  # "102.4 GFLOP/s"
            found.peaks[dtype] = 1e9 * float(peak.split()[0])
    if not found.rates:
        raise ValueError(f"{binary} has no benchmark fft/TYPE/n:N")
    return found


def row(n: int, found: Rates, peak: float) -> str:
    """One line: everybody's GF/s and share of the peak, and how many times ours is the best peer."""
    cells = [f"{n:,}"]
    for name in (*PEERS, peers.OURS):
        rate = found.get(name, {})
        alone = f" ({rate['alone'] / 1e9:.0f})" if "alone" in rate else ""
        cells.append(f"{rate['trip'] / 1e9:.1f} {rate['trip'] / peak:.0%}{alone}" if rate else "-")
    others = [rate["trip"] for name, rate in found.items() if name != peers.OURS]
    if peers.OURS in found and others:
        cells.append(f"{found[peers.OURS]['trip'] / max(others):.2f}x")
    return " ".join(f"{cell:>14}" for cell in cells)


def verdict(dtype: str, table: dict[int, Rates], peak: float) -> str:
    """Say whether ours reaches the goal, as a share of the peak, from 1k to 16k."""
    shares = {n: found[peers.OURS]["trip"] / peak for n, found in table.items() if peers.OURS in found}
    shares = {n: share for n, share in shares.items() if 1024 <= n <= 16384}
    if not shares:
        return f"{dtype}: nothing of ours for N = 1k to 16k"
    n, goal = min(shares, key=shares.__getitem__), GOAL_SHARE[dtype]
    word = "ok" if shares[n] >= goal else "BELOW"
    return f"{dtype}: ours has at least {shares[n]:.0%} of the peak for N = 1k to 16k (at {n}; goal {goal:.0%}: {word})"


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure and print every table; everything found, for JSON."""
    limits = measure(1)
    native = ask_native(options.native) if options.native else Native({}, {})
    report: dict[str, Any] = {"machine": machine(), "versions": peers.versions(), "limits": limits.as_dict()}
    report["peaks"] = limits.flops | native.peaks
    report["rates"] = {}
    print(f"{report['machine']['processor']}: {limits}")
    print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    neighbours = Neighbours()
    with peers.same_threads(1):
        for dtype in options.types:
            table: dict[int, Rates] = {}
            peak = report["peaks"][dtype]
            print(f"\n{dtype}: GF/s of a round trip, its share of {peak / 1e9:.0f} GF/s (and without the product)")
            print(" ".join(f"{name:>14}" for name in ("N", *PEERS, peers.OURS)), flush=True)
            for n in SIZES[:: 3 if options.quick else 1]:
                table[n] = peers_rates(n, dtype, 8 if options.quick else 25)
                if (dtype, n) in native.rates:
                    table[n][peers.OURS] = {"trip": native.rates[dtype, n]}
                print(row(n, table[n], peak), flush=True)
            if native.rates:
                print(verdict(dtype, table, peak))
            report["rates"][dtype] = table
    report["others_load"] = neighbours.processors()
    print(f"\nothers used {report['others_load']:.2f} processors meanwhile")
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.transforms", description="Rates of transforms, one thread.")
    parser.add_argument("--native", type=Path, metavar="PATH", help="the native harness (convcorr_bench), for ours")
    parser.add_argument("--types", nargs="+", choices=TYPES, default=TYPES)
    parser.add_argument("--quick", action="store_true", help="every third size, fewer turns")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything here")
    options = parser.parse_args(argv)
    report = run(options)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
        print(f"wrote {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
