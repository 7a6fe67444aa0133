"""Measures what the cost model's constants should be on this machine, for every ISA that it can run.

`python -m bench.calibrate` times direct sums and FFTs of chosen lengths, one thread each, in a process per ISA (which
CONVCORR_ISA forces), and fits t = sum of c f to them: f counts what a call does, as the cost model counts it, and the
constants c are what one of each costs. Errors count relative to t, and stray timings little; no constant is negative.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from bench import peers
from bench.cases import Array, normal
from bench.choice import Tile, chosen, forcing
from bench.timing import calls_per_batch, no_collection, settle, time_calls
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Constants = dict[str, float]  # by the name of what they are the cost of [s]

ITEM_BYTES = {"f32": 4, "f64": 8, "c64": 8, "c128": 16}
TURNS = 7
MOST_PRODUCTS = 3e8  # of a direct sum
MOST_SAMPLES = 1 << 21  # of data
NEAR_BYTES, FAR_BYTES = 256 << 10, 8 << 20  # tiles up to and from which an FFT has one speed


@dataclass(frozen=True)
class Sample:
    """A "valid" convolution on one thread, and its time.

    Parameters
    ----------
    dtype : {"f32", "f64", "c64", "c128"}
        Of data and kernel.
    algorithm : str
        As `explain` names it: "direct", "small", "fft".
    x, h : tuple of int
        Shapes of data and kernel.
    tile : tuple of int
        Block lengths of an FFT, else empty.
    seconds : float
        Shortest time of a call [s].
    """

    dtype: str
    algorithm: str
    x: tuple[int, ...]
    h: tuple[int, ...]
    tile: Tile
    seconds: float

    @property
    def outputs(self) -> tuple[int, ...]:
        """Shape of the result."""
        return tuple(n - k + 1 for n, k in zip(self.x, self.h, strict=True))


def direct_shapes() -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Data and kernels for direct sums: in 1-D from short to beyond the caches, squares, cubes."""
    for n, k in itertools.product((100, 1_000, 10_000, 100_000, 1_000_000), (2, 3, 5, 7, 9, 15, 21, 31, 64, 127, 301)):
        yield (n + k - 1,), (k,)
    for n, k in itertools.product((20, 100, 300, 1000), (2, 3, 5, 7, 9, 11, 15, 21, 31)):
        yield (n + k - 1,) * 2, (k,) * 2
    for n, k in itertools.product((16, 40, 90), (2, 3, 5, 7, 9)):
        yield (n + k - 1,) * 3, (k,) * 3


