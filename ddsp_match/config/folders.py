"""The options to choose from: the folders of ``conf/`` and the keys of the settings, read at no cost."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any, cast

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.params import Parameter
from ddsp_match.core.settings import EffectSettings, FitSettings, Settings, declared

CONFIG_NAME = "config"
# Below conf/: where the settings of each task are composed. Those of an effect lie in a folder of their own, because
# Hydra would take its key `loss` for the group of that name.
_FOLDERS: dict[type[Settings], str] = {FitSettings: "", EffectSettings: "effect"}
VERBS: dict[type[Settings], str] = {FitSettings: "fit", EffectSettings: "effect"}


def conf_dir(kind: type[Settings] = FitSettings) -> Path:
    """Return the folder that settings of a kind are composed from: in the installed package, or in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / f"{CONFIG_NAME}.yaml").is_file():
            return folder / _FOLDERS[kind]
    raise ConfigError(
        "no conf/config.yaml",
        where=package,
        needed="the settings that ship with ddsp-match",
        hint="installing again",
    )


def groups(config_dir: Path | None = None, kind: type[Settings] = FitSettings) -> dict[str, list[str]]:
    """List the config groups and their options, by reading folder names alone.

    Args:
        config_dir: A folder of further options.
        kind: Whose groups.
    """
    options_of: dict[str, set[str]] = {}
    for root in (conf_dir(kind), config_dir):
        for path in sorted(root.glob("*/*.yaml")) if root is not None else ():
            if not path.stem.startswith("_") and path.parent.name not in ("hydra", *_FOLDERS.values()):
                options_of.setdefault(path.parent.name, set()).add(path.stem)
    return {name: sorted(options) for name, options in sorted(options_of.items())}


@functools.cache
def setting_keys(kind: type[Settings] = FitSettings) -> dict[str, Parameter]:
    """Return every key of the settings, ``synth.n_harmonics``, with the parameter that declares it."""
    keys: dict[str, Parameter] = {}
    for field in dataclasses.fields(cast("Any", kind)):
        section = cast("Any", field.default_factory)
        own = [declared(kind)[field.name]] if field.metadata else declared(section).values()
        keys.update({parameter.name: parameter for parameter in own})
    return keys
