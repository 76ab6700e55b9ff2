"""Settings: dataclasses whose fields carry a `Parameter`, and are checked against it when they are made."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar, cast

from ddsp_match.core.params import Kind, Parameter

CHAIN = "list[Any]"  # the type of a setting that describes a chain of effects
_KINDS: dict[str, Kind] = {CHAIN: "chain", "list[int]": "whole", "int": "whole", "float": "number", "bool": "switch"}


def setting(default: Any, meaning: str, **facts: Any) -> Any:
    """Declare one setting; its name and kind are those of the field.

    Args:
        default: The value without any override; a list is copied.
        meaning: What it does, and what a bad value costs.
        facts: Further arguments of its `Parameter`: unit, low, high, above, choices.

    Returns:
        A dataclass field that carries all of it.
    """
    metadata = {"meaning": meaning, **facts}
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Settings:
    """Base of the settings classes: checks type and range of every field when made."""

    section: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for name, parameter in declared(type(self)).items():
            setattr(self, name, parameter.check(getattr(self, name)))


@functools.cache
def declared(kind: type[Settings]) -> dict[str, Parameter]:
    """Return the parameters of a class of settings by field; each is named by its full key, ``synth.n_harmonics``."""
    parameters = {}
    for field in dataclasses.fields(cast("Any", kind)):
        if field.metadata:
            type_name, _, optional = str(field.type).partition(" | ")
            parameters[field.name] = Parameter(
                f"{kind.section}.{field.name}" if kind.section else field.name,
                default=cast("Any", field.default_factory)() if field.default is dataclasses.MISSING else field.default,
                kind=_KINDS.get(type_name, "text"),
                size=None if type_name == "list[int]" else 0,
                optional=bool(optional),
                **field.metadata,
            )
    return parameters
