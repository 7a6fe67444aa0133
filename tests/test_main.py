"""The command line, as someone types it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import convcorr
from subprocesses import environment

MISSING = [name for name in ("matplotlib", "scipy", "skimage") if importlib.util.find_spec(name) is None]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "convcorr", *arguments]
    env = environment(MPLBACKEND="Agg")
    return subprocess.run(program, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_info_is_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    convcorr.show_config()
    done = command("info")
    assert done.returncode == 0, done.stderr
    assert done.stdout == capsys.readouterr().out


@pytest.mark.parametrize("arguments", [(), ("sing",), ("demo", "a", "b")])
def test_a_wrong_command_ends_with_the_usage(arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "usage: python -m convcorr" in done.stderr


def test_the_demo_draws_and_agrees_with_the_peers_or_says_what_it_needs(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    done = command("demo", str(folder))
    if MISSING:
        assert done.returncode == 1
        assert "pip install" in done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 4
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.name in done.stdout
    assert str(folder) in done.stdout
    for peer in ("np.convolve", "convolve2d", "ndimage"):
        assert peer in done.stdout
