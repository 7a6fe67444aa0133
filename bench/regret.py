"""How far from the fastest is what `auto` takes? `python -m bench.regret` measures it over 320 shapes.

For each shape (`shapes.py`) these take turns: method="auto"; "direct"; "fft" as it likes; and "fft" with other block
lengths forced upon it: those of `explain` that are predicted to take up to 2.5 times the best prediction, and half and
twice the chosen length along each axis. What is predicted to take more than 20 times as long is left out. **Regret** is
the time of what auto took over that of the fastest. What took the same algorithm with the same blocks counts as one, at
its shortest time, so that noise does not pass for regret; and where regret shows, more turns are taken.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench import peers
from bench.cases import Array
from bench.choice import Key, Tile, chosen, forcing, key_of
from bench.limits import Neighbours
from bench.shapes import Shape, every_shape
from bench.timing import Call, calls_per_batch, machine, no_collection, time_calls

BATCH = 100e-6  # a timing lasts at least so long [s]
WORTH_FORCING = 2.5  # times the best prediction
HOPELESS = 20  # times the best prediction
BEHIND = 1.6  # times the fastest of the first turn: no more turns
COLD, COLD_BEHIND = 5e-3, 5  # two calls so long [s], and so many times the shortest, are all that is timed
DOUBTFUL = 1.04  # regret that is worth more turns
TURNS, MORE_TURNS = 10, 20
LONGEST = 1.5  # for all turns of a shape [s]
GOALS = {"median": 1.05, "95%": 1.25, "worst": 1.5}
TOLERANCE = 1e-3  # of a result, against the largest of its values: catches what is wrong, not what is inexact
WORST = 15


@dataclass
class Entry:
    """One way to make the call, and the times taken so far [s per call]."""

    key: Key
    asked: str  # "auto", "direct", "fft" or "forced"
    call: Call
    predicted: float  # [s]; 0 until it is asked for, with these blocks forced
    first: float = 0.0  # time of the first call [s]
    calls: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def forced(self) -> Tile | None:
        """Block lengths to be forced."""
        return self.key[1] if self.asked == "forced" else None


@dataclass
class Verdict:
    """What came out for a shape: every key's shortest time and prediction [s], and what auto took."""

    shape: Shape
    auto: Key
    best: Key
    seconds: dict[Key, float]
    predicted: dict[Key, float]
    auto_call: float  # method="auto" itself, without those that share its key
    left_out: list[str]

    @property
    def regret(self) -> float:
        """Time of what auto took over that of the fastest."""
        return self.seconds[self.auto] / self.seconds[self.best]


def explain(shape: Shape, x: Array, h: Array, method: str) -> Any:
    """Ask the library what it would do."""
    convcorr = peers.load("convcorr")
    assert convcorr is not None
    return convcorr.explain(x, h, method=method, **shape.keywords())


