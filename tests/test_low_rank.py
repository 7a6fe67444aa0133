"""Which kernels are outer products, what explain and plans say of them, `rtol`, and what ends a call early."""

from __future__ import annotations

import itertools
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import convcorr
from fft_cases import noise, unit
from layouts import Array, same_bits
from separable_cases import gaussian, outer
from subprocesses import output_of

FLOATS = ("f4", "f8", "c8", "c16")
MESSAGE = "h is not the outer product of kernels along one axis each; method 'separable' takes"
no_sigint = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process there")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="address space is limited as Linux has it")


def is_product(h: Array) -> bool:
    try:
        convcorr.convolve(np.zeros((4,) * h.ndim, h.dtype), h, "same", method="separable")
    except ValueError:
        return False
    return True


def disk(radius: int, dtype: Any = "f8") -> Array:
    axis = np.arange(-radius, radius + 1)
    return (np.add.outer(axis**2, axis**2) <= radius**2).astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_gaussians_are_found(dtype: str) -> None:
    """However they were computed, of any width, normalised or not; few may be rounded too far off."""
    found = []
    for sigma in np.geomspace(0.4, 25, 40):
        radius = int(np.ceil(4 * sigma))
        line = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
        wide, narrow = gaussian(radius, sigma).astype(dtype), gaussian(radius, sigma, dtype)
        product = np.multiply.outer(line.astype(dtype), line.astype(dtype))
        for h in (wide, narrow, product, outer([line, line], dtype)):
            found += [is_product(h), is_product(h / h.sum()), is_product(h * np.dtype(dtype).type(0.1))]
    assert sum(found) >= 0.99 * len(found), f"{len(found) - sum(found)} of {len(found)} refused"
    assert is_product(gaussian(4, 1.5, dtype, 3) / gaussian(4, 1.5, dtype, 3).sum())


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u8", "f2", "f4", "f8", "c8", "c16"])
def test_other_kernels(dtype: str, rng: np.random.Generator) -> None:
    sobel, prewitt, binomial = [[1, 2, 1], [1, 0, -1]], [[1, 1, 1], [1, 0, -1]], [[1, 4, 6, 4, 1]] * 2
    for factors in (sobel, prewitt, binomial):
        h = outer(factors, "f8")
        if h.min() >= 0 or np.dtype(dtype).kind != "u":
            assert is_product(h.astype(dtype)), factors
    assert is_product(np.zeros((3, 4), dtype))
    assert is_product(np.ones((7, 5), dtype))
    assert is_product(np.eye(1, 5, 2).astype(dtype) * np.ones((3, 1), dtype))
    for h in (np.eye(3), np.eye(2, 5), np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]), np.array([[1, 0], [0, 0], [0, 1]])):
        assert not is_product(h.astype(dtype)), h
    for _ in range(20):
        shape = tuple(rng.integers(2, 9, int(rng.integers(2, 4))))
        assert not is_product(np.where(rng.random(shape) < 0.5, *rng.integers(1, 90, (2, *shape))).astype(dtype))
        a, b, c, d = (rng.integers(1, 6, k) for k in (5, 7, 5, 7))
        two = np.multiply.outer(a, b) + np.multiply.outer(c, d)
        assert is_product(two.astype(dtype)) == (np.linalg.matrix_rank(two) == 1)


def test_explain_tells(rng: np.random.Generator) -> None:
    x = np.zeros((300, 320))
    taken = convcorr.explain(x, gaussian(8, 3), "same")
    assert (taken.algorithm, taken.products, taken.left) == ("separable", 0, 0.0)
    chosen = [c for c in taken.candidates if c.chosen]
    assert [c.algorithm for c in chosen] == ["separable"]
    assert chosen[0].predicted_us == taken.predicted_us
    refused = next(c for c in convcorr.explain(x, noise(rng, (9, 9), "f8")).candidates if c.algorithm == "separable")
    assert refused.refused == "the kernel is not an outer product"
    reasons = {c.refused for c in convcorr.explain(x > 0, np.ones((9, 9), bool), method="separable").candidates}
    assert "bool is the or of ands" in reasons
    for call in (convcorr.convolve, convcorr.correlate, convcorr.explain):
        with pytest.raises(ValueError, match=MESSAGE):
            call(x, noise(rng, (5, 6), "f8"), method="separable")
    with pytest.raises(ValueError, match=MESSAGE):
        convcorr.plan((9, 9), np.eye(3), method="separable")


