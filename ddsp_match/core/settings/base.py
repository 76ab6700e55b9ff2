"""What a setting is: its default, unit, allowed range and meaning, and the check that it keeps to them."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any, ClassVar, cast

from ddsp_match.core.errors import ConfigError

CHAIN = "list[Any]"  # the type of a setting that describes a chain of effects


def setting(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    above: bool = False,
) -> Any:
    """Declares one setting.

    Args:
        default: The value without any override; a list is copied.
        meaning: What it does, and what a bad value costs.
        unit: Unit of the number.
        low: Lowest allowed number.
        high: Highest allowed number.
        choices: The allowed words of a string setting.
        above: The number must lie above `low` rather than at or above it.

    Returns:
        A dataclass field whose metadata carries all of it.
    """
    metadata = {
        "meaning": meaning,
        "unit": unit,
        "low": low,
        "high": high,
        "choices": choices,
        "above": above,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Settings:
    """Base of the settings classes: checks type and range of every field when made."""

    section: ClassVar[str] = ""

    @classmethod
    def key(cls, name: str) -> str:
        """The full key of a field: ``synth.n_harmonics``."""
        return f"{cls.section}.{name}" if cls.section else name

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # pyright: ignore[reportArgumentType]
            if field.metadata:
                setattr(self, field.name, _checked(self.key(field.name), getattr(self, field.name), field))


def allowed(field: dataclasses.Field[Any]) -> str:
    """What a setting may be, in words: ``1 to 1000 (harmonics), or null``."""
    meta, kind = field.metadata, str(field.type)
    if meta["choices"]:
        words = " | ".join(meta["choices"])
    elif kind == CHAIN:
        words = "a list of processors, [clip] or [{iir: {order: 4}}, clip]"
    elif "bool" in kind:
        words = "true | false"
    elif meta["low"] is not None:
        number = "whole numbers, " if "list" in kind else "a whole number, " if "int" in kind else ""
        low, high = f"{meta['low']:.10g}", f"{meta['high']:.10g}"
        words = number + (f"above {low}, at most {high}" if meta["above"] else f"{low} to {high}")
    else:
        words = "text"
    unit = f" ({meta['unit']})" if meta["unit"] else ""
    return words + unit + (", or null" if "None" in kind else "")


def _checked(key: str, value: Any, field: dataclasses.Field[Any]) -> Any:
    """The value in its declared type, or a ConfigError that names the key and what is allowed."""
    meta, kind = field.metadata, str(field.type)
    refusal = ConfigError(
        repr(value) if not isinstance(value, float) else f"{value:g}", where=key, needed=allowed(field)
    )
    if value is None:
        if "None" not in kind:
            raise refusal
        return None
    if kind == CHAIN:
        return _chain(key, value, refusal)
    if "list" in kind:
        if not isinstance(value, list | tuple) or not value:
            raise refusal
        return [_number(item, meta, whole=True, refusal=refusal) for item in value]
    if "bool" in kind:
        if not isinstance(value, bool):
            raise refusal
        return value
    if "str" in kind:
        if not isinstance(value, str) or not value or (meta["choices"] and value not in meta["choices"]):
            raise refusal
        return value
    return _number(value, meta, whole="int" in kind, refusal=refusal)


def _number(value: Any, meta: Any, *, whole: bool, refusal: ConfigError) -> int | float:
    wanted = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, wanted) or not math.isfinite(cast(float, value)):
        raise refusal
    in_range = meta["low"] <= value <= meta["high"] and not (meta["above"] and value == meta["low"])
    if not in_range:
        raise refusal
    return int(cast(int, value)) if whole else float(cast(float, value))


def _chain(key: str, value: Any, refusal: ConfigError) -> list[Any]:
    """The description of a chain as plain lists and mappings; what its names mean is not known here."""
    if isinstance(value, str):
        raise ConfigError(refusal.found, where=key, needed=refusal.needed, hint=f"{key}=[{value}]")
    if not isinstance(value, list | tuple) or not all(isinstance(item, str | dict | list | tuple) for item in value):
        raise refusal
    return [_plain(item, refusal) for item in value]


def _plain(value: Any, refusal: ConfigError) -> Any:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, refusal) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, refusal) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Real) and math.isfinite(float(value)):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    raise refusal
