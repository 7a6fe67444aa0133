"""scipy.ndimage's smooth filters and derivatives, two axes at once: against SciPy, and against float64 by a bound.

float32 images under taps of one sign are summed in float32, by taps that were rounded to it. Each output is off by

    |err| <= (K0 + K1 + ... + 2 + 2 per axis) u (|x| * |h|)

of taps that are off by at most 2 u each, K roundings for each sum, and one more where a sum is stored.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import convcorr
from convcorr.scipy import ndimage as ours
from layouts import LAYOUTS, Array, same_bits

theirs = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
INTEGERS = ("?", "i1", "u1", "i2", "u2", "i4")
U = 2.0**-24
FILTERS: dict[str, tuple[Any, ...]] = {
    "gaussian_filter": (1.3,), "uniform_filter": (5,), "sobel": (), "prewitt": (), "laplace": (),
    "gaussian_laplace": (0.8,), "gaussian_gradient_magnitude": (1.0,),
}  # fmt: skip
over_filters = pytest.mark.parametrize("name", FILTERS)


def image(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return rng.integers(max(info.min, -(2**28)), min(info.max, 2**28), shape, kind, endpoint=True)
    return (rng.standard_normal(shape) + 0.5).astype(dtype)


def filtered(name: str, x: Array, *arguments: Any, **keywords: Any) -> Array:
    """Ours: the same bits on one and two threads."""
    results = []
    for threads in (1, 2):
        with convcorr.num_threads(threads), np.errstate(invalid="ignore"):
            results.append(getattr(ours, name)(x, *arguments, **keywords))
    assert same_bits(*results), f"{name} {x.shape} {arguments} {keywords}: threads change bits"
    return np.asarray(results[0])


def scipys(name: str, x: Array, *arguments: Any, **keywords: Any) -> Array:
    """SciPy's, whose bools may be other bytes than 0 and 1."""
    with np.errstate(invalid="ignore", over="ignore"):
        want = np.asarray(getattr(theirs, name)(x, *arguments, **keywords))
    return want.view(np.uint8) != 0 if want.dtype == bool else want


def gaussian_taps(sigma: float, truncate: float = 4.0) -> Array:
    radius = int(truncate * sigma + 0.5)
    taps: Array = np.exp(-0.5 * np.arange(-radius, radius + 1) ** 2 / sigma**2)
    return np.asarray(taps / taps.sum())


def assert_close(name: str, x: Array, taps: list[Array], arguments: Any, keywords: dict[str, Any]) -> None:
    """A float32 result of one-sign taps, one set for each filtered axis, is within the bound at the top."""
    got = filtered(name, x, *arguments, **keywords)
    assert got.dtype == np.float32
    exact = scipys(name, x.astype("f8"), *arguments, **keywords)
    weight = {**keywords, "cval": abs(keywords.get("cval", 0.0))}
    allowed = (sum(k.size + 2 for k in taps) + 2) * U * scipys(name, np.abs(x.astype("f8")), *arguments, **weight)
    wrong = ~(np.abs(got - exact) <= allowed + 1e-44)
    assert not wrong.any(), (name, x.shape, arguments, keywords, int(wrong.sum()), np.argwhere(wrong)[0])


def sizes(radius: int) -> list[int]:
    """Around the kernel's radius and size, and around one and two registers of 64, 32 and 16 bytes."""
    around = {radius, 2 * radius + 1, 4, 8, 16, 32}
    return sorted({max(n + d, 1) for n in around for d in (-1, 0, 1)} | {1, 47, 65})