@pytest.mark.parametrize("method", ["auto", "separable"])
@pytest.mark.parametrize("dtype", ["u1", "f4", "c16"])
def test_plans(method: Any, dtype: str, rng: np.random.Generator) -> None:
    """Pickled, with more axes, other strides, `out`, and in threads: always the call's own bits."""
    h = outer([[1, 2, 3, 1, 2, 3, 1], [1, 2, 1, 1, 1, 2, 1, 2]], dtype)
    x = (50 * noise(rng, (4, 120, 130), "f8" if dtype == "u1" else dtype)).astype(dtype)
    p = convcorr.plan(x.shape[1:], h, "same", method=method, boundary="reflect")
    assert p.algorithm == p.explain().algorithm == "separable"
    again = pickle.loads(pickle.dumps(p))
    assert again.explain() == p.explain()
    want = [convcorr.convolve(image, h, "same", method=method, boundary="reflect") for image in x]
    with ThreadPoolExecutor(4) as pool:
        for number, got in enumerate(pool.map(p, [*x] * 4)):
            assert same_bits(got, want[number % 4])
    assert same_bits(p(x), np.stack(want))
    assert same_bits(again(x[1]), want[1])
    out = np.zeros((260, 240), dtype).T[::2, ::2]
    assert p(x[2], out=out) is out
    assert same_bits(np.ascontiguousarray(out), want[2])
    tall = np.asfortranarray(x[3])
    assert same_bits(p(tall), convcorr.convolve(tall, h, "same", method=method, boundary="reflect"))
    same = x[0].copy()
    assert same_bits(p(same, out=same), want[0])
    with pytest.raises(ValueError, match="out"):
        p(x[0], out=np.zeros((3, 3), dtype))


@pytest.mark.parametrize(
    ("x_type", "h_type"), [*itertools.product(FLOATS, FLOATS), ("f2", "f2"), ("i4", "f4"), ("u1", "f2")]
)
@pytest.mark.parametrize("method", ["auto", "separable"])
def test_rtol_keeps_its_bound(x_type: str, h_type: str, method: Any, rng: np.random.Generator) -> None:
    """Off by at most what the products leave, and their roundings; the result's type is as without."""
    axis = np.linspace(-3, 3, 21)
    radius = np.add.outer(axis**2, axis**2)
    kernels = [noise(rng, (21, 19), "f8"), disk(10), (1 - radius) * np.exp(-radius / 2)]
    x = 9 * noise(rng, (50, 60), "c16" if x_type[0] == "c" else "f8")
    x = (np.abs(x) if x_type == "u1" else x).astype(x_type)
    for taps, rtol in itertools.product(kernels, (0, 1e-4, 0.1, 0.5)):
        turn = np.exp(0.1j * np.arange(taps.shape[1])) if h_type[0] == "c" else 1
        h = (taps * turn).astype(h_type)
        told = convcorr.explain(x, h, "valid", method=method, rtol=rtol)
        assert told.left <= max(rtol, float(unit(np.promote_types("f4", np.result_type(x, h)))))
        assert told.products <= 21
        assert told.products > 0 or method == "auto"
        got = convcorr.convolve(x, h, "valid", method=method, rtol=rtol)
        assert got.dtype == np.result_type(x, h)
        exact = convcorr.convolve(x.astype("c16"), h.astype("c16"), "valid", method="direct")
        windows = np.sqrt(convcorr.convolve(np.abs(x.astype("c16")) ** 2, np.ones(h.shape), "valid", method="direct"))
        sums = np.dtype("f4") if got.dtype == np.float16 else got.dtype
        roundings = 8 * np.log2(h.size + 1) * max(told.products, 1) * float(unit(sums)) + 1e-15
        scale = windows * np.linalg.norm(h.astype("c16"))
        allowed = (told.left + roundings) * scale + (2.0**-11 * np.abs(exact) + 2.0**-24) * (got.dtype == np.float16)
        assert (np.abs(got - exact) <= allowed).all(), (rtol, told.products, np.max(np.abs(got - exact) / scale))


