"""Ours against every installed peer, side by side in one process: `python -m bench.compare --help`.

For each cell of the grid (`cases.py`, and SciPy's filters in `ndimage.py`): everybody's result is checked, against the
definition (at sampled outputs; for a filter it is SciPy's result) and against the first good result everywhere; who
fails is named and dropped. Then all take turns. A turn begins when this process is quiet (worker threads of the one
before may still spin) with one call that is not timed; each timing covers enough calls to last 200 us; the order
rotates from round to round. Ratios are of the shortest times.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run as a file: what is imported below lies beside it, as bench.*
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import peers
from bench.cases import GRID, Array, Case, expected_at, sample_outputs
from bench.limits import Limits, Neighbours, measure
from bench.ndimage import FILTERS, Filter
from bench.race import Contestant, race
from bench.timing import machine, milliseconds

BUSY = 0.15  # processors used by others that are worth a remark
WORDS = {True: "ok", False: "BELOW", None: ""}  # of verdicts
FAILURES = (Exception,)  # a peer may fail in any way; the others go on
TOLERANCE = 200  # of a result, in units of its rounding error and its largest value


@dataclass
class Verdict:
    """Ours beside the fastest of the peers that a goal was set against; None where nobody of them was there."""

    goal: float
    best_peer: str | None = None
    best_peer_s: float | None = None
    ratio: float | None = None

    @property
    def at_goal(self) -> bool | None:
        """Whether the ratio reaches the goal; None where there is no ratio."""
        return None if self.ratio is None else self.ratio >= self.goal


@dataclass
class Outcome:
    """What a cell gave: who was timed, who was left out and why."""

    cell: Case | Filter
    contestants: list[Contestant] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    algorithm: str = ""  # that ours takes
    others_load: float = 0.0  # processors that other processes kept busy meanwhile

    def admit(self, name: str, make: Callable[[], peers.Call | None], goal: float | None, judge: Judge) -> None:
        """Let somebody take part, unless there is nothing to call, or its result is wrong."""
        try:
            call = make()
            if call is not None:
                self.contestants.append(Contestant(name, call, goal, judge.error(call())))
        except FAILURES as error:
            self.left_out[name] = f"{type(error).__name__}: {error}"

    @property
    def ours(self) -> Contestant | None:
        """Us, if we were there and right."""
        return next((one for one in self.contestants if one.name == peers.OURS), None)

    def best_peer(self, goal: float | None) -> Contestant | None:
        """Find the fastest of the peers that this goal was set against, or of those without any."""
        group = [one for one in self.contestants if one.name != peers.OURS and one.goal == goal]
        return min(group, key=lambda one: one.best, default=None)

    @property
    def verdicts(self) -> list[Verdict]:
        """What came of each goal."""
        ours, found = self.ours, []
        for goal in self.cell.goals:
            best = self.best_peer(goal)
            ratio = best.best / ours.best if ours and best else None
            found.append(Verdict(goal, best.name, best.best, ratio) if best else Verdict(goal))
        return found


class Judge:
    """Checks results of one cell, first against the definition, then against the first that passed.

    Parameters
    ----------
    x : ndarray
        The data, whose shape and type every result must have.
    where : index
        Outputs at which the definition is known.
    expected : ndarray
        Its values there. Results agree within rounding errors; integers must be the same.
    """

    def __init__(self, x: Array, where: Any, expected: Array) -> None:
        self._shape, self._dtype, self._where = x.shape, x.dtype, where
        self._expected = expected.astype(np.result_type(x.dtype, np.float64), copy=False)
        self._scale = float(abs(self._expected).max())
        self._tolerance = TOLERANCE * float(np.finfo(x.dtype).eps) if x.dtype.kind in "fc" else 0.0
        self._first: Array | None = None

    def error(self, result: Any) -> float:
        """Largest difference relative to the largest value; ValueError where it is too large."""
        array = peers.as_array(result, self._shape)
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
    samples = sample_outputs(case)
    judge = Judge(x, tuple(samples.T), expected_at(case, x, h, samples))
    outcome = Outcome(case)
    serving = [peer for peer in peers.PEERS if peer.serves(case) and peers.present(peer.package)]
    cheapest = sorted(serving, key=lambda peer: peer.foreseen(case))[:2]
    for peer in serving:
        if peer not in cheapest and peer.foreseen(case) > longest:
            outcome.left_out[peer.name] = f"a call may last {peer.foreseen(case):.1f} s"
            continue
        goal = case.goal if peer.in_grid or peer.name == case.against else None
        outcome.admit(peer.name, partial(peer.make, case, x, h), goal, judge)
    if peers.present("convcorr"):  # last, so that we are compared with a peer, not it with us
        outcome.admit(peers.OURS, partial(peers.ours, case, x, h), None, judge)
    if outcome.ours:
        outcome.algorithm = peers.algorithm(case, x, h)
    return outcome


def enter_filter(cell: Filter) -> Outcome:
    """Everybody who computes the filter, and as SciPy does."""
    x = cell.data()
    judge = Judge(x, ..., cell.expected(x))
    outcome = Outcome(cell)
    for rival in cell.rivals:
        if peers.present(rival.package):
            outcome.admit(rival.name, partial(rival.call, x), rival.goal, judge)
    return outcome


HEADER = f"{'cell':32} {'ours ms':>9}  {'best peer':18} {'ms':>9} {'ratio':>7} {'goal':>5} {'':5} {'limit':>6} by"


def rows(outcome: Outcome, limits: Limits) -> Iterator[str]:
    """Lines of the table, one for each goal."""
    ours, share = outcome.ours, share_of_limit(outcome, limits)
    remarks = "".join(f"  {remark}" for remark in remarks_on(outcome))
    for verdict in outcome.verdicts:
        cells = [
            f"{outcome.cell.id:32}",
            f"{milliseconds(ours.best) if ours else '-':>9}",
            f" {verdict.best_peer or '-':18}",
            f"{'-' if verdict.best_peer_s is None else milliseconds(verdict.best_peer_s):>9}",
            f"{'-' if verdict.ratio is None else f'{verdict.ratio:.2f}x':>7}",
            f"{verdict.goal:5.3g}",
            f"{WORDS[verdict.at_goal]:5}",
            f"{'-' if share is None else f'{share:.0%}':>6}",
            f"{outcome.algorithm:6}",
        ]
        yield " ".join(cells) + remarks
        remarks = ""


def share_of_limit(outcome: Outcome, limits: Limits) -> float | None:
    """Part of the limit that we reach; None for filters, whose least number of operations depends on the method."""
    if isinstance(outcome.cell, Filter) or not outcome.ours:
        return None
    return limits.share(outcome.cell, outcome.ours.best, outcome.algorithm)


def remarks_on(outcome: Outcome) -> Iterator[str]:
    """What a reader of the cell should know besides."""
    ours, other = outcome.ours, outcome.best_peer(None)
    slowest = max((verdict.best_peer_s or 0 for verdict in outcome.verdicts), default=0)
    if other and other.best < slowest:
        yield f"({other.name} {milliseconds(other.best)}{f', {other.best / ours.best:.2f}x' if ours else ''})"
    if outcome.others_load > BUSY:
        yield f"[others used {outcome.others_load:.1f} processors]"
    if peers.OURS in outcome.left_out:
        yield f"OURS: {outcome.left_out[peers.OURS]}"


def details(outcome: Outcome) -> Iterator[str]:
    """Everybody's times, fastest first, and who was left out."""
    for one in sorted(outcome.contestants, key=lambda one: one.best):
        best, median = milliseconds(one.best), milliseconds(one.median)
        yield f"    {one.name:18} {best:>9} median {median:>9} error {one.error:.0e}"
    for name, reason in outcome.left_out.items():
        yield f"    {name:18} left out: {reason}"


