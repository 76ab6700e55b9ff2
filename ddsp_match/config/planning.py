"""The overrides of a sweep, looked at before the first job: what is swept, and what cannot be run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match.config.composing import build_kind
from ddsp_match.config.folders import groups, setting_keys
from ddsp_match.config.names import check_names, missing_option, parsed, single_values
from ddsp_match.config.plugins import BASIC, sweeper_of
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings, Settings

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

# Combinations that are composed in search of one that can be run; each takes some 50 ms.
_MOST_TRIED = 50
_NUMBER_LENGTH = 24  # characters of a number that a sweeper draws


@dataclass(frozen=True)
class Plan:
    """The jobs of a sweep.

    Attributes:
        swept: The keys that differ between jobs.
        overrides: The words for Hydra, without the options that no group has.
        refused: The jobs with such an option, which Hydra would not start: their settings and why.
        drawn: Whether a sweeper draws the values, perhaps the same ones twice; else every combination is run once.
        name_length: Most bytes in a job's swept settings, written ``key=value,key=value``.
    """

    swept: list[str]
    overrides: list[str]
    refused: list[tuple[dict[str, str], ConfigError]] = field(default_factory=list)
    drawn: bool = False
    name_length: int = 0


def check(
    overrides: Sequence[str], *, config_dir: Path | None = None, kind: type[Settings] = FitSettings
) -> list[str]:
    """Check the overrides of a sweep, as `plan` does, and return the keys that are swept.

    Args:
        overrides: Hydra overrides, of which some may be sweeps: ``seed=1,2``.
        config_dir: A folder with further options for the groups.
        kind: The settings that they belong to.

    Raises:
        ConfigError: As in `plan`.
    """
    return plan(overrides, config_dir=config_dir, kind=kind).swept


def plan(overrides: Sequence[str], *, config_dir: Path | None = None, kind: type[Settings] = FitSettings) -> Plan:
    """Look at the overrides of a sweep. A value that cannot be is that job's error, and the others run.

    Args:
        overrides: Hydra overrides, of which some may be sweeps: ``seed=1,2``.
        config_dir: A folder with further options for the groups.
        kind: The settings that they belong to.

    Raises:
        ConfigError: An override that does not parse, a key that does not exist, an interval without a sweeper that
            draws from it, or not one combination (of the first dozens) that can be run; then what is wrong with the
            first.
    """
    known = groups(config_dir, kind)
    typed = parsed(overrides)
    swept: list[str] = []
    choices: list[list[str]] = []
    for override in typed:
        check_names(override, known, kind)
        if override.is_sweep_override():
            swept.append(override.get_key_element())
            _check_interval(override, overrides)
        choices.append(list(single_values(override, known)))
    missing = {word: error for words in choices for word in words if (error := missing_option(word, known))}
    possible = [[word for word in words if word not in missing] for words in choices]
    if missing and not all(remaining for remaining, words in zip(possible, choices, strict=True) if words):
        raise next(iter(missing.values()))
    _build_one(possible, config_dir, kind)
    words = [
        _without(override, remaining) if len(remaining) < len(all_of) else _whole(override, kind)
        for override, remaining, all_of in zip(typed, possible, choices, strict=True)
    ]
    grid = sweeper_of(overrides) == BASIC
    axes = [words for override, words in zip(typed, choices, strict=True) if override.is_sweep_override()]
    return Plan(swept, words, _refused(axes, missing, grid), not grid, _name_length(swept, axes))


def _check_interval(override: Override, overrides: Sequence[str]) -> None:
    if not override.is_discrete_sweep() and sweeper_of(overrides) == BASIC:
        raise ConfigError(
            f"{override.input_line!r}, a sweep over an interval",
            where="--multirun",
            needed="values to try, KEY=A,B,C",
            hint="hydra/sweeper=optuna, which draws from an interval",
        )


def _build_one(choices: list[list[str]], config_dir: Path | None, kind: type[Settings]) -> None:
    """Compose one combination after the other until one can be run; raise what was wrong with the first."""
    tried: list[ConfigError] = []
    for words in itertools.islice(_combinations([words for words in choices if words]), _MOST_TRIED):
        try:
            build_kind(words, config_dir, kind)
        except ConfigError as error:
            tried.append(error)
        else:
            return
    raise tried[0]


def _combinations(choices: list[list[str]]) -> Iterator[list[str]]:
    """All of them; first a few among which every value occurs, which soon finds the one that can be run."""
    for number in range(max(map(len, choices), default=0)):
        yield [words[number % len(words)] for words in choices]
    yield from map(list, itertools.product(*choices))


def _without(override: Override, remaining: list[str]) -> str:
    """A sweep over the values that are left of it."""
    sign = "+" if override.is_add() else ""
    return f"{sign}{override.get_key_element()}={','.join(word.partition('=')[2] for word in remaining)}"


def _whole(override: Override, kind: type[Settings]) -> str:
    """An override as it was typed; but an interval of a setting that takes whole numbers is one of whole numbers."""
    key = override.get_key_element()
    setting = setting_keys(kind).get(key.lstrip("+"))
    typed = override.input_line or ""
    if setting is None or not override.is_interval_sweep() or setting.kind != "whole":
        return typed
    name, _, interval = typed.partition("=")
    return f"{name}=int({interval})" if not interval.startswith("int(") else typed


def _refused(
    axes: list[list[str]], missing: dict[str, ConfigError], grid: bool
) -> list[tuple[dict[str, str], ConfigError]]:
    """Return the jobs that cannot be run, as their settings: of a grid every combination, else every value alone."""
    if not missing:
        return []
    jobs = itertools.product(*(words for words in axes if words)) if grid else ((word,) for word in missing)
    refused = []
    for words in jobs:
        wrong = [word for word in words if word in missing]
        if wrong:
            refused.append((dict(word.split("=", 1) for word in words), missing[wrong[0]]))
    return refused


def _name_length(swept: list[str], axes: list[list[str]]) -> int:
    lengths = [
        max((len(word.encode()) for word in words), default=len(f"{key}=".encode()) + _NUMBER_LENGTH)
        for key, words in zip(swept, axes, strict=True)
    ]
    return sum(lengths) + max(0, len(lengths) - 1)