def test_rtol_takes_as_few_as_do(rng: np.random.Generator) -> None:
    x = noise(rng, (300, 320), "f8")
    sizes = []
    for rtol in (0.9, 0.3, 0.1, 0.01, 0):
        told = convcorr.explain(x, disk(24), "same", method="separable", rtol=rtol)
        sizes.append(told.products)
        assert ("outer products, off by" in str(told)) == (told.products > 0)
    assert sizes == sorted(sizes)
    assert sizes[0] == 1
    assert convcorr.explain(x, gaussian(9, 3), "same", method="separable", rtol=1e-6).products == 1
    for scale in (1e-300, 1e-160, 1e160, 1e300):
        assert convcorr.explain(x, scale * disk(24), "same", method="separable", rtol=0.3).products == sizes[1]
    for scale in (1e-25, 1e-40, 1e30):  # where products' tails vanish, "auto" computes the kernel itself
        h = (scale * gaussian(24, 5) * disk(24)).astype("f4")
        got, want = (convcorr.convolve(x.astype("f4"), h, "same", **k) for k in ({"rtol": 0.3}, {"method": "direct"}))
        assert np.abs(got - want).max() <= 0.3 * np.linalg.norm(h.astype("f8")) * np.linalg.norm(x)
    zero = convcorr.convolve(x, np.zeros((5, 6)), "same", rtol=0.1)
    assert not zero.any()
    assert convcorr.explain(x, noise(rng, (3, 3), "f8"), rtol=0.1).products == 0
    for op, batch in itertools.product(("convolve", "correlate"), (x[:, None, :40], x[None])):
        axes = tuple(a for a in range(3) if batch.shape[a] > 1)
        h = disk(6).reshape([13 if a in axes else 1 for a in range(3)])
        got, want = (
            getattr(convcorr, op)(batch, h, "same", axes=axes, **k) for k in ({"method": "separable", "rtol": 1e-9}, {})
        )
        np.testing.assert_allclose(got, want, atol=1e-9 * 1000)


def test_rtol_writes_out_last(rng: np.random.Generator) -> None:
    """x and h may lie under out; what is refused is left alone."""
    h, keywords = disk(8), {"method": "separable", "rtol": 0.2, "boundary": "wrap", "fill_value": 0}
    base = noise(rng, (90, 100), "f8")
    x = base[:80, :90].copy()
    want = convcorr.convolve(x, h, "same", **keywords)  # type: ignore[call-overload]
    host = base.copy()
    out = host[5:85, 3:93]
    assert convcorr.convolve(host[:80, :90], h, "same", out=out, **keywords) is out  # type: ignore[call-overload]
    assert same_bits(np.ascontiguousarray(out), want)
    tall = np.zeros((80, 90), order="F")
    convcorr.convolve(x, h, "same", out=tall, threads=2, **keywords)  # type: ignore[call-overload]
    np.testing.assert_array_equal(tall, want)
    locked = np.full((80, 90), 7.0)
    locked.flags.writeable = False
    for bad in (np.full((80, 91), 7.0), np.full((80, 90), 7, "f4"), locked, np.full((80, 90), 7j)):
        with pytest.raises(ValueError, match="out"):
            convcorr.convolve(x, h, "same", out=bad, **keywords)  # type: ignore[call-overload]
        assert (bad == (7j if bad.dtype.kind == "c" else 7)).all()
    with pytest.raises(TypeError, match="out"):
        convcorr.convolve(x, h, "same", out=[1.0], **keywords)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("error", "names", "changes"),
    [
        *((TypeError, "rtol", {"rtol": r}) for r in ("0.1", True, 1j, [0.1], np.array([0.1]))),
        *((ValueError, "rtol", {"rtol": r}) for r in (-0.1, 1, 2.0, float("nan"), float("inf"))),
        *((ValueError, "rtol.*method", {"method": m}) for m in ("direct", "fft")),
        (ValueError, "method", {"method": "magic"}),
        *((TypeError, "rtol.*dtype", {"h": np.ones((3, 3), d)}) for d in (int, bool, "u1", "g", "G")),
        *((ValueError, "rtol.*two axes", {"h": np.ones(s)}) for s in ((1, 3), (3, 1), (1, 1))),
        (ValueError, "rtol.*two axes", {"h": np.ones((3, 3, 3)), "x": np.ones((9, 9, 9))}),
        (ValueError, "rtol.*several kernels", {"h": np.ones((9, 3)), "axes": -1}),
        (ValueError, "rtol.*several kernels", {"h": np.ones((2, 3, 3)), "x": np.ones((2, 9, 9)), "axes": (1, 2)}),
        (TypeError, "x", {"x": np.array([["a", "b"]])}),
        (TypeError, "h", {"h": np.ma.array(np.ones((3, 3)), mask=np.eye(3))}),
        (ValueError, "axes", {"axes": (0, 5)}), (TypeError, "axes", {"axes": "a"}), (TypeError, "axes", {"axes": 1.5}),
        (ValueError, "mode", {"mode": "most"}), (ValueError, "stride", {"stride": 0}),
        (TypeError, "dtype", {"dtype": int}),
        (ValueError, "threads", {"threads": 0}), (ValueError, "boundary", {"boundary": "far"}),
    ],
)  # fmt: skip
def test_bad_arguments(error: Any, names: str, changes: dict[str, Any]) -> None:
    call = {"x": np.ones((9, 9)), "h": np.eye(3), "rtol": 0.1, **changes}
    for function in (convcorr.convolve, convcorr.correlate, convcorr.explain):
        with pytest.raises(error, match=names):
            function(**call)


