"""Python programs run beside the tests: for what is decided at import, ends a process, or must not hang it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).parent


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment with these changes; None takes a variable out."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))}
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def run_python(
    code: str, *arguments: str, timeout: float = 120, cwd: Path | None = None, **variables: str | None
) -> subprocess.CompletedProcess[str]:
    """Run `code` (or the file of that name in tests/, or "-m") and return what it printed; a hang raises."""
    program = [str(HERE / code)] if code.endswith(".py") else ["-c", textwrap.dedent(code)]
    if code == "-m":
        program = [code]
    return subprocess.run(
        [sys.executable, "-W", "error", *program, *arguments],
        env=environment(**variables), capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd,
    )  # fmt: skip


def output_of(code: str, *arguments: str, timeout: float = 120, **variables: str | None) -> str:
    """What a program printed, once it has ended well."""
    done = run_python(code, *arguments, timeout=timeout, **variables)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()
