"""Ours against every installed peer, side by side in one process: `python -m bench.compare --help`.

For each cell of the grid (`cases.py`): everybody's result is checked, against the definition at sampled outputs and
against the first good result everywhere; who fails is named and dropped. Then all take turns. A turn begins when this
process is quiet (worker threads of the one before may still spin) with one call that is not timed; each timing covers
enough calls to last 200 us; the order rotates from round to round. Ratios are of the shortest times.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run as a file: what is imported below lies beside it, as bench.*
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import peers
from bench.cases import DTYPES, GRID, Array, Case, expected_at, sample_outputs
from bench.limits import Limits, Neighbours, measure
from bench.race import Contestant, race
from bench.timing import machine, milliseconds

BUSY = 0.15  # processors used by others that are worth a remark
FAILURES = (Exception,)  # a peer may fail in any way; the others go on
TOLERANCE = 200  # of a result, in units of its rounding error and its largest value


@dataclass
class Outcome:
    """What a cell gave: who was timed, who was left out and why."""

    case: Case
    contestants: list[Contestant]
    left_out: dict[str, str]
    algorithm: str = ""  # that ours takes
    others_load: float = 0.0  # processors that other processes kept busy meanwhile

    @property
    def ours(self) -> Contestant | None:
        """Us, if we were there and right."""
        return next((one for one in self.contestants if one.name == peers.OURS), None)

    def best_peer(self, in_grid: bool = True) -> Contestant | None:
        """Find the fastest of the peers that the goals were set against, or of the others."""
        group = [one for one in self.contestants if one.name != peers.OURS and one.in_grid == in_grid]
        return min(group, key=lambda one: one.best, default=None)

    @property
    def ratio(self) -> float | None:
        """Times we are faster than the best peer."""
        ours, best = self.ours, self.best_peer()
        return best.best / ours.best if ours and best else None


class Judge:
    """Checks results of one case, first against the definition, then against the first that passed."""

    def __init__(self, case: Case, x: Array, h: Array) -> None:
        self._where = tuple(sample_outputs(case).T)
        self._expected = expected_at(case, x, h, np.stack(self._where, axis=1))
        self._scale = float(abs(self._expected).max())
        self._tolerance = TOLERANCE * float(np.finfo(DTYPES[case.dtype]).eps)
        self._case, self._dtype = case, x.dtype
        self._first: Array | None = None

    def error(self, result: Any) -> float:
        """Largest difference relative to the largest value; ValueError where it is too large."""
        array = peers.as_array(result, self._case)
        if array.dtype != self._dtype:
            raise ValueError(f"result is {array.dtype}, not {self._dtype}")
        worst = float(abs(array[self._where] - self._expected).max()) / self._scale
        if self._first is not None:
            worst = max(worst, float(abs(array - self._first).max()) / self._scale)
        if not worst <= self._tolerance:  # NaN fails too
            raise ValueError(f"wrong result, off by {worst:.1e} of the largest value")
        if self._first is None:
            self._first = array
        return worst


def enter(case: Case, longest: float) -> Outcome:
    """Everybody who can compute the case and does so rightly; calls foreseen to last over `longest` s are left out."""
    x, h = case.arrays()
    judge = Judge(case, x, h)
    outcome = Outcome(case, [], {})
    ours = peers.Peer(peers.OURS, "convcorr", peers.ours)
    serving = [peer for peer in peers.PEERS if peer.serves(case) and peers.present(peer.package)]
    cheapest = sorted(serving, key=lambda peer: peer.foreseen(case))[:2]
    for peer in serving + [ours] * peers.present("convcorr"):  # so that we are compared with a peer, not it with us
        if peer is not ours and peer not in cheapest and peer.foreseen(case) > longest:
            outcome.left_out[peer.name] = f"a call may last {peer.foreseen(case):.1f} s"
            continue
        try:
            call = peer.make(case, x, h)
            if peer is ours:
                outcome.algorithm = peers.algorithm(case, x, h)
            if call is not None:
                in_grid = peer.in_grid or peer.name == case.against
                outcome.contestants.append(Contestant(peer.name, call, in_grid, judge.error(call())))
        except FAILURES as error:
            outcome.left_out[peer.name] = f"{type(error).__name__}: {error}"
    return outcome


HEADER = f"{'cell':24} {'ours ms':>9}  {'best peer':18} {'ms':>9} {'ratio':>7} {'goal':>5} {'':5} {'limit':>6} by"


def row(outcome: Outcome, limits: Limits) -> str:
    """One line of the table."""
    ours, best, ratio, goal = outcome.ours, outcome.best_peer(), outcome.ratio, outcome.case.goal
    share = limits.share(outcome.case, ours.best, outcome.algorithm) if ours else None
    cells = [
        f"{outcome.case.id:24}",
        f"{milliseconds(ours.best) if ours else '-':>9}",
        f" {best.name if best else '-':18}",
        f"{milliseconds(best.best) if best else '-':>9}",
        f"{'-' if ratio is None else f'{ratio:.2f}x':>7}",
        f"{goal:5.3g}",
        f"{'' if ratio is None else 'ok' if ratio >= goal else 'BELOW':5}",
        f"{'-' if share is None else f'{share:.0%}':>6}",
        f"{outcome.algorithm:6}",
    ]
    other = outcome.best_peer(in_grid=False)
    if other and best and other.best < best.best:
        cells.append(f"  ({other.name} {milliseconds(other.best)}{f', {other.best / ours.best:.2f}x' if ours else ''})")
    if outcome.others_load > BUSY:
        cells.append(f"  [others used {outcome.others_load:.1f} processors]")
    if peers.OURS in outcome.left_out:
        cells.append(f"  OURS: {outcome.left_out[peers.OURS]}")
    return " ".join(cells)


def details(outcome: Outcome) -> Iterator[str]:
    """Everybody's times, fastest first, and who was left out."""
    for one in sorted(outcome.contestants, key=lambda one: one.best):
        best, median = milliseconds(one.best), milliseconds(one.median)
        yield f"    {one.name:18} {best:>9} median {median:>9} error {one.error:.0e}"
    for name, reason in outcome.left_out.items():
        yield f"    {name:18} left out: {reason}"


