"""All processors by name. A new effect is one new file in this folder: importing it registers its classes."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil

from ddsp_match import effects
from ddsp_match.core.errors import EFFECTS, ConfigError
from ddsp_match.effects.processor import Processor

# What such effects are called elsewhere, and what comes nearest here.
ALIASES = {
    ("auto", "any", "all"): ("eq", "soft_clip", "reverb"),
    ("overdrive", "distortion", "fuzz", "saturation", "tube", "drive"): ("soft_clip", "waveshaper"),
    ("hall", "room", "plate", "verb"): ("reverb", "freeverb"),
    ("echo", "tape"): ("delay", "feedback_delay"),
    ("equalizer", "equaliser", "tone", "filter"): ("eq", "svf"),
    ("limiter", "leveler", "leveller", "opto"): ("compressor", "optical"),
    ("volume", "level", "amp"): ("gain",),
    ("vibrato", "doubler"): ("chorus",),
    ("ir", "impulse", "cabinet"): ("convolution", "fir"),
}


@functools.cache
def processors() -> dict[str, type[Processor]]:
    """Every processor class by its name in a chain, sorted."""
    for module in pkgutil.iter_modules(effects.__path__):
        importlib.import_module(f"{effects.__name__}.{module.name}")
    kinds: dict[str, type[Processor]] = {}
    waiting = [Processor]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if kind.name and kind.__module__.startswith(f"{effects.__name__}."):
                if kind.name in kinds:
                    raise ValueError(f"two processors are called {kind.name!r}")
                kinds[kind.name] = kind
    return dict(sorted(kinds.items()))


def processor(name: str) -> type[Processor]:
    """The processor class of that name.

    Raises:
        ConfigError: There is none; the nearest names are said.
    """
    known = processors()
    if name not in known:
        aliases = [here for names, here in ALIASES.items() if name.lower() in names]
        near = aliases[0] if aliases else difflib.get_close_matches(name, known, n=3, cutoff=0.6)
        raise ConfigError(
            repr(name),
            where="effects",
            needed="processors, of " + ", ".join(known),
            hint=" or ".join(near),
            cures=[] if near else [EFFECTS],
        )
    return known[name]
