"""Bad input: the right exception, and a message that names the argument."""

from __future__ import annotations

import datetime
import resource
from typing import Any

import numpy as np
import pytest

import convcorr

X = np.arange(10.0)
H = np.ones(3)
IMAGE = np.ones((6, 7))
KERNEL = np.ones((3, 3))
BYTES = np.ones(5, np.uint8)


def case(label: str, error: Any, names: str, x: Any = X, h: Any = H, *rest: Any, **keywords: Any) -> Any:
    """A call that must raise `error` with a message that matches the pattern `names`."""
    return pytest.param(error, names, (x, h, *rest), keywords, id=label)


def words(*names: str) -> str:
    """A pattern that asks for each of these words somewhere in the message."""
    return "(?s)" + "".join(rf"(?=.*\b{name}\b)" for name in names)


ARRAYS = [
    case("empty x", ValueError, words("x", "empty"), [], H),
    case("empty h", ValueError, words("h", "empty"), X, []),
    case("an empty convolved axis of x", ValueError, words("x"), np.ones((3, 0)), np.ones((1, 3)), axes=1),
    case("an empty convolved axis of h", ValueError, words("h"), IMAGE, np.ones((3, 0)), axes=1),
    case("0-d x", ValueError, words("x"), np.float64(1), H),
    case("0-d h", ValueError, words("h"), X, 2.0),
    case("unequal ndim", ValueError, words("x", "h"), IMAGE, H),
    case("unequal ndim the other way", ValueError, words("x", "h"), X, KERNEL),
    case("batch axes that don't broadcast", ValueError, words("x", "h"), np.ones((4, 9)), np.ones((3, 2)), axes=1),
    case("h longer than x in valid", ValueError, words("h", "valid"), H, X, "valid"),
    case("h higher than x in valid", ValueError, words("h", "valid"), np.ones((2, 50)), KERNEL, "valid"),
    case("dilated h longer than x in valid", ValueError, words("h", "valid"), X, H, "valid", dilation=5),
    case("object x", TypeError, words("x", "object"), np.array([1, None], object), H),
    case("object h", TypeError, words("h", "object"), X, np.array([1, 2], object)),
    case("str x", TypeError, words("x"), ["a", "b"], H),
    case("str h", TypeError, words("h"), X, np.array(["a"])),
    case("bytes x", TypeError, words("x"), np.array([b"ab"]), H),
    case("datetime x", TypeError, words("x"), np.array(["2020-01-01"], "M8[D]"), H),
    case("timedelta h", TypeError, words("h"), X, np.array([1, 2], "m8[s]")),
    case("void x", TypeError, words("x"), np.zeros(4, "V3"), H),
    case("record h", TypeError, words("h"), X, np.zeros(2, [("a", "f4")])),
    case("datetime objects", TypeError, words("x"), [datetime.date(2020, 1, 1)], H),
    case("None as x", TypeError, words("x"), None, H),
    case("None as h", TypeError, words("h"), X, None),
    case("masked x", TypeError, words("x") + "(?=.*(filled|mask))", np.ma.masked_array(X, X > 3), H),
    case("masked h", TypeError, words("h") + "(?=.*(filled|mask))", X, np.ma.masked_array(H)),
]

AXES = [
    case("axes beyond ndim", ValueError, words("axes"), IMAGE, KERNEL, axes=2),
    case("axes below -ndim", ValueError, words("axes"), IMAGE, KERNEL, axes=-3),
    case("one axis of two beyond ndim", ValueError, words("axes"), IMAGE, KERNEL, axes=(0, 5)),
    case("repeated axes", ValueError, words("axes"), IMAGE, KERNEL, axes=(1, 1)),
    case("axes repeated by sign", ValueError, words("axes"), IMAGE, KERNEL, axes=(0, -2)),
    case("no axes", ValueError, words("axes"), IMAGE, KERNEL, axes=()),
    case("axes of float", TypeError, words("axes"), IMAGE, KERNEL, axes=1.0),
    case("axes of str", TypeError, words("axes"), IMAGE, KERNEL, axes="01"),
    case("axes of mixed kinds", TypeError, words("axes"), IMAGE, KERNEL, axes=(0, "1")),
    case("an enormous axis", ValueError, words("axes"), X, H, axes=2**70),
]

CHOICES = [
    case("unknown mode", ValueError, words("mode", "middle", "full", "same", "valid"), X, H, "middle"),
    case("empty mode", ValueError, words("mode"), X, H, ""),
    case("abbreviated mode", ValueError, words("mode"), X, H, "f"),
    case("mode in capitals", ValueError, words("mode"), X, H, "FULL"),
    case("mode of int", TypeError, words("mode"), X, H, 2),
    case("mode None", TypeError, words("mode"), X, H, None),
    case("unknown boundary", ValueError, words("boundary", "mirror", "reflect"), boundary="mirror"),
    case("unknown boundary in valid", ValueError, words("boundary"), X, H, "valid", boundary="mirror"),
    case("boundary of int", TypeError, words("boundary"), boundary=0),
    case("boundary None", TypeError, words("boundary"), boundary=None),
    case("too few boundaries", ValueError, words("boundary"), IMAGE, KERNEL, boundary=("wrap",)),
    case("too many boundaries", ValueError, words("boundary"), X, H, boundary=("wrap", "wrap")),
    case("unknown boundary in a tuple", ValueError, words("boundary"), IMAGE, KERNEL, boundary=("wrap", "warp")),
    case("unknown method", ValueError, words("method", "magic", "auto", "direct"), method="magic"),
    case("method None", (TypeError, ValueError), words("method"), method=None),
]

