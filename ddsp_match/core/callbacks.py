"""The functions by which long work tells a caller what happens."""

from __future__ import annotations

from collections.abc import Callable

OnNote = Callable[[str], None]