@pytest.mark.parametrize("sigma", [0.6, 1.5, 4.0])
def test_gaussians_of_float32(sigma: float, rng: np.random.Generator) -> None:
    taps = gaussian_taps(sigma)
    for number, (rows, columns) in enumerate(
        itertools.product((1, 3, taps.size // 2, taps.size, 40), sizes(taps.size // 2))
    ):
        x = image(rng, (rows, columns), "f4")
        mode = (MODES[number % 5], MODES[number // 5 % 5])
        assert_close("gaussian_filter", x, [taps] * 2, (sigma,), {"mode": mode, "cval": number % 3 - 1.0})
    for number, shape in enumerate(((5, 6, 33), (20, 3, 70), (9, 40, 17), (30, 31, 32))):
        x = image(rng, shape, "f4")
        mode = tuple(MODES[(number + axis) % 5] for axis in range(3))
        assert_close("gaussian_filter", x, [taps] * 3, (sigma,), {"mode": mode, "cval": 1.5})


@pytest.mark.parametrize("size", [2, 3, 8, 33])
def test_means_of_float32(size: int, rng: np.random.Generator) -> None:
    taps = np.full(size, 1 / size)
    for number, (rows, columns) in enumerate(itertools.product((1, 4, size, 50), sizes(size // 2))):
        x = image(rng, (rows, columns), "f4")
        origin = (number % size - size // 2, -(number // 2 % size) + (size - 1) // 2)
        keywords = {"mode": (MODES[number % 5], MODES[number // 5 % 5]), "cval": number % 3 - 1.0, "origin": origin}
        assert_close("uniform_filter", x, [taps] * 2, (size,), keywords)
    assert_close("uniform_filter", image(rng, (12, 13, 40), "f4"), [taps] * 3, (size,), {"mode": "wrap"})


@over_filters
@pytest.mark.parametrize("dtype", [*INTEGERS, "f8"])
def test_against_scipy(name: str, dtype: str, rng: np.random.Generator) -> None:
    """Integers to the bit, whatever wraps; float64 to its rounding."""
    shapes = [(1, 40), (7, 8), (9, 15), (16, 17), (33, 31), (40, 66), (5, 6, 33), (8, 20, 17)]
    for number, (shape, cval) in enumerate(itertools.product(shapes, (0.0, 1.5, -3.0))):
        x = image(rng, shape, dtype)
        keywords = {"mode": tuple(MODES[(number + 2 * axis) % 5] for axis in range(len(shape))), "cval": cval}
        got, want = filtered(name, x, *FILTERS[name], **keywords), scipys(name, x, *FILTERS[name], **keywords)
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        if dtype == "f8":
            scale = 40 * np.max(np.abs(x), initial=3) * 2.0**-53
            np.testing.assert_allclose(got, want, rtol=0, atol=4 * scale, err_msg=f"{shape} {keywords}")
        else:
            np.testing.assert_array_equal(got, want, err_msg=f"{shape} {keywords}")


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
def test_values_for_each_axis(dtype: str, rng: np.random.Generator) -> None:
    """Sigmas, orders, sizes, origins, modes and axes of their own."""
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("gaussian_filter", ((1.0, 2.5, 0.5),), {"order": order, "mode": ("wrap", "constant", "mirror"), "cval": 2.0})
        for order in ((0, 0, 0), (1, 0, 0), (0, 2, 0), (1, 1, 1), (0, 0, 3))
    ]
    calls += [("gaussian_filter", (1.5,), {"axes": axes}) for axes in ((0, 1), (2, 0), (1,), (1, 2))]
    calls += [("gaussian_filter", ((1, 2),), {"axes": (2, 1), "radius": (3, 5), "mode": ("nearest", "wrap")})]
    calls += [
        ("uniform_filter", ((3, 4, 5),), {"origin": (1, -2, 2), "mode": ("constant", "mirror", "wrap"), "cval": -1.0})
    ]
    calls += [("uniform_filter", ((6, 3),), {"axes": axes, "origin": (-1, 1)}) for axes in ((0, 1), (0, 2), (2, 1))]
    calls += [
        (name, (), {"axis": a, "mode": ("wrap", "constant", "nearest")})
        for name in ("sobel", "prewitt")
        for a in (0, 1, 2)
    ]
    x = image(rng, (14, 19, 23), dtype)
    for (name, arguments, keywords), order in itertools.product(calls, "CF"):
        laid = np.asarray(x, order=order)  # type: ignore[call-overload]
        got, want = filtered(name, laid, *arguments, **keywords), scipys(name, x, *arguments, **keywords)
        if x.dtype.kind == "i" or dtype == "u1":
            np.testing.assert_array_equal(got, want, err_msg=f"{name} {arguments} {keywords} {order}")
        else:
            atol = 60 * np.finfo(dtype).eps * np.abs(x).max()
            np.testing.assert_allclose(got, want, rtol=0, atol=atol, err_msg=f"{name} {arguments} {keywords} {order}")


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_channels_of_pixels(channels: int, dtype: str, rng: np.random.Generator) -> None:
    """axes=(0, 1) of a picture is each channel filtered by itself."""
    x = image(rng, (37, 53, channels), dtype)
    for name, arguments in (("gaussian_filter", (2.0,)), ("uniform_filter", (7,)), ("gaussian_laplace", (1.0,))):
        for mode in MODES:
            got = filtered(name, x, *arguments, axes=(0, 1), mode=mode, cval=1.0)
            want = scipys(name, x, *arguments, axes=(0, 1), mode=mode, cval=1.0)
            if dtype == "u1":
                np.testing.assert_array_equal(got, want)
            else:
                np.testing.assert_allclose(got, want, rtol=0, atol=40 * U * np.abs(x).max())


@over_filters
def test_outputs(name: str, rng: np.random.Generator) -> None:
    """Every dtype, layout and overlap; the layout changes no bit."""
    for dtype, other in itertools.product(("u1", "f4", "f8"), (np.uint8, np.int16, np.float32, np.float64, bool)):
        x = np.abs(image(rng, (33, 40), dtype)) if dtype != "u1" else image(rng, (33, 40), dtype)
        if np.dtype(other).kind != "f" and dtype != "u1":
            continue  # a fraction's last bit decides what is left of it
        got, want = filtered(name, x, *FILTERS[name], output=other), scipys(name, x, *FILTERS[name], output=other)
        assert got.dtype == want.dtype
        scale = 60 * float(np.finfo(other).eps) * 256 if np.dtype(other).kind == "f" else 0
        np.testing.assert_allclose(got.astype("f8"), want.astype("f8"), rtol=0, atol=scale, err_msg=f"{dtype} {other}")
        for layout in ("fortran", "reversed_axes", "every_third", "inner_block", "four_kilobyte_rows", "unaligned"):
            out = LAYOUTS[layout](np.zeros(x.shape, other))
            getattr(ours, name)(x, *FILTERS[name], output=out)
            np.testing.assert_array_equal(out, got, err_msg=f"{dtype} {other} {layout}")
    base = image(rng, (60, 70), "f4")
    want = getattr(ours, name)(base[:50, :60], *FILTERS[name])
    for first in ((slice(0, 50), slice(0, 60)), (slice(4, 54), slice(1, 61))):
        host = base.copy()
        getattr(ours, name)(host[:50, :60], *FILTERS[name], output=host[first])
        atol = 40 * U if name == "laplace" else 0  # one kernel of both axes, or, where the output overlaps, two
        np.testing.assert_allclose(host[first], want, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_large_images(dtype: str, rng: np.random.Generator) -> None:
    """Many jobs and strips: as SciPy, and the same as each part alone, wherever strips begin."""
    x = image(rng, (211, 5003), dtype)
    for name, arguments in (("gaussian_filter", (2.0,)), ("uniform_filter", (9,)), ("sobel", ())):
        got, want = filtered(name, x, *arguments), scipys(name, x, *arguments)
        if dtype == "u1":
            np.testing.assert_array_equal(got, want)
        else:
            np.testing.assert_allclose(got, want, rtol=0, atol=60 * np.finfo(dtype).eps * np.abs(x).max())
        part = filtered(name, x[20:160, 1111:1300], *arguments)
        inner, alone = np.ascontiguousarray(got[40:140, 1130:1280]), np.ascontiguousarray(part[20:120, 19:169])
        if name == "uniform_filter" and dtype == "f8":  # whose sums down columns are those of blocks of rows
            np.testing.assert_allclose(inner, alone, rtol=0, atol=4 * np.finfo(dtype).eps * np.abs(x).max())
        else:
            assert same_bits(inner, alone), name


@pytest.mark.parametrize("sigma", [0.7, 2.0, 5.3, 20.0])
def test_means_are_kept(sigma: float, rng: np.random.Generator) -> None:
    """Taps that were rounded sum to what they did: constants stay, and so does an image's sum."""
    for value in (1.0, 0.3, 255.0, 1e20, 1e-20):
        flat = np.full((40, 300), value, "f4")
        got = ours.gaussian_filter(flat, sigma)
        np.testing.assert_allclose(got, flat, rtol=(2 * (8 * sigma + 3) / 6 + 4) * U)
    x = rng.random((500, 600)).astype("f4")
    for name, argument in (("gaussian_filter", sigma), ("uniform_filter", round(4 * sigma) + 1)):
        got = getattr(ours, name)(x, argument, mode="wrap")
        np.testing.assert_allclose(got.sum(dtype="f8"), x.sum(dtype="f8"), rtol=8 * U)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_nan_and_infinity(dtype: str, rng: np.random.Generator) -> None:
    """In the image: what SciPy makes of them, tails of the kernel included. In the taps: likewise."""
    x = image(rng, (60, 70), dtype)
    x[20, 30], x[22, 31], x[50, 3] = np.inf, -np.inf, np.nan
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("gaussian_filter", (1.0,), {"truncate": t}) for t in (2, 4, 12, 16)
    ]
    calls += [
        ("gaussian_filter", (1.5,), {"order": (1, 0)}),
        ("sobel", (), {}),
        ("laplace", (), {}),
        ("gaussian_laplace", (1.0,), {}),
    ]
    for name, arguments, keywords in calls:
        got, want = filtered(name, x, *arguments, **keywords), scipys(name, x, *arguments, **keywords)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=f"{name} {keywords}")
        np.testing.assert_array_equal(np.isinf(got), np.isinf(want), err_msg=f"{name} {keywords}")
    clean = image(rng, (60, 70), dtype)
    for bad in (np.nan, np.inf, -np.inf):
        got, want = (f.correlate1d(clean, [0.5, bad, 0.5], mode="constant") for f in (ours, theirs))
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))
        for cval in (bad, 1.0):
            got, want = (f.gaussian_filter(clean, 2.0, mode="constant", cval=cval) for f in (ours, theirs))
            np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want), err_msg=f"{bad} {cval}")


@pytest.mark.parametrize("shape", [(9,), (300,), (50, 60)])
def test_ends_of_float32(shape: tuple[int, ...]) -> None:
    """SciPy sums in double precision: a mean of the largest numbers is finite, and no tap is too small to count."""
    loud, wide = np.full(shape, 3e38, "f4"), np.full(shape, 1e20, "f4")
    high = loud / 3  # few taps that float32 holds are summed in it, where three times this is infinite
    for name, x, argument in (
        ("uniform_filter", loud, 3), ("uniform_filter", loud, 31), ("gaussian_filter", loud, 3.0),
        ("correlate1d", high, [1, 1, -1.0]), ("correlate1d", high, [0.5] * 3 + [-0.5]),
        ("correlate1d", wide, [1e-50] * 3), ("correlate1d", wide, [1e-50] * 33),
        ("correlate1d", wide, [1e-45, 1e-46, 1e-45]),
    ):  # fmt: skip
        got, want = getattr(ours, name)(x, argument), getattr(theirs, name)(x, argument)
        np.testing.assert_allclose(got, want, rtol=100 * U, err_msg=f"{name} {argument}")


@pytest.mark.parametrize("name", ["sobel", "prewitt"])
def test_modes_in_a_list_are_those_in_a_tuple(name: str, rng: np.random.Generator) -> None:
    for dtype, mode in itertools.product((*INTEGERS, "f4"), (("reflect", "wrap"), ("constant", "nearest"))):
        x = image(rng, (17, 23), dtype)
        got = filtered(name, x, mode=list(mode))
        np.testing.assert_array_equal(got, filtered(name, x, mode=mode), err_msg=f"{dtype} {mode}")
        if dtype != "f4":
            np.testing.assert_array_equal(got, scipys(name, x, mode=mode), err_msg=f"{dtype} {mode}")


def test_each_output_by_its_own_terms(rng: np.random.Generator) -> None:
    """Not by the loudest near it, as a transform in float32 has it: quiet samples under a kernel's peak."""
    for k, (shape, axis) in itertools.product(
        (17, 33, 65, 129), (((73, 16), 0), ((173, 40), 0), ((33, 300), 1), ((400,), 0))
    ):
        taps = 10.0 ** rng.uniform(-12, 0, k)
        for floor in (1, 1e-4):
            x = (rng.random(shape) * ((rng.random(shape) < 0.5) + floor)).astype("f4")
            got, exact = ours.correlate1d(x, taps, axis), theirs.correlate1d(x.astype("f8"), taps, axis)
            wrong = np.abs(got - exact) > (k + 4) * U * exact
            assert not wrong.any(), (
                f"{shape}, {k} taps along axis {axis}: off by {np.max(np.abs(got / exact - 1)) / U:.0f} u"
            )
