"""Layers prepared once, layers explained, and columns of windows."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

from convcorr import nn
from nn_cases import CONV, TRANSPOSED, numbers, random_case
from oracle import Array


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("algorithm", ["auto", "direct"])
def test_a_plan_is_the_call(axes: int, algorithm: Any) -> None:
    rng = np.random.default_rng(axes)
    for _ in range(60):
        case = random_case(rng, axes)
        x = np.ascontiguousarray(case.images(case.x))
        keywords = {**case.keywords, "algorithm": algorithm}
        p = nn.plan(x.shape, case.w, case.bias, x_dtype=x.dtype, **keywords)
        want = CONV[axes](x, case.w, case.bias, **keywords)
        got = p(x)
        assert (p.shape, p.dtype, p.x_shape) == (want.shape, want.dtype, x.shape)
        np.testing.assert_array_equal(got, want)
        out = np.zeros_like(want)
        assert p(x, out) is out
        np.testing.assert_array_equal(out, want)
        again = pickle.loads(pickle.dumps(p))
        np.testing.assert_array_equal(again(x), want)
        assert copy.copy(p) is copy.deepcopy(p) is p
        assert "LayerPlan" in repr(p)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_plan_of_a_transposed_layer_is_the_call(axes: int) -> None:
    rng = np.random.default_rng(axes)
    for dtype in ("f4", "f8", "c8", "i4", "f2"):
        x, w = numbers(rng, dtype, (2, 4, *(6,) * axes)), numbers(rng, dtype, (4, 3, *(3,) * axes))
        bias = numbers(rng, dtype, (6,))
        keywords: dict[str, Any] = {"stride": 2, "output_padding": 1, "groups": 2}
        p = nn.plan(x.shape, w, bias, op="conv_transpose", **keywords)
        np.testing.assert_array_equal(p(x), TRANSPOSED[axes](x, w, bias, **keywords))
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(p))(x), p(x))


def test_a_plan_takes_other_batches_and_strides(rng: np.random.Generator) -> None:
    w, bias = numbers(rng, "f8", (8, 3, 3, 3)), numbers(rng, "f8", (8,))
    p = nn.plan((2, 3, 12, 14), w, bias, padding=1)
    x = numbers(rng, "f8", (5, 3, 12, 14))
    want = nn.conv2d(x, w, bias, padding=1)

    def near(got: Array, want: Array) -> None:
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)

    near(p(x), want)
    near(p(x[:0]), want[:0])
    near(p(x[::2][:2]), want[::2][:2])
    near(p(np.asfortranarray(x[:2])), want[:2])
    near(p(x[:2].astype(">f8")), want[:2])
    out = np.zeros((2, 8, 12, 28))[..., ::2]
    near(p(x[:2], out), want[:2])
    near(p(x[:2].tolist()), want[:2])


def test_a_plan_keeps_its_weights(rng: np.random.Generator) -> None:
    w, bias = numbers(rng, "f8", (8, 3, 3, 3)), numbers(rng, "f8", (8,))
    x = numbers(rng, "f8", (2, 3, 12, 14))
    p = nn.plan(x.shape, w, bias)
    want = p(x)
    w[...], bias[...] = 0, 0
    np.testing.assert_array_equal(p(x), want)


def test_threads_share_a_plan(rng: np.random.Generator) -> None:
    x, w = numbers(rng, "f4", (2, 8, 30, 30)), numbers(rng, "f4", (8, 8, 3, 3))
    p = nn.plan(x.shape, w, np.ones(8, np.float32))
    want = p(x)
    results: list[Array] = []
    threads = [threading.Thread(target=lambda: results.append(p(x))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(np.array_equal(r, want) for r in results)


def test_a_plan_refuses_other_arrays(rng: np.random.Generator) -> None:
    w = numbers(rng, "f8", (8, 3, 3, 3))
    p = nn.plan((2, 3, 12, 14), w)
    with pytest.raises(ValueError, match=r"(?s)x.*\(2, 3, 12, 14\)"):
        p(np.ones((2, 3, 12, 13)))
    with pytest.raises(ValueError, match="x"):
        p(np.ones((3, 12, 14)))
    with pytest.raises(TypeError, match="float32"):
        p(np.ones((2, 3, 12, 14), np.float32))
    with pytest.raises(ValueError, match="out"):
        p(np.ones((2, 3, 12, 14)), np.ones((2, 8, 12, 14)))
    for shape in ((2, 3, 12, 0), (0, 3, 12, 14), (2, 3, 12), (2, 4, 12, 14), (2, 3, 2, 2), (3,), (2**62, 3, 12, 14)):
        with pytest.raises(ValueError, match="x"):
            nn.plan(shape, w)
    with pytest.raises(ValueError, match="op"):
        nn.plan((2, 3, 12, 14), w, op="grad_input")  # type: ignore[arg-type]  # the error is the test
    with pytest.raises(ValueError, match="output_padding"):
        nn.plan((2, 3, 12, 14), w, output_padding=1)
    with pytest.raises(ValueError, match="w has 2 axes"):
        nn.plan((2, 3, 12, 14), w[0, 0])
    with pytest.raises(TypeError, match="mask"):
        nn.plan((2, 3, 12, 14), np.ma.masked_array(w))


def test_explanations(rng: np.random.Generator) -> None:
    x, w = numbers(rng, "f4", (1, 16, 20, 20)), numbers(rng, "f4", (16, 16, 3, 3))
    told = nn.explain(x, w, padding=1, threads=1)
    assert told == nn.plan(x.shape, w, padding=1, threads=1).explain()
    assert [c.algorithm for c in told.candidates if c.chosen] == [told.algorithm]
    assert told.algorithm in str(told)
    assert told.threads == 1
    assert nn.explain(x, w, algorithm="direct").algorithm == "direct"
    assert nn.explain(x, w, op="conv_transpose", stride=2, output_padding=1).predicted_us > 0
    integers = nn.explain(x.astype(int), w.astype(int))
    assert integers.algorithm not in ("fft", "winograd")


def test_a_layer_is_a_product_with_columns(rng: np.random.Generator) -> None:
    for axes in (1, 2, 3):
        for dtype in ("f8", "i8", "c16"):
            kernel, size = (3, 2, 2)[:axes], (9, 8, 7)[:axes]
            x, w = numbers(rng, dtype, (2, 3, *size)), numbers(rng, dtype, (4, 3, *kernel))
            keywords: dict[str, Any] = {"stride": 2, "padding": 1, "dilation": 2}
            columns = nn.unfold(x, kernel, **keywords)
            want = CONV[axes](x, w, **keywords)
            np.testing.assert_allclose((w.reshape(4, -1) @ columns).reshape(want.shape), want, atol=1e-12)
            # fold is the adjoint of unfold
            other = numbers(rng, dtype, columns.shape)
            left, right = (columns * other).sum(), (x * nn.fold(other, size, kernel, **keywords)).sum()
            np.testing.assert_allclose(left, right, rtol=1e-10)


@pytest.mark.parametrize(
    ("error", "name", "arguments", "keywords"),
    [
        (ValueError, "x", (np.ones((3, 3)), 2), {}),
        (ValueError, "kernel_size", (np.ones((1, 3, 3)), 4), {}),
        (ValueError, "kernel_size", (np.ones((1, 3, 3)), (1, 1, 1, 1)), {}),
        (ValueError, "kernel_size", (np.ones((1, 3, 3)), 0), {}),
        (TypeError, "kernel_size", (np.ones((1, 3, 3)), 2.0), {}),
        (ValueError, "padding", (np.ones((1, 3, 3)), 2), {"padding": -1}),
        (ValueError, "stride", (np.ones((1, 3, 3)), 2), {"stride": (1, 1, 1)}),
        (TypeError, "dilation", (np.ones((1, 3, 3)), 2), {"dilation": True}),
        (TypeError, "x", (np.ma.masked_array(np.ones((1, 3, 3))), 2), {}),
        (TypeError, "x", (np.full((1, 3, 3), "a"), 2), {}),
    ],
)
def test_bad_input_to_unfold(error: Any, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    with pytest.raises(error, match=name):
        nn.unfold(*arguments, **keywords)


def test_bad_input_to_fold() -> None:
    columns = np.ones((2, 12, 4))
    assert nn.fold(columns, 3, 2).shape == (2, 3, 3, 3)
    for size, kernel in ((4, 2), (3, 3), ((3, 3, 3), 2), (0, 2)):
        with pytest.raises(ValueError, match="size"):
            nn.fold(columns, size, kernel)
    with pytest.raises(ValueError, match="x"):
        nn.fold(columns[:, :10], 3, 2)
    with pytest.raises(TypeError, match="bool"):
        nn.fold(columns > 0, 3, 2)
