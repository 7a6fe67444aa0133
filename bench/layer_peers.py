"""Everybody who can compute a layer: ours, PyTorch, ONNX Runtime and OpenVINO.

As in `peers.py`, each is a factory that gives a call without arguments, and prepares what a user would prepare once:
tensors in the peer's layout, sessions, weights packed where the peer can pack them. PyTorch takes them as they are at
every call, as our plain call does. A call allocates its result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from bench import peers
from bench.cases import Array
from bench.layers import Layer

Make = Callable[[Layer, int], peers.Call]
PLAN = "plan"  # the name of our prepared layer among the contestants
TORCH = ("torch NCHW", "torch NHWC")
ORT, OPENVINO = "onnxruntime", "openvino"


@dataclass(frozen=True)
class Rival:
    """Somebody who computes layers.

    Parameters
    ----------
    name : str
        As printed.
    packages : tuple of str
        Modules that must import.
    make : callable
        Takes the layer and a number of threads; gives the call to time.
    ops, dtypes : tuple of str
        Served.
    ndims : tuple of int
        Numbers of spatial axes served.
    kernels : tuple of int
        Sides of kernels served; all, where empty.
    """

    name: str
    packages: tuple[str, ...]
    make: Make
    ops: tuple[str, ...] = ("forward",)
    dtypes: tuple[str, ...] = ("f32", "f64")
    ndims: tuple[int, ...] = (1, 2, 3)
    kernels: tuple[int, ...] = ()

    @property
    def missing(self) -> list[str]:
        """Packages that are not installed."""
        return [name for name in self.packages if peers.load(name) is None]

    def serves(self, layer: Layer) -> bool:
        """Whether the peer has something for this kind of layer."""
        kernel = not self.kernels or layer.kernel in self.kernels
        return kernel and layer.op in self.ops and layer.dtype in self.dtypes and layer.ndim in self.ndims


def options(layer: Layer) -> dict[str, int]:
    """Arguments of a layer that PyTorch and we share."""
    return {
        "stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "groups": layer.groups,
    }  # fmt: skip


def ours(layer: Layer, threads: int) -> peers.Call:
    """Our plain call: weights as they come."""
    nn = peers.load("convcorr.nn")
    x, w, g = layer.arrays()
    name, rest = f"conv{layer.ndim}d", options(layer) | {"threads": threads}
    if layer.op == "grad_input":
        return partial(getattr(nn, f"{name}_grad_input"), layer.x_shape, w, g, **rest)
    if layer.op == "grad_weight":
        return partial(getattr(nn, f"{name}_grad_weight"), x, layer.w_shape, g, **rest)
    return partial(getattr(nn, name), x, w, **rest)


def planned(layer: Layer, threads: int) -> peers.Call:
    """Our plan: weights packed once."""
    nn: Any = peers.load("convcorr.nn")
    x, w, _ = layer.arrays()
    return partial(nn.plan(layer.x_shape, w, threads=threads, **options(layer)), x)


def algorithm(layer: Layer) -> str:
    """Name what ours takes for the layer, as `explain` tells; of gradients it tells nothing."""
    nn: Any = peers.load("convcorr.nn")
    if layer.op != "forward":
        return "-"
    x, w, _ = layer.arrays()
    return str(nn.explain(x, w, **options(layer)).algorithm)


def pytorch(channels_last: bool) -> Make:
    """torch.nn.functional.conv1d, conv2d, conv3d, and what autograd calls for their gradients."""

    def make(layer: Layer, threads: int) -> peers.Call:
        torch: Any = peers.load("torch")
        form = torch.contiguous_format
        if channels_last:
            form = torch.channels_last if layer.ndim == 2 else torch.channels_last_3d
        x, w, g = (torch.from_numpy(array).to(memory_format=form) for array in layer.arrays())
        if layer.op == "forward":
            return partial(getattr(torch.nn.functional, f"conv{layer.ndim}d"), x, w, **options(layer))
        stride, padding, dilation = ([value] * layer.ndim for value in (layer.stride, layer.padding, layer.dilation))
        wanted = [layer.op == "grad_input", layer.op == "grad_weight", False]
        rest = (None, stride, padding, dilation, False, [0] * layer.ndim, layer.groups, wanted)
        backward = torch.ops.aten.convolution_backward
        return lambda: backward(g, x, w, *rest)[0 if wanted[0] else 1]

    return make


class OrtLayer:
    """A model of one Conv in ONNX Runtime, its input bound; it is its own result, so that no copy is timed."""

    def __init__(self, layer: Layer, threads: int) -> None:
        ort: Any = peers.load("onnxruntime")
        self._x, w, _ = layer.arrays()
        settings = ort.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
        model = _onnx_model(layer, w).SerializeToString()
        self._session = ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        self._binding = self._session.io_binding()
        self._binding.bind_cpu_input("x", self._x)

    def __call__(self) -> OrtLayer:
        """Compute into a new array of ONNX Runtime's."""
        self._binding.bind_output("y", "cpu")
        self._session.run_with_iobinding(self._binding)
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Give the last result."""
        return np.array(self._binding.copy_outputs_to_cpu()[0], dtype)


def _onnx_model(layer: Layer, w: Array) -> Any:
    onnx: Any = peers.load("onnx")
    helper = onnx.helper
    conv = helper.make_node(
        "Conv", ["x", "w"], ["y"], kernel_shape=[layer.kernel] * layer.ndim, group=layer.groups,
        strides=[layer.stride] * layer.ndim, dilations=[layer.dilation] * layer.ndim,
        pads=[layer.padding] * (2 * layer.ndim),
    )  # fmt: skip
    x, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", layer.x_shape), ("y", layer.y_shape))
    )
    graph = helper.make_graph([conv], "layer", [x], [y], [onnx.numpy_helper.from_array(w, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class OpenvinoLayer:
    """A model of one convolution in OpenVINO, compiled; it is its own result, so that no copy is timed."""

    def __init__(self, layer: Layer, threads: int) -> None:
        openvino: Any = peers.load("openvino")
        opset: Any = peers.load("openvino.opset13")
        self._x, w, _ = layer.arrays()
        data = opset.parameter(layer.x_shape, np.float32)
        ends = [layer.padding] * layer.ndim
        steps = [layer.stride] * layer.ndim, ends, ends, [layer.dilation] * layer.ndim
        if layer.groups == 1:
            conv = opset.convolution(data, opset.constant(w), *steps)
        else:  # OpenVINO has an axis of groups
            grouped = w.reshape(layer.groups, -1, *w.shape[1:])
            conv = opset.group_convolution(data, opset.constant(grouped), *steps)
        # Without the last one it computes in bfloat16 where the processor can.
        settings = {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32",
        }  # fmt: skip
        compiled = openvino.Core().compile_model(openvino.Model([conv], [data]), "CPU", settings)
        self._request = compiled.create_infer_request()
        self._request.set_input_tensor(openvino.Tensor(self._x, shared_memory=True))

    def __call__(self) -> OpenvinoLayer:
        """Compute; OpenVINO keeps the memory of its result from call to call."""
        self._request.infer()
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Give the last result."""
        return np.array(self._request.get_output_tensor().data, dtype)


