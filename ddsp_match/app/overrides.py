"""The options of a page as overrides of the command line."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ddsp_match.app.responses import Refusal
from ddsp_match.core.audio import MAX_FIT_RATE
from ddsp_match.core.audio.headers import Header
from ddsp_match.tasks.estimate import fit_cost

if TYPE_CHECKING:
    from ddsp_match.core.settings import FitSettings

QUALITIES = ("draft", "default", "best")
EFFECTS = ("reverb",)  # that a fit looks for in one sound alone
PITCHES = ("f0_hz", "midi", "near_midi")
NEAR = 7  # semitones that f0 may lie from the note it is said to be near: no octave away from it
MAX_PROCESSORS = 8


def fit_overrides(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The overrides of a fit.

    Args:
        settings: ``quality``, ``effects`` and one of ``f0_hz``, ``midi`` (a constant pitch) or ``near_midi`` (a note
            near which f0 is tracked); each may be left out or None.

    Raises:
        Refusal: A setting is none of these, or has another value.
    """
    unknown = set(settings) - {"quality", "effects", *PITCHES}
    if unknown:
        raise Refusal(400, f"a setting called {min(unknown)}", f"one of quality, effects, {', '.join(PITCHES)}")
    quality, effects = settings.get("quality") or "default", settings.get("effects") or None
    if quality not in QUALITIES:
        raise Refusal(400, "no quality of that name", f"one of {', '.join(QUALITIES)}")
    if effects is not None and effects not in EFFECTS:
        raise Refusal(400, "no effects of that name", f"null or one of {', '.join(EFFECTS)}")
    return (f"quality={quality}", *([f"effects=[{effects}]"] if effects else []), *_pitch_overrides(settings))


def estimates_s(seconds: float, sample_rate: int, channels: int) -> dict[str, float]:
    """Estimate how long a fit takes, in seconds by quality.

    Args:
        seconds: Length of the sound.
        sample_rate: In Hz.
        channels: 1 or 2.
    """
    rate = min(sample_rate, MAX_FIT_RATE)
    sound = Header(rate, channels, round(seconds * rate))
    steps = {quality: fit_settings((f"quality={quality}",)).optimizer.n_steps for quality in QUALITIES}
    return {quality: round(fit_cost(sound, n_steps)[0], 1) for quality, n_steps in steps.items()}


@functools.lru_cache(64)
def fit_settings(overrides: tuple[str, ...]) -> FitSettings:
    """Compose the settings of a fit. It takes almost half a second, so it is done once for each choice."""
    from ddsp_match import config

    return config.build(overrides)


def effect_overrides(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The overrides of an effect's identification.

    Args:
        settings: ``effects``, the names of the chain from input to output.

    Raises:
        Refusal: It is no list of effects that there are.
    """
    chain, known = settings.get("effects"), [facts["name"] for facts in processors()]
    if not isinstance(chain, list) or not 0 < len(chain) <= MAX_PROCESSORS or any(name not in known for name in chain):
        raise Refusal(400, "no chain of effects", f"a list of 1 to {MAX_PROCESSORS} of {', '.join(known)}")
    return (f"effects=[{','.join(chain)}]",)


@functools.cache
def processors() -> tuple[dict[str, Any], ...]:
    """The effects a chain may hold, with their knobs; those that hold other effects are for the command line."""
    from ddsp_match.effects.chain import DryWet, Parallel
    from ddsp_match.effects.registry import processors as registered

    parts = [kind() for kind in registered().values() if not issubclass(kind, DryWet | Parallel)]
    return tuple(
        {
            "name": part.name,
            "title": part.title,
            "knobs": [knob.as_data() for knob in part.knobs],
        }
        for part in parts
    )


def _pitch_overrides(settings: Mapping[str, Any]) -> tuple[str, ...]:
    pitches = [name for name in PITCHES if settings.get(name) is not None]
    if not pitches:
        return ()
    value = settings[pitches[0]]
    if len(pitches) > 1 or isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(400, "more than one pitch, or one that is no number", f"one of {', '.join(PITCHES)}")
    if pitches[0] == "f0_hz":
        if not 0 < value <= 20_000:
            raise Refusal(400, f"an f0 of {value:g} Hz", "above 0, at most 20000 Hz")
        return ("f0=constant", f"f0.hz={value:.10g}")
    if not 0 <= value <= 127:
        raise Refusal(400, f"the MIDI note {value:g}", "0 to 127; 60 is middle C")
    hz = 440 * math.pow(2, (value - 69) / 12)
    if pitches[0] == "midi":
        return ("f0=constant", f"f0.hz={hz:.10g}")
    reach = math.pow(2, NEAR / 12)
    return (f"f0.min_hz={hz / reach:.6g}", f"f0.max_hz={hz * reach:.6g}")
