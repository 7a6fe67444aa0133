"""Does a network that learns its kernels care whether it convolves or correlates? It is trained both ways to find out.

The network has two layers of `convcorr.nn`, and the rest is NumPy: forward, backward by `conv2d_grad_input` and
`conv2d_grad_weight`, and stochastic gradient descent with momentum. It learns scikit-learn's handwritten digits, once
with correlation, once with convolution (`flip=True`) from the same initial kernels turned round. Both runs compute the
same sums, so that their losses differ by roundings at most, and the kernels that they learn are flips of each other.

`python examples/learned_kernels.py` trains both, says how far they differ, and draws the kernels side by side. It needs
`pip install '.[examples]'`.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcorr import convolve, nn

Array = NDArray[np.float64]
Weights = dict[str, Array]

KERNELS = ("first", "second")  # weights that are kernels; the others don't know about flips
RATE, MOMENTUM, BATCH = 0.1, 0.9, 24  # of the descent
TESTED = 360  # digits kept apart
SMOOTHED = 31  # steps, in the picture
BLUE_LINE: dict[str, Any] = {"color": "#1b6ca8", "linewidth": 2}
RED_CIRCLES: dict[str, Any] = {
    "color": "#d1495b", "linestyle": "none", "marker": "o", "markerfacecolor": "none", "markersize": 4.5,
    "markevery": 20,
}  # fmt: skip


@dataclass
class Training:
    """What came of one training.

    Parameters
    ----------
    weights : dict of str to ndarray
        After the last step; "first" has shape (8, 1, 5, 5), "second" (16, 8, 3, 3).
    losses : ndarray
        Mean cross-entropy of the batch, at each step [nats].
    accuracy : float
        Part of the digits kept apart that the network names rightly.
    """

    weights: Weights
    losses: Array
    accuracy: float


@cache
def digits() -> tuple[Array, NDArray[np.intp]]:
    """Load 1,797 handwritten digits, (1797, 1, 8, 8) from 0 to 1, and their names, in a random order."""
    images, names = importlib.import_module("sklearn.datasets").load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    return images[order].reshape(-1, 1, 8, 8) / 16, names[order].astype(np.intp)


def flipped(kernels: Array) -> Array:
    """Turn kernels round in both spatial axes."""
    return np.ascontiguousarray(kernels[..., ::-1, ::-1])


def initial_weights(seed: int = 1) -> Weights:
    """Draw weights for correlation, scaled by the number of inputs (He et al., 2015)."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> Array:
        return rng.normal(0, math.sqrt(2 / math.prod(shape[1:])), shape)

    kernels = {"first": drawn(8, 1, 5, 5), "second": drawn(16, 8, 3, 3)}
    biases = {"first_bias": np.full(8, 0.01), "second_bias": np.full(16, 0.01)}
    return kernels | biases | {"last": drawn(10, 16 * 4 * 4), "last_bias": np.zeros(10)}


def layer(name: str, x: Array, weights: Weights, flip: bool) -> Array:
    """Compute a layer: kernels, bias, ReLU."""
    sums: Array = nn.conv2d(x, weights[name], weights[f"{name}_bias"], padding="same", flip=flip)
    np.maximum(sums, 0, out=sums)
    return sums


def halved(x: Array) -> Array:
    """Take means of 2 x 2 pixels."""
    n, channels, rows, columns = x.shape
    means: Array = x.reshape(n, channels, rows // 2, 2, columns // 2, 2).mean(axis=(3, 5))
    return means


def doubled(gradient: Array) -> Array:
    """Hand the gradient of `halved` back to the pixels."""
    return gradient.repeat(2, axis=2).repeat(2, axis=3) / 4


def forward(x: Array, weights: Weights, flip: bool) -> tuple[Array, Array, Array, Array]:
    """Compute both layers with a halving between them, and the logits of the ten digits."""
    first = layer("first", x, weights, flip)
    half = halved(first)
    second = layer("second", half, weights, flip)
    return first, half, second, second.reshape(len(x), -1) @ weights["last"].T + weights["last_bias"]


def loss_and_gradients(x: Array, names: NDArray[np.intp], weights: Weights, flip: bool) -> tuple[float, Weights]:
    """Compute the mean cross-entropy of a batch, and its gradient with respect to every weight."""
    first, half, second, logits = forward(x, weights, flip)
    logits -= logits.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(logits).sum(axis=1))
    right = np.arange(len(x)), names
    loss = float((log_total - logits[right]).mean())

    to_logits = np.exp(logits - log_total[:, None]) / len(x)
    to_logits[right] -= 1 / len(x)
    to_second = (to_logits @ weights["last"]).reshape(second.shape) * (second > 0)
    to_half = nn.conv2d_grad_input(half.shape, weights["second"], to_second, padding="same", flip=flip)
    to_first = doubled(to_half) * (first > 0)
    return loss, {
        "last": to_logits.T @ second.reshape(len(x), -1),
        "last_bias": to_logits.sum(axis=0),
        "second": nn.conv2d_grad_weight(half, weights["second"].shape, to_second, padding="same", flip=flip),
        "second_bias": to_second.sum(axis=(0, 2, 3)),
        "first": nn.conv2d_grad_weight(x, weights["first"].shape, to_first, padding="same", flip=flip),
        "first_bias": to_first.sum(axis=(0, 2, 3)),
    }


