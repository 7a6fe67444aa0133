"""What a call costs before it computes anything: n = 5, k = 3, against NumPy's calls, in nanoseconds.

`python -m bench.overhead`. The statements are timed as `timeit` does it, taking turns; the shortest time counts.
"""

from __future__ import annotations

import importlib
import sys
import timeit

import numpy as np

STATEMENTS = {
    "convcorr.convolve": "ours(x, h, 'same')",
    "convcorr.numpy.convolve": "drop_in(x, h, 'same')",
    "np.convolve": "np.convolve(x, h, 'same')",
    "np.correlate": "np.correlate(x, h, 'same')",
    "np.empty": "np.empty(5, np.float32)",
}
GOALS = (
    ("convcorr.convolve", "np.convolve", 3.5),
    ("convcorr.convolve", "np.correlate", 1.8),
    ("convcorr.numpy.convolve", "np.convolve", 3.0),
)
LONGEST_NS = 350  # of the public convcorr.convolve


def names() -> dict[str, object]:
    """Gather what the statements use; ours only where it is installed."""
    x, h = np.arange(5, dtype=np.float32), np.ones(3, dtype=np.float32)
    found: dict[str, object] = {"np": np, "x": x, "h": h}
    try:
        found["ours"] = importlib.import_module("convcorr").convolve
        found["drop_in"] = importlib.import_module("convcorr.numpy").convolve
    except ModuleNotFoundError as error:
        print(f"absent: {error.name}")
    return found


def measure(rounds: int = 60, calls: int = 5_000) -> dict[str, float]:
    """Time of each call [ns]: the shortest of `rounds` turns of `calls` each."""
    known = names()
    missing = {"convcorr.convolve": "ours", "convcorr.numpy.convolve": "drop_in"}
    wanted = [name for name in STATEMENTS if missing.get(name, "np") in known]
    timers = {name: timeit.Timer(STATEMENTS[name], globals=known) for name in wanted}
    best = dict.fromkeys(wanted, float("inf"))
    for _ in range(rounds):
        for name, timer in timers.items():
            best[name] = min(best[name], timer.timeit(calls) / calls * 1e9)
    return best


def main() -> int:
    """Print times and ratios."""
    ns = measure()
    for name, time in ns.items():
        print(f"{name:24} {time:7.0f} ns  {STATEMENTS[name]}")
    for ours, peer, goal in GOALS:
        if ours in ns:
            ratio = ns[peer] / ns[ours]
            print(f"{ours} is {ratio:.2f}x {peer} (goal {goal:g}x: {'ok' if ratio >= goal else 'BELOW'})")
    if "convcorr.convolve" in ns:
        verdict = "ok" if ns["convcorr.convolve"] <= LONGEST_NS else "BELOW"
        print(f"convcorr.convolve takes {ns['convcorr.convolve']:.0f} ns (goal at most {LONGEST_NS}: {verdict})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
