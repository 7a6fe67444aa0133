"""Explanations: what they say, that they agree with what is computed, and that they compute nothing."""

from __future__ import annotations

import dataclasses
import inspect
import time
from typing import Any

import numpy as np
import pytest

import convcorr


def keywords_of(function: Any) -> dict[str, Any]:
    return {name: p.default for name, p in inspect.signature(function).parameters.items()}


def test_signatures() -> None:
    correlate = keywords_of(convcorr.correlate)
    explain, plan = keywords_of(convcorr.explain), keywords_of(convcorr.plan)
    assert explain == {**correlate, "op": "convolve"}
    for name in ("x", "out", "rtol"):
        del correlate[name]
    empty = inspect.Parameter.empty
    assert plan == {**correlate, "x_shape": empty, "op": "convolve", "x_dtype": None, "tile": None}
    assert list(plan)[:3] == ["x_shape", "h", "mode"]
    assert list(explain)[:3] == ["x", "h", "mode"]
    assert keywords_of(convcorr.Plan.__call__) == {"self": empty, "x": empty, "out": None}


@pytest.mark.parametrize("name", ["plan", "explain", "Plan", "Explanation", "Candidate"])
def test_names_are_exported_and_documented(name: str) -> None:
    assert name in convcorr.__all__
    assert len(inspect.getdoc(getattr(convcorr, name)) or "") > 40


def check(told: convcorr.Explanation) -> None:
    chosen = [c for c in told.candidates if c.chosen]
    assert len(chosen) == 1
    assert (chosen[0].algorithm, chosen[0].predicted_us) == (told.algorithm, told.predicted_us)
    assert chosen[0].refused is None
    order = [(c.refused is not None, c.predicted_us) for c in told.candidates]
    assert order == sorted(order)
    assert told.predicted_us > 0
    assert told.threads >= 1


CASES: list[Any] = [
    (np.ones(50), np.ones(5), {}, {"small", "direct"}),
    (np.ones(50, int), np.ones(5, int), {"method": "fft"}, {"direct", "reference"}),
    (np.ones(50, "g"), np.ones(5, "g"), {}, {"reference"}),
    (np.ones(10**6, "f4"), np.ones(7, "f4"), {}, {"direct"}),
    (np.ones(10**6, "f4"), np.ones(5001, "f4"), {}, {"fft"}),
    (np.ones(10**6, "f4"), np.ones(5001, "f4"), {"method": "direct"}, {"direct"}),
    (np.ones((512, 512)), np.eye(63), {"mode": "same", "boundary": "wrap", "threads": 1}, {"fft"}),
    (np.ones((512, 512)), np.ones((63, 63)), {"mode": "same", "boundary": "wrap", "threads": 1}, {"separable"}),
    (np.ones((9, 9)), np.ones((3, 3)), {"method": "separable"}, {"separable"}),
    (np.ones((512, 512)), np.ones((3, 3)), {"method": "fft", "op": "correlate"}, {"fft"}),
]


@pytest.mark.parametrize(("x", "h", "keywords", "algorithms"), CASES)
def test_an_explanation_is_that_of_the_plan(x: Any, h: Any, keywords: Any, algorithms: set[str]) -> None:
    told = convcorr.explain(x, h, **keywords)
    check(told)
    assert told.algorithm in algorithms
    p = convcorr.plan(x.shape, h, x_dtype=x.dtype, **keywords)
    assert p.algorithm == told.algorithm
    assert p.explain() == told
    assert convcorr.explain(x, h, **keywords) == told
    if keywords.get("threads"):
        assert told.threads == 1


def test_the_chosen_tile_is_the_plans() -> None:
    x, h = np.random.default_rng(1).normal(size=(300, 400)), np.eye(31, 33)
    told = convcorr.explain(x, h)
    tile = next(c.tile for c in told.candidates if c.chosen)
    forced = convcorr.plan(x.shape, h, tile=tile)
    np.testing.assert_array_equal(forced(x), convcorr.convolve(x, h))


def test_a_table_is_printed() -> None:
    told = convcorr.explain(np.ones((700, 800), "f4"), np.eye(63, 65, dtype="f4"))
    text = str(told)
    lines = text.splitlines()
    assert lines[0].startswith("fft: ")
    assert lines[1].split() == ["algorithm", "tile", "predicted", "us", "scratch"]
    arrows = [line for line in lines if line.startswith("->")]
    assert len(arrows) == 1
    assert " x ".join(map(str, told.candidates[0].tile)) in arrows[0]
    assert any(line.split()[0] == "direct" for line in lines[2:])
    assert max(map(len, lines)) <= 120
    assert len(lines) < 25
    refused = str(convcorr.explain(np.ones(90, int), np.ones(20, int)))
    assert "refused: " in refused
    assert "->" in refused


def test_nothing_is_read_or_written() -> None:
    """Arrays larger than any memory can be explained, in no time."""
    start = time.perf_counter()
    x = np.broadcast_to(np.float32(1), (10**6, 10**6))
    check(convcorr.explain(x, np.ones((1, 501), "f4"), "same"))
    out = np.full(102, 7.0)
    check(convcorr.explain(np.ones(100), np.ones(3), out=out))
    assert (out == 7).all()
    assert time.perf_counter() - start < 5


def test_an_empty_result() -> None:
    told = convcorr.explain(np.ones((0, 9)), np.ones(3), axes=-1)
    assert told == convcorr.Explanation("none", 0.0, 1, ())
    assert str(told).startswith("none")


def test_explanations_never_change() -> None:
    told = convcorr.explain([1.0, 2.0], [1.0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        told.algorithm = "fft"  # type: ignore[misc]  # the error is the test


@pytest.mark.parametrize(
    ("error", "names", "arguments", "keywords"),
    [
        (ValueError, "op", ([1.0], [1.0]), {"op": "magic"}),
        (ValueError, "mode", ([1.0], [1.0], "most"), {}),
        (ValueError, "h.*larger than x", ([1.0], [1.0, 2.0], "valid"), {}),
        (ValueError, "lags", ([1.0], [1.0]), {"lags": (0, 1)}),
        (ValueError, "out has shape", ([1.0], [1.0]), {"out": np.ones(4)}),
        (TypeError, "x", ([None], [1.0]), {}),
    ],
)
def test_bad_calls(error: Any, names: str, arguments: Any, keywords: Any) -> None:
    with pytest.raises(error, match=names):
        convcorr.explain(*arguments, **keywords)
