"""A chain from plain data, as it stands in a config or a patch: ``["iir", {"clip": {"high": 0.5}}]``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ddsp_match.core.errors import EFFECTS, ConfigError
from ddsp_match.effects.chain import DryWet, Parallel, Serial
from ddsp_match.effects.processor import Processor, Values
from ddsp_match.effects.registry import processor

KINDS = {bool: "true or false", int: "a whole number", float: "a number"}  # of options


def build(spec: Sequence[Any]) -> tuple[Serial, dict[str, Any]]:
    """Makes a chain from its description.

    Args:
        spec: Processors from the input to the output: a name; ``{name: {option or knob: value}}``, where a knob that
            has a value is fixed; ``{"parallel": [branch, ...]}`` and ``{"mix": [...]}``, where a branch is
            any of these or a list of them.

    Returns:
        The chain, and the fixed knobs with their values, by their names in the chain.

    Raises:
        ConfigError: No such processor, option or knob, or a value that is not allowed.
    """
    if isinstance(spec, str | bytes) or not isinstance(spec, Sequence):
        raise _wrong(spec, "a list of processors, effects=[iir,clip]")
    fixed: dict[str, Any] = {}
    parts = []
    for entry in spec:
        part, values = _entry(entry)
        parts.append(part)
        name = Serial(tuple(parts)).named[-1][0]
        fixed.update({f"{name}.{key}": value for key, value in values.items()})
    return Serial(tuple(parts)), fixed


def describe(chain: Processor) -> list[Any]:
    """The description that `build` makes the same chain from."""
    if isinstance(chain, Serial):
        return [_described(part) for part in chain.parts]
    return [_described(chain)]


def check(chain: Processor, values: Values) -> None:
    """Refuses values of knobs that do not exist, lie out of range or are not as many numbers as the knob holds.

    Raises:
        ConfigError: Named, with what is allowed.
    """
    try:
        chain.arrays(values)
        chain.tensors(values)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ConfigError(str(error), where="effects", needed="numbers", cures=[EFFECTS]) from None


def _entry(entry: Any) -> tuple[Processor, dict[str, Any]]:
    if isinstance(entry, str):
        name, options = entry, None
    elif isinstance(entry, Mapping) and len(entry) == 1:
        name, options = next(iter(entry.items()))
    else:
        raise _wrong(entry, "a processor's name, or {name: {option: value}}")
    if name in (Parallel.name, DryWet.name):
        return _composite(name, options)
    kind = processor(str(name))
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise _wrong({name: options}, f"{{{name}: {{option or knob: value}}}}")
    fields = {field.name: field for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else {}
    chosen = {str(key): _option(name, fields[key], value) for key, value in options.items() if key in fields}
    try:
        part = kind(**chosen)
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error), where=f"effects: {name}", needed="an allowed option", cures=[EFFECTS]) from None
    fixed = {str(key): value for key, value in options.items() if key not in fields}
    check(part, fixed)
    return part, fixed


def _option(name: str, field: dataclasses.Field[Any], value: Any) -> Any:
    """The value of an option, of the kind that its default is; a whole number may stand for any."""
    kind = type(field.default)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(repr(value), where=f"effects: {name}: {field.name}", needed=KINDS[kind], cures=[EFFECTS])
    return value


def _composite(name: str, branches: Any) -> tuple[Processor, dict[str, Any]]:
    kind = Parallel if name == Parallel.name else DryWet
    if isinstance(branches, str | bytes | Mapping) or not isinstance(branches, Sequence) or not branches:
        raise _wrong({name: branches}, f"{{{name}: [processor, ...]}}")
    fixed: dict[str, Any] = {}
    parts: list[Processor] = []
    for branch in branches:
        if isinstance(branch, Sequence) and not isinstance(branch, str | bytes):
            part, values = build(branch)
        else:
            part, values = _entry(branch)
        parts.append(part)
        inner = kind(tuple(parts)).named[-1][0]
        fixed.update({f"{inner}.{key}": value for key, value in values.items()})
    return kind(tuple(parts)), fixed


def _described(part: Processor) -> Any:
    if isinstance(part, Serial):
        return describe(part)
    if isinstance(part, Parallel | DryWet):
        return {part.name: [_described(inner) for inner in part.parts]}
    if not dataclasses.is_dataclass(part):
        return part.name
    options = {
        field.name: getattr(part, field.name)
        for field in dataclasses.fields(part)
        if getattr(part, field.name) != field.default
    }
    return {part.name: options} if options else part.name


def _wrong(value: Any, needed: str) -> ConfigError:
    return ConfigError(repr(value), where="effects", needed=needed, cures=[EFFECTS])