def record(outcome: Outcome, limits: Limits) -> dict[str, Any]:
    """Put a cell into the form of JSON."""
    case, ours, best = outcome.case, outcome.ours, outcome.best_peer()
    everybody = {
        one.name: {
            "min_s": one.best,
            "median_s": one.median,
            "timings": len(one.times),
            "calls_per_timing": one.calls,
            "error": one.error,
            "in_grid": one.in_grid,
        }
        for one in outcome.contestants
    }
    return {
        "id": case.id,
        "label": case.label,
        "ndim": case.ndim,
        "algorithm": outcome.algorithm,
        "flops": case.flops,
        "bytes": case.bytes_moved,
        "memory": limits.level(case.bytes_moved),
        "goal": case.goal,
        "ours_s": ours.best if ours else None,
        "best_peer": best.name if best else None,
        "best_peer_s": best.best if best else None,
        "ratio": outcome.ratio,
        "share_of_limit": limits.share(case, ours.best, outcome.algorithm) if ours else None,
        "contestants": everybody,
        "left_out": outcome.left_out,
        "others_load": None if math.isnan(outcome.others_load) else outcome.others_load,
    }


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description="Ours against every installed peer.")
    parser.add_argument("--quick", action="store_true", help="about a minute in all")
    parser.add_argument("--cells", default="", metavar="REGEX", help="only cells whose id matches, e.g. '^2d.*f64'")
    parser.add_argument("--threads", type=int, default=2, help="of everybody (2)")
    parser.add_argument("--budget", type=float, default=3.0, help="timing per cell [s] (3)")
    parser.add_argument("--verbose", action="store_true", help="everybody's times, and who was left out")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything here")
    parser.add_argument("--png", type=Path, metavar="PATH", help="draw the ratios here (needs matplotlib)")
    options = parser.parse_args(argv)
    options.longest, options.rounds = options.budget / 3, 4
    if options.quick:
        options.budget, options.longest, options.rounds = min(options.budget, 0.5), 0.08, 2
    return options


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Race every wanted cell, printing as it goes; everything found, for JSON."""
    cells: list[dict[str, Any]] = []
    report: dict[str, Any] = {
        "settings": {"threads": options.threads, "budget_s": options.budget},
        "machine": machine(),
        "versions": peers.versions(),
        "absent": peers.absent(),
        "cells": cells,
    }
    limits = measure(options.threads)
    report["limits"] = limits.as_dict()
    print(f"{report['machine']['processor']}: {limits}")
    print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    print(f"absent: {', '.join(report['absent']) or 'nobody'}\n{HEADER}", flush=True)
    with peers.same_threads(options.threads):
        for case in GRID:
            if re.search(options.cells, case.id):
                outcome = enter(case, options.longest)
                neighbours = Neighbours()
                race(outcome.contestants, options.budget, options.rounds)
                outcome.others_load = neighbours.processors()
                cells.append(record(outcome, limits))
                print(row(outcome, limits), *(details(outcome) if options.verbose else ()), sep="\n", flush=True)
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison; 1 where our own result was wrong or failed."""
    options = arguments(argv)
    report = run(options)
    judged = [cell for cell in report["cells"] if cell["ratio"] is not None]
    below = [cell["id"] for cell in judged if cell["ratio"] < cell["goal"]]
    slower = [cell["id"] for cell in judged if cell["ratio"] < 1]
    wrong = [cell["id"] for cell in report["cells"] if peers.OURS in cell["left_out"]]
    print(f"\n{len(judged) - len(below)} of {len(judged)} at goal; below: {', '.join(below) or 'none'}")
    print(f"slower than the best peer: {', '.join(slower) or 'no cell'}")
    if wrong:
        print(f"our result was wrong or missing: {', '.join(wrong)}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
        print(f"wrote {options.json}")
    if options.png and judged:
        from bench.picture import draw

        draw(report, options.png)
        print(f"wrote {options.png}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
