"""No kernel reads or writes a byte outside the arrays it was given."""

from __future__ import annotations

import sys

import pytest

from subprocesses import run_python


@pytest.mark.skipif(sys.platform != "linux", reason="the forbidden pages are made with Linux's mprotect")
def test_operands_against_forbidden_pages() -> None:
    done = run_python("guarded_sweep.py", timeout=300)
    assert done.returncode == 0, f"exit status {done.returncode} (-11 is a stray access)\n{done.stderr[-2000:]}"
    assert done.stdout.strip() == "no stray access"