def batches(count: int, epochs: int) -> Iterator[NDArray[np.intp]]:
    """Go through `count` digits in random order, in full batches, the same in every training."""
    rng = np.random.default_rng(2)
    for _ in range(epochs):
        order = rng.permutation(count)
        yield from np.split(order[: count - count % BATCH], count // BATCH)


def train(flip: bool, epochs: int = 10) -> Training:
    """Train the network from the same weights, mirrored for convolution.

    Parameters
    ----------
    flip : bool
        Whether the layers convolve; they correlate otherwise.
    epochs : int
        Times that it sees all digits but those kept apart. The rate falls to zero over them, along a cosine.

    Returns
    -------
    Training
        Weights, losses, accuracy.
    """
    images, names = digits()
    weights = initial_weights()
    if flip:
        weights |= {name: flipped(weights[name]) for name in KERNELS}
    speed = {name: np.zeros_like(weight) for name, weight in weights.items()}
    losses = []
    steps = list(batches(len(images) - TESTED, epochs))
    for step, chosen in enumerate(steps):
        loss, gradients = loss_and_gradients(images[chosen], names[chosen], weights, flip)
        losses.append(loss)
        rate = RATE * (1 + np.cos(np.pi * step / len(steps))) / 2
        for name, gradient in gradients.items():
            speed[name] = MOMENTUM * speed[name] - rate * gradient
            weights[name] = weights[name] + speed[name]
    *_, logits = forward(images[-TESTED:], weights, flip)
    return Training(weights, np.array(losses), float((logits.argmax(axis=1) == names[-TESTED:]).mean()))


def largest_differences(correlated: Training, convolved: Training) -> tuple[float, float]:
    """Compare the losses, relatively, and the kernels with each other's flips, relative to the largest tap."""
    loss = float(np.abs(convolved.losses / correlated.losses - 1).max())
    kernels = 0.0
    for name in KERNELS:
        ours, theirs = correlated.weights[name], flipped(convolved.weights[name])
        kernels = max(kernels, float(np.abs(theirs - ours).max() / np.abs(ours).max()))
    return loss, kernels


def draw(correlated: Training, convolved: Training, path: Path) -> None:
    """Draw the first layer's kernels of both trainings side by side, and both losses as running means."""
    figure = importlib.import_module("matplotlib.figure").Figure((9.6, 4.6), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=(1, 1, 1.2))
    for part, one, word in ((left, correlated, "correlation"), (middle, convolved, "convolution")):
        part.suptitle(f"Learned by {word}")
        for axes, kernel in zip(part.subplots(4, 2).flat, one.weights["first"][:, 0], strict=True):
            limit = float(np.abs(kernel).max())
            axes.imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
            axes.set(xticks=[], yticks=[])
    right.suptitle("Loss")
    axes = right.subplots()
    for one, label, look in ((correlated, "correlation", BLUE_LINE), (convolved, "convolution", RED_CIRCLES)):
        mean = convolve(one.losses, np.full(SMOOTHED, 1 / SMOOTHED), "valid")
        axes.plot(np.arange(len(mean)) + SMOOTHED // 2, mean, label=label, **look)
    axes.set(xlabel="step", ylabel=f"cross-entropy, mean of {SMOOTHED} steps [nats]", yscale="log")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=100)


def main(argv: Sequence[str] | None = None) -> int:
    """Train both, print what differs, draw the kernels."""
    parser = argparse.ArgumentParser(description="A network trained by correlation and by convolution.")
    parser.add_argument("--epochs", type=int, default=10, help="times that the training digits are seen (10)")
    parser.add_argument("-o", "--output", type=Path, default=Path("learned-kernels.png"), help="PNG to write")
    options = parser.parse_args(argv)
    correlated, convolved = (train(flip, options.epochs) for flip in (False, True))
    for word, one in (("correlation", correlated), ("convolution", convolved)):
        print(f"{word}: {one.losses.size} steps, last loss {one.losses[-1]:.4f}, {one.accuracy:.2%} of {TESTED} right")
    loss, kernels = largest_differences(correlated, convolved)
    print(f"the losses differ by at most {loss:.1g} of their value")
    print(f"the kernels differ from each other's flips by at most {kernels:.1g} of the largest tap")
    draw(correlated, convolved, options.output)
    print(f"wrote {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
