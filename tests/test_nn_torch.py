"""Layers against PyTorch's, and gradients against its autograd and against finite differences."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from convcorr import nn
from nn_cases import CONV, GRAD_INPUT, GRAD_WEIGHT, TRANSPOSED, numbers
from oracle import Array

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
F = torch.nn.functional
THEIRS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
THEIRS_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MODES = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def close(got: Array, want: Any, x: Array, w: Array) -> None:
    """Two ways to sum the same K products: both within K u of sums of magnitudes at most this large."""
    want = want.detach().numpy()
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    terms = w.size * (1 + x.size // max(got.size, 1))
    bound = terms * np.finfo(got.dtype).eps * np.abs(x).max() * np.abs(w).max() * 2
    assert np.abs(got - want).max(initial=0) <= bound


def layers(axes: int, count: int) -> list[tuple[Array, Array, Array, dict[str, Any]]]:
    rng = np.random.default_rng(axes)
    found = []
    for _ in range(count):
        groups = int(rng.choice([1, 2, 4]))
        wide, narrow = (groups * int(n) for n in rng.integers(1, 4, 2))
        kernel = tuple(int(n) for n in rng.integers(1, 4, axes))
        size = tuple(int(n) for n in rng.integers(8, 20 if axes < 3 else 10, axes))
        dtype = str(rng.choice(["f4", "f8", "c8", "c16"]))
        batch = () if rng.random() < 0.2 else (int(rng.integers(1, 4)),)
        x, w = numbers(rng, dtype, (*batch, wide, *size)), numbers(rng, dtype, (narrow, wide // groups, *kernel))
        per_axis = {
            name: tuple(int(n) for n in rng.integers(low, 4, axes))
            for name, low in (("stride", 1), ("dilation", 1), ("padding", 0))
        }
        found.append((x, w, numbers(rng, dtype, (narrow,)), {**per_axis, "groups": groups}))
    return found


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_layers_are_those_of_torch(axes: int) -> None:
    for x, w, bias, keywords in layers(axes, 40):
        want = THEIRS[axes](*map(torch.from_numpy, (x, w, bias)), **keywords)
        close(CONV[axes](x, w, bias, **keywords), want, x, w)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transposed_layers_are_those_of_torch(axes: int) -> None:
    for x, w, _, keywords in layers(axes, 40):
        channels = w.shape[1] * keywords["groups"]
        bias = w.reshape(-1)[np.arange(channels) % w.size].copy()
        shape = list(x.shape)
        shape[-axes - 1] = w.shape[0]
        y = np.resize(x, shape)
        extra = tuple(max(s, d) - 1 for s, d in zip(keywords["stride"], keywords["dilation"], strict=True))
        for output_padding in (0, extra):
            want = THEIRS_TRANSPOSED[axes](
                *map(torch.from_numpy, (y, w, bias)), output_padding=output_padding, **keywords
            )
            close(TRANSPOSED[axes](y, w, bias, output_padding=output_padding, **keywords), want, y, w)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_same_padding_is_that_of_torch(axes: int) -> None:
    rng = np.random.default_rng(7)
    for size in (2, 3, 4):
        for dilation in (1, 2):
            x, w = numbers(rng, "f8", (2, 3, *(9,) * axes)), numbers(rng, "f8", (4, 3, *(size,) * axes))
            with warnings.catch_warnings():  # of a copy that torch makes
                warnings.simplefilter("ignore")
                want = THEIRS[axes](*map(torch.from_numpy, (x, w)), padding="same", dilation=dilation)
            close(CONV[axes](x, w, padding="same", dilation=dilation), want, x, w)


@pytest.mark.parametrize("mode", MODES)
def test_padding_modes_are_those_of_torch(mode: Any) -> None:
    rng = np.random.default_rng(8)
    theirs = torch.nn.Conv2d(3, 4, 3, padding=2, padding_mode=MODES[mode], dtype=torch.float64)
    x = numbers(rng, "f8", (2, 3, 7, 8))
    w, bias = theirs.weight.detach().numpy(), theirs.bias.detach().numpy()
    close(nn.conv2d(x, w, bias, padding=2, padding_mode=mode), theirs(torch.from_numpy(x)), x, w)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_gradients_are_those_of_autograd(axes: int) -> None:
    for x, w, _, keywords in layers(axes, 30):
        if np.iscomplexobj(x):
            continue
        tx, tw = (torch.from_numpy(a).requires_grad_() for a in (x, w))
        y = THEIRS[axes](tx, tw, **keywords)
        rng = np.random.default_rng(9)
        grad = numbers(rng, x.dtype, tuple(y.shape))
        y.backward(torch.from_numpy(grad))
        close(GRAD_INPUT[axes](x.shape, w, grad, **keywords), tx.grad, grad, w)
        close(GRAD_WEIGHT[axes](x, w.shape, grad, **keywords), tw.grad, x, grad)


@pytest.mark.parametrize(("mode", "flip"), [("constant", False), ("constant", True), ("reflect", False)])
def test_gradients_are_finite_differences(mode: Any, flip: bool) -> None:
    """Exactly, but for roundings: a layer is linear in x and in w."""
    rng = np.random.default_rng(10)
    x, w = numbers(rng, "f8", (2, 4, 7, 6)), numbers(rng, "f8", (6, 2, 3, 2))
    keywords: dict[str, Any] = {
        "stride": (2, 1), "dilation": (1, 2), "padding": ((1, 2), (0, 1)), "groups": 2, "flip": flip,
        "padding_mode": mode,
    }  # fmt: skip
    grad = numbers(rng, "f8", nn.conv2d(x, w, **keywords).shape)
    gw = nn.conv2d_grad_weight(x, w.shape, grad, **keywords)
    step = numbers(rng, "f8", w.shape)
    moved = nn.conv2d(x, w + step, **keywords) - nn.conv2d(x, w - step, **keywords)
    assert abs((grad * moved).sum() / 2 - (gw * step).sum()) < 1e-10
    if mode != "constant":
        return
    gx = nn.conv2d_grad_input(x.shape, w, grad, **keywords)
    step = numbers(rng, "f8", x.shape)
    moved = nn.conv2d(x + step, w, **keywords) - nn.conv2d(x - step, w, **keywords)
    assert abs((grad * moved).sum() / 2 - (gx * step).sum()) < 1e-10
    for at in [(0, 0, 0, 0), (1, 3, 6, 5), (0, 2, 3, 1)]:  # and one by one
        one = np.zeros(x.shape)
        one[at] = 1
        moved = nn.conv2d(x + one, w, **keywords) - nn.conv2d(x - one, w, **keywords)
        assert abs((grad * moved).sum() / 2 - gx[at]) < 1e-11


def test_columns_are_those_of_torch() -> None:
    rng = np.random.default_rng(11)
    for _ in range(60):
        kernel, dilation, stride = (tuple(int(n) for n in rng.integers(1, 4, 2)) for _ in range(3))
        padding = tuple(int(n) for n in rng.integers(0, 3, 2))
        x = numbers(rng, str(rng.choice(["f4", "f8", "c16"])), (2, 3, *(int(n) for n in rng.integers(9, 14, 2))))
        keywords = {"dilation": dilation, "padding": padding, "stride": stride}
        want = F.unfold(torch.from_numpy(x), kernel, **keywords)
        columns = nn.unfold(x, kernel, **keywords)
        np.testing.assert_array_equal(columns, want.numpy())
        np.testing.assert_array_equal(nn.unfold(x[0], kernel, **keywords), want[0].numpy())
        theirs = F.fold(want, x.shape[2:], kernel, **keywords).numpy()
        ours = nn.fold(columns, x.shape[2:], kernel, **keywords)
        np.testing.assert_allclose(ours, theirs, rtol=20 * float(np.finfo(ours.dtype).eps))
        np.testing.assert_array_equal(nn.fold(columns[1], x.shape[2:], kernel, **keywords), ours[1])
