"""Layers of neural networks, ours against every installed peer in one process: `python -m bench.nn --help`.

A plain call has the weights as they come, and is compared with the faster of PyTorch's two layouts; a reused plan has
them packed, and is compared with everybody. Results are checked and times taken as by `bench.compare`. The share is of
the multiply-add peak, by the operations of direct sums: an algorithm that needs fewer may pass 100%.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run as a file: what is imported below lies beside it, as bench.*
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import layer_peers, peers
from bench.cases import DTYPES
from bench.compare import BUSY, FAILURES, WORDS, Judge
from bench.layer_peers import OPENVINO, ORT, OURS, PEERS, PLAN, TORCH, Rival
from bench.layers import GRID, MODEL_MEAN_GOAL, MODELS, Layer, expected_at, model_layers, sample_outputs, uses
from bench.limits import Limits, Neighbours, measure
from bench.race import Contestant, race
from bench.timing import machine, milliseconds

ROUNDS = 2  # of slow calls and hopeless ones


@dataclass
class Outcome:
    """What a row gave: who was timed, who was left out and why."""

    layer: Layer
    contestants: list[Contestant] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    algorithm: str = ""  # that ours takes
    others_load: float = 0.0  # processors that other processes kept busy meanwhile

    def admit(self, rival: Rival, threads: int, judge: Judge, longest: float, name: str = "") -> None:
        """Let somebody take part, unless its result is wrong or takes too long."""
        try:
            call = rival.make(self.layer, threads)
            with time_limit(longest):
                start = time.perf_counter()
                result = call()
                lasted = time.perf_counter() - start
            one = Contestant(name or rival.name, call, None, judge.error(result))
        except FAILURES as error:
            self.left_out[name or rival.name] = f"{type(error).__name__}: {error}"
            return
        if lasted > longest / 3:
            one.times.append(lasted)  # and no more
        self.contestants.append(one)

    def time(self, *names: str) -> float | None:
        """Shortest time of the fastest of these [s]; None if nobody was there and right."""
        return min((one.best for one in self.contestants if one.name in names), default=None)

    def ratio(self, ours: str, *others: str) -> float | None:
        """How many times faster we are than the fastest of the others."""
        mine, theirs = self.time(ours), self.time(*others)
        return theirs / mine if mine and theirs else None

    @property
    def ratios(self) -> tuple[float | None, float | None]:
        """Of a plain call over PyTorch, and of a plan over everybody."""
        return self.ratio(peers.OURS, *TORCH), self.ratio(PLAN, *(rival.name for rival in PEERS))

    @property
    def verdicts(self) -> tuple[bool | None, ...]:
        """Whether each ratio reaches its goal; None where there is no ratio, or no goal."""
        pairs = zip(self.ratios, self.layer.goals, strict=True)
        return tuple(ratio >= goal if ratio is not None and goal else None for ratio, goal in pairs)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block when it has lasted so long: at once in our calls, after others' have ended."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"a call lasts more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge_of(layer: Layer) -> Judge:
    """Take the definition at some outputs as what is right."""
    where = sample_outputs(layer)
    form = np.broadcast_to(np.zeros((), DTYPES[layer.dtype]), layer.shape)
    return Judge(form, tuple(where.T), expected_at(layer, layer.arrays(), where))


def enter(layer: Layer, threads: int, longest: float) -> Outcome:
    """Everybody who can compute the layer and does so rightly; ours last, so that we are compared with a peer."""
    outcome, judge = Outcome(layer), judge_of(layer)
    for rival in PEERS + OURS:
        if rival.serves(layer) and not rival.missing:
            outcome.admit(rival, threads, judge, longest)
    if any(one.name == peers.OURS for one in outcome.contestants):
        with contextlib.suppress(AttributeError):
            outcome.algorithm = layer_peers.algorithm(layer)
    return outcome


def enter_scaling(layer: Layer, threads: int, longest: float) -> Outcome:
    """Our own plain call, on one thread and on several."""
    outcome, judge = Outcome(layer), judge_of(layer)
    for count in dict.fromkeys((1, threads)):
        if not OURS[0].missing:
            outcome.admit(OURS[0], count, judge, longest, f"{peers.OURS} {count}")
    return outcome


def run_race(outcome: Outcome, budget: float) -> None:
    """Take everybody's times, but for those who took too long when they were checked."""
    neighbours = Neighbours()
    race([one for one in outcome.contestants if not one.times], budget, ROUNDS)
    outcome.others_load = neighbours.processors()


