"""Bad input to layers: the right exception, and a message that names the argument and the numbers."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import numpy as np
import pytest

import convcorr
from convcorr import nn
from nn_cases import CONV, GRAD_INPUT, GRAD_WEIGHT, TRANSPOSED
from oracle import Array

X = np.ones((2, 6, 9, 8))
W = np.ones((4, 3, 3, 3))
Y = np.ones((2, 4, 7, 6))
GROUPED: dict[str, Any] = {"groups": 2}


def words(*names: str) -> str:
    """A pattern that asks for each of these words somewhere in the message."""
    return "(?s)" + "".join(rf"(?=.*\b{name}\b)" for name in names)


def case(label: str, error: Any, names: str, x: Any = X, w: Any = W, *rest: Any, **keywords: Any) -> Any:
    return pytest.param(error, names, (x, w, *rest), {**GROUPED, **keywords}, id=label)


CASES = [
    case("x of too few axes", ValueError, words("x", "2"), np.ones((9, 8))),
    case("x of too many axes", ValueError, words("x", "5"), np.ones((1, 2, 6, 9, 8))),
    case("0-d x", ValueError, words("x"), 1.0),
    case("w of too few axes", ValueError, words("w", "3"), X, np.ones((4, 3, 3))),
    case("w of too many axes", ValueError, words("w", "5"), X, np.ones((4, 3, 3, 3, 3))),
    case("channels that don't match", ValueError, words("x", "6", "w", "3", "groups", "1"), groups=1),
    case("groups that don't divide O", ValueError, words("groups", "3", "4"), X, np.ones((4, 2, 3, 3)), groups=3),
    case("no group", ValueError, words("groups", "0"), groups=0),
    case("groups of float", TypeError, words("groups"), groups=2.0),
    case("x without channels", ValueError, words("x", "channels"), np.ones((2, 0, 9, 8)), groups=1),
    case("x without samples", ValueError, words("x", "samples"), np.ones((2, 6, 0, 8)), padding=3),
    case("w without outputs", ValueError, words("w", "channels"), X, np.ones((0, 3, 3, 3))),
    case("w without taps", ValueError, words("w", "taps"), X, np.ones((4, 3, 0, 3))),
    case("a kernel longer than x", ValueError, words("w", "10", "9"), X, np.ones((4, 3, 10, 3))),
    case("a dilated kernel longer than x", ValueError, words("w", "11", "10"), dilation=(1, 5), padding=(0, 1)),
    case("stride of 0", ValueError, words("stride", "0"), stride=0),
    case("stride of float", TypeError, words("stride"), stride=1.5),
    case("three strides", ValueError, words("stride", "2"), stride=(1, 1, 1)),
    case("dilation of 0", ValueError, words("dilation"), dilation=(1, 0)),
    case("negative padding", ValueError, words("padding", "1"), padding=-1),
    case("negative padding of one end", ValueError, words("padding"), padding=((0, -1), (0, 0))),
    case("padding of float", TypeError, words("padding"), padding=1.0),
    case("padding of three axes", ValueError, words("padding", "2"), padding=(1, 1, 1)),
    case("padding of three ends", ValueError, words("padding"), padding=((1, 1, 1), 0)),
    case("an enormous padding", MemoryError, words("padding", "64"), padding=2**62),
    case("an enormous dilation", MemoryError, words("dilation", "64"), dilation=2**62),
    case("padding beyond 64 bits", ValueError, words("padding"), padding=2**64),
    case("a result that no memory holds", MemoryError, words("result", "memory"), padding=2**40),
    case("an unknown padding", ValueError, words("padding", "same", "valid"), padding="full"),
    case("same with a stride", ValueError, words("padding", "same", "stride", "2"), padding="same", stride=(1, 2)),
    case("a mode of torch", ValueError, words("padding_mode", "circular", "wrap"), padding_mode="circular"),
    case("no mode", TypeError, words("padding_mode"), padding_mode=None),
    case("an unknown layout", ValueError, words("layout", "NHWC"), layout="CHWN"),
    case("a layout of volumes", ValueError, words("layout"), layout="NCDHW"),
    case("no layout", TypeError, words("layout"), layout=None),
    case("flip of int", TypeError, words("flip"), flip=1),
    case("an unknown algorithm", ValueError, words("algorithm", "winograd"), algorithm="gemm"),
    case("a method of convolve", ValueError, words("algorithm"), algorithm="separable"),
    case("no thread", ValueError, words("threads"), threads=0),
    case("threads of float", TypeError, words("threads"), threads=1.0),
    case("bias too short", ValueError, words("bias", "3", "4"), X, W, np.ones(3)),
    case("bias of two axes", ValueError, words("bias"), X, W, np.ones((4, 1))),
    case("a number as bias", ValueError, words("bias"), X, W, 1.0),
    case("complex bias", TypeError, words("bias", "complex128"), X, W, np.ones(4, complex)),
    case("float bias of integers", TypeError, words("bias"), X.astype(int), W.astype(int), np.ones(4)),
    case("object x", TypeError, words("x", "object"), X.astype(object)),
    case("str w", TypeError, words("w"), X, np.full((4, 3, 3, 3), "a")),
    case("masked x", TypeError, words("x", "filled"), np.ma.masked_array(X)),
    case("masked w", TypeError, words("w", "filled"), X, np.ma.masked_array(W)),
    case("masked bias", TypeError, words("bias", "filled"), X, W, np.ma.masked_array(np.ones(4))),
    case("bool", TypeError, words("bool", "dtype"), X > 0, W > 0),
    case("complex to real dtype", TypeError, words("dtype", "w"), X * 1j, dtype=float),
    case("float to integer dtype", TypeError, words("dtype"), dtype=np.int32),
    case("object dtype", TypeError, words("dtype"), dtype=object),
    case("out that is no array", TypeError, words("out"), out=[1.0]),
    case("out of wrong shape", ValueError, words("out", "4"), out=np.zeros((2, 5, 7, 6))),
    case("out of wrong dtype", ValueError, words("out", "float32"), out=np.zeros(Y.shape, np.float32)),
    case("read-only out", ValueError, words("out"), out=np.broadcast_to(0.0, Y.shape)),
]


@pytest.mark.parametrize(("error", "names", "arguments", "keywords"), CASES)
def test_bad_input(error: Any, names: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    with pytest.raises(error, match=names):
        nn.conv2d(*arguments, **keywords)
    if "out" not in keywords:
        with pytest.raises(error):
            nn.explain(*arguments, **keywords)


T = np.ones((2, 4, 7, 6))  # x of the transposed layer


@pytest.mark.parametrize(
    ("error", "names", "keywords"),
    [
        (ValueError, words("output_padding", "2", "stride", "dilation"), {"output_padding": 2, "stride": 2}),
        (ValueError, words("output_padding", "1"), {"output_padding": 1}),
        (ValueError, words("output_padding"), {"output_padding": -1}),
        (TypeError, words("output_padding"), {"output_padding": 0.0}),
        (ValueError, words("padding", "5", "9"), {"padding": 5}),
        (MemoryError, words("stride", "64"), {"stride": 2**61}),
        (ValueError, words("padding_mode", "constant"), {"padding_mode": "edge"}),
        (ValueError, words("padding", "same"), {"padding": "same", "stride": 2}),
        (ValueError, words("x", "4", "w", "6"), {"w": np.ones((6, 3, 3, 3))}),
        (ValueError, words("bias", "6", "4"), {"bias": np.ones(4)}),
    ],
)
def test_bad_input_to_a_transposed_layer(error: Any, names: str, keywords: dict[str, Any]) -> None:
    with pytest.raises(error, match=names):
        nn.conv_transpose2d(T, **{"w": W, **GROUPED, **keywords})


def test_bad_shapes_of_gradients() -> None:
    for shape in ((2, 6, 9, 9), (3, 6, 9, 8), (2, 5, 9, 8), (6, 9, 8), (2, 6), (0, 6, 9, 8), (2, 6, -1, 8)):
        with pytest.raises(ValueError, match=words("x_shape")):
            nn.conv2d_grad_input(shape, W, Y, **GROUPED)
    for shape in ((4, 3, 3, 4), (4, 2, 3, 3), (6, 3, 3, 3), (4, 3, 3), (4, 3, 0, 3), (4, 3, 10, 3)):
        with pytest.raises(ValueError, match=words("w_shape")):
            nn.conv2d_grad_weight(X, shape, Y, **GROUPED)
    with pytest.raises(ValueError, match=words("grad_out")):
        nn.conv2d_grad_weight(X, W.shape, Y[:1], **GROUPED)
    with pytest.raises(ValueError, match=words("padding_mode", "constant")):
        nn.conv2d_grad_input(X.shape, W, Y, padding_mode="wrap", **GROUPED)
    with pytest.raises(TypeError, match=words("x_shape")):
        nn.conv2d_grad_input(7, W, Y)  # type: ignore[arg-type]  # the error is the test
    with pytest.raises(TypeError, match=words("w_shape")):
        nn.conv2d_grad_weight(X, (4, 3.0, 3, 3), Y)  # type: ignore[arg-type]  # likewise


def test_an_error_leaves_out_alone() -> None:
    out = np.full(Y.shape, 7.0)
    for keywords in ({"stride": 0}, {"padding": -1}, {"bias": np.ones(3)}, {"threads": 0}):
        with pytest.raises(ValueError, match=next(iter(keywords))):
            nn.conv2d(X, W, **{**GROUPED, "out": out, **keywords})  # type: ignore[arg-type]
    assert (out == 7).all()


def test_signatures() -> None:
    """Those of the contract, and after them what all layers take by name alone."""
    named = ["layout", "flip", "padding_mode", "algorithm", "dtype", "out", "threads"]
    rest = ["stride", "padding", "dilation", "groups"]
    for functions, first in (
        (CONV, ["x", "w", "bias", *rest]),
        (TRANSPOSED, ["x", "w", "bias", "stride", "padding", "output_padding", "groups", "dilation"]),
        (GRAD_INPUT, ["x_shape", "w", "grad_out", *rest]),
        (GRAD_WEIGHT, ["x", "w_shape", "grad_out", *rest]),
    ):
        for function in functions.values():
            parameters = inspect.signature(function).parameters
            assert list(parameters) == first + named
            assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in named)
            assert parameters["layout"].default == "NCHW"


def test_everything_is_exported_and_documented() -> None:
    assert convcorr.nn is nn
    for name in nn.__all__:
        assert len(inspect.getdoc(getattr(nn, name)) or "") > 200, name
    with pytest.raises(AttributeError, match="nothing"):
        convcorr.nothing  # noqa: B018


class Shrinking:
    """An argument that makes an array smaller while it is read."""

    def __init__(self, victim: Array, value: Any) -> None:
        self.victim, self.value = victim, value

    def __index__(self) -> int:
        self.victim.resize((1,), refcheck=False)
        return int(self.value)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        self.victim.resize((1,), refcheck=False)
        return np.asarray(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        self.victim.resize((1,), refcheck=False)
        return np.dtype(np.float64)


def test_arrays_that_change_while_arguments_are_read() -> None:
    """An error; never a look at memory that is gone."""
    for name, value in (("bias", np.ones(4)), ("stride", 1), ("groups", 2), ("padding", 0), ("dtype", None)):
        for number in range(2):
            x, w = X.copy(), W.copy()
            with pytest.raises(ValueError, match="axes"):
                nn.conv2d(x, w, **{**GROUPED, name: Shrinking((x, w)[number], value)})
    for number in range(2):
        w, y = W.copy(), Y.copy()
        with pytest.raises(ValueError, match="axes"):
            nn.conv2d_grad_input((2, 6, 9, Shrinking((w, y)[number], 8)), w, y, **GROUPED)
        x, y = X.copy(), Y.copy()
        with pytest.raises(ValueError, match="axes"):
            nn.conv2d_grad_weight(x, (4, 3, 3, Shrinking((x, y)[number], 3)), y, **GROUPED)


def test_calls_keep_no_reference() -> None:
    x, w, bias, out = X.copy(), W.copy(), np.ones(4), np.zeros(Y.shape)
    things = (x, w, bias, out)
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(10):
        nn.conv2d(x, w, bias, out=out, **GROUPED)
        nn.conv2d_grad_weight(x, w.shape, out, out=w, **GROUPED)
        nn.plan(x.shape, w, bias, **GROUPED)(x, out)
        nn.explain(x, w, bias, out=out, **GROUPED)
        for bad in ({"bias": np.ones(3)}, {"stride": 0}, {"out": x}, {"padding": ((1, 1, 1), 0)}):
            with pytest.raises(ValueError, match=next(iter(bad))):
                nn.conv2d(x, w, **{**GROUPED, "bias": bias, **bad})  # type: ignore[arg-type]
    assert [sys.getrefcount(thing) for thing in things] == before
