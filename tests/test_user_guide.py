"""The user guide: its code runs as it stands and prints what it says; its recipes are those of other packages."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convcorr import convolve

GUIDE = Path(__file__).parents[1] / "docs" / "user-guide.md"
BLOCKS = re.findall(r"^## (.*?)$|^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def blocks() -> list[Any]:
    """Each block of code, named by its section."""
    found, section, number = [], "", 0
    for title, code in BLOCKS:
        if title:
            section, number = title, 0
        else:
            number += 1
            found.append(pytest.param(code, id=f"{section} {number}"))
    return found


@pytest.mark.parametrize("code", blocks())
def test_a_block_prints_what_it_says(code: str) -> None:
    """A comment behind `print`, or on a line of its own, is what is printed; others explain."""
    said = re.findall(r"^(?:.*\bprint\(.*?  )?# (.*)$", code, re.MULTILINE)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, str(GUIDE), "exec"), {"__name__": "guide"})
    assert printed.getvalue().splitlines() == said


@pytest.mark.downstream
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize(("name", "ours"), [
    ("extend", {"boundary": "edge"}), ("wrap", {"boundary": "wrap"}), ("fill", {"fill_value": 1.5}),
])  # fmt: skip
def test_missing_samples_are_interpolated_as_astropy_does(
    name: str, ours: dict[str, Any], dtype: Any, rng: np.random.Generator
) -> None:
    """To roundings of two sums and a quotient: data, kernels and so all products are positive, so that none cancel.

    astropy computes in float64 and gives that; the bound is of our sums, in the data's dtype: K eps for each, K taps.
    """
    astropy = pytest.importorskip("astropy.convolution", reason="astropy is not installed")
    for shape, size in (((300,), (41,)), ((2000,), (801,)), ((50, 60), (7, 11)), ((9, 10, 11), (3, 5, 3))):
        x, h = 1 + rng.random(shape).astype(dtype), 0.5 + rng.random(size).astype(dtype)
        x[rng.random(shape) < 0.4] = np.nan
        there = np.isfinite(x)
        fill = ours.get("fill_value")
        weights = convolve(there.astype(dtype), h, "same", **(ours if fill is None else {"fill_value": 1}))
        got = convolve(np.where(there, x, 0), h, "same", **ours) / weights
        want = astropy.convolve(
            x, h, boundary=name, fill_value=fill or 0.0, nan_treatment="interpolate", normalize_kernel=True
        )
        np.testing.assert_allclose(got, want, rtol=2 * h.size * float(np.finfo(dtype).eps))


def test_windows_without_a_sample_are_nan_and_no_others(rng: np.random.Generator) -> None:
    """Under a transform too: a window of zeros weighs exactly 0."""
    x, h = rng.standard_normal(20_000), np.hanning(1003)
    x[5_000:8_000] = np.nan
    there = np.isfinite(x)
    for method in ("direct", "fft", "auto"):
        top, weights = (convolve(a, h, "same", method=method) for a in (np.where(there, x, 0), there.astype(float)))
        with np.errstate(invalid="ignore"):
            smooth = top / weights
        # hanning(1003) begins and ends with a zero: 1001 taps reach 500 samples to either side.
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(smooth)), np.arange(5_500, 7_500))