HEADER = (
    f"{'layer':44} {'plain ms':>9} {'plan ms':>9} {'torch ms':>9} {'ORT ms':>9} {'OV ms':>9}  "
    f"{'plain/torch':>11} {'goal':>5} {'':5} {'plan/best':>9} {'goal':>5} {'':5} {'peak':>5} by"
)


def line(outcome: Outcome, limits: Limits) -> str:
    """Line of the table."""
    cells = [f"{outcome.layer.id:44}"]
    cells += [shown(outcome.time(*names)) for names in ((peers.OURS,), (PLAN,), TORCH, (ORT,), (OPENVINO,))]
    for ratio, goal, at_goal, width in zip(outcome.ratios, outcome.layer.goals, outcome.verdicts, (12, 9), strict=True):
        cells.append(f"{'-' if ratio is None else f'{ratio:.2f}x':>{width}} {f'{goal:.3g}' if goal else '':>5}")
        cells.append(f"{WORDS[at_goal]:5}")
    share = share_of_peak(outcome, limits)
    cells.append(f"{'-' if share is None else f'{share:.0%}':>5} {outcome.algorithm or '-':9}")
    return " ".join([*cells, *remarks_on(outcome)])


def scaling_line(outcome: Outcome, threads: int) -> str:
    """Line of the table of `--scaling`."""
    one, many = f"{peers.OURS} 1", f"{peers.OURS} {threads}"
    faster = outcome.ratio(many, one)
    cells = [f"{outcome.layer.id:44}", shown(outcome.time(one)), shown(outcome.time(many))]
    return " ".join([*cells, f"{'-' if faster is None else f'{faster:.2f}x':>7}", *remarks_on(outcome)])


def shown(seconds: float | None) -> str:
    """Milliseconds, in nine places."""
    return f"{'-' if seconds is None else milliseconds(seconds):>9}"


def share_of_peak(outcome: Outcome, limits: Limits) -> float | None:
    """Rate of direct sums that our plain call stands for, as a part of the multiply-add peak."""
    ours = outcome.time(peers.OURS)
    return outcome.layer.flops / ours / limits.flops[outcome.layer.dtype] if ours else None


def remarks_on(outcome: Outcome) -> Iterator[str]:
    """What a reader of the row should know besides."""
    if outcome.others_load > BUSY:
        yield f"[others used {outcome.others_load:.1f} processors]"
    for name, reason in outcome.left_out.items():
        yield f"{name}: {reason}"


def record(outcome: Outcome, limits: Limits) -> dict[str, Any]:
    """Put a row into the form of JSON."""
    layer = outcome.layer
    everybody = {
        one.name: {
            "min_s": one.best, "median_s": one.median, "timings": len(one.times), "calls_per_timing": one.calls,
            "error": one.error,
        }
        for one in outcome.contestants
    }  # fmt: skip
    return {
        "id": layer.id,
        "flops": layer.flops,
        "algorithm": outcome.algorithm,
        "uses": uses(layer),
        "plain_over_torch": outcome.ratios[0],
        "plan_over_best": outcome.ratios[1],
        "goals": layer.goals,
        "at_goal": outcome.verdicts,
        "share_of_peak": share_of_peak(outcome, limits),
        "contestants": everybody,
        "left_out": outcome.left_out,
        "others_load": None if math.isnan(outcome.others_load) else outcome.others_load,
    }