def fft_shapes() -> Iterator[tuple[tuple[int, ...], tuple[int, ...], Tile]]:
    """Data, kernels and blocks for FFTs: one block, some, and many, of which the kernel takes a quarter or a half."""
    tiles: list[Tile] = [(1 << power,) for power in range(7, 21)]
    tiles += [(16, 64), (32, 32), (32, 128), (64, 64), (64, 256), (128, 128), (256, 256), (512, 512), (1024, 1024)]
    tiles += [(8, 8, 32), (16, 16, 32), (16, 16, 64), (32, 32, 32), (64, 64, 64)]
    for tile, share, blocks in itertools.product(tiles, (4, 2), (1, 3, 12)):
        h = tuple(n // share + 1 for n in tile)
        x = tuple(blocks * (n - k + 1) + k - 1 for n, k in zip(tile, h, strict=True))
        yield x, h, tile


def time_call(x: Array, h: Array, method: str) -> float:
    """Shortest time of a call on one thread, warm, into memory that is there [s]."""
    convcorr = peers.load("convcorr")
    assert convcorr is not None
    out = convcorr.convolve(x, h, "valid", method=method, threads=1)
    call = partial(convcorr.convolve, x, h, "valid", method=method, threads=1, out=out)
    calls = calls_per_batch(call)
    return min(time_calls(call, calls) / calls for _ in range(TURNS if calls > 1 else 3))


def measure(dtype: str, method: str, x: tuple[int, ...], h: tuple[int, ...], tile: Tile = ()) -> Sample | None:
    """Time one shape; None where these blocks can't be."""
    convcorr = peers.load("convcorr")
    assert convcorr is not None
    rng = np.random.default_rng(0)
    data, kernel = normal(rng, x, dtype), normal(rng, h, dtype)
    with forcing(tile or None):
        (algorithm, taken), _ = chosen(convcorr.explain(data, kernel, "valid", method=method, threads=1))
        if taken != tile:
            return None
        return Sample(dtype, algorithm, x, h, tile, time_call(data, kernel, method))


def measure_direct(dtype: str) -> Iterator[Sample]:
    """Time the direct sums."""
    for x, h in direct_shapes():
        products = math.prod(h) * math.prod(n - k + 1 for n, k in zip(x, h, strict=True))
        if products <= MOST_PRODUCTS and (sample := measure(dtype, "direct", x, h)):
            yield sample


def measure_fft(dtype: str) -> Iterator[Sample]:
    """Time the FFTs."""
    for x, h, tile in fft_shapes():
        if math.prod(x) <= MOST_SAMPLES and (sample := measure(dtype, "fft", x, h, tile)):
            yield sample


def direct_features(s: Sample) -> Constants:
    """Count what a direct sum does: products, bytes in and out, rows of a kernel's taps over a row of outputs."""
    outputs = math.prod(s.outputs)
    return {
        "product": outputs * math.prod(s.h),
        "byte": (math.prod(s.x) + outputs) * ITEM_BYTES[s.dtype],
        "row": outputs / s.outputs[-1] * math.prod(s.h[:-1]),
        "call": 1,
    }


def fft_features(s: Sample) -> Constants:
    """Count what overlap-save does: real operations near and far, bytes, rows and tiles; the kernel's counts half."""
    samples = math.prod(s.tile)
    flops = 2 * (2.5 if s.dtype in ("f32", "f64") else 5) * samples * math.log2(samples)
    size = samples * ITEM_BYTES[s.dtype]
    far = min(max(math.log(size / NEAR_BYTES) / math.log(FAR_BYTES / NEAR_BYTES), 0), 1)
    tiles = math.prod(-(-m // (n - k + 1)) for m, n, k in zip(s.outputs, s.tile, s.h, strict=True)) + 0.5
    return {
        "near flop": tiles * flops * (1 - far),
        "far flop": tiles * flops * far,
        "byte": tiles * size,
        "row": tiles * samples / s.tile[-1] if len(s.tile) > 1 else 0,
        "tile": tiles,
        "tap": math.prod(s.h),
        "call": 1,
    }


FEATURES: dict[str, Callable[[Sample], Constants]] = {
    "small": direct_features,
    "taps": direct_features,
    "rows": direct_features,
    "fft": fft_features,
}


TAPS_ROW = 40e-9  # of the 1-D kernel, which is timed on single rows: in a batch each costs about this [s]


def kind_of(s: Sample) -> str:
    """Name what the constants are of: direct sums have a kernel for one axis and one for several."""
    return s.algorithm if s.algorithm != "direct" else "taps" if len(s.x) == 1 else "rows"


def nonnegative(a: Vector, b: Vector) -> Vector:
    """Solve a c = b in the least squares, no c negative: by trying which of them are zero, which few columns allow."""
    best, least = np.zeros(a.shape[1]), float(b @ b)
    for count in range(1, a.shape[1] + 1):
        for columns in map(list, itertools.combinations(range(a.shape[1]), count)):
            found = np.linalg.lstsq(a[:, columns], b, rcond=None)[0]
            residual = a[:, columns] @ found - b
            if (found >= 0).all() and residual @ residual < least:
                best, least = np.zeros(a.shape[1]), float(residual @ residual)
                best[columns] = found
    return best


def fit(counts: Sequence[Constants], seconds: Sequence[float], rounds: int = 20) -> tuple[Constants, Vector]:
    """Fit t = sum of c f.

    Parameters
    ----------
    counts : sequence of dict
        What each call does, the same names in all.
    seconds : sequence of float
        Its time [s].
    rounds : int
        Of weighing again: an error beyond twice the median one counts in proportion to itself, not to its square.

    Returns
    -------
    constants : dict
        c by name, none negative [s].
    errors : ndarray
        Relative errors of the fitted times.
    """
    names = list(counts[0])
    table = np.array([[row[name] for name in names] for row in counts]) / np.asarray(seconds)[:, None]
    scale = np.maximum(table.max(axis=0), 1e-300)
    weight = np.ones(len(table))
    for _ in range(rounds):
        found = nonnegative(weight[:, None] * table / scale, weight)
        errors = table @ (found / scale) - 1
        most = 2 * np.median(abs(errors)) + 1e-9
        weight = np.sqrt(np.minimum(1, most / np.maximum(abs(errors), 1e-300)))
    return dict(zip(names, map(float, found / scale), strict=True)), errors


def constants_of(samples: Sequence[Sample]) -> dict[str, Constants]:
    """Fit each algorithm in each type, and print the constants; by names such as `fft f32`."""
    found: dict[str, Constants] = {}
    for algorithm, dtype in dict.fromkeys((kind_of(sample), sample.dtype) for sample in samples):
        own = [sample for sample in samples if (kind_of(sample), sample.dtype) == (algorithm, dtype)]
        counts = [FEATURES[algorithm](sample) for sample in own]
        if len(own) <= len(counts[0]):
            continue
        name = f"{algorithm} {dtype}"
        found[name], errors = fit(counts, [sample.seconds for sample in own])
        if algorithm == "taps":  # one row a call: the two can't be told apart
            found[name]["call"] += found[name]["row"]
            found[name]["row"] = TAPS_ROW
        middle, high = np.quantile(abs(errors), (0.5, 0.9))
        costs = ", ".join(f"{what} {1e9 * cost:.4g}" for what, cost in found[name].items())
        print(f"  {name:11} [ns] {costs}; {len(own)} times, off by {middle:.0%} (median), {high:.0%} (90%)", flush=True)
    return found


def measure_here(dtypes: Sequence[str]) -> list[Sample]:
    """Time everything under the ISA in use."""
    settle()
    with no_collection():
        return [sample for dtype in dtypes for run in (measure_direct, measure_fft) for sample in run(dtype)]


def measure_under(isa: str, dtypes: Sequence[str]) -> list[Sample]:
    """Time everything in a process under the ISA."""
    command = [sys.executable, "-m", "bench.calibrate", "--measure", "--types", *dtypes]
    environment = os.environ | {"CONVCORR_ISA": isa}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    rows = json.loads(done.stdout)
    for row in rows:
        row |= {name: tuple(row[name]) for name in ("x", "h", "tile")}
    return [Sample(**row) for row in rows]


def write_constants(path: Path, per_isa: dict[str, dict[str, Constants]]) -> None:
    """Write the constants where the cost model reads them: an entry per ISA, the best first."""
    text = [
        "// Written by bench/calibrate: see plan/cost.h. Seconds.",
        "// clang-format off",
        "#pragma once",
        "",
        '#include "plan/cost.h"',
        "",
        "namespace convcorr {",
        "",
        "constexpr IsaCosts calibrated[] = {",
    ]
    for isa, constants in per_isa.items():
        text.append(f'    {{"{isa}",')
        for kind in FEATURES:
            rows = [constants[f"{kind} {dtype}"] for dtype in ITEM_BYTES]
            text.append(f"     // {kind}: {', '.join(rows[0])}")
            values = ["{" + ", ".join(f"{value:.4g}" for value in row.values()) + "}" for row in rows]
            text.append("     {" + ", ".join(values) + "}" + ("}," if kind == "fft" else ","))
    text += ["};", "", "}  // namespace convcorr", ""]
    path.write_text("\n".join(text))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, fit and print; or, in the process of an ISA, measure alone."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibrate", description="Constants of the cost model.")
    parser.add_argument("--isa", nargs="+", metavar="NAME", help="only these (all that this machine can run)")
    parser.add_argument("--types", nargs="+", choices=ITEM_BYTES, default=list(ITEM_BYTES))
    parser.add_argument("--write", type=Path, metavar="PATH", help="csrc/plan/constants.h")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the times and the constants here")
    parser.add_argument("--measure", action="store_true", help="print times under the ISA in use as JSON, and no more")
    options = parser.parse_args(argv)
    if options.measure:
        print(json.dumps([asdict(sample) for sample in measure_here(options.types)]))
        return 0
    convcorr = peers.load("convcorr")
    assert convcorr is not None, "convcorr is not installed"
    samples: dict[str, list[Sample]] = {}
    per_isa: dict[str, dict[str, Constants]] = {}
    for isa in options.isa or convcorr.show_config(mode="dict")["isas_available"]:
        print(f"{isa}:", flush=True)
        samples[isa] = measure_under(isa, options.types)
        per_isa[isa] = constants_of(samples[isa])
    if options.json:
        times = {isa: list(map(asdict, found)) for isa, found in samples.items()}
        options.json.write_text(json.dumps({"constants": per_isa, "times": times}, indent=1) + "\n")
        print(f"wrote {options.json}")
    if options.write:
        write_constants(options.write, per_isa)
        print(f"wrote {options.write}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
