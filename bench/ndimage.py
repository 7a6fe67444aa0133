"""`convcorr.scipy.ndimage` against `scipy.ndimage`: ratios, for large arrays and for calls on 8x8 ones.

`python -m bench.ndimage [PATTERN]`. Both take turns with the threads that they have; the shortest time counts.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench import timing

KERNEL = np.random.default_rng(1).random((7, 7))
SMALL = KERNEL[:5, :5] / KERNEL[:5, :5].sum()
IN_PLACE: dict[int, Any] = {}  # results of volumes go to memory that was touched before


@dataclass(frozen=True)
class Row:
    """A call, on data of some shape and dtype, and the least ratio that counts as done; 0: none was set."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    call: Callable[[Any, Any], Any]
    goal: float


def along(axis: int) -> Callable[[Any, Any], Any]:
    """A correlation along one axis, of which only the sums are timed."""
    return lambda nd, x: nd.correlate1d(x, KERNEL[0], axis, output=IN_PLACE.setdefault(x.size, np.zeros_like(x)))


def gaussian(sigma: float) -> Callable[[Any, Any], Any]:
    """A Gaussian of that width along both axes."""
    return lambda nd, x: nd.gaussian_filter(x, sigma)


def mean(size: int) -> Callable[[Any, Any], Any]:
    """The mean of squares of that side."""
    return lambda nd, x: nd.uniform_filter(x, size)


IMAGE, PICTURE, VOLUME, TINY = (1024, 1024), (2048, 2048), (256, 256, 256), (8, 8)
ROWS = (
    Row("convolve k=7", IMAGE, "f8", lambda nd, x: nd.convolve(x, KERNEL), 50),
    Row("convolve k=7", IMAGE, "f4", lambda nd, x: nd.convolve(x, KERNEL), 50),
    Row("convolve k=5", IMAGE, "u1", lambda nd, x: nd.convolve(x, SMALL), 20),
    Row("convolve k=5", IMAGE, "u2", lambda nd, x: nd.convolve(x, SMALL), 20),
    *(Row(f"gaussian sigma={s}", PICTURE, "f4", gaussian(s), 15) for s in (1, 3, 8)),
    Row("gaussian sigma=1", IMAGE, "u1", lambda nd, x: nd.gaussian_filter(x, 1), 20),
    *(Row(f"uniform {k}", PICTURE, "f4", mean(k), 8) for k in (3, 15)),
    Row("sobel", PICTURE, "f4", lambda nd, x: nd.sobel(x), 10),
    Row("sobel", IMAGE, "u1", lambda nd, x: nd.sobel(x), 20),
    Row("laplace", IMAGE, "f8", lambda nd, x: nd.laplace(x), 0),
    *(Row(f"correlate1d axis {a}", VOLUME, "f8", along(a), 8) for a in range(3)),
    Row("correlate", TINY, "f8", lambda nd, x: nd.correlate(x, KERNEL[:3, :3]), 5),
    Row("correlate1d", TINY, "f8", lambda nd, x: nd.correlate1d(x, KERNEL[0, :3]), 5),
    Row("gaussian_filter", TINY, "f8", lambda nd, x: nd.gaussian_filter(x, 1), 5),
    Row("uniform_filter", TINY, "f8", lambda nd, x: nd.uniform_filter(x), 5),
    Row("uniform_filter1d", TINY, "f8", lambda nd, x: nd.uniform_filter1d(x, 3), 5),
    Row("sobel", TINY, "f8", lambda nd, x: nd.sobel(x), 5),
    Row("laplace", TINY, "f8", lambda nd, x: nd.laplace(x), 5),
    Row("gaussian_laplace", TINY, "f8", lambda nd, x: nd.gaussian_laplace(x, 1), 5),
    Row("gradient magnitude", TINY, "f8", lambda nd, x: nd.gaussian_gradient_magnitude(x, 1), 5),
    Row("convolve", TINY, "u1", lambda nd, x: nd.convolve(x, SMALL[:3, :3]), 5),
    Row("gaussian_filter", TINY, "u1", lambda nd, x: nd.gaussian_filter(x, 1), 5),
)  # fmt: skip


def data(row: Row) -> Any:
    """Normal samples, or integers over the whole range."""
    rng, dtype = np.random.default_rng(0), np.dtype(row.dtype)
    if dtype.kind == "f":
        return rng.standard_normal(row.shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, row.shape, endpoint=True).astype(dtype)


def ratio(row: Row, modules: tuple[Any, Any], rounds: int) -> tuple[float, float]:
    """The shortest times of both [s]."""
    x = data(row)
    calls = [lambda nd=nd: row.call(nd, x) for nd in modules]
    best, count = [float("inf")] * 2, [timing.calls_per_batch(call) for call in calls]
    for turn in range(rounds):
        for i, call in enumerate(calls):
            if i == 1 and turn > rounds // 4 and best[1] > 0.05:  # slow calls vary less
                continue
            timing.settle()
            best[i] = min(best[i], timing.time_calls(call, count[i]) / count[i])
    return best[0], best[1]


def main(argv: list[str] | None = None) -> int:
    """Print times and ratios."""
    from scipy import ndimage as theirs

    from convcorr.scipy import ndimage as ours

    pattern = re.compile("".join((sys.argv[1:] if argv is None else argv)[:1]))
    print(f"{'call':34} {'ours ms':>9} {'SciPy ms':>9} {'ratio':>7} {'goal':>5}")
    with timing.no_collection():
        for row in ROWS:
            name = f"{row.name}, {'x'.join(map(str, row.shape))} {np.dtype(row.dtype).name}"
            if not pattern.search(name):
                continue
            mine, other = ratio(row, (ours, theirs), 16)
            verdict = "" if not row.goal else "ok" if other / mine >= row.goal else "BELOW"
            columns = (
                f"{timing.milliseconds(mine):>9} {timing.milliseconds(other):>9} {other / mine:7.1f} {row.goal:5g}"
            )
            print(f"{name:34} {columns} {verdict}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
