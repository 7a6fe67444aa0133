"""Problems that no front poses, for the products of matrices: axes in any order in memory, several batches and groups,
windows that leave the data far behind, and every pair of types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convcorr import _core
from layouts import Array, small_integers

BATCH, GROUP, OUT, IN = range(4)
TYPES = [  # of x, h, out and the sums
    ("f4", "f4", "f4", "f4"), ("f8", "f8", "f8", "f8"), ("f2", "f2", "f2", "f4"), ("f4", "f8", "f8", "f8"),
    ("f8", "f4", "f4", "f8"), (">f4", ">f8", "f4", "f8"), ("i2", "f4", "f4", "f4"), ("u1", "i1", "f8", "f8"),
    ("f4", "f4", "f2", "f4"), ("f2", ">f4", "f8", "f8"),
]  # fmt: skip


@dataclass(frozen=True)
class Problem:
    x: Array
    h: Array
    out: Array
    spec: dict[str, Any]

    def run(self, executor: str) -> Array:
        self.out[...] = 77
        return np.asarray(_core.solve(self.x, self.h, self.out, self.spec, executor)).copy()

    def check(self) -> None:
        got = self.run("im2col")
        np.testing.assert_array_equal(got, self.run("reference"), repr(self))

    def __repr__(self) -> str:
        arrays = (self.x, self.h, self.out)
        return f"{[(a.dtype.str, a.shape, a.strides) for a in arrays]} {self.spec}"


def laid_out(rng: np.random.Generator, a: Array) -> Array:
    """The same numbers, with the axes in some order in memory, some of them backwards or with gaps."""
    order = rng.permutation(a.ndim) if rng.random() < 0.5 else np.arange(a.ndim)
    steps = [int(rng.choice([1, 1, 1, 1, 2, -1, -2, 3])) if rng.random() < 0.5 else 1 for _ in range(a.ndim)]
    host = np.ones([abs(steps[n]) * a.shape[n] for n in order], a.dtype).transpose(np.argsort(order))
    view = host[tuple(slice(None, None, s) for s in steps)]
    view[...] = a
    return view


def random_problem(rng: np.random.Generator) -> Problem:
    axes = int(rng.choice([1, 2, 2, 3]))
    batches, groups = rng.choice([1, 1, 2, 3], 2), rng.choice([1, 1, 2], 2)
    ins, outs = int(rng.choice([1, 3, 8, 19])), int(rng.choice([2, 5, 8, 11, 24]))
    size, out = (tuple(int(n) for n in rng.integers(1, {1: 90, 2: 16, 3: 7}[axes], axes)) for _ in range(2))
    kernel = tuple(int(k) for k in rng.choice([1, 1, 2, 3, 4], axes))
    x_type, h_type, y_type, sums = TYPES[int(rng.integers(len(TYPES)))]
    shapes = (*batches, *groups, ins, *size), (*groups, outs, ins, *kernel), (*batches, *groups, outs, *out)
    x = laid_out(rng, small_integers(rng, shapes[0], x_type, 1))
    h = laid_out(rng, small_integers(rng, shapes[1], h_type, 1))
    y = laid_out(rng, np.zeros(shapes[2], y_type))
    near = bool(rng.integers(2))
    spatial = [
        {"x": 5 + a, "h": 4 + a, "out": 5 + a, "stride": int(rng.integers(1, 4)), "dilation": int(rng.integers(1, 4)),
         "in_dilation": 1, "offset": int(rng.integers(-3, 2) if near else rng.integers(-40, 20)),
         "border": int(rng.choice([0, 0, 1, 2, 3, 4]))}
        for a in range(axes)
    ]  # fmt: skip
    outer = [
        (BATCH, 0, -1, 0), (BATCH, 1, -1, 1), (GROUP, 2, 0, 2), (GROUP, 3, 1, 3), (OUT, -1, 2, 4), (IN, 4, 3, -1),
    ]  # fmt: skip
    spec = {
        "spatial": spatial, "outer": outer, "flip": bool(rng.integers(2)), "conjugate": False, "saturate": False,
        "fill": 0, "sum": np.zeros(1, sums),
    }  # fmt: skip
    if rng.integers(2):
        spec["bias"] = small_integers(rng, (*groups, outs), y_type, 1)
    return Problem(x, h, y, spec)
