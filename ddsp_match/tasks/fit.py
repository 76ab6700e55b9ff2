"""Hear a sound, find its synthesizer, render it, judge it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import ddsp_match
from ddsp_match import metrics
from ddsp_match.analysis.analyse import analyse
from ddsp_match.audio import Audio, at_fit_rate, sound_of
from ddsp_match.controls import Controls
from ddsp_match.effects.build import build
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.features import Features
from ddsp_match.losses.spectral import sizes_for
from ddsp_match.optimise import StopReason, Trace
from ddsp_match.patch import Patch
from ddsp_match.settings import FitSettings
from ddsp_match.tasks.descent import OnStep
from ddsp_match.tasks.matching import Matcher
from ddsp_match.tasks.process import through
from ddsp_match.tasks.render import stems_of
from ddsp_match.tasks.room import Heard, described, listen
from ddsp_match.tasks.run_folder import check_free
from ddsp_match.tasks.wet import Wet
from ddsp_match.timebase import Timebase

if TYPE_CHECKING:
    from ddsp_match.report.verdict import Verdict

OnStage = Callable[[str], None]


@dataclass
class FitResult:
    """What a fit found.

    Attributes:
        target: The sound as the fit heard it.
        match: What the patch plays.
        stems: Its parts before any effects: ``harmonic`` and ``noise``.
        features: What was heard.
        controls: What is played; the batch axis is the channels.
        patch: All that is needed to play it again.
        trace: The course of the optimisation and the reason it ended.
        metrics: How close the match is, in figures.
        verdict: The same in words.
        notes: What the user should know: clipping, resampling, corrected octaves.
        settings: What it was fitted with.
        seconds: Wall seconds by stage.
        pitched: Whether any pitch was found.
        dry: What the patch plays without its effects, the sound out of its room; None where there are none.
        folder: Where the run was written, or None.
    """

    target: Audio
    match: Audio
    stems: dict[str, Audio]
    features: Features
    controls: Controls
    patch: Patch
    trace: Trace
    metrics: dict[str, float]
    verdict: Verdict
    notes: list[str]
    settings: FitSettings
    seconds: dict[str, float]
    pitched: bool = True
    dry: Audio | None = None
    folder: Path | None = None
    name: str = "sound"
    command: str = ""
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def timebase(self) -> Timebase:
        """The frame grid of features and controls."""
        return self.patch.timebase

    @property
    def stop_reason(self) -> StopReason:
        """Why the optimisation ended."""
        return self.trace.reason


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
        stop: Asked again and again whether to end with the best so far.

    Returns:
        What was found.

    Raises:
        SoundError: The sound cannot be read or matched.
        ConfigError: The effects do not exist, or a knob of theirs does not.
        PitchError: The given f0 does not fit the sound.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> result = ddsp_match.fit("data/trumpet-a4.flac")
        >>> result.metrics["mrstft"]
    """
    settings = settings or FitSettings()
    folder = None if out is None else Path(out)
    if folder is not None:
        check_free(folder, force=force)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    seconds: dict[str, float] = {}
    say = on_stage or (lambda _: None)

    began = time.perf_counter()
    sound, notes = sound_of(audio, sample_rate)
    name = name or (Path(audio).stem if isinstance(audio, str | Path) else "sound")
    target, note = at_fit_rate(sound)
    notes = [*notes, note] if note else notes
    timebase = Timebase.at(target.sample_rate)
    chain = heard = None
    if settings.effects:
        say("effects")
        chain, held, heard = _effects(target, settings)
        notes += heard.notes
    source = target if heard is None or heard.dry is None else Audio(heard.dry, target.sample_rate)
    say("f0")
    features, track = analyse(source, timebase, settings.f0, on_pitch)
    notes += track.changes
    if not track.pitched:
        notes.append("no pitch was found anywhere, so only the noise part was fitted")
    seconds["read and analyse"] = time.perf_counter() - began

    samples = torch.from_numpy(target.samples)
    wet = None
    if chain is not None and heard is not None:
        start = {**heard.values, **held}
        wet = Wet(chain, start, start, samples, target.sample_rate, anchored=heard.dry is not None)
    matcher = Matcher(
        torch.from_numpy(source.samples), features.f0_hz, timebase, settings, pitched=track.pitched, wet=wet
    )
    found = matcher.run(on_stage=say, on_step=on_step, stop=stop)
    trace, controls, offset = found.trace, found.controls, matcher.offset.tolist()
    seconds.update(found.seconds)
    rack = None
    if chain is not None and wet is not None:
        rack = Rack.of(chain, target.sample_rate, wet.values())
        notes += described(chain, rack.knobs, target.sample_rate)
    del matcher, found, wet  # of a long sound some hundred megabytes, and only the patch is needed from here on
    if trace.recoveries:
        notes.append(f"{trace.recoveries} steps were not finite and were taken back")

    say("render")
    began = time.perf_counter()
    patch = Patch.of(
        controls,
        timebase,
        target.n_samples,
        noise_seed=settings.synth.noise_seed,
        phase=settings.synth.phase,
        offset=offset,
        provenance={
            "sound": name,
            "command": command,
            "ddsp_match": ddsp_match.__version__,
            "source_sample_rate": sound.sample_rate,
            "edits": [],
        },
        effects=rack,
    )
    del controls
    stems = stems_of(patch)
    parts = (stems.mix, stems.harmonic, stems.noise)
    dry, harmonic, noise = (Audio(part.numpy(), target.sample_rate) for part in parts)
    match = dry if rack is None else through(rack, dry)
    seconds["render"] = time.perf_counter() - began
    say("judge")
    began = time.perf_counter()
    with torch.inference_mode():
        figures = metrics.measure(
            samples,
            stems.harmonic,
            stems.noise,
            target.sample_rate,
            sizes_for(target.sample_rate),
            match=None if rack is None else torch.from_numpy(match.samples),
        )
    figures["loss"] = trace.best[-1] if trace.best else float("nan")
    figures["voiced_share"] = float(features.voiced.float().mean())
    figures["doubt_share"] = float(features.doubt.float().mean())
    verdict = _verdict(figures, trace, features, settings, track.pitched)
    seconds["judge"] = time.perf_counter() - began

    result = FitResult(
        target=target,
        match=match,
        stems={"harmonic": harmonic, "noise": noise},
        features=features,
        controls=patch.controls,
        patch=patch,
        trace=trace,
        metrics=figures,
        verdict=verdict,
        notes=notes,
        settings=settings,
        seconds=seconds,
        pitched=track.pitched,
        dry=None if rack is None else dry,
        name=name,
        command=command,
    )
    if folder is not None:
        from ddsp_match.tasks.write_run import write_run

        say("write")
        write_run(result, folder)
    return result


def _effects(target: Audio, settings: FitSettings) -> tuple[Processor, dict[str, Any], Heard]:
    """The chain that the settings ask for, the knobs they hold, and what can be heard of it in the sound."""
    chain, held = build(settings.effects)
    return chain, held, listen(chain, held, target.samples, target.sample_rate)


def _verdict(
    figures: dict[str, float], trace: Trace, features: Features, settings: FitSettings, pitched: bool
) -> Verdict:
    from ddsp_match.report.verdict import judge

    voiced = features.f0_hz[features.voiced]
    return judge(
        figures,
        pitched=pitched,
        stop_reason=str(trace.reason),
        f0_median_hz=float(voiced.median()) if len(voiced) else None,
        settings=asdict(settings),
    )
