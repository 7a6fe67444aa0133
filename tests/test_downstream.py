"""Packages that other people wrote, unchanged, under `accelerated`: our functions get their calls and give the numbers.

Every call is made twice, without acceleration and with it. The counts prove that it reached us, and that nothing of it
was handed back to SciPy or NumPy. The packages are those of the extra "downstream"; each is imported by the tests that
need it, so that no other test sees what it brings along.
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import convcorr

pytest.importorskip("scipy", reason="SciPy is not installed")
pytestmark = pytest.mark.downstream

Array = np.ndarray[Any, Any]

BOUNDARIES = ["nearest", "reflect", "mirror", "wrap", "constant"]
METHODS = ["auto", "direct", "fft"]


def package(name: str) -> ModuleType:
    """A module of somebody's package; a test without it is skipped, and says so."""
    with warnings.catch_warnings():
        # obspy asks for its plugins in a way that importlib.metadata deprecates. No other warning is overlooked.
        warnings.filterwarnings("ignore", "SelectableGroups dict interface", DeprecationWarning)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            pytest.skip(f"{error.name} is not installed")


def assert_unchanged(call: Callable[[], Any], *reached: str, scale: float = 0.0) -> convcorr.Report:
    """Make a call without acceleration and with it, and compare the two results and what was counted.

    Integers and bool are compared to the bit. Floats may differ by 64 eps of their dtype, relative to the largest
    result or, where terms cancel, to `scale`, their size: both ways of summing K products err by K u at most, and both
    transforms by a small multiple of u log2(N), with K and N below 10**4 and random signs in the roundings.

    Parameters
    ----------
    call : callable
        Without arguments; returns an array, a number, or a sequence of them.
    *reached : str
        The functions that the package must have called.
    scale : float
        Of what the results are the sum or the quotient of.
    """
    want = call()
    with convcorr.accelerated() as report:
        got = call()
    for name in reached:
        assert report[name].calls > 0, f"{name}: {report}"
        assert not report[name].passed_on, report
    wanted, gotten = ([np.asarray(a) for a in (r if isinstance(r, (tuple, list)) else [r])] for r in (want, got))
    for mine, theirs in zip(gotten, wanted, strict=True):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        if theirs.dtype.kind in "biu":
            np.testing.assert_array_equal(mine, theirs)
        else:
            size = max(scale, float(np.max(np.abs(theirs), initial=0)))
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=64 * float(np.finfo(theirs.dtype).eps) * size)
    return report


def picture(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """In the range that scikit-image takes."""
    if np.dtype(dtype).kind == "u":
        return rng.integers(0, 256, shape).astype(dtype)
    return rng.random(shape).astype(dtype)


# scikit-image


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize("mode", BOUNDARIES)
def test_skimage_gaussian(mode: str, dtype: Any, rng: np.random.Generator) -> None:
    filters = package("skimage.filters")
    grey, colour = picture(rng, (45, 52), dtype), picture(rng, (45, 52, 3), dtype)
    for sigma, truncate in itertools.product((0.6, 2, (1, 3.5)), (2.0, 4.0)):
        keywords = {"sigma": sigma, "truncate": truncate, "mode": mode, "cval": 0.25}
        assert_unchanged(lambda k=keywords: filters.gaussian(grey, **k), "scipy.ndimage.gaussian_filter")
        keywords = {**keywords, "channel_axis": -1}
        assert_unchanged(lambda k=keywords: filters.gaussian(colour, **k), "scipy.ndimage.gaussian_filter")
    moved = np.moveaxis(colour, -1, 0)
    assert_unchanged(lambda: filters.gaussian(moved, 1.5, channel_axis=0), "scipy.ndimage.gaussian_filter")
    volume = picture(rng, (12, 13, 14), dtype)
    assert_unchanged(lambda: filters.gaussian(volume, 1.2, preserve_range=True), "scipy.ndimage.gaussian_filter")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64], ids=lambda d: d.__name__)
def test_skimage_edges(dtype: Any, rng: np.random.Generator) -> None:
    filters = package("skimage.filters")
    image, volume = picture(rng, (40, 51), dtype), picture(rng, (9, 12, 11), dtype)
    for name, mode in itertools.product(("sobel", "prewitt", "scharr", "farid"), BOUNDARIES):
        edges = getattr(filters, name)
        assert_unchanged(lambda f=edges, m=mode: f(image, mode=m), "scipy.ndimage.convolve")
        assert_unchanged(lambda f=edges, m=mode: f(volume, axis=1, mode=m), "scipy.ndimage.convolve")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64], ids=lambda d: d.__name__)
