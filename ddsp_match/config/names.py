"""Overrides as they were typed: parsed, and refused by name where they name nothing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from ddsp_match.config.folders import groups, setting_keys
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings, Settings

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

_KEY = r"[A-Za-z_][\w.@/:-]*"
_OVERRIDE = re.compile(rf"^(~{_KEY}(=.*)?|\+{{0,2}}{_KEY}=.*)$", re.DOTALL)


def is_override(word: str) -> bool:
    """Say whether a word of the command line reads as a Hydra override: ``loss=mel``, ``~f0``, ``+x=1``."""
    return bool(_OVERRIDE.match(word))


def quoted(value: object) -> str:
    """Return a path, or other text, as the value of an override that Hydra reads back unchanged."""
    return "'" + re.sub(r"\\(?=\\*('|$))", r"\\\\", str(value)).replace("'", "\\'") + "'"


def parsed(overrides: Sequence[str]) -> list[Override]:
    """Return the overrides as Hydra reads them.

    Raises:
        ConfigError: One does not parse.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    parsed = []
    for text in overrides:
        try:
            parsed.append(parser.parse_override(text))
        except HydraException as error:
            raise ConfigError(
                f"{text!r}, which does not parse ({first_line(error)})",
                where="settings",
                needed="key=value",
                hint="quotes around a value with spaces, commas or brackets",
            ) from None
    return parsed


def check_names(override: Override, known: dict[str, list[str]], kind: type[Settings]) -> None:
    """Refuse a key that is neither a group, a section nor a setting, and an option that its group lacks.

    The options of a sweep are not judged here: `missing_option` tells which of them the group lacks.
    """
    key = override.key_or_group
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        return
    if key in known:
        error = None if override.is_sweep_override() else missing_option(override.input_line or "", known)
        if error is not None:
            raise error
    elif key not in setting_keys(kind):
        raise unknown_key(key, kind, known)
    elif setting_keys(kind)[key].kind == "chain" and not override.is_sweep_override():
        if isinstance(override.value(), dict):  # Hydra would try to merge it into the list
            text = (override.input_line or "").partition("=")[2]
            needed = setting_keys(kind)[key].allowed
            raise ConfigError(text, where=key, needed=needed, hint=f"{key}='[{text}]'")


def missing_option(word: str, known: dict[str, list[str]]) -> ConfigError | None:
    """Return the refusal of an option that its group lacks, for one ``group=option``; None for anything else."""
    key, equals, value = word.lstrip("+").partition("=")
    option = value.strip("'\"")
    if not equals or key not in known or option in known[key] or option.startswith(("{", "[")):
        return None
    return ConfigError(repr(option), where=key, needed=" | ".join(known[key]), hint=_near(option, known[key]))


def single_values(override: Override, known: dict[str, list[str]]) -> Iterator[str]:
    """Yield every ``key=value`` that an override stands for; none for a sweep over an interval."""
    from hydra.core.override_parser.types import Glob

    if not override.is_sweep_override():
        yield override.input_line or ""
        return
    key, value = override.get_key_element(), override.value()
    if isinstance(value, Glob):
        yield from (f"{key}={option}" for option in value.filter(known.get(override.key_or_group, [])))
    elif override.is_discrete_sweep():
        yield from (f"{key}={option}" for option in override.sweep_string_iterator())


def unknown_key(key: str, kind: type[Settings] = FitSettings, known: dict[str, list[str]] | None = None) -> ConfigError:
    """Return the refusal of a key that is no setting, with its neighbours and what it may have meant."""
    section = key.rpartition(".")[0]
    keys = list(setting_keys(kind))
    siblings = [name for name in keys if name.rpartition(".")[0] == section] if section else []
    if not siblings:
        top = [name for name in keys if "." not in name]
        siblings = sorted(
            {*top, *(known or groups(kind=kind)), *(f"{name.partition('.')[0]}.…" for name in keys if "." in name)}
        )
    near = _near(key, [*keys, *(known or groups(kind=kind))])
    return ConfigError(
        f"{key!r}, which is no setting", where="settings", needed="one of " + ", ".join(siblings), hint=near
    )


def wrong_type(error: Any, config: DictConfig, kind: type[Settings]) -> ConfigError:
    """Return the refusal of a value that OmegaConf could not take, in our words."""
    from omegaconf import OmegaConf

    key = str(error.full_key or "")
    parameter = setting_keys(kind).get(re.sub(r"\[.*", "", key))
    if parameter is None:
        sections = {name.partition(".")[0] for name in setting_keys(kind) if "." in name}
        return ConfigError(
            first_line(error),
            where=key or "settings",
            needed=f"keys below it, {key}.…" if key in sections else "",
        )
    value = OmegaConf.to_container(config)
    for part in re.sub(r"\[.*", "", key).split("."):
        value = cast("dict[str, Any]", value)[part]
    hint = f"{key}=[{value}]" if parameter.kind == "chain" and isinstance(value, str) else ""
    return ConfigError(repr(value), where=key, needed=parameter.allowed, hint=hint)


def _near(word: str, words: Sequence[str]) -> str:
    """Return the words that look like a mistyped one, or that end in it, as a hint."""
    ends = [name for name in words if name.rpartition(".")[2] == word.rpartition(".")[2]]
    near = list(dict.fromkeys([*ends, *difflib.get_close_matches(word, words, n=3, cutoff=0.6)]))
    return " or ".join(near)


def first_line(error: Exception) -> str:
    """Return the message of an error of Hydra's, without its context."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