NUMBERS = [
    case("stride 0", ValueError, words("stride"), stride=0),
    case("negative stride", ValueError, words("stride"), stride=-1),
    case("stride of float", TypeError, words("stride"), stride=1.5),
    case("stride of str", TypeError, words("stride"), stride="2"),
    case("stride None", TypeError, words("stride"), stride=None),
    case("too many strides", ValueError, words("stride"), stride=(1, 2)),
    case("too few strides", ValueError, words("stride"), IMAGE, KERNEL, stride=(1,)),
    case("a zero among strides", ValueError, words("stride"), IMAGE, KERNEL, stride=(1, 0)),
    case("dilation 0", ValueError, words("dilation"), dilation=0),
    case("negative dilation", ValueError, words("dilation"), dilation=-2),
    case("dilation of float", TypeError, words("dilation"), dilation=2.0),
    case("too many dilations", ValueError, words("dilation"), dilation=(1, 1)),
    case("an enormous dilation", (ValueError, MemoryError), words("dilation"), dilation=2**70),
    case("threads 0", ValueError, words("threads"), threads=0),
    case("negative threads", ValueError, words("threads"), threads=-2),
    case("threads of bool", TypeError, words("threads"), threads=True),
    case("threads of float", TypeError, words("threads"), threads=1.0),
    case("threads of str", TypeError, words("threads"), threads="2"),
    case("an enormous number of threads", ValueError, words("threads"), threads=2**70),
    case("complex fill, real result", TypeError, words("fill_value"), fill_value=1j),
    case("fill of str", TypeError, words("fill_value"), fill_value="0"),
    case("fill None", TypeError, words("fill_value"), fill_value=None),
    case("array fill", (TypeError, ValueError), words("fill_value"), fill_value=np.ones(2)),
    case("fraction as fill of integers", ValueError, words("fill_value"), BYTES, BYTES, fill_value=0.5),
    case("NaN as fill of integers", ValueError, words("fill_value"), BYTES, BYTES, fill_value=float("nan")),
    case("infinity as fill of integers", ValueError, words("fill_value"), BYTES, BYTES, fill_value=float("inf")),
    case("fill above the integers", ValueError, words("fill_value"), BYTES, BYTES, fill_value=256),
    case("fill below the integers", ValueError, words("fill_value"), BYTES, BYTES, fill_value=-1),
    case("fill beyond 64 bits", ValueError, words("fill_value"), BYTES, BYTES, fill_value=2**64, dtype="u8"),
    case(
        "fill beyond a narrower dtype",
        ValueError,
        words("fill_value"),
        np.ones(4, "u2"),
        BYTES,
        fill_value=300,
        dtype="u1",
    ),
    case("bad fill in valid", ValueError, words("fill_value"), BYTES, BYTES, "valid", fill_value=0.5),
]

RESULTS = [
    case("complex to real dtype", TypeError, words("dtype"), X * 1j, H, dtype=np.float64),
    case("float to integer dtype", TypeError, words("dtype"), dtype=np.int32),
    case("integer to bool dtype", TypeError, words("dtype"), BYTES, BYTES, dtype=bool),
    case("object dtype", TypeError, words("dtype"), dtype=object),
    case("str dtype", TypeError, words("dtype"), dtype="U3"),
    case("datetime dtype", TypeError, words("dtype"), dtype="M8[s]"),
    case("out that is no array", TypeError, words("out"), out=[0.0] * 12),
    case("out of wrong length", ValueError, words("out", "12"), out=np.zeros(11)),
    case("out of wrong ndim", ValueError, words("out"), out=np.zeros((1, 12))),
    case("out of wrong dtype", ValueError, words("out", "float32"), out=np.zeros(12, np.float32)),
    case("out of swapped bytes", ValueError, words("out"), out=np.zeros(12, np.dtype("f8").newbyteorder())),
    case("read-only out", ValueError, words("out"), out=np.broadcast_to(np.float64(0), 12)),
    case("out of a full result in valid", ValueError, words("out"), X, H, "valid", out=np.zeros(12)),
]

functions = pytest.mark.parametrize("op", ["convolve", "correlate"])


