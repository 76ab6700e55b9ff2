"""Every setting of a task: its default, unit, allowed range and meaning, declared once.

The field names are the keys of ``conf/`` and of the command line (``synth.n_harmonics=60``); the options
in ``conf/`` say what differs from the defaults here. Nothing here imports torch or Hydra, so settings can be
made, checked and printed at no cost. A value that is not allowed is refused when the settings are made::

    SynthSettings(n_harmonics=0)
    # ConfigError: synth.n_harmonics: found 0 harmonics; needed: a whole number, 1 to 1000 harmonics, or null
"""

from __future__ import annotations

from ddsp_match.core.settings.base import CHAIN, Settings, declared, setting
from ddsp_match.core.settings.effect import EffectSettings
from ddsp_match.core.settings.fit import FitSettings, LossSettings, ModelSettings, OptimizerSettings
from ddsp_match.core.settings.many import DatasetSettings, EngineSettings
from ddsp_match.core.settings.sound import F0Settings, InitSettings, SynthSettings

__all__ = [
    "CHAIN",
    "DatasetSettings",
    "EffectSettings",
    "EngineSettings",
    "F0Settings",
    "FitSettings",
    "InitSettings",
    "LossSettings",
    "ModelSettings",
    "OptimizerSettings",
    "Settings",
    "SynthSettings",
    "declared",
    "setting",
]