def record(outcome: Outcome, limits: Limits) -> dict[str, Any]:
    """Put a cell into the form of JSON."""
    cell, ours = outcome.cell, outcome.ours
    everybody = {
        one.name: {
            "min_s": one.best,
            "median_s": one.median,
            "timings": len(one.times),
            "calls_per_timing": one.calls,
            "error": one.error,
            "goal": one.goal,
        }
        for one in outcome.contestants
    }
    case = None if isinstance(cell, Filter) else cell
    return {
        "id": cell.id,
        "label": cell.label,
        "ndim": cell.ndim,
        "algorithm": outcome.algorithm,
        "flops": case and case.flops,
        "bytes": case and case.bytes_moved,
        "memory": case and limits.level(case.bytes_moved),
        "ours_s": ours.best if ours else None,
        "verdicts": [asdict(verdict) | {"at_goal": verdict.at_goal} for verdict in outcome.verdicts],
        "share_of_limit": share_of_limit(outcome, limits),
        "contestants": everybody,
        "left_out": outcome.left_out,
        "others_load": None if math.isnan(outcome.others_load) else outcome.others_load,
    }


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description="Ours against every installed peer.")
    parser.add_argument("--quick", action="store_true", help="about two minutes in all")
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


def every_cell() -> tuple[Case | Filter, ...]:
    """List the grid, and the filters where SciPy is there to say what is right."""
    return GRID + FILTERS if peers.present("scipy.ndimage") else GRID


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
        for cell in every_cell():
            if re.search(options.cells, cell.id):
                outcome = enter_filter(cell) if isinstance(cell, Filter) else enter(cell, options.longest)
                neighbours = Neighbours()
                race(outcome.contestants, options.budget, options.rounds)
                outcome.others_load = neighbours.processors()
                cells.append(record(outcome, limits))
                print(*rows(outcome, limits), *(details(outcome) if options.verbose else ()), sep="\n", flush=True)
    return report


def named(cell: dict[str, Any], verdict: dict[str, Any]) -> str:
    """Name a cell, and the peer where several goals were set."""
    return f"{cell['id']} ({verdict['best_peer']})" if len(cell["verdicts"]) > 1 else str(cell["id"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison; 1 where our own result was wrong or failed."""
    options = arguments(argv)
    report = run(options)
    verdicts = [(cell, verdict) for cell in report["cells"] for verdict in cell["verdicts"]]
    judged = [(cell, verdict) for cell, verdict in verdicts if verdict["ratio"] is not None]
    below = [named(cell, verdict) for cell, verdict in judged if not verdict["at_goal"]]
    slower = [named(cell, verdict) for cell, verdict in judged if verdict["ratio"] < 1]
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