@functions
@pytest.mark.parametrize(("error", "names", "arguments", "keywords"), ARRAYS + AXES + CHOICES + NUMBERS + RESULTS)
def test_bad_input(op: str, error: Any, names: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    with pytest.raises(error, match=names):
        getattr(convcorr, op)(*arguments, **keywords)


LAGS = [
    case("reversed lags", ValueError, words("lags"), lags=(3, 2)),
    case("lags of float", TypeError, words("lags"), lags=(0.0, 2)),
    case("lags of one number", (TypeError, ValueError), words("lags"), lags=5),
    case("three lags", ValueError, words("lags"), lags=(0, 1, 2)),
    case("lags over two axes", ValueError, words("lags"), IMAGE, KERNEL, lags=(0, 1)),
    case("lags in same", ValueError, words("lags", "mode"), X, H, "same", lags=(0, 1)),
    case("lags in valid", ValueError, words("lags", "mode"), X, H, "valid", lags=(0, 1)),
    case("lags beyond 64 bits", ValueError, words("lags"), lags=(0, 2**64)),
]


@pytest.mark.parametrize(("error", "names", "arguments", "keywords"), LAGS)
def test_bad_lags(error: Any, names: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    with pytest.raises(error, match=names):
        convcorr.correlate(*arguments, **keywords)


@functions
def test_bad_calls_are_python_type_errors(op: str) -> None:
    function = getattr(convcorr, op)
    for arguments, keywords in (((), {}), ((X,), {}), ((X, H, "full", 0), {}), ((X, H), {"padding": 1})):
        with pytest.raises(TypeError):
            function(*arguments, **keywords)
    with pytest.raises(TypeError, match=words("mode")):
        function(X, H, "full", mode="full")
    with pytest.raises(TypeError, match="lags"):
        convcorr.convolve(X, H, lags=(0, 1))  # type: ignore[call-arg]  # the error is the test


@functions
def test_an_error_leaves_out_alone(op: str) -> None:
    out = np.full(12, 7.0)
    for keywords in ({"stride": 0}, {"boundary": "mirror"}, {"threads": 0}, {"axes": 3}):
        with pytest.raises(ValueError, match=next(iter(keywords))):
            getattr(convcorr, op)(X, H, out=out, **keywords)
    assert (out == 7).all()


def many(shape: tuple[int, ...], dtype: Any = np.int8) -> Any:
    """An array of any size that takes no memory."""
    return np.broadcast_to(np.ones((), dtype), shape)


GIANTS = [
    case(
        "more elements than 64 bits",
        (MemoryError, ValueError),
        "result",
        many((2**31, 1, 3)),
        many((1, 2**33, 2)),
        axes=-1,
    ),
    case("more bytes than 64 bits", (MemoryError, ValueError), "result", many((2**62,)), H),
    case("the longest full sum", (MemoryError, ValueError), "result", many((2**62,)), many((2**62,))),
    case("more bytes by dtype", (MemoryError, ValueError), "result", many((2**61,)), many((3,)), dtype=np.complex128),
    case("256 TB", MemoryError, "result", many((2**46,), np.float32), many((3,), np.float32)),
    case("256 TB in the batch", MemoryError, "result", many((2**23, 1, 9)), many((1, 2**22, 3)), axes=-1),
    case("256 TB in 2-D", MemoryError, "result", many((2**24, 2**24)), many((3, 3))),
    case("reach beyond 64 bits", (MemoryError, ValueError), "dilation", X, many((9,)), dilation=2**61),
    case("a huge reach in full", (MemoryError, ValueError), "result|dilation", X, H, dilation=2**55),
]


@functions
@pytest.mark.parametrize(("error", "names", "arguments", "keywords"), GIANTS)
def test_what_can_not_fit(
    op: str, error: Any, names: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Refused before anything of that size is allocated or computed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(error, match=names):
        getattr(convcorr, op)(*arguments, **keywords)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "it grew by 200 MB first"


@pytest.mark.parametrize("lags", [(-(2**62), 2**62), (0, 2**63 - 2), (0, 2**46)])
def test_lags_that_can_not_fit(lags: tuple[int, int]) -> None:
    with pytest.raises((MemoryError, ValueError), match=r"lags|result"):
        convcorr.correlate(X, H, lags=lags)


def test_far_lags_and_wide_steps_are_no_error() -> None:
    """Large numbers that ask for little."""
    np.testing.assert_array_equal(convcorr.correlate(X, H, lags=(2**61, 2**61 + 2)), np.zeros(3))
    np.testing.assert_array_equal(convcorr.correlate(X, H, lags=(-(2**61), 2 - 2**61)), np.zeros(3))
    np.testing.assert_array_equal(convcorr.convolve(X, H, stride=2**62), [0.0])
    np.testing.assert_array_equal(convcorr.convolve(X, H, "same", dilation=10**6), X)
    index = (np.arange(10)[:, None] + np.array([-1, 0, 1]) * 10**6) % 10
    want = X[index].sum(axis=1)
    np.testing.assert_array_equal(convcorr.convolve(X, H, "same", dilation=10**6, boundary="wrap"), want)