def neighbours(tile: Tile) -> Iterator[Tile]:
    """Half and twice the block, along one axis after the other."""
    for axis, n in enumerate(tile):
        for other in (n // 2, 2 * n):
            yield (*tile[:axis], other, *tile[axis + 1 :])


def entries(shape: Shape, x: Array, h: Array) -> list[Entry]:
    """List the ways to make the call that are worth measuring, each block length once."""
    convcorr = peers.load("convcorr")
    assert convcorr is not None
    call: Callable[..., Any] = partial(convcorr.convolve, x, h, **shape.keywords())
    explanation = explain(shape, x, h, "auto")
    choices = {method: chosen(explain(shape, x, h, method)) for method in ("auto", "direct", "fft")}
    found = [Entry(key, method, partial(call, method=method), seconds) for method, (key, seconds) in choices.items()]
    ours = found[-1]
    times = {key_of(one): 1e-6 * one.predicted_us for one in explanation.candidates if one.refused is None}
    best = min([*times.values(), *(entry.predicted for entry in found)])
    found = [entry for entry in found if entry.asked == "auto" or entry.predicted <= HOPELESS * best]
    if ours not in found or ours.key[0] != "fft":  # what "fft" falls back to has no blocks
        return found
    wanted = {tile: seconds for (name, tile), seconds in times.items() if name == "fft"}
    tiles = [tile for tile, seconds in wanted.items() if seconds <= WORTH_FORCING * best]
    for tile in dict.fromkeys([*tiles, *neighbours(ours.key[1])]):
        if tile != ours.key[1]:
            found.append(Entry(("fft", tile), "forced", partial(call, method="fft"), wanted.get(tile, 0.0)))
    return found


def enter(shape: Shape) -> tuple[list[Entry], list[str]]:
    """Keep those whose call succeeds and agrees with auto's, and say of the others why they are out."""
    x, h = shape.arrays()
    wanted = entries(shape, x, h)
    hopeless = HOPELESS * min(entry.predicted for entry in wanted if not entry.forced)
    kept: list[Entry] = []
    left_out: list[str] = []
    expected: Array | None = None
    for entry in wanted:
        with forcing(entry.forced):
            if entry.forced:
                taken, entry.predicted = chosen(explain(shape, x, h, "fft"))
                if taken != entry.key or entry.predicted > hopeless:
                    left_out.append(f"{named(entry.key)}: {'slow' if taken == entry.key else 'not possible'}")
                    continue
            start = time.perf_counter()
            result = entry.call()
            entry.first = time.perf_counter() - start
        expected = result if expected is None else expected
        if abs(result - expected).max() > TOLERANCE * abs(expected).max():
            raise RuntimeError(f"{shape.id}: {named(entry.key)} gives another result than auto")
        kept.append(entry)
    slow = max(COLD, COLD_BEHIND * min(entry.first for entry in kept))
    for entry in kept:
        if entry.first > slow:
            with forcing(entry.forced):  # once more, lest somebody else had the processor
                again = time_calls(entry.call, 1)
            if again > slow:
                entry.times.append(min(entry.first, again))
    return kept, left_out


def take_turn(entry: Entry) -> None:
    """Time one entry, warm."""
    with forcing(entry.forced):
        entry.call()
        if not entry.calls:
            entry.calls = 1 if entry.first > COLD else calls_per_batch(entry.call, BATCH)
        for _ in range(2):
            entry.times.append(time_calls(entry.call, entry.calls) / entry.calls)
            if entry.times[-1] * entry.calls > 2e-3:
                break


def shortest(group: Iterable[Entry]) -> dict[Key, float]:
    """Shortest time of each key [s]."""
    found: dict[Key, float] = {}
    for entry in group:
        found[entry.key] = min([found.get(entry.key, math.inf), *entry.times])
    return found


def race(group: list[Entry], turns: int) -> None:
    """Let all take turns; who lies far behind drops out, and doubts are settled by more turns."""
    auto, deadline = group[0], time.perf_counter() + LONGEST
    racing = [one for one in group if one is auto or not one.times]
    for turn in range(turns + MORE_TURNS):
        shift = turn % len(racing)
        for entry in racing[shift:] + racing[:shift]:
            take_turn(entry)
        found = shortest(group)
        fastest, limit = min(found.values()), BEHIND
        if time.perf_counter() > deadline and turn >= 1:
            return
        if turn + 1 >= turns:
            if found[auto.key] < DOUBTFUL * fastest:
                return
            limit = DOUBTFUL**2  # only the fastest may change the verdict, and auto
        racing = [one for one in group if one.key == auto.key or found[one.key] < limit * fastest]


def judge(shape: Shape, turns: int) -> Verdict:
    """Measure one shape."""
    group, left_out = enter(shape)
    race(group, turns)
    seconds = shortest(group)
    predicted = {entry.key: entry.predicted for entry in reversed(group)}
    best = min(seconds, key=seconds.__getitem__)
    return Verdict(shape, group[0].key, best, seconds, predicted, min(group[0].times), left_out)


def named(key: Key) -> str:
    """Put a key in words, as in `fft 128x256`."""
    return " ".join([key[0], "x".join(map(str, key[1]))]).strip()


def summary(title: str, verdicts: Sequence[Verdict]) -> str:
    """One line: median, 95th percentile and worst of a group."""
    regrets = np.array([one.regret for one in verdicts])
    least = np.quantile(regrets, 0.95, method="higher")
    return f"{title:10} {len(regrets):5}  {np.median(regrets):7.3f} {least:7.3f} {regrets.max():7.3f}"


def figures(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """The three figures that the goals are about."""
    regrets = np.array([one.regret for one in verdicts])
    high = float(np.quantile(regrets, 0.95, method="higher"))
    return {"median": float(np.median(regrets)), "95%": high, "worst": float(regrets.max())}


def predictions(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """One line per algorithm: how times measured on one thread compare with predicted ones."""
    ratios: dict[str, list[float]] = {}
    for one in verdicts:
        for key, seconds in one.seconds.items():
            if one.shape.threads == 1:
                ratios.setdefault(key[0], []).append(seconds / one.predicted[key])
    for algorithm, values in ratios.items():
        low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
        yield f"measured / predicted, {algorithm:10} {middle:5.2f} (90% between {low:.2f} and {high:.2f})"


def worst(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The shapes with the largest regrets: what auto took and what was best, with predicted and measured times."""
    yield f"{'shape':52} {'regret':>7}  {'auto took':20} {'predicted':>10} {'measured':>9}  {'best':20} ..."
    for one in sorted(verdicts, key=lambda one: -one.regret)[:WORST]:
        both = [
            f"{named(key):20} {1e6 * one.predicted[key]:10.4g} {1e6 * one.seconds[key]:9.4g} us"
            for key in (one.auto, one.best)
        ]
        yield " ".join([f"{one.shape.id:52} {one.regret:7.3f} ", *both])


def report(verdicts: Sequence[Verdict]) -> None:
    """Print everything that a reader wants to know."""
    print(f"\n{'regret':10} {'':5}  {'median':>7} {'95%':>7} {'worst':>7}")
    for group in dict.fromkeys(one.shape.group for one in verdicts):
        print(summary(group, [one for one in verdicts if one.shape.group == group]))
    print(summary("all", verdicts))
    for name, value in figures(verdicts).items():
        print(f"{name} {value:.3f} (goal at most {GOALS[name]}: {'ok' if value <= GOALS[name] else 'ABOVE'})")
    print(*predictions(verdicts), sep="\n")
    shared = [one.auto_call / one.seconds[one.auto] for one in verdicts]
    print(f"auto's own call / the shortest with its key: median {np.median(shared):.3f}, most {max(shared):.3f}")
    print("\n" + "\n".join(worst(verdicts)))


def record(one: Verdict) -> dict[str, Any]:
    """Put a shape into the form of JSON."""
    ways = {named(key): {"seconds": seconds, "predicted_s": one.predicted[key]} for key, seconds in one.seconds.items()}
    return {
        "id": one.shape.id,
        "regret": one.regret,
        "auto": named(one.auto),
        "best": named(one.best),
        "auto_call_s": one.auto_call,
        "ways": ways,
        "left_out": one.left_out,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.regret", description="What auto takes, against the fastest.")
    parser.add_argument("--quick", action="store_true", help="every sixth shape, fewer turns")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only shapes whose id matches, e.g. '^2d.*f64'")
    parser.add_argument("--verbose", action="store_true", help="every shape as it is measured")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything here")
    options = parser.parse_args(argv)
    shapes = [shape for shape in every_shape() if re.search(options.filter, shape.id)]
    shapes = shapes[::6] if options.quick else shapes
    others, verdicts = Neighbours(), []
    with no_collection():
        for number, shape in enumerate(shapes):
            verdicts.append(judge(shape, 3 if options.quick else TURNS))
            if options.verbose:
                one = verdicts[-1]
                print(f"{one.regret:6.3f} {shape.id} {named(one.auto)}, best {named(one.best)} of {len(one.seconds)}")
            elif number % 40 == 0:
                print(f"{number} of {len(shapes)}", file=sys.stderr, flush=True)
    load = others.processors()
    report(verdicts)
    print(f"\nothers used {load:.2f} processors meanwhile")
    if options.json:
        found = {"machine": machine(), "others_load": load, "figures": figures(verdicts)}
        options.json.write_text(json.dumps(found | {"shapes": list(map(record, verdicts))}, indent=1) + "\n")
        print(f"wrote {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
