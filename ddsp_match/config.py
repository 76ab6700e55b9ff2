"""The settings in ``conf/`` and on the command line, composed and checked: the only room that knows Hydra.

Importing this module is free; Hydra and OmegaConf are imported when something is composed, so that
``ddsp-match --help`` can list the groups without them.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ddsp_match.errors import ConfigError
from ddsp_match.settings import FitSettings, allowed

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

CONFIG_NAME = "config"
_RAISE = "HYDRA_FULL_ERROR"
_KEY = r"[A-Za-z_][\w.@/:-]*"
_OVERRIDE = re.compile(rf"^(~{_KEY}(=.*)?|\+{{0,2}}{_KEY}=.*)$", re.DOTALL)


def conf_dir() -> Path:
    """Return the folder of the settings: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / f"{CONFIG_NAME}.yaml").is_file():
            return folder
    raise ConfigError(
        "no conf/config.yaml",
        where=package,
        needed="the settings that ship with ddsp-match",
        hint="installing again",
    )


def groups(config_dir: Path | None = None) -> dict[str, list[str]]:
    """List the config groups and their options, by reading folder names alone.

    Args:
        config_dir: A folder of further options.
    """
    found: dict[str, set[str]] = {}
    for root in (conf_dir(), config_dir):
        for path in sorted(root.glob("*/*.yaml")) if root is not None else ():
            if not path.stem.startswith("_") and path.parent.name != "hydra":
                found.setdefault(path.parent.name, set()).add(path.stem)
    return {name: sorted(options) for name, options in sorted(found.items())}


def setting_keys() -> dict[str, dataclasses.Field[Any]]:
    """Return every key of the settings (``synth.n_harmonics``) with the field that declares it."""
    keys: dict[str, dataclasses.Field[Any]] = {}
    for field in dataclasses.fields(FitSettings):
        if field.metadata:
            keys[field.name] = field
        else:
            section = cast("Any", field.default_factory)
            keys.update({section.key(inner.name): inner for inner in dataclasses.fields(section)})
    return keys


def is_override(word: str) -> bool:
    """Say whether a word of the command line reads as a Hydra override: ``loss=mel``, ``~f0``, ``+x=1``."""
    return bool(_OVERRIDE.match(word))


def quoted(value: object) -> str:
    """Return a path, or other text, as the value of an override that Hydra reads back unchanged."""
    return "'" + re.sub(r"\\(?=\\*('|$))", r"\\\\", str(value)).replace("'", "\\'") + "'"


def build(overrides: Sequence[str] = (), *, config_dir: Path | None = None) -> FitSettings:
    """Compose ``conf/`` with overrides into checked settings.

    Args:
        overrides: Hydra overrides, ``["loss=mel", "synth.n_harmonics=60"]``.
        config_dir: A folder with further options for the groups.

    Raises:
        ConfigError: An override that does not parse, a key or option that does not exist, a value of the
            wrong type or out of range; named, with what is allowed.
    """
    for override in _parsed(overrides):
        _check_names(override, groups(config_dir))
        if override.is_sweep_override():
            raise ConfigError(
                f"{override.input_line!r}, a sweep",
                where="settings",
                needed="one value",
                hint="--multirun, or quotes around a value with a comma",
            )
    return to_settings(_compose(overrides, config_dir))


def check(overrides: Sequence[str], *, config_dir: Path | None = None) -> list[str]:
    """Check the overrides of a sweep: each value of each swept key once, the others at their first value.

    Returns:
        The keys that are swept.

    Raises:
        ConfigError: As in `build`.
    """
    parsed, known = _parsed(overrides), groups(config_dir)
    choices: list[list[str]] = []
    swept: list[str] = []
    for override in parsed:
        _check_names(override, known)
        if override.is_sweep_override():
            swept.append(override.get_key_element())
            if not override.is_discrete_sweep() and not _names_sweeper(overrides):
                raise ConfigError(
                    f"{override.input_line!r}, a sweep over an interval",
                    where="--multirun",
                    needed="values to try, KEY=A,B,C",
                    hint="hydra/sweeper=NAME, a sweeper that draws from an interval",
                )
        choices.append(list(_single_values(override, known)))
    first = [values[0] for values in choices if values]
    build(first, config_dir=config_dir)
    position = 0
    for values in choices:
        for value in values[1:]:
            build([*first[:position], value, *first[position + 1 :]], config_dir=config_dir)
        position += bool(values)
    return swept


