"""`python -m convcorr run`: somebody's program, unchanged, with NumPy's and SciPy's functions replaced."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ._accelerate import accelerated

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(target: str, arguments: Sequence[str], *, as_module: bool, report: bool) -> None:
    """Run a script, or a module as `python -m` does, as the main program.

    The process sees the arguments and the path that it would have without us. An exception passes through, as does
    SystemExit.

    Parameters
    ----------
    target : str
        The script's file, or the module's name.
    arguments : sequence of str
        What follows it.
    as_module : bool
        Whether `target` names a module.
    report : bool
        Print the counts of the calls to stderr when the program ends, however it does.
    """
    sys.argv = [target, *arguments]
    with accelerated() as counts:
        try:
            if as_module:
                runpy.run_module(target, run_name="__main__", alter_sys=True)
            else:
                if not getattr(sys.flags, "safe_path", False):  # else Python put no folder there
                    sys.path[0] = str(Path(target).resolve().parent)
                runpy.run_path(target, run_name="__main__")
        finally:
            if report:
                print(counts, file=sys.stderr)
