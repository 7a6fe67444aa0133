"""The example that learns kernels: convolution and correlation learn the same, turned round, and learn it well."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import learned_kernels
from learned_kernels import KERNELS, Training, flipped, largest_differences, train

# Not imported here: no other test should see what scikit-learn brings along.
pytestmark = pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")

# In exact arithmetic both trainings are the same. A step's roundings are some eps of each weight, and 118 steps of a
# descent that converges hand them on without much growth; what is allowed leaves them seven digits for it.
ALLOWED = 1e-9


@pytest.fixture(scope="module")
def trainings() -> tuple[Training, Training]:
    """Two epochs of each."""
    return train(flip=False, epochs=2), train(flip=True, epochs=2)


def test_losses_are_the_same(trainings: tuple[Training, Training]) -> None:
    correlated, convolved = trainings
    np.testing.assert_allclose(convolved.losses, correlated.losses, rtol=ALLOWED, atol=0)
    assert convolved.accuracy == correlated.accuracy
    assert largest_differences(*trainings)[0] < ALLOWED


def test_kernels_are_flips_of_each_other(trainings: tuple[Training, Training]) -> None:
    correlated, convolved = trainings
    for name in KERNELS:
        ours, theirs = correlated.weights[name], convolved.weights[name]
        np.testing.assert_allclose(flipped(theirs), ours, rtol=0, atol=ALLOWED * np.abs(ours).max())
        assert np.abs(theirs - ours).max() > 0.1 * np.abs(ours).max(), "kernels that are their own flips prove nothing"
    assert largest_differences(*trainings)[1] < ALLOWED


def test_weights_that_are_no_kernels_are_the_same(trainings: tuple[Training, Training]) -> None:
    correlated, convolved = trainings
    for name in correlated.weights.keys() - KERNELS:
        ours = correlated.weights[name]
        np.testing.assert_allclose(convolved.weights[name], ours, rtol=0, atol=ALLOWED * np.abs(ours).max())


@pytest.mark.parametrize("flip", [False, True])
def test_gradients_are_those_of_the_loss(flip: bool) -> None:
    """Against central differences along a random direction, whose error is the square of the step."""
    images, names = learned_kernels.digits()
    x, wanted = images[:20], names[:20]
    rng = np.random.default_rng(3)
    weights = learned_kernels.initial_weights()
    _, gradients = learned_kernels.loss_and_gradients(x, wanted, weights, flip)
    step = 1e-5
    for name, weight in weights.items():
        direction = rng.standard_normal(weight.shape)
        direction /= np.linalg.norm(direction)
        ahead, behind = (
            learned_kernels.loss_and_gradients(x, wanted, weights | {name: weight + sign * step * direction}, flip)[0]
            for sign in (1, -1)
        )
        slope = float((gradients[name] * direction).sum())
        assert abs((ahead - behind) / (2 * step) - slope) < 1e-6 * np.linalg.norm(gradients[name]), name


def test_the_whole_program_learns_the_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    picture = tmp_path / "kernels.png"
    assert learned_kernels.main(["-o", str(picture)]) == 0
    said = capsys.readouterr().out.splitlines()
    for line in said[:2]:
        assert float(line.partition("%")[0].rpartition(" ")[2]) > 97, line
    for line in said[2:4]:
        assert float(line.partition("at most ")[2].partition(" ")[0]) < ALLOWED, line
    assert picture.read_bytes().startswith(b"\x89PNG")