def product(layer: Layer, threads: int) -> peers.Call:
    """NumPy's product of matrices, which is all that such a layer is."""
    x, w, _ = layer.arrays()
    pools = peers.load("threadpoolctl")
    if pools is not None:
        pools.threadpool_limits(threads, user_api="blas")
    return partial(np.matmul, w[:, :, 0], x)


EVERY_OP = ("forward", "grad_input", "grad_weight")
OURS = (
    Rival(peers.OURS, ("convcorr.nn",), ours, EVERY_OP),
    Rival(PLAN, ("convcorr.nn",), planned),
)
PEERS = (
    Rival(TORCH[0], ("torch",), pytorch(channels_last=False), EVERY_OP),
    Rival(TORCH[1], ("torch",), pytorch(channels_last=True), EVERY_OP, ndims=(2, 3)),
    Rival("NumPy", (), product, ndims=(1,), kernels=(1,)),
    Rival(ORT, ("onnxruntime", "onnx"), OrtLayer, dtypes=("f32",)),
    Rival(OPENVINO, ("openvino", "openvino.opset13"), OpenvinoLayer, dtypes=("f32",)),
)


def absent() -> list[str]:
    """List packages that are wanted and not installed, ours included."""
    return sorted({name.partition(".opset")[0] for rival in OURS + PEERS for name in rival.missing})


@contextlib.contextmanager
def inference() -> Iterator[None]:
    """Let PyTorch record nothing for gradients, for as long as the block lasts."""
    torch = peers.load("torch")
    with torch.inference_mode() if torch is not None else contextlib.nullcontext():
        yield
