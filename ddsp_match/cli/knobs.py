"""Knobs in words: settings that were found, and what there is to turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ddsp_match.core.params import Parameter

TURNED = 1e-6  # of the range: closer to its default a knob counts as left there
LONGEST_ROW = 8  # numbers of a row that are written out


def settings_lines(knobs: Sequence[Parameter], values: Mapping[str, np.ndarray]) -> list[str]:
    """Say where the knobs stand: those that were turned one a line, the others by name alone."""
    turned = [knob for knob in knobs if _turned(knob, values[knob.name])]
    left = [knob.name for knob in knobs if knob not in turned]
    if not turned:
        return ["every knob is at its default, where it does nothing"]
    width = max(len(knob.name) for knob in turned)
    lines = [f"  {knob.name:<{width}}  {_value(knob, values[knob.name])}" for knob in turned]
    return lines + ([f"  at their defaults: {', '.join(left)}"] if left else [])


def span(knob: Parameter) -> str:
    """The range of a knob: ``20 to 20000 Hz, log``."""
    curve = ", log" if knob.curve == "log" else ""
    return knob.span + curve


def default(knob: Parameter) -> str:
    """The neutral value of a knob; a row is shortened where all its values are the same."""
    if not isinstance(knob.default, tuple):
        return f"{knob.default:.6g}"
    if len(set(knob.default)) == 1:
        return f"{knob.default[0]:.6g} each"
    return _row(knob.default)


def _turned(knob: Parameter, value: np.ndarray) -> bool:
    width = knob.high - knob.low
    return bool((abs(value - _defaults(knob, value)) > TURNED * width).any())


def _defaults(knob: Parameter, value: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(knob.default, dtype=np.float64).reshape(value.shape)


def _value(knob: Parameter, value: np.ndarray) -> str:
    unit = f" {knob.unit}" if knob.unit else ""
    if knob.size == 0:
        return f"{float(value):.6g}{unit}"
    return _row(value.tolist()) + unit


def _row(values: Sequence[float]) -> str:
    """A row of numbers; of a long one the first, how many, and the extremes."""
    shown = ", ".join(f"{value:.4g}" for value in values[:LONGEST_ROW])
    if len(values) <= LONGEST_ROW:
        return shown
    return f"{shown}, ... ({len(values)} numbers, {min(values):.4g} to {max(values):.4g})"
