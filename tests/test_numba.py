"""Code that numba compiles finds numba's own `numpy.convolve` and `correlate`, whoever stands in NumPy."""

from __future__ import annotations

import importlib.util
import textwrap

import pytest

from subprocesses import output_of

pytestmark = [
    pytest.mark.downstream,
    pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed"),
]

BEGIN = """
import sys
import numpy as np
import convcorr

def compiled():
    import numba
    both = numba.njit(lambda a, v: (np.convolve(a, v), np.correlate(a, v, mode="same")))
    print(*[result.tolist() for result in both(np.arange(4.0), np.array([1.0, 2.0]))])
"""
ANSWER = "[0.0, 1.0, 4.0, 7.0, 6.0] [0.0, 2.0, 5.0, 8.0]"
PROGRAMS = {
    "numba came first": """
        import numba
        with convcorr.accelerated():
            compiled()
        compiled()
        """,
    "it came during an acceleration": """
        with convcorr.accelerated():
            compiled()
        compiled()
        """,
    "and was only imported there": """
        convcorr.accelerate()
        import numba
        convcorr.restore()
        compiled()
        convcorr.accelerate()
        compiled()
        """,
}  # fmt: skip


@pytest.mark.parametrize("when", PROGRAMS)
def test_compiled_code_runs_on_either_side(when: str) -> None:
    assert output_of(BEGIN + textwrap.dedent(PROGRAMS[when])).splitlines() == [ANSWER] * 2


def test_numba_is_not_imported_for_it() -> None:
    assert output_of(BEGIN + "convcorr.accelerate()\nconvcorr.restore()\nprint('numba' in sys.modules)") == "False"
