"""Layers of neural networks on NumPy arrays: forward, transposed, and their gradients, with PyTorch's conventions.

`conv1d`, `conv2d` and `conv3d` correlate data with weights that sum over channels; `conv_transpose1d` and its kin go
the other way, and the `_grad_input` and `_grad_weight` functions are the layers' gradients. `plan` prepares weights for
many arrays, `explain` tells how a layer would be computed, `unfold` and `fold` are im2col and col2im.
"""

from ._nn_conv import conv1d, conv2d, conv3d
from ._nn_fold import fold, unfold
from ._nn_grad_input import conv1d_grad_input, conv2d_grad_input, conv3d_grad_input
from ._nn_grad_weight import conv1d_grad_weight, conv2d_grad_weight, conv3d_grad_weight
from ._nn_plan import LayerPlan, explain, plan
from ._nn_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d

__all__ = [
    "LayerPlan",
    "conv1d",
    "conv1d_grad_input",
    "conv1d_grad_weight",
    "conv2d",
    "conv2d_grad_input",
    "conv2d_grad_weight",
    "conv3d",
    "conv3d_grad_input",
    "conv3d_grad_weight",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "explain",
    "fold",
    "plan",
    "unfold",
]
