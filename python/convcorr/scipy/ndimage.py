"""The convolution filters of `scipy.ndimage`, faster: the same arguments, results, dtypes and errors.

What all filters here have in common:

- `output` is None (a new array of the dtype of `input`), a dtype or its name, or an array of the shape of `input`,
  which may be `input` itself.
- `mode` says how the input goes on beyond its ends: "reflect" (``d c b a | a b c d | d c b a``, also "grid-mirror"),
  "constant" (`cval` everywhere, also "grid-constant"), "nearest" (``a a a | a b c d | d d d``), "mirror"
  (``d c b | a b c d | c b a``) or "wrap" (``b c d | a b c d | a b c``, also "grid-wrap").
- Sums are taken in double precision; float32 that stays float32, in float32. Integers lose a sum's fraction, then its
  high bits. A filter along several axes keeps what lies between them in the dtype of the output.
- Complex data is filtered part by part.

Other than in SciPy, a NaN stays within reach of the kernel in `uniform_filter`, and no tap is too small to count.
"""

from ._ndimage_derivatives import (
    gaussian_gradient_magnitude,
    gaussian_laplace,
    generic_gradient_magnitude,
    generic_laplace,
    laplace,
    prewitt,
    sobel,
)
from ._ndimage_kernels import convolve, convolve1d, correlate, correlate1d
from ._ndimage_smoothing import gaussian_filter, gaussian_filter1d, uniform_filter, uniform_filter1d

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]
