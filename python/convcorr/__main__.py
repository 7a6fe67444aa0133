"""The command line: `python -m convcorr info`, `... demo [DIR]` and `... run SCRIPT [ARGS]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__, show_config

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEMO_NEEDS = {"matplotlib": "matplotlib", "scipy": "scipy", "skimage": "scikit-image"}  # import name: package


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the program's name; by default those of the process.

    Returns
    -------
    int
        The exit status: 0; 1 if the demo cannot run or finds a wrong result; 2 if there is no program to run. A program
        that exits by itself does so through here.
    """
    arguments = _parser().parse_args(argv)
    if arguments.command == "demo":
        return _run_demo(arguments.directory)
    if arguments.command == "run":
        return _run_program(arguments)
    show_config()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convcorr", description="Convolution and correlation of NumPy arrays."
    )
    parser.add_argument("--version", action="version", version=f"convcorr {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("info", help="print the version, the instruction sets, the threads and the compiler")
    demo = commands.add_parser("demo", help="filter photographs and an EEG, write pictures, compare the times")
    demo.add_argument(
        "directory",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path("convcorr-demo"),
        help="where the pictures go, made if it is not there (default: %(default)s)",
    )
    run = commands.add_parser(
        "run",
        help="run a Python program with NumPy's and SciPy's functions replaced by ours",
        usage="%(prog)s [-h] [--report] (SCRIPT | -m MODULE) [ARGS ...]",
    )
    run.add_argument("--report", action="store_true", help="print calls, times and what was passed on to the originals")
    run.add_argument("-m", dest="as_module", action="store_true", help="run a module, as python -m does")
    run.add_argument("target", metavar="SCRIPT", help="the program's file, or the module's name")
    run.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="the program's own arguments")
    return parser


def _run_program(arguments: argparse.Namespace) -> int:
    from ._run import run

    if not arguments.as_module and not Path(arguments.target).exists():
        print(f"SCRIPT must be a file, got {arguments.target}, which does not exist", file=sys.stderr)
        return 2
    run(arguments.target, arguments.arguments, as_module=arguments.as_module, report=arguments.report)
    return 0


def _run_demo(directory: Path) -> int:
    try:
        from . import _demo
    except ModuleNotFoundError as error:
        package = _DEMO_NEEDS.get((error.name or "").partition(".")[0])
        if package is None:
            raise
        print(f"The demo needs {package}, which is not installed. This brings all that it needs:", file=sys.stderr)
        print("    pip install 'convcorr[demo]'      (in a checkout: pip install '.[demo]')", file=sys.stderr)
        return 1
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"DIR must be a folder that can be written to, got {directory}: {error}", file=sys.stderr)
        return 1
    return _demo.run(directory)


if __name__ == "__main__":
    sys.exit(main())