def summarise(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Say how many goals were reached, and where we are slower than a peer."""
    for column, what in enumerate(("plain call over torch", "plan over the best")):
        judged = [one for one in outcomes if one.verdicts[column] is not None]
        below = [one.layer.id for one in judged if not one.verdicts[column]]
        slower = [one.layer.id for one in outcomes if (one.ratios[column] or 1) < 1]
        yield f"{what}: {len(judged) - len(below)} of {len(judged)} at goal; below: {', '.join(below) or 'none'}"
        yield f"  slower: {', '.join(slower) or 'no layer'}"


def summarise_models(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Say what the layers of each network that was raced completely cost, and the geometric mean of all ratios."""
    for batch in sorted({one.layer.batch for one in outcomes}):
        for name, model in MODELS.items():
            ones = [one for one in outcomes if one.layer.batch == batch and name in uses(one.layer)]
            if len(ones) < len(model):
                continue
            layers = [(one, uses(one.layer)[name]) for one in ones]
            ours, torch = (
                sum(count * (one.time(*names) or math.nan) for one, count in layers) for names in ((peers.OURS,), TORCH)
            )
            yield f"{name}, batch {batch}: layers {ours * 1e3:.1f} ms, torch {torch * 1e3:.1f} ms, {torch / ours:.2f}x"
    ratios = [ratio for one in outcomes if (ratio := one.ratios[0])]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        word = WORDS[mean >= MODEL_MEAN_GOAL]
        yield f"geometric mean over {len(ratios)} layers: {mean:.2f}x (goal {MODEL_MEAN_GOAL:g}: {word})"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.nn", description="Layers, ours against every peer.")
    parser.add_argument("--models", action="store_true", help="every distinct layer of four networks, batch 1 and 8")
    parser.add_argument("--scaling", action="store_true", help="our own call alone, one thread against --threads")
    parser.add_argument("--only", default="", metavar="REGEX", help="only rows whose id matches, e.g. '1x1.*f32'")
    parser.add_argument("--threads", type=int, default=2, help="of everybody (2)")
    parser.add_argument("--budget", type=float, default=2.0, help="timing per row [s] (2)")
    parser.add_argument("--longest", type=float, default=6.0, help="calls that last longer are left out [s] (6)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything here")
    return parser.parse_args(argv)


def run(options: argparse.Namespace, limits: Limits) -> Iterator[Outcome]:
    """Race every wanted row, printing as it goes."""
    rows = model_layers() if options.models else GRID
    for layer in (layer for layer in rows if re.search(options.only, layer.id)):
        if options.scaling:
            outcome = enter_scaling(layer, options.threads, options.longest)
            run_race(outcome, options.budget)
            print(scaling_line(outcome, options.threads), flush=True)
        else:
            outcome = enter(layer, options.threads, options.longest)
            run_race(outcome, options.budget)
            print(line(outcome, limits), flush=True)
        for one in outcome.contestants:  # their arrays would fill the memory row by row
            one.call = bool
        yield outcome


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison; 1 where our own result was wrong or failed."""
    options = arguments(argv)
    about, limits = machine(), measure(options.threads)
    print(f"{about['processor']}: {limits}")
    print(", ".join(f"{name} {version}" for name, version in peers.versions().items()))
    print(f"absent, and left out: {', '.join(layer_peers.absent()) or 'nobody'}")
    many = f"{options.threads} threads"
    print(f"{'layer':44} {'1 thread':>9} {many:>9} {'faster':>7}" if options.scaling else HEADER, flush=True)
    with peers.same_threads(options.threads), layer_peers.inference():
        outcomes = list(run(options, limits))
    if not options.scaling:
        print(*summarise(outcomes), *(summarise_models(outcomes) if options.models else ()), sep="\n")
    if options.json:
        report = {
            "settings": {name: getattr(options, name) for name in ("threads", "budget", "models", "scaling")},
            "machine": about,
            "versions": peers.versions(),
            "limits": limits.as_dict(),
            "layers": [record(outcome, limits) for outcome in outcomes],
        }
        options.json.write_text(json.dumps(report, indent=1) + "\n")
        print(f"wrote {options.json}")
    return int(any(reason for one in outcomes for name, reason in one.left_out.items() if name.startswith(peers.OURS)))


if __name__ == "__main__":
    sys.exit(main())