STOPPED = """
    import os, signal, sys, threading, time
    import numpy as np
    import convcorr

    n, k, stride, wait = (eval(word) for word in sys.argv[1:5])
    x, h = np.ones(n, np.float32), np.broadcast_to(np.float32(1), k)
    small = lambda: convcorr.convolve(np.ones((90, 90)), np.ones((9, 9)), method="separable", threads=2)
    before, sent = small(), []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    alarm = threading.Timer(wait, interrupt)
    try:
        alarm.start()
        convcorr.convolve(x, h, "same", method="separable", stride=stride)
        alarm.cancel()
        print("ended")
    except KeyboardInterrupt:
        print(time.monotonic() - sent[0])
    assert (small() == before).all()
"""


@no_sigint
@pytest.mark.parametrize(
    ("n", "k", "stride"),
    [
        ((6000, 6000), (2001, 2001), 1),
        ((6000, 6000), (2001, 2001), 3),
        ((300, 400, 500), (101,) * 3, 1),
        ((9, 9), (4000, 4000), 1),
    ],
)
def test_ctrl_c(n: Any, k: Any, stride: int) -> None:
    """Two filters at once, slab by slab, of three axes, and while a large kernel is taken apart."""
    outcome = output_of(STOPPED, str(n), str(k), str(stride), "0.25", timeout=60)
    assert outcome != "ended", "the call ended before it could be interrupted"
    assert float(outcome) < 2  # generous: the promise is 0.2 s, on a machine that does nothing else


LITTLE_MEMORY = """
    import numpy as np
    import convcorr
    from little_memory import leave_where_unlimited, limited_to
    leave_where_unlimited()
    rng = np.random.default_rng(1)
    small = rng.standard_normal((90, 90)), np.ones((9, 9))
    want = convcorr.convolve(*small, method="separable", threads=2)
    for n, k, stride in [((8, 900_000), (4, 4), 1), ((8, 900_000), (4, 4), 2), ((5, 1000, 1100), (3, 3, 3), 1)]:
        x, h = rng.standard_normal(n, np.float32), np.ones(k, np.float32)
        right = convcorr.convolve(x, h, "same", method="separable", stride=stride)
        outcomes = []
        for threads in (1, 2):
            for megabytes in (0.3, 1, 3, 10, 30, 200):
                convcorr.clear_cache()
                out = np.zeros_like(right)
                outcomes.append(limited_to(megabytes, lambda: convcorr.convolve(
                    x, h, "same", method="separable", stride=stride, out=out, threads=threads)))
                assert outcomes[-1] == "MemoryError" or (out == right).all(), (n, megabytes)
                assert (convcorr.convolve(*small, method="separable", threads=2) == want).all()
        print(*outcomes, sep=",")
"""


@linux_only
def test_scratch_that_cannot_be_had() -> None:
    """A MemoryError or the right result, and the process goes on."""
    lines = output_of(LITTLE_MEMORY, timeout=100, MALLOC_MMAP_THRESHOLD_="65536").splitlines()
    if lines == ["unlimited"]:
        pytest.skip("this system lets a process have more than RLIMIT_AS")
    assert len(lines) == 3
    for line in lines:
        outcomes = line.split(",")
        assert outcomes[0] == outcomes[6] == "MemoryError", line
        assert outcomes[5] == outcomes[11] == "done", line


@pytest.mark.parametrize("keywords", [{}, {"method": "separable"}, {"rtol": 0.1}, {"rtol": 0.1, "method": "separable"}])
def test_a_result_that_fits_nowhere(keywords: Any) -> None:
    with pytest.raises(MemoryError):
        convcorr.convolve(np.broadcast_to(np.float64(1), (2**30, 2**20)), disk(6), **keywords)