def to_settings(config: DictConfig) -> FitSettings:
    """Turn a composed config into checked settings.

    Raises:
        ConfigError: A key that does not exist, a wrong type, a value out of range.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

    try:
        return cast(
            FitSettings, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(FitSettings), config))
        )
    except ConfigKeyError as error:
        raise _unknown_key(str(error.full_key)) from None
    except OmegaConfBaseException as error:
        raise _wrong_type(error, config) from None


def as_yaml(settings: FitSettings) -> str:
    """Return the settings as YAML that `build` could have read."""
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.structured(settings))


def run_hydra(
    arguments: Sequence[str], job: Callable[[FitSettings, Path, list[str]], float | None], *, program: str
) -> None:
    """Run a job, or a sweep of jobs, under ``hydra.main``, so that Hydra's own flags keep their meaning.

    Args:
        arguments: Overrides and Hydra's flags (``--multirun``, ``--cfg job``, …), checked beforehand.
        job: Called with the settings, Hydra's output directory and the overrides of that job; what it returns
            goes to the sweeper.
        program: Name of the command, for shell completion.

    Raises:
        ConfigError: What Hydra refuses.
        Exception: The first one that a job raised; later jobs of a sweep are left out.
    """
    import os
    import sys

    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException

    # Hydra wraps what a job raises: keep it until Hydra is done.
    errors: list[Exception] = []

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=CONFIG_NAME)
    def main(config: DictConfig) -> float | None:
        runtime = HydraConfig.get()
        if errors:
            return None
        try:
            return job(to_settings(config), Path(runtime.runtime.output_dir), list(runtime.overrides.task))
        except Exception as error:
            errors.append(error)
            return None

    before = sys.argv, os.environ.get(_RAISE)
    # Hydra reads argv itself, and without this variable prints its errors and ends the process.
    sys.argv, os.environ[_RAISE] = [program, *arguments], "1"
    try:
        main()
    except HydraException as error:
        raise ConfigError(_first_line(error), where="settings") from None
    finally:
        sys.argv = before[0]
        os.environ.pop(_RAISE) if before[1] is None else os.environ.update({_RAISE: before[1]})
    if errors:
        raise errors[0]


def _names_sweeper(overrides: Sequence[str]) -> bool:
    return any(word.startswith("hydra/sweeper=") for word in overrides)


def _compose(overrides: Sequence[str], config_dir: Path | None) -> DictConfig:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    extra = [f"hydra.searchpath=['file://{config_dir.resolve()}']"] if config_dir is not None else []
    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return compose(CONFIG_NAME, overrides=[*extra, *overrides])
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(
            _first_line(error), where="settings", hint="ddsp-match fit --help, which lists groups and keys"
        ) from None
    finally:
        state = GlobalHydra.instance()
        state.clear()
        if before is not None:
            state.initialize(before)


def _parsed(overrides: Sequence[str]) -> list[Override]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    parsed = []
    for text in overrides:
        try:
            parsed.append(parser.parse_override(text))
        except HydraException as error:
            raise ConfigError(
                f"{text!r}, which does not parse ({_first_line(error)})",
                where="settings",
                needed="key=value",
                hint="quotes around a value with spaces, commas or brackets",
            ) from None
    return parsed


def _check_names(override: Override, known: dict[str, list[str]]) -> None:
    """Refuse a key that is neither a group, a section nor a setting, and an option that its group lacks."""
    key = override.key_or_group
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        return
    if key in known:
        for value in _single_values(override, known):
            option = value.partition("=")[2].strip("'\"")
            if "=" in value and option not in known[key] and not option.startswith(("{", "[")):
                raise ConfigError(
                    repr(option), where=key, needed=" | ".join(known[key]), hint=_near(option, known[key])
                )
    elif key not in setting_keys():
        raise _unknown_key(key, known)


def _single_values(override: Override, known: dict[str, list[str]]) -> Iterator[str]:
    """Every ``key=value`` that an override stands for; none for a sweep over an interval."""
    from hydra.core.override_parser.types import Glob

    if not override.is_sweep_override():
        yield override.input_line or ""
        return
    key, value = override.get_key_element(), override.value()
    if isinstance(value, Glob):
        yield from (f"{key}={option}" for option in value.filter(known.get(override.key_or_group, [])))
    elif override.is_discrete_sweep():
        yield from (f"{key}={option}" for option in override.sweep_string_iterator())


def _unknown_key(key: str, known: dict[str, list[str]] | None = None) -> ConfigError:
    section = key.rpartition(".")[0]
    keys = list(setting_keys())
    siblings = [name for name in keys if name.rpartition(".")[0] == section] if section else []
    if not siblings:
        top = [name for name in keys if "." not in name]
        siblings = sorted(
            {*top, *(known or groups()), *(f"{name.partition('.')[0]}.…" for name in keys if "." in name)}
        )
    near = _near(key, [*keys, *(known or groups())])
    return ConfigError(
        f"{key!r}, which is no setting", where="settings", needed="one of " + ", ".join(siblings), hint=near
    )


def _wrong_type(error: Any, config: DictConfig) -> ConfigError:
    from omegaconf import OmegaConf

    key = str(error.full_key or "")
    field = setting_keys().get(re.sub(r"\[.*", "", key))
    if field is None:
        sections = {name.partition(".")[0] for name in setting_keys() if "." in name}
        return ConfigError(
            _first_line(error),
            where=key or "settings",
            needed=f"keys below it, {key}.…" if key in sections else "",
        )
    found = OmegaConf.to_container(config)
    for part in re.sub(r"\[.*", "", key).split("."):
        found = cast("dict[str, Any]", found)[part]
    return ConfigError(repr(found), where=key, needed=allowed(field))


def _near(word: str, words: Sequence[str]) -> str:
    """The words that look like a mistyped one, or that end in it, as a hint."""
    ends = [name for name in words if name.rpartition(".")[2] == word.rpartition(".")[2]]
    near = list(dict.fromkeys([*ends, *difflib.get_close_matches(word, words, n=3, cutoff=0.6)]))
    return " or ".join(near)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
