"""The public surface: names, signatures, lags, what an import costs and brings along."""

from __future__ import annotations

import importlib.metadata
import inspect
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convcorr
import convcorr.numpy
from convcorr import _core
from subprocesses import output_of

CONVOLVE = {
    "x": inspect.Parameter.empty, "h": inspect.Parameter.empty, "mode": "full", "axes": None, "boundary": "constant",
    "fill_value": 0, "method": "auto", "stride": 1, "dilation": 1, "dtype": None, "out": None, "threads": None,
    "rtol": None,
}  # fmt: skip


def parameters(function: Any) -> dict[str, Any]:
    return {name: p.default for name, p in inspect.signature(function).parameters.items()}


def test_signature_of_convolve() -> None:
    assert parameters(convcorr.convolve) == CONVOLVE


def test_signature_of_correlate() -> None:
    names = list(CONVOLVE)
    names.insert(names.index("dtype"), "lags")
    assert parameters(convcorr.correlate) == {**CONVOLVE, "lags": None}
    assert list(parameters(convcorr.correlate)) == names


@pytest.mark.parametrize("function", [convcorr.convolve, convcorr.correlate])
def test_only_x_h_and_mode_are_positional(function: Any) -> None:
    kinds = {name: p.kind for name, p in inspect.signature(function).parameters.items()}
    positional = [name for name, kind in kinds.items() if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert positional == ["x", "h", "mode"]
    assert all(kinds[name] is inspect.Parameter.KEYWORD_ONLY for name in kinds if name not in positional)


def test_other_signatures() -> None:
    assert parameters(convcorr.correlation_lags) == {"n_x": inspect._empty, "n_h": inspect._empty, "mode": "full"}
    assert parameters(convcorr.set_num_threads) == {"n": inspect._empty}
    assert parameters(convcorr.num_threads) == {"n": inspect._empty}
    assert parameters(convcorr.get_num_threads) == parameters(convcorr.clear_cache) == {}
    empty = inspect._empty
    assert parameters(convcorr.numpy.convolve) == {"a": empty, "v": empty, "mode": "full"}
    assert parameters(convcorr.numpy.correlate) == {"a": empty, "v": empty, "mode": "valid"}


@pytest.mark.parametrize(
    "name",
    ["convolve", "correlate", "correlation_lags", "get_num_threads", "set_num_threads", "num_threads", "clear_cache",
     "show_config", "accelerate", "accelerated", "restore", "Report"],
)  # fmt: skip
def test_every_public_name_is_exported_and_documented(name: str) -> None:
    assert name in convcorr.__all__
    assert len(inspect.getdoc(getattr(convcorr, name)) or "") > 40


def test_everything_may_be_given_by_name() -> None:
    out = np.zeros(6)
    keywords: dict[str, Any] = {
        "axes": 0, "boundary": "edge", "fill_value": 0, "method": "direct", "stride": 1, "dilation": 1, "dtype": None,
        "out": out, "threads": 1,
    }  # fmt: skip
    assert convcorr.convolve(x=[1.0, 2, 3, 4], h=[1, 1, 1], mode="full", **keywords) is out
    np.testing.assert_array_equal(out, [3, 4, 6, 9, 11, 12])
    assert convcorr.correlate(x=[1.0, 2, 3, 4], h=[1, 2, 3], mode="full", lags=None, **keywords) is out
    np.testing.assert_array_equal(out, [6, 9, 14, 20, 23, 24])


def test_numpy_numbers_and_lists_as_arguments() -> None:
    x, h = np.arange(20.0).reshape(4, 5), np.ones((2, 2))
    want = convcorr.convolve(x, h, stride=(2, 1), dilation=2, axes=(0, 1), threads=1)
    numbers: dict[str, Any] = {"stride": [np.int64(2), np.uint8(1)], "dilation": np.int32(2), "threads": np.int64(1)}
    np.testing.assert_array_equal(convcorr.convolve(x, h, axes=[0, -1], **numbers), want)
    filling: dict[str, Any] = {"fill_value": np.float32(2), "boundary": ["constant", "edge"], "dtype": "float64"}
    want = convcorr.convolve(x, h, fill_value=2, boundary=("constant", "edge"))
    np.testing.assert_array_equal(convcorr.convolve(x, h, **filling), want)
    lags: Any = [np.int64(-1), 2]
    got = convcorr.correlate(x[0], h[0], lags=lags)
    np.testing.assert_array_equal(got, convcorr.correlate(x[0], h[0])[:4])


def test_the_two_operations_differ_by_the_flip() -> None:
    x = [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(convcorr.convolve(x, [1, 0, -1], "valid"), [2, 2, 2])
    np.testing.assert_array_equal(convcorr.correlate(x, [1, 0, -1], "valid"), [-2, -2, -2])
    np.testing.assert_array_equal(convcorr.correlate([1 + 2j], [3 + 4j]), [(1 + 2j) * (3 - 4j)])
    np.testing.assert_array_equal(convcorr.convolve([1 + 2j], [3 + 4j]), [(1 + 2j) * (3 + 4j)])


def test_same_has_the_size_of_x_even_for_a_longer_kernel() -> None:
    """x is the data and h the kernel: never swapped."""
    full = np.convolve([1, 2], [1, 10, 100, 1000])
    np.testing.assert_array_equal(convcorr.convolve([1, 2], [1, 10, 100, 1000], "same"), full[1:3])


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_lags_point_at_a_shifted_delta(mode: Any) -> None:
    """Data with a one at p and a kernel with a one at q agree at lag p - q, for every parity."""
    for n, k in itertools.product(range(1, 9), range(1, 9)):
        if mode == "valid" and k > n:
            continue
        lags = convcorr.correlation_lags(n, k, mode)
        assert lags.dtype == np.intp
        np.testing.assert_array_equal(np.diff(lags), 1)
        for p, q in itertools.product(range(n), range(k)):
            x, h = np.zeros(n), np.zeros(k)
            x[p] = h[q] = 1
            product = convcorr.correlate(x, h, mode)
            assert lags.shape == product.shape
            np.testing.assert_array_equal(lags[product == 1], [p - q] if p - q in lags else [])
    full = convcorr.correlation_lags(8, 4)
    assert (full[0], full[-1]) == (-3, 7)


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ((0, 3), ValueError, "n_x"), ((3, 0), ValueError, "n_h"), ((-1, 3), ValueError, "n_x"),
        ((2, 3, "valid"), ValueError, "n_h"), ((2, 3, "most"), ValueError, "mode"), ((2.5, 3), TypeError, "n_x"),
        ((2, "3"), TypeError, "n_h"), ((2, 3, 1), TypeError, "mode"),
    ],
)  # fmt: skip
def test_bad_lags_arguments(arguments: Any, error: Any, name: str) -> None:
    with pytest.raises(error, match=rf"\b{name}\b"):
        convcorr.correlation_lags(*arguments)


