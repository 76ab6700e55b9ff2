"""Fit sounds: read, analyse, match, render, judge, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddsp_match.analysis.analyse import analyse_batch
from ddsp_match.core.audio import Audio, at_fit_rate, sound_of
from ddsp_match.core.device import device_of
from ddsp_match.core.files import name_of
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.effects.build import build
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.descent import OnStep
from ddsp_match.fitting.first_guess import Target
from ddsp_match.fitting.live import OnBest
from ddsp_match.fitting.matching import match
from ddsp_match.fitting.result import Analysis, FitResult, Sound, conclude
from ddsp_match.fitting.room import RoomEstimate, described, estimate_room
from ddsp_match.fitting.wet import Wet
from ddsp_match.models.registry import settled
from ddsp_match.tasks.run_folder import claims_out

__all__ = ["Analysis", "FitResult", "fit"]

OnStage = Callable[[str], None]


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
    on_analysis: Callable[[Analysis], None] | None = None,
    on_best: OnBest | None = None,
    analysis: Analysis | None = None,
    stop: Callable[[], bool] | None = None,
) -> FitResult:
    """Find the synthesizer settings that play a sound.

    Args:
        audio: A sound: `Audio`, the path of a sound file, or an array ``(samples,)`` or ``(channels, samples)``.
        sample_rate: Of an array, in Hz.
        settings: Of the fit; the defaults of ``conf/`` when left out.
        out: Folder to write the run to: sounds, patch, report. Nothing is written without one.
        force: Replace `out` if it exists.
        command: Command line to note down in the report and the patch.
        name: Name of the sound; by default its file's.
        on_stage: Called with the name of each stage that begins.
        on_step: Called with steps done, steps in all, the loss, and the best loss so far.
        on_pitch: Called with frames analysed and frames in all while f0 is tracked.
        on_analysis: Called with the analysis (f0, periodicity and loudness) of the sound, as soon as it is known.
        on_best: Called with the best sound so far: right after the first guess, then now and again when it got better.
        analysis: An analysis that `on_analysis` got of this sound with these f0 settings, to save the time of another.
        stop: Asked again and again whether to end with the best so far.

    Returns:
        The patch, its sound, and how close it is.

    Raises:
        SoundError: The sound cannot be read or matched.
        ConfigError: The effects do not exist, or a knob of theirs does not, or the device is not there.
        PitchError: The given f0 does not fit the sound.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> result = ddsp_match.fit("data/trumpet-a4.flac")
        >>> result.metrics["mrstft"]
    """
    settings = settled(settings or FitSettings())
    # One sound is soon done where it is; a GPU is used where it was asked for by name.
    device = device_of("cpu" if settings.device == "auto" else settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    sound = read(audio, sample_rate, name)
    (result,) = fit_sounds(
        [sound],
        settings,
        device,
        command=command,
        on_stage=on_stage,
        on_step=on_step,
        on_pitch=on_pitch,
        on_analysis=on_analysis,
        on_best=on_best,
        analysis=analysis,
        stop=stop,
    )
    if out is not None:
        from ddsp_match.tasks.write_run import write_run

        if on_stage is not None:
            on_stage("write")
        write_run(result, Path(out))
    return result


def read(audio: Audio | str | Path | Any, sample_rate: int | None = None, name: str | None = None) -> Sound:
    """Read a sound, and bring it to a rate that can be fitted; arguments as of `fit`."""
    began = time.perf_counter()
    source, notes = sound_of(audio, sample_rate)
    name = name or (name_of(audio) if isinstance(audio, str | Path) else "sound")
    target, note = at_fit_rate(source)
    return Sound(
        name, target, source.sample_rate, [*notes, note] if note else notes, time.perf_counter() - began
    )


def fit_sounds(  # noqa: D417, the others are described by `fit`
    sounds: Sequence[Sound],
    settings: FitSettings,
    device: torch.device,
    *,
    command: str = "",
    on_stage: OnStage | None = None,
    on_step: OnStep | None = None,
    on_pitch: Callable[[int, int], None] | None = None,
    on_analysis: Callable[[Analysis], None] | None = None,
    on_best: OnBest | None = None,
    analysis: Analysis | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[FitResult]:
    """Fit sounds of one rate: analyse, match, conclude.

    The other arguments are those of `fit`; `on_analysis`, `on_best` and `analysis` are for one sound.

    Args:
        sounds: The sounds; only one where there are effects.
        settings: Of the fit, settled.
        device: Where to compute; effects are fitted on the processor.
    """
    torch.manual_seed(settings.seed)
    say = on_stage or (lambda _: None)
    timebase = Timebase.at(sounds[0].target.sample_rate)
    began = time.perf_counter()
    notes: list[list[str]] = [[] for _ in sounds]
    sources = [sound.target for sound in sounds]
    wet = chain = start = None
    if settings.effects:
        device = torch.device("cpu")
        say("effects")
        (sound,) = sounds
        chain, start, room = _effects(sound.target, settings)
        notes[0] += room.notes
        if room.dry is not None:
            sources = [Audio(room.dry, sound.target.sample_rate)]
            analysis = None
        if not _is_neutral(chain, start):
            recording = torch.from_numpy(sound.target.samples)
            wet = Wet(chain, start, start, recording, sound.target.sample_rate, anchored=room.dry is not None)
    say("f0")
    analyses = [analysis] if analysis else analyse_batch(sources, timebase, settings.f0, on_pitch, device=device)
    for own, (_, track) in zip(notes, analyses, strict=True):
        own += track.changes
    if on_analysis is not None:
        for one in analyses:
            on_analysis(one)
    analyse_s = (time.perf_counter() - began) / len(sounds)
    targets = [
        Target(torch.from_numpy(source.samples), features.f0_hz, track.pitched)
        for source, (features, track) in zip(sources, analyses, strict=True)
    ]
    matches = match(
        targets,
        timebase,
        settings,
        device=device,
        wet=wet,
        on_stage=say,
        on_step=on_step,
        on_best=on_best,
        stop=stop,
    )
    rack = None
    if chain is not None and start is not None:
        rack = Rack.of(chain, timebase.sample_rate, start if wet is None else wet.values())
        notes[0] += described(chain, rack.knobs, timebase.sample_rate)
    del targets, wet  # of a long sound some hundred megabytes, and only the patch is needed from here on
    results = []
    for sound, own, analysis in zip(sounds, notes, analyses, strict=True):
        noted = replace(sound, notes=[*sound.notes, *own])
        done = conclude(
            noted, analysis, matches.pop(0), settings, analyse_s=analyse_s, rack=rack, command=command, on_stage=say
        )
        results.append(done)
    return results


def _effects(target: Audio, settings: FitSettings) -> tuple[Processor, dict[str, Any], RoomEstimate]:
    """The chain that the settings ask for, its knobs to start from and keep, and the estimate they come from."""
    chain, fixed = build(settings.effects)
    room = estimate_room(chain, fixed, target.samples, target.sample_rate)
    return chain, {**room.values, **fixed}, room


def _is_neutral(chain: Processor, fixed: Mapping[str, Any]) -> bool:
    """True if every knob is fixed at its neutral value: the sound is then fitted as if there were no effects."""
    neutral, values = chain.arrays({}), chain.arrays(fixed)
    return fixed.keys() == neutral.keys() and all(np.array_equal(values[name], neutral[name]) for name in neutral)
