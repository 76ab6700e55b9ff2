"""Hear a sound, find its synthesizer, render it, judge it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddsp_match.analysis.analyse import analyse_batch
from ddsp_match.analysis.pitch import PitchTrack
from ddsp_match.core.audio import Audio, at_fit_rate, sound_of
from ddsp_match.core.device import device_of
from ddsp_match.core.features import Features
from ddsp_match.core.files import name_of
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.effects.build import build
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.descent import OnStep
from ddsp_match.fitting.live import OnBest
from ddsp_match.fitting.matching import Matcher
from ddsp_match.fitting.result import FitResult, Hearing, conclude
from ddsp_match.fitting.room import Heard as HeardRoom
from ddsp_match.fitting.room import described, listen
from ddsp_match.fitting.wet import Wet
from ddsp_match.tasks.run_folder import claims_out

__all__ = ["FitResult", "fit"]

OnStage = Callable[[str], None]
Heard = tuple[Features, PitchTrack]


@claims_out
def fit(
    audio: Audio | str | Path | Any,
    sample_rate: int | None = None,
    *,
    settings: FitSettings | None = None,
    out: str | Path | None = None,
    force: bool = False,
    command: str = "",
    name: str | None = None,
    on_stage: OnStage | None = None,
    on_step: OnStep | None = None,
    on_pitch: Callable[[int, int], None] | None = None,
    on_heard: Callable[[Heard], None] | None = None,
    on_best: OnBest | None = None,
    heard: Heard | None = None,
    stop: Callable[[], bool] | None = None,
) -> FitResult:
    """Finds the synthesizer settings that play a sound.

    Args:
        audio: A sound: `Audio`, the path of a sound file, or an array ``(samples,)`` or ``(channels, samples)``.
        sample_rate: Of an array, in Hz.
        settings: Of the fit; the defaults of ``conf/`` when left out.
        out: Folder to write the run to: sounds, patch, report. Nothing is written without one.
        force: Replace `out` if it exists.
        command: Command line to note down in the report and the patch.
        name: Name of the sound; by default its file's.
        on_stage: Told what begins.
        on_step: Told steps done, steps in all, the loss, and the best loss so far.
        on_pitch: Told frames analysed and frames in all while f0 is tracked.
        on_heard: Told the f0, periodicity and loudness of the sound, as soon as they are known.
        on_best: Told of the best sound so far: right after the first guess, then now and again when it got better.
        heard: What `on_heard` was told of this very sound with these f0 settings, to save the time of hearing it again.
        stop: Asked again and again whether to end with the best so far.

    Returns:
        What was found.

    Raises:
        SoundError: The sound cannot be read or matched.
        ConfigError: The effects do not exist, or a knob of theirs does not, or the device is not there.
        PitchError: The given f0 does not fit the sound.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> result = ddsp_match.fit("data/trumpet-a4.flac")
        >>> result.metrics["mrstft"]
    """
    settings = (settings or FitSettings()).resolved()
    # One sound is soon done where it is; a GPU is used where it was asked for by name, and never beside effects.
    device = device_of("cpu" if settings.device == "auto" else settings.device)
    if settings.effects:
        device = torch.device("cpu")
    folder = None if out is None else Path(out)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    say = on_stage or (lambda _: None)

    began = time.perf_counter()
    sound, notes = sound_of(audio, sample_rate)
    name = name or (name_of(audio) if isinstance(audio, str | Path) else "sound")
    target, note = at_fit_rate(sound)
    notes = [*notes, note] if note else notes
    timebase = Timebase.at(target.sample_rate)
    chain = room = None
    if settings.effects:
        say("effects")
        chain, held, room = _effects(target, settings)
        notes += room.notes
    source = target if room is None or room.dry is None else Audio(room.dry, target.sample_rate)
    say("f0")
    if heard is None or source is not target:
        (heard,) = analyse_batch([source], timebase, settings.f0, on_pitch, device=device)
    features, track = heard
    if on_heard is not None:
        on_heard(heard)
    notes += track.changes
    seconds = {"read and analyse": time.perf_counter() - began}

    samples = torch.from_numpy(target.samples)
    wet = start = None
    if chain is not None and room is not None:
        start = {**room.values, **held}
        if not _changes_nothing(chain, start):
            wet = Wet(chain, start, start, samples, target.sample_rate, anchored=room.dry is not None)
    dry, f0_hz = torch.from_numpy(source.samples).to(device), features.f0_hz.to(device)
    matcher = Matcher(dry, f0_hz, timebase, settings, pitched=track.pitched, wet=wet)
    found = matcher.run(on_stage=say, on_step=on_step, on_best=on_best, stop=stop)
    offset = matcher.offset.tolist()
    seconds.update(found.seconds)
    rack = None
    if chain is not None and start is not None:
        rack = Rack.of(chain, target.sample_rate, start if wet is None else wet.values())
        notes += described(chain, rack.knobs, target.sample_rate)
    del matcher, wet  # of a long sound some hundred megabytes, and only the patch is needed from here on

    hearing = Hearing(name, target, sound.sample_rate, features, track.pitched, notes, seconds)
    result = conclude(hearing, found, offset, settings, rack=rack, command=command, on_stage=say)
    del found
    if folder is not None:
        from ddsp_match.tasks.write_run import write_run

        say("write")
        write_run(result, folder)
    return result


def _effects(target: Audio, settings: FitSettings) -> tuple[Processor, dict[str, Any], HeardRoom]:
    """The chain that the settings ask for, the knobs they hold, and what can be heard of it in the sound."""
    chain, held = build(settings.effects)
    return chain, held, listen(chain, held, target.samples, target.sample_rate)


def _changes_nothing(chain: Processor, held: Mapping[str, Any]) -> bool:
    """Whether every knob is held at its neutral value: the sound is then fitted as if there were no effects."""
    neutral, values = chain.arrays({}), chain.arrays(held)
    return held.keys() == neutral.keys() and all(np.array_equal(values[name], neutral[name]) for name in neutral)