def test_show_config_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert convcorr.show_config() is None
    printed = capsys.readouterr().out
    config = convcorr.show_config(mode="dict")
    assert set(config) >= {
        "version",
        "isa",
        "isas_built",
        "isas_available",
        "threads",
        "openmp",
        "compiler",
        "numpy",
        "accelerated",
    }
    assert capsys.readouterr().out == ""
    assert config["isa"] == _core.kernel_isa()
    for word in (config["version"], config["isa"], *config["isas_available"], np.__version__):
        assert str(word) in printed
    assert config["threads"] == convcorr.get_num_threads()


def test_version_is_the_distributions() -> None:
    assert (
        convcorr.__version__ == importlib.metadata.version("convcorr") == convcorr.show_config(mode="dict")["version"]
    )


def test_reference_counts_are_as_before() -> None:
    """Neither a result nor an error keeps an argument alive."""
    border: Any = ("wrap",)
    x, h, out, axes = np.ones((3, 40)), np.ones((3, 5)), np.zeros((3, 44)), (1,)
    things = (x, h, out, axes, border)
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(50):
        convcorr.convolve(x, h, axes=axes, boundary=border, out=out)
        convcorr.numpy.convolve(x[0], h[0])
        for bad in (out[:2], out[:, :-1], out.astype(np.float32)):
            with pytest.raises(ValueError, match="out"):
                convcorr.correlate(x, h, axes=axes, boundary=border, out=bad)
    assert [sys.getrefcount(thing) for thing in things] == before


def test_clear_cache_changes_no_result() -> None:
    x, h = np.arange(200_000, dtype=np.float32), np.ones(31, np.float32)
    want = convcorr.convolve(x, h, boundary="wrap", threads=2)
    for _ in range(3):
        convcorr.clear_cache()
        np.testing.assert_array_equal(convcorr.convolve(x, h, boundary="wrap", threads=2), want)


def test_the_package_is_typed() -> None:
    folder = Path(convcorr.__file__).parent
    assert (folder / "py.typed").is_file()
    assert (folder / "_core.pyi").is_file()


def test_import_starts_no_thread_and_costs_little() -> None:
    printed = output_of("""
        import time, os, sys
        import numpy
        tasks = lambda: len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 1
        before, start = tasks(), time.perf_counter()
        import convcorr, convcorr.numpy
        print(f"{1000 * (time.perf_counter() - start):.1f} ms beyond numpy")
        assert tasks() == before, f"{tasks() - before} threads were started"
    """)
    print(f"\nimport convcorr: {printed}")


def test_import_brings_no_peer_along() -> None:
    printed = output_of("""
        import sys
        import numpy
        before = set(sys.modules)
        import convcorr, convcorr.numpy
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(*sorted(new & {"scipy", "matplotlib", "skimage", "cv2", "torch", "dask", "pandas", "threadpoolctl"}))
    """)
    assert printed == ""
