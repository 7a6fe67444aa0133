"""What became of the calls to accelerated functions: how many, how long, and which were left to the original."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Count:
    """The calls of one function.

    Attributes
    ----------
    calls : int
        How many came.
    seconds : float
        Time spent in them, with all that they call [s].
    passed_on : Counter of str
        How many of them the original function answered, by the reason.
    """

    calls: int = 0
    seconds: float = 0.0
    passed_on: Counter[str] = field(default_factory=Counter)


class Report:
    """Counts by the function's name, as in "scipy.signal.convolve"; printed, it is a table.

    Functions that nobody called have no entry.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Count] = {}

    def add_call(self, name: str, seconds: float) -> None:
        """Count one call."""
        with self._lock:
            count = self._counts.setdefault(name, Count())
            count.calls += 1
            count.seconds += seconds

    def add_passed_on(self, name: str, reason: str) -> None:
        """Count one call that the original answered."""
        with self._lock:
            self._counts.setdefault(name, Count()).passed_on[reason] += 1

    @property
    def counts(self) -> dict[str, Count]:
        """A copy of the counts as they are now."""
        with self._lock:
            return {name: Count(c.calls, c.seconds, c.passed_on.copy()) for name, c in self._counts.items()}

    def __getitem__(self, name: str) -> Count:
        return self.counts.get(name, Count())

    def __str__(self) -> str:
        rows = [f"{'function':<34}{'calls':>10}{'seconds':>12}   passed on to the original"]
        for name, count in sorted(self.counts.items()):
            reasons = ", ".join(f"{n} ({reason})" for reason, n in count.passed_on.most_common()) or "none"
            rows.append(f"{name:<34}{count.calls:>10}{count.seconds:>12.6f}   {reasons}")
        return "\n".join(rows if len(rows) > 1 else ["No call reached convcorr."])
