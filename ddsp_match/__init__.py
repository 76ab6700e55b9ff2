"""ddsp-match: turn a recording into a synthesizer you can play.

>>> import ddsp_match
>>> result = ddsp_match.fit("sound.wav", out="outputs/sound")
>>> ddsp_match.render(result.patch)
>>> ddsp_match.effect("dry.wav", "wet.wav", settings=ddsp_match.EffectSettings(effects=["clip"]))

Importing the package costs nothing: torch is loaded when a function is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

_HOMES = {
    "Audio": "ddsp_match.core.audio",
    "Controls": "ddsp_match.core.controls",
    "Features": "ddsp_match.core.features",
    "EffectResult": "ddsp_match.tasks.effect",
    "EffectSettings": "ddsp_match.core.settings",
    "FitResult": "ddsp_match.tasks.fit",
    "FitSettings": "ddsp_match.core.settings",
    "Instrument": "ddsp_match.edits.instrument",
    "MatchError": "ddsp_match.core.errors",
    "Patch": "ddsp_match.patch",
    "Rack": "ddsp_match.effects.rack",
    "Timebase": "ddsp_match.core.timebase",
    "analyze": "ddsp_match.tasks.analyze",
    "edit": "ddsp_match.tasks.edit",
    "effect": "ddsp_match.tasks.effect",
    "fit": "ddsp_match.tasks.fit",
    "fit_many": "ddsp_match.tasks.fit_many",
    "instrument": "ddsp_match.tasks.instrument",
    "load_patch": "ddsp_match.patch",
    "load_rack": "ddsp_match.patch",
    "morph": "ddsp_match.tasks.morph",
    "play_note": "ddsp_match.tasks.instrument",
    "process": "ddsp_match.tasks.process",
    "render": "ddsp_match.tasks.render",
}
__all__ = [
    "Audio",
    "Controls",
    "EffectResult",
    "EffectSettings",
    "Features",
    "FitResult",
    "FitSettings",
    "Instrument",
    "MatchError",
    "Patch",
    "Rack",
    "Timebase",
    "__version__",
    "analyze",
    "edit",
    "effect",
    "fit",
    "fit_many",
    "instrument",
    "load_patch",
    "load_rack",
    "morph",
    "play_note",
    "process",
    "render",
]

if TYPE_CHECKING:
    from ddsp_match.core.audio import Audio
    from ddsp_match.core.controls import Controls
    from ddsp_match.core.errors import MatchError
    from ddsp_match.core.features import Features
    from ddsp_match.core.settings import EffectSettings, FitSettings
    from ddsp_match.core.timebase import Timebase
    from ddsp_match.edits.instrument import Instrument
    from ddsp_match.effects.rack import Rack
    from ddsp_match.patch import Patch, load_patch, load_rack
    from ddsp_match.tasks.analyze import analyze
    from ddsp_match.tasks.edit import edit
    from ddsp_match.tasks.effect import EffectResult, effect
    from ddsp_match.tasks.fit import FitResult, fit
    from ddsp_match.tasks.fit_many import fit_many
    from ddsp_match.tasks.instrument import instrument, play_note
    from ddsp_match.tasks.morph import morph
    from ddsp_match.tasks.process import process
    from ddsp_match.tasks.render import render


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ddsp_match' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
