"""Any Problem: the roles, offsets and dilated inputs that no public function reaches yet, through `_core.solve`.

    y[b, g, o, n] = sum over i, t of x[b, g, i, position] * h[g, o, i, t]
    position = n * stride + t * dilation + offset

with samples of x at the multiples of in_dilation. The C++ reference and, where it takes the Problem, the direct engine
are compared with this sum, taken by the parts of oracle.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from convcorr import _core
from layouts import Array, small_integers

ROLES = {"b": 0, "g": 1, "o": 2, "i": 3}  # batch, group, out_channel, in_channel
X_ROLES, H_ROLES, Y_ROLES = "bgi", "goi", "bgo"
DTYPES = [np.dtype(c) for c in ("f4", "f8", "c8", "c16", "u1", "i4", "i8", "f2", "?", "g")]


@dataclass
class Spatial:
    """One spatial axis of a Problem."""

    n: int
    k: int
    out: int
    stride: int = 1
    dilation: int = 1
    in_dilation: int = 1
    offset: int = 0
    border: int = 0

    def indices(self) -> list[Array]:
        """For each tap, the sample that each output reads, or -1 where it reads nothing (or the fill)."""
        found = []
        for t in range(self.k):
            position = np.arange(self.out) * self.stride + t * self.dilation + self.offset
            index = oracle.border_index(position // self.in_dilation, self.n, oracle.BOUNDARIES[self.border])
            found.append(np.where(position % self.in_dilation == 0, index, -1))
        return found


@dataclass
class Problem:
    """Sizes by role, the spatial axes, and what else `solve` is told."""

    sizes: dict[str, int]
    spatial: list[Spatial]
    dtype: np.dtype[Any]
    flip: bool = False
    conjugate: bool = False
    fill: int = 0

    def shape(self, roles: str, sides: list[int]) -> tuple[int, ...]:
        return (*(self.sizes[r] for r in roles), *sides)

    def operands(self, rng: np.random.Generator) -> tuple[Array, Array]:
        x = small_integers(rng, self.shape(X_ROLES, [a.n for a in self.spatial]), self.dtype)
        return x, small_integers(rng, self.shape(H_ROLES, [a.k for a in self.spatial]), self.dtype)

    def expected(self, x: Array, h: Array) -> Array:
        """The sum of the definition, with axes b, g, o, i before the spatial ones, then summed over i."""
        taps = np.flip(h, tuple(range(3, h.ndim))) if self.flip else h
        taps = oracle.widened(taps.conj() if self.conjugate else taps, self.dtype)
        fill = oracle.widened(self.fill, self.dtype)
        indices = [a.indices() for a in self.spatial]
        total, _ = oracle.sum_of_products(oracle.widened(x, self.dtype)[:, :, None], taps[None], indices, fill)
        summed = total.any(axis=3) if self.dtype.kind == "b" else total.sum(axis=3)
        return np.asarray(summed).astype(self.dtype)

    def spec(self) -> dict[str, Any]:
        spatial = [
            {
                "x": 3 + number, "h": 3 + number, "out": 3 + number, "stride": a.stride, "dilation": a.dilation,
                "in_dilation": a.in_dilation, "offset": a.offset, "border": a.border,
            }
            for number, a in enumerate(self.spatial)
        ]  # fmt: skip
        outer = [(ROLES[r], X_ROLES.find(r), H_ROLES.find(r), Y_ROLES.find(r)) for r in "bgoi"]
        return {
            "spatial": spatial, "outer": outer, "flip": self.flip, "conjugate": self.conjugate, "saturate": False,
            "fill": complex(self.fill), "sum": np.zeros(0, self.dtype),
        }  # fmt: skip


def shuffled_axes(a: Array, rng: np.random.Generator) -> Array:
    """The same array with its axes in another order in memory."""
    order = rng.permutation(a.ndim)
    return np.asarray(np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order)))


def solved(problem: Problem, x: Array, h: Array, executor: str, rng: np.random.Generator) -> Array:
    shape = problem.shape(Y_ROLES, [a.out for a in problem.spatial])
    out = shuffled_axes(np.ones(shape, problem.dtype), rng)
    assert _core.solve(shuffled_axes(x, rng), shuffled_axes(h, rng), out, problem.spec(), executor) is out
    return out


@st.composite
def problems(draw: st.DrawFn, dilated_inputs: bool) -> Problem:
    spatial = []
    for _ in range(draw(st.integers(1, 3))):
        n, k, out = draw(st.integers(1, 9)), draw(st.integers(1, 4)), draw(st.integers(1, 9))
        stride, dilation, offset = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(-12, 12))
        in_dilation = draw(st.integers(1, 3)) if dilated_inputs else 1
        border = 0 if dilated_inputs else draw(st.integers(0, 4))
        spatial.append(Spatial(n, k, out, stride, dilation, in_dilation, offset, border))
    sizes = {role: draw(st.integers(1, 3)) for role in "bgoi"}
    fill = 0 if dilated_inputs else draw(st.sampled_from([0, 1]))
    dtype = draw(st.sampled_from(DTYPES))
    return Problem(sizes, spatial, dtype, draw(st.booleans()), draw(st.booleans()), fill)


@given(problems(dilated_inputs=True), st.integers(0, 99))
def test_the_reference_solves_dilated_inputs(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, h = problem.operands(rng)
    np.testing.assert_array_equal(solved(problem, x, h, "reference", rng), problem.expected(x, h))


@given(problems(dilated_inputs=False), st.integers(0, 99))
def test_the_reference_solves_any_roles_and_borders(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, h = problem.operands(rng)
    np.testing.assert_array_equal(solved(problem, x, h, "reference", rng), problem.expected(x, h))


@given(problems(dilated_inputs=False), st.integers(0, 99))
def test_the_direct_engine_solves_any_roles_and_borders(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, h = problem.operands(rng)
    if problem.dtype.char == "g":
        with pytest.raises(ValueError, match="reference"):
            solved(problem, x, h, "direct", rng)
        return
    np.testing.assert_array_equal(solved(problem, x, h, "direct", rng), problem.expected(x, h))


def test_the_direct_engine_refuses_dilated_inputs(rng: np.random.Generator) -> None:
    problem = Problem(dict.fromkeys("bgoi", 1), [Spatial(3, 2, 4, in_dilation=2)], np.dtype("f4"))
    with pytest.raises(ValueError, match="reference"):
        solved(problem, *problem.operands(rng), "direct", rng)


def test_sums_that_do_not_fit_saturate(rng: np.random.Generator) -> None:
    """Rounded to nearest, ties to even, then clamped: 2.5 is 2, 3.5 is 4, 300 is 255, -7 is 0."""
    problem = Problem(dict.fromkeys("bgoi", 1), [Spatial(8, 1, 8)], np.dtype("f4"))
    x = np.array([2.5, 3.5, 0.5, 254.5, 255.5, 300, -7, 1e20], np.float32).reshape(1, 1, 1, 8)
    out = np.zeros((1, 1, 1, 8), np.uint8)
    spec = {**problem.spec(), "saturate": True}
    _core.solve(x, np.ones((1, 1, 1, 1), np.float32), out, spec, "reference")
    np.testing.assert_array_equal(out.ravel(), [2, 4, 0, 254, 255, 255, 0, 255])


def test_a_transposed_layer_is_a_problem(rng: np.random.Generator) -> None:
    """A strided transposed convolution is a dilated input: zeros between its samples, full, kernel flipped."""
    x, h = small_integers(rng, (5,), np.int64), small_integers(rng, (4,), np.int64)
    spaced = np.zeros(13, np.int64)
    spaced[::3] = x
    problem = Problem(
        dict.fromkeys("bgoi", 1), [Spatial(5, 4, 16, in_dilation=3, offset=-3)], np.dtype("i8"), flip=True
    )
    got = solved(problem, x.reshape(1, 1, 1, 5), h.reshape(1, 1, 1, 4), "reference", rng)
    np.testing.assert_array_equal(got.ravel(), np.convolve(spaced, h))


@st.composite
def ordered_problems(draw: st.DrawFn) -> tuple[Problem, dict[str, object]]:
    """Real floating sums in each order, means among them, into floats or truncated into integers."""
    order = draw(st.integers(0, 4))
    problem = draw(problems(dilated_inputs=False))
    problem.sizes = {"b": problem.sizes["b"], "g": 1, "o": 1, "i": 1}
    problem.dtype = draw(st.sampled_from([np.dtype("f4"), np.dtype("f8")]))
    if order >= 2:
        with_taps = draw(st.integers(0, len(problem.spatial) - 1))
        for number, axis in enumerate(problem.spatial):
            axis.k = 1 if number != with_taps else axis.k if order == 2 else draw(st.sampled_from([1, 3, 5]))
    return problem, {"summation": order, "divisor": draw(st.sampled_from([1.0, 3.0]))}


@given(
    ordered_problems(), st.sampled_from([None, "?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]), st.integers(0, 99)
)
def test_sums_in_a_fixed_order_have_the_references_bits(
    case: tuple[Problem, dict[str, object]], into: str | None, seed: int
) -> None:
    problem, orders = case
    rng = np.random.default_rng(seed)
    x, h = (30 * rng.standard_normal(a.shape).astype(problem.dtype) for a in problem.operands(rng))
    h[rng.random(h.shape) < 0.3] = 0
    truncated = {} if into is None else {"truncate": True}
    shape = problem.shape(Y_ROLES, [a.out for a in problem.spatial])
    results = []
    for executor in ("direct", "reference"):
        out = shuffled_axes(np.zeros(shape, problem.dtype if into is None else into), rng)
        results.append(_core.solve(x, h, out, {**problem.spec(), **orders, **truncated}, executor))
    if orders["summation"] == 0 and into is None:  # any order
        np.testing.assert_allclose(*results, rtol=0, atol=1e5 * np.finfo(problem.dtype).eps)
    elif orders["summation"] != 0:
        np.testing.assert_array_equal(*results)


def test_orders_are_what_they_are_called() -> None:
    """Terms of such sizes that every order gives another sum."""
    x = np.array([1e16, 1.0, -1e16, 3.0, 1.0]).reshape(1, 1, 1, 5)
    h = np.array([1.0, 1.0, 1.0, 1.0, 2.0]).reshape(1, 1, 1, 5)
    a, b, c, d, e = (x * h).ravel().tolist()
    problem = Problem(dict.fromkeys("bgoi", 1), [Spatial(5, 5, 1)], np.dtype("f8"))
    expected = {
        1: (((a + b) + c) + d) + e,
        2: (((e + a) + b) + c) + d,
        3: (c + (1e16 + 1.0)) + (1.0 + 3.0),
        4: (c + (1e16 - 1.0)) + (1.0 - 3.0),
    }
    for order, want in expected.items():
        for executor in ("direct", "reference"):
            out = np.zeros((1, 1, 1, 1))
            got = _core.solve(x, h, out, {**problem.spec(), "summation": order}, executor)
            assert got.item() == want, (order, executor)
    even = Problem(dict.fromkeys("bgoi", 1), [Spatial(5, 4, 1)], np.dtype("f8"))
    with pytest.raises(ValueError, match="odd"):
        _core.solve(x, h[..., :4], np.zeros((1, 1, 1, 1)), {**even.spec(), "summation": 3}, "direct")
