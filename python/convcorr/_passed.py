"""Calls that a drop-in leaves to its peer, told to whoever counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

listener: Callable[[str, str], None] | None = None


def note(function: str, reason: str) -> None:
    """Say that `function` (the peer's, with its module) answers a call, and why."""
    tell = listener
    if tell is not None:
        tell(function, reason)
