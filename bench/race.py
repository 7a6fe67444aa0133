"""Contestants take turns, each when this process is quiet, until the time of their cell is spent."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass, field

from bench import peers
from bench.timing import BATCH, calls_per_batch, no_collection, settle, time_calls

SLOW = 0.3  # calls longer than this are made a few times only [s]
HOPELESS = 6  # times slower than the best peer: a few rounds are enough
MOST_ROUNDS = 40


@dataclass
class Contestant:
    """Somebody whose result passed, and the times taken so far [s per call].

    Parameters
    ----------
    name : str
        As printed.
    call : callable
        What is timed.
    goal : float or None
        Times we should be faster; None for ourselves, and for peers that no goal was set against.
    error : float
        Of the result, relative to its largest value.
    """

    name: str
    call: peers.Call
    goal: float | None
    error: float
    calls: int = 1
    times: list[float] = field(default_factory=list)
    rounds: int = 0

    @property
    def best(self) -> float:
        """Shortest time [s]."""
        return min(self.times)

    @property
    def median(self) -> float:
        """Median time [s]."""
        return statistics.median(self.times)


def take_turn(one: Contestant) -> None:
    """Time one contestant some times in a row."""
    settle()
    if one.rounds == 0:
        one.calls = calls_per_batch(one.call)
    elif one.best < SLOW:
        one.call()
    batch = one.calls * one.best if one.times else BATCH
    for _ in range(5 if batch < 5e-3 else 2 if batch < SLOW / 3 else 1):
        one.times.append(time_calls(one.call, one.calls) / one.calls)
    one.rounds += 1


def race(contestants: list[Contestant], budget: float, few: int) -> None:
    """Let all take turns until `budget` is spent [s]; slow and hopeless ones drop out after a `few` rounds."""
    deadline = time.perf_counter() + budget
    with no_collection():
        for turn in range(MOST_ROUNDS):
            early, late = turn < few, time.perf_counter() > deadline
            if late and not early:
                return
            shift = turn % max(len(contestants), 1)
            for one in contestants[shift:] + contestants[:shift]:
                if turn == 0 or wants_turn(one, contestants, early, late):
                    take_turn(one)


def wants_turn(one: Contestant, contestants: list[Contestant], early: bool, late: bool) -> bool:
    """Whether one more turn may still tell something that is worth its time."""
    if late and one.best > SLOW:
        return False
    fastest_peer = min((other.best for other in contestants if other.name != peers.OURS), default=math.inf)
    return early or one.best < HOPELESS * fastest_peer