def test_skimage_smoothing_within_other_functions(dtype: Any, rng: np.random.Generator) -> None:
    filters, metrics = package("skimage.filters"), package("skimage.metrics")
    segmentation = package("skimage.segmentation")
    image, colour = picture(rng, (48, 40), dtype), picture(rng, (48, 40, 3), dtype)
    other = picture(rng, (48, 40), dtype)
    gaussian = "scipy.ndimage.gaussian_filter"
    assert_unchanged(lambda: filters.unsharp_mask(colour, 2, 1.5, channel_axis=2), gaussian)
    assert_unchanged(lambda: filters.difference_of_gaussians(image, 1, 4), gaussian, scale=1)
    assert_unchanged(lambda: filters.threshold_local(image, 9, "mean"), "scipy.ndimage.uniform_filter")
    assert_unchanged(lambda: filters.gabor(image, 0.2, theta=0.7), "scipy.ndimage.convolve", scale=1)
    assert_unchanged(
        lambda: segmentation.inverse_gaussian_gradient(image.astype(np.float64) / 256, sigma=1.5),
        "scipy.ndimage.gaussian_gradient_magnitude",
    )
    # Variances are differences of means of squares, and divide.
    for keywords, reached in (({}, "scipy.ndimage.uniform_filter"), ({"gaussian_weights": True}, gaussian)):
        keywords = {"data_range": 255 if dtype is np.uint8 else 1, "full": True, **keywords}  # noqa: PLW2901
        assert_unchanged(lambda k=keywords: metrics.structural_similarity(image, other, **k)[1], reached, scale=100)


def test_skimage_features(rng: np.random.Generator) -> None:
    feature = package("skimage.feature")
    image = rng.random((44, 47))
    for mode in BOUNDARIES:
        assert_unchanged(
            lambda m=mode: feature.structure_tensor(image, sigma=1.5, mode=m, order="rc"),
            "scipy.ndimage.sobel", "scipy.ndimage.gaussian_filter",
        )  # fmt: skip
    bright = np.zeros((60, 70))
    for row, column, radius in ((15, 20, 3), (40, 50, 5), (35, 12, 4)):
        y, x = np.ogrid[:60, :70]
        bright += np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * radius**2))
    report = assert_unchanged(
        lambda: feature.blob_log(bright, min_sigma=2, max_sigma=6, num_sigma=5), "scipy.ndimage.gaussian_laplace"
    )
    assert report["scipy.ndimage.gaussian_laplace"].calls == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize("pad_input", [False, True])
def test_skimage_match_template(pad_input: bool, dtype: Any, rng: np.random.Generator) -> None:
    feature = package("skimage.feature")
    image, volume = rng.random((60, 70)).astype(dtype), rng.random((16, 18, 20)).astype(dtype)
    for data, corner, size in ((image, (13, 24), (9, 12)), (volume, (4, 5, 6), (5, 4, 3))):
        template = data[tuple(slice(c, c + s) for c, s in zip(corner, size, strict=True))].copy()
        for mode in ("constant", "edge", "wrap"):
            # The numerator is a difference of sums of about 8 times its size; it is divided by the root of another.
            call = lambda d=data, t=template, m=mode: feature.match_template(d, t, pad_input=pad_input, mode=m)  # noqa: E731
            assert_unchanged(call, "scipy.signal.fftconvolve", scale=8)
            with convcorr.accelerated():
                response = call()
            found = np.unravel_index(np.argmax(response), response.shape)
            assert found == tuple(c + s // 2 if pad_input else c for c, s in zip(corner, size, strict=True))


def test_skimage_counts_are_exact(rng: np.random.Generator) -> None:
    """Masks and labels are integers, so that nothing may differ at all."""
    measure, restoration = package("skimage.measure"), package("skimage.restoration")
    mask = rng.random((60, 65)) < 0.6
    solid = rng.random((14, 15, 16)) < 0.6
    for connectivity in (1, 2):
        assert_unchanged(lambda c=connectivity: measure.euler_number(mask, c), "scipy.ndimage.convolve")
    assert_unchanged(lambda: measure.euler_number(solid, 3), "scipy.ndimage.convolve")
    want = measure.perimeter(mask, 4), measure.perimeter_crofton(mask)
    with convcorr.accelerated() as report:
        assert (measure.perimeter(mask, 4), measure.perimeter_crofton(mask)) == want
    assert report["scipy.ndimage.convolve"].calls >= 2
    image = np.round(100 * rng.random((30, 31)))
    hole = np.zeros(image.shape, bool)
    hole[10:13, 8:10] = True
    assert_unchanged(lambda: restoration.inpaint_biharmonic(image, hole), "scipy.ndimage.convolve")


def test_skimage_polygons(rng: np.random.Generator) -> None:
    measure = package("skimage.measure")
    corners = rng.standard_normal((7, 2))
    assert_unchanged(lambda: measure.subdivide_polygon(corners, 3), "scipy.signal.convolve2d")


# obspy


def best_lag(cross: ModuleType, correlation: Array) -> tuple[Any, Any]:
    """What obspy makes of a correlation, the value in its dtype again."""
    lag, value = cross.xcorr_max(correlation)
    return lag, correlation.dtype.type(value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64], ids=lambda d: d.__name__)
