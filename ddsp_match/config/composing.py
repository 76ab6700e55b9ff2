"""Composing ``conf/`` with overrides into checked settings."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ddsp_match.config.folders import CONFIG_NAME, VERBS, conf_dir, groups, setting_keys
from ddsp_match.config.names import check_names, first_line, parsed, unknown_key, wrong_type
from ddsp_match.config.plugins import check_plugins
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import EffectSettings, FitSettings, Settings

if TYPE_CHECKING:
    from omegaconf import DictConfig

_ONE_AT_A_TIME = threading.Lock()  # Hydra keeps what it composes with in one place for the whole program


def build(overrides: Sequence[str] = (), *, config_dir: Path | None = None) -> FitSettings:
    """Compose ``conf/`` with overrides into checked settings.

    Args:
        overrides: Hydra overrides, ``["loss=mel", "synth.n_harmonics=60"]``.
        config_dir: A folder with further options for the groups.

    Raises:
        ConfigError: An override that does not parse, a key or option that does not exist, a value of the
            wrong type or out of range; named, with what is allowed.
    """
    return cast(FitSettings, build_kind(overrides, config_dir, FitSettings))


def build_effect(overrides: Sequence[str] = ()) -> EffectSettings:
    """Compose ``conf/effect/`` with overrides into checked settings of an effect's identification.

    Args:
        overrides: Hydra overrides, ``["effects=[iir,clip]", "starts=8"]``.

    Raises:
        ConfigError: As in `build`.
    """
    return cast(EffectSettings, build_kind(overrides, None, EffectSettings))


def to_settings(config: DictConfig, kind: type[Settings] = FitSettings) -> Settings:
    """Turn a composed config into checked settings.

    Raises:
        ConfigError: A key that does not exist, a wrong type, a value out of range.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

    try:
        return cast(Settings, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), config)))
    except ConfigKeyError as error:
        raise unknown_key(str(error.full_key), kind) from None
    except OmegaConfBaseException as error:
        raise wrong_type(error, config, kind) from None


def register_defaults() -> None:
    """Let Hydra see the defaults of the settings, as ``_fit`` and ``_effect`` in the defaults lists of ``conf/``."""
    from hydra.core.config_store import ConfigStore

    for kind, verb in VERBS.items():
        ConfigStore.instance().store(f"_{verb}", dataclasses.asdict(cast("Any", kind())))


def build_kind(overrides: Sequence[str], config_dir: Path | None, kind: type[Settings]) -> Settings:
    """Compose the settings of a kind; raises ConfigError as in `build`."""
    check_plugins(overrides)
    known = groups(config_dir, kind) if overrides else {}
    for override in parsed(overrides):
        check_names(override, known, kind)
        if override.is_sweep_override():
            key = override.get_key_element()
            parameter = setting_keys(kind).get(key)
            chain = f"{key}=[{(override.input_line or '').partition('=')[2]}], or "
            raise ConfigError(
                f"{override.input_line!r}, a sweep",
                where="settings",
                needed="one value",
                hint=(chain if parameter is not None and parameter.kind == "chain" else "")
                + "--multirun, or quotes around a value with a comma",
            )
    with _ONE_AT_A_TIME:
        composed = _compose(overrides, config_dir, kind)
    return to_settings(composed, kind)


def _compose(overrides: Sequence[str], config_dir: Path | None, kind: type[Settings]) -> DictConfig:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register_defaults()
    extra = [f"hydra.searchpath=['file://{config_dir.resolve()}']"] if config_dir is not None else []
    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_dir(kind)), version_base="1.3"):
            return compose(CONFIG_NAME, overrides=[*extra, *overrides])
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(
            first_line(error), where="settings", hint=f"ddsp-match {VERBS[kind]} --help, which lists all settings"
        ) from None
    finally:
        state = GlobalHydra.instance()
        state.clear()
        if before is not None:
            state.initialize(before)