def test_obspy_correlate(dtype: Any, method: str, rng: np.random.Generator) -> None:
    cross = package("obspy.signal.cross_correlation")
    a = (100 * rng.standard_normal(300)).astype(dtype)
    for other, shift, demean in itertools.product((a[17:277], a[:-1]), (0, 40, None, 400), (True, False)):
        for normalize in ("naive", None):
            keywords = {"demean": demean, "normalize": normalize, "method": method}
            # |a| |b| bounds every correlation; the normalized ones are at most 1.
            size = 1 if normalize else float(np.linalg.norm(a.astype(float)) * np.linalg.norm(other.astype(float)))
            call = lambda b=other, s=shift, k=keywords: cross.correlate(a, b, s, **k)  # noqa: E731
            assert_unchanged(call, "scipy.signal.correlate", scale=size)
            if shift == 40:
                assert_unchanged(lambda c=call: best_lag(cross, c()), "scipy.signal.correlate", scale=size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64], ids=lambda d: d.__name__)
def test_obspy_correlate_template(dtype: Any, mode: str, method: str, rng: np.random.Generator) -> None:
    cross = package("obspy.signal.cross_correlation")
    data = (100 * rng.standard_normal(500)).astype(dtype)
    for size, normalize, demean in itertools.product((40, 41), ("full", "naive", None), (True, False)):
        template = data[200 : 200 + size]
        keywords = {"mode": mode, "normalize": normalize, "demean": demean, "method": method}
        norms = float(np.linalg.norm(data.astype(float)) * np.linalg.norm(template.astype(float)))
        # "full" divides by the norm of each window, which at either end may be that of one sample.
        ends = np.abs(data[[0, -1]].astype(float))
        quotient = float(np.linalg.norm(data.astype(float)) / np.min(ends[ends > 0], initial=np.inf))
        scale = {"full": quotient, "naive": 1.0, None: norms}[normalize]
        assert_unchanged(
            lambda t=template, k=keywords: cross.correlate_template(data, t, **k), "scipy.signal.correlate", scale=scale
        )


def test_obspy_streams(rng: np.random.Generator) -> None:
    """Through obspy's own containers, three components, and the functions that look for events in them."""
    obspy, cross = package("obspy"), package("obspy.signal.cross_correlation")
    event = np.hanning(80) * np.sin(np.arange(80) / 3)

    def stream(begin: int) -> Any:
        traces = []
        for component in "ZNE":
            samples = 0.05 * rng.standard_normal(800)
            samples[begin : begin + 80] += event
            header = {"station": "ABC", "channel": f"HH{component}", "sampling_rate": 20.0}
            traces.append(obspy.Trace(samples, header))
        return obspy.Stream(traces)

    here, there = stream(300), stream(310)
    for components in (["Z"], ["Z", "N", "E"]):
        report = assert_unchanged(
            lambda c=components: cross.xcorr_3c(here, there, 30, c, full_xcorr=True), "scipy.signal.correlate"
        )
        assert report["scipy.signal.correlate"].calls == len(components)
    begin = here[0].stats.starttime
    template = here.slice(begin + 300 / 20, begin + 380 / 20)
    assert_unchanged(
        lambda: [trace.data for trace in cross.correlate_stream_template(there, template)], "scipy.signal.correlate"
    )
    assert_unchanged(
        lambda: cross.templates_max_similarity(there, begin + 310 / 20, [template]), "numpy.correlate"
    )  # fmt: skip


# mne


def test_mne_wavelets(rng: np.random.Generator) -> None:
    epochs = rng.standard_normal((3, 2, 600))
    time_frequency = package("mne.time_frequency")
    for output in ("complex", "power"):
        report = assert_unchanged(
            lambda o=output: time_frequency.tfr_array_morlet(
                epochs, 100.0, [8.0, 15.0, 30.0], n_cycles=4.0, use_fft=False, output=o, decim=2
            ),
            "numpy.convolve",
        )  # fmt: skip
        assert report["numpy.convolve"].calls == epochs.shape[0] * epochs.shape[1] * 3 * 2  # real and imaginary parts


def test_mne_filters(rng: np.random.Generator) -> None:
    mne = package("mne")
    data = rng.standard_normal((4, 2000))
    assert_unchanged(
        lambda: mne.filter.filter_data(data, 200.0, 5.0, 30.0, phase="zero-double", verbose=False), "numpy.convolve"
    )


def test_mne_receptive_fields(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    decoding, mne = package("mne.decoding"), package("mne")
    # A progress bar's thread would outlive the test, and be there when others fork.
    monkeypatch.setattr(package("tqdm").tqdm, "monitor_interval", 0)
    x = rng.standard_normal((500, 3))
    y = np.convolve(x[:, 0], [0.5, 1, -1])[:500, None] + 0.1 * rng.standard_normal((500, 1))
    with mne.utils.use_log_level("ERROR"):
        model = decoding.TimeDelayingRidge(-0.02, 0.1, 100.0, alpha=1.0).fit(x, y)
        report = assert_unchanged(lambda: model.predict(x), "scipy.signal.fftconvolve")
    assert report["scipy.signal.fftconvolve"].calls == 3
